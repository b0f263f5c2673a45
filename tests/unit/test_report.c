/* tests/unit/test_report.c -- messages keep their order and place; the flood is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/config/report.h"

static void add(struct config_report *r, enum config_severity severity, const char *file,
                uint32_t line, uint32_t column, const char *text)
{
    config_report_add(r, severity, (struct config_place){ file, line, column }, "%s", text);
}

static void check_print(const struct config_report *r, const char *expected)
{
    struct buf out;

    buf_init(&out, 1U << 20);
    config_report_print(r, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void messages_are_sorted_by_file_line_and_column(void **state)
{
    (void)state;
    struct config_report r;

    config_report_init(&r);
    add(&r, CONFIG_ERROR, "b.yaml", 10, 1, "e");
    add(&r, CONFIG_ERROR, "a.txt", 1, 1, "f");
    add(&r, CONFIG_WARNING, "b.yaml", 9, 20, "d");
    add(&r, CONFIG_ERROR, "b.yaml", 9, 3, "b");
    add(&r, CONFIG_ERROR, "b.yaml", 9, 3, "c");
    add(&r, CONFIG_ERROR, "b.yaml", 0, 0, "a");
    config_report_sort(&r, "b.yaml");
    check_print(&r, "b.yaml: a\nb.yaml:9:3: b\nb.yaml:9:3: c\nb.yaml:9:20: warning: d\n"
                    "b.yaml:10:1: e\na.txt:1:1: f\n");
    assert_int_equal(r.n_errors, 5);
    assert_int_equal(r.n_warnings, 1);
    config_report_fini(&r);
}

static void a_message_about_the_whole_has_no_place(void **state)
{
    (void)state;
    struct config_report r;

    config_report_init(&r);
    add(&r, CONFIG_WARNING, NULL, 0, 0, "groups.prod: look");
    config_report_sort(&r, "x.yaml");
    check_print(&r, "warning: groups.prod: look\n");
    assert_string_equal(config_severity_name(r.messages[0].severity), "warning");
    assert_string_equal(config_severity_name(CONFIG_ERROR), "error");
    config_report_fini(&r);
}

static void messages_behind_the_first_thousand_are_counted(void **state)
{
    (void)state;
    struct config_report r;
    struct buf out;

    config_report_init(&r);
    for (uint32_t i = 1; i <= 1234; i++)
        add(&r, CONFIG_ERROR, "a", i, 1, "x");
    assert_int_equal(r.n, CONFIG_MESSAGES_MAX);
    assert_int_equal(r.n_errors, 1234);
    buf_init(&out, 1U << 20);
    config_report_print(&r, &out);
    assert_non_null(strstr(buf_text(&out), "a:1000:1: x\nand 234 more\n"));
    buf_fini(&out);
    config_report_fini(&r);
}

static void an_error_takes_the_place_of_a_warning_when_all_are_taken(void **state)
{
    (void)state;
    struct config_report r;

    config_report_init(&r);
    for (uint32_t i = 1; i <= CONFIG_MESSAGES_MAX; i++)
        add(&r, CONFIG_WARNING, "a", i, 1, "w");
    add(&r, CONFIG_ERROR, "a", 5000, 1, "the one that counts");
    add(&r, CONFIG_ERROR, "a", 4999, 1, "and one more");
    config_report_sort(&r, "a");
    assert_int_equal(r.n, CONFIG_MESSAGES_MAX);
    assert_string_equal(r.messages[r.n - 1].text, "the one that counts");
    assert_string_equal(r.messages[r.n - 2].text, "and one more");
    assert_string_equal(r.messages[r.n - 3].text, "w");
    config_report_fini(&r);
}

static void a_text_too_long_to_keep_says_so(void **state)
{
    (void)state;
    static char text[8192];
    struct config_report r;

    memset(text, 'x', sizeof(text) - 1);
    config_report_init(&r);
    add(&r, CONFIG_ERROR, "a", 1, 1, text);
    assert_string_equal(r.messages[0].text, "(a message too long to print)");
    config_report_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_sorted_by_file_line_and_column),
        cmocka_unit_test(a_message_about_the_whole_has_no_place),
        cmocka_unit_test(messages_behind_the_first_thousand_are_counted),
        cmocka_unit_test(an_error_takes_the_place_of_a_warning_when_all_are_taken),
        cmocka_unit_test(a_text_too_long_to_keep_says_so),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
