/* tests/unit/test_cookie_secrets.c -- the file with the secrets of DNS cookies: read whole or
 * refused with file and line, and no message shows a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/config/load.h"
#include "tests/support/tempdir.h"

#define TEXT_BYTES (1U << 20)
#define ONE "000102030405060708090a0b0c0d0e0f"
#define TWO "F0E0D0C0B0A090807060504030201000"

static const char form[] =
    "version: 1\n"
    "node: { name: ctl, dns: { cookie_secret_file: '%s/secret' } }\n"
    "clusters: { use1: { target: { A: 198.51.100.10 } }, usw2: { target: { A: 203.0.113.10 } } }\n"
    "providers: { dns: { kind: local, listen: 192.0.2.53, zone: dr.example.com, nameservers: { "
    "ns.example.net: [] } } }\n"
    "groups: { prod: { clusters: [use1, usw2], provider: dns, endpoints: [{ hostname: "
    "a.dr.example.com, class: ui, probe: { kind: airflow } }] } }\n";

/* Loads a configuration beside that file (NULL = none).  NULL, and every message in messages, if it
 * is refused. */
static struct settings *load(const char *file, mode_t mode, struct buf *messages)
{
    struct config_report report;
    struct settings *s = NULL;
    struct tempdir dir;
    struct buf text;
    struct err err;

    tempdir_init(&dir);
    if (file != NULL) {
        const char *path = tempdir_path(&dir, "secret");

        assert_int_equal(fsio_replace(path, file, strlen(file), 0600, &err), 0);
        assert_int_equal(chmod(tempdir_path(&dir, "secret"), mode), 0);
    }
    buf_init(&text, TEXT_BYTES);
    buf_printf(&text, form, dir.path);
    config_report_init(&report);
    int loaded = config_load_text("t.yaml", buf_text(&text), text.len, &s, &report);
    assert_int_equal(loaded == 0, s != NULL);
    config_report_print(&report, messages);
    config_report_fini(&report);
    buf_fini(&text);
    tempdir_fini(&dir);
    return s;
}

static void one_or_two_secrets_are_read_in_order(void **state)
{
    static const struct {
        const char *file;
        uint8_t n;
    } cases[] = {
        { ONE "\n", 1 },
        { ONE, 1 },
        { "# the new one\r\n\n  " ONE "\t\r\n" TWO, 2 },
    };
    static const uint8_t second[] = { 0xf0, 0xe0, 0xd0, 0xc0, 0xb0, 0xa0, 0x90, 0x80,
                                      0x70, 0x60, 0x50, 0x40, 0x30, 0x20, 0x10, 0x00 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf messages;

        buf_init(&messages, TEXT_BYTES);
        struct settings *s = load(cases[i].file, 0640, &messages);
        assert_non_null(s);
        assert_int_equal(s->node.dns.n_cookie_secrets, cases[i].n);
        for (unsigned k = 0; k < COOKIE_SECRET_BYTES; k++)
            assert_int_equal(s->node.dns.cookie_secrets[0][k], k);
        if (cases[i].n == 2)
            assert_memory_equal(s->node.dns.cookie_secrets[1], second, sizeof(second));
        settings_free(s);
        buf_fini(&messages);
    }
}

static void what_is_no_secret_is_refused_with_its_line_and_not_shown(void **state)
{
    static const struct {
        const char *file;
        mode_t mode;
        const char *words;
    } cases[] = {
        { "\n" ONE "0\n", 0600, "secret:2:1: is no secret of 32 hexadecimal digits" },
        { "00010203040506070809g0000b0c0d0e\n", 0600, "secret:1:1: is no secret" },
        { ONE " " TWO, 0600, "secret:1:1: is no secret" },
        { ONE "\n" TWO "\n" ONE "\n", 0600, "secret:3:1: a third secret" },
        { "# nothing\n", 0600, "holds no secret" },
        { "", 0600, "holds no secret" },
        { ONE, 0644, "everybody on this machine may read or write it (mode 0644)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf messages;

        buf_init(&messages, TEXT_BYTES);
        assert_null(load(cases[i].file, cases[i].mode, &messages));
        assert_non_null(strstr(buf_text(&messages), cases[i].words));
        assert_null(strstr(buf_text(&messages), "0001020304"));
        buf_fini(&messages);
    }
}

static void who_cannot_read_the_file_may_check_the_rest(void **state)
{
    struct buf messages;

    (void)state;
    buf_init(&messages, TEXT_BYTES);
    struct settings *s = load(NULL, 0, &messages);
    assert_non_null(s);
    assert_int_equal(s->node.dns.n_cookie_secrets, 0);
    assert_non_null(strstr(buf_text(&messages), "warning: node.dns.cookie_secret_file: "));
    settings_free(s);
    buf_fini(&messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_or_two_secrets_are_read_in_order),
        cmocka_unit_test(what_is_no_secret_is_refused_with_its_line_and_not_shown),
        cmocka_unit_test(who_cannot_read_the_file_may_check_the_rest),
    };

    return cmocka_run_group_tests_name("cookie_secrets", tests, NULL, NULL);
}
