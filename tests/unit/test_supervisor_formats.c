/* tests/unit/test_supervisor_formats.c -- what two versions say of themselves, and who may take
 * over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/supervisor_formats.h"

static struct supervisor_formats parse(const char *line)
{
    struct supervisor_formats f;
    struct err err;

    assert_int_equal(supervisor_formats_parse(line, &f, &err), 0);
    return f;
}

static int check(const char *running, const char *next, const char *face, struct err *err)
{
    const struct supervisor_formats r = parse(running);
    const struct supervisor_formats n = parse(next);
    const struct supervisor_formats f = parse(face);

    return supervisor_formats_check(&r, &n, &f, err);
}

static void a_line_is_read_with_and_without_its_newline(void **state)
{
    (void)state;
    struct supervisor_formats f = parse("dnsflip 1.2.3 journal=7 view=1\n");

    assert_string_equal(f.program, "dnsflip");
    assert_string_equal(f.version, "1.2.3");
    assert_int_equal(f.n, 2);
    assert_string_equal(f.items[0].name, "journal");
    assert_int_equal(f.items[0].number, 7);
    assert_int_equal(parse("dnsflip 1 a=4294967295").items[0].number, UINT32_MAX);
    assert_int_equal(parse("dnsflip 1 a=1\nanything else").n, 1);
}

static void what_is_no_such_line_is_refused_and_quoted(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "dnsflip",
        "dnsflip 1.0",
        "dnsflip 1.0 journal",
        "dnsflip 1.0 =1",
        "dnsflip 1.0 journal=",
        "dnsflip 1.0 journal=x",
        "dnsflip 1.0 journal=-1",
        "dnsflip 1.0 journal=4294967296",
        "dnsflip 1.0 a_name_that_is_longer_than_any=1",
        "dnsflip: there is no command \"rehearse-upgrade\"",
        "a-program-with-a-very-long-name 1.0 journal=1",
    };
    struct supervisor_formats f;
    struct err err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(supervisor_formats_parse(bad[i], &f, &err), -1);
        assert_non_null(strstr(err.text, "formats"));
    }
    assert_non_null(strstr(err.text, "a-program-with"));
}

static void more_formats_than_fit_are_refused(void **state)
{
    (void)state;
    char line[1024] = "dnsflip 1";
    struct supervisor_formats f;
    struct err err;
    size_t n = strlen(line);

    for (int i = 0; i < SUPERVISOR_FORMATS_MAX; i++)
        n += (size_t)snprintf(line + n, sizeof(line) - n, " f%d=1", i);
    assert_int_equal(supervisor_formats_parse(line, &f, &err), 0);
    (void)snprintf(line + n, sizeof(line) - n, " more=1");
    assert_int_equal(supervisor_formats_parse(line, &f, &err), -1);
}

static void equal_and_newer_formats_may_take_over(void **state)
{
    (void)state;
    struct err err;

    assert_int_equal(check("dnsflip 1 journal=1 view=1", "dnsflip 1 journal=1 view=1",
                           "dnsflip-face 1 view=1", &err),
                     0);
    assert_int_equal(check("dnsflip 1 journal=1 view=1", "dnsflip 2 journal=2 view=3 more=1",
                           "dnsflip-face 2 view=3", &err),
                     0);
}

static void an_older_or_missing_format_is_a_downgrade(void **state)
{
    (void)state;
    struct err err;

    assert_int_equal(check("dnsflip 2.0 journal=2 view=1", "dnsflip 1.0 journal=1 view=1",
                           "dnsflip-face 1.0 view=1", &err),
                     -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_string_equal(err.text,
                        "version 1.0 is a downgrade: it knows the journal format up to 1, "
                        "and version 2.0, which runs, has written 2");
    assert_int_equal(check("dnsflip 2.0 journal=2 view=1", "dnsflip 1.0 view=1",
                           "dnsflip-face 1.0 view=1", &err),
                     -1);
    assert_non_null(strstr(err.text, "journal"));
}

static void half_an_installation_is_named(void **state)
{
    (void)state;
    struct err err;

    assert_int_equal(check("dnsflip 1 view=1", "dnsflip 2 view=1", "dnsflip-face 1 view=1", &err),
                     -1);
    assert_non_null(strstr(err.text, "both must be installed"));
    assert_int_equal(check("dnsflip 1 view=1", "dnsflip 2 view=2", "dnsflip-face 2 view=1", &err),
                     -1);
    assert_non_null(strstr(err.text, "not of one build"));
    assert_int_equal(check("dnsflip 1 view=1", "dnsflip 2 view=1", "dnsflip 2 view=1", &err), -1);
    assert_non_null(strstr(err.text, "call themselves"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_with_and_without_its_newline),
        cmocka_unit_test(what_is_no_such_line_is_refused_and_quoted),
        cmocka_unit_test(more_formats_than_fit_are_refused),
        cmocka_unit_test(equal_and_newer_formats_may_take_over),
        cmocka_unit_test(an_older_or_missing_format_is_a_downgrade),
        cmocka_unit_test(half_an_installation_is_named),
    };

    return cmocka_run_group_tests_name("supervisor_formats", tests, NULL, NULL);
}
