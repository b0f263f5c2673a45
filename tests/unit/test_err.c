/* tests/unit/test_err.c -- errors as values: codes, texts, wrapping, cutting. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/err.h"

static void setting_keeps_code_and_text_and_returns_minus_one(void **state)
{
    (void)state;
    struct err err = { .retry = true };

    assert_int_equal(err_set(&err, ERR_CONFIG, "rise is %d; at least %d", 0, 1), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_false(err.retry);
    assert_string_equal(err.text, "rise is 0; at least 1");
}

static void a_system_error_ends_in_the_text_of_its_errno(void **state)
{
    (void)state;
    struct err err = { 0 };

    assert_int_equal(err_sys(&err, ENOENT, "cannot open %s", "/x"), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_false(err.retry);
    assert_string_equal(err.text, "cannot open /x: No such file or directory");
}

static void an_errno_without_a_text_is_shown_as_a_number(void **state)
{
    (void)state;
    struct err err = { 0 };

    (void)err_sys(&err, 99999, "odd");
    assert_string_equal(err.text, "odd: errno 99999");
}

static void only_passing_troubles_may_be_retried(void **state)
{
    (void)state;
    struct err err = { 0 };

    (void)err_sys(&err, EAGAIN, "x");
    assert_true(err.retry);
    (void)err_sys(&err, EINTR, "x");
    assert_true(err.retry);
    (void)err_sys(&err, ENOSPC, "x");
    assert_false(err.retry);
}

static void wrapping_puts_the_context_in_front_and_keeps_the_rest(void **state)
{
    (void)state;
    struct err err = { 0 };

    (void)err_sys(&err, EAGAIN, "read");
    assert_int_equal(err_wrap(&err, "%s:%d", "a.yaml", 14), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_true(err.retry);
    assert_true(strncmp(err.text, "a.yaml:14: read: ", 17) == 0);
}

static void an_errors_own_text_may_be_an_argument(void **state)
{
    (void)state;
    struct err err = { 0 };

    (void)err_set(&err, ERR_REMOTE, "inner");
    (void)err_set(&err, ERR_TIMEOUT, "outer <%s>", err.text);
    assert_string_equal(err.text, "outer <inner>");
    (void)err_wrap(&err, "[%s]", err.text);
    assert_string_equal(err.text, "[outer <inner>]: outer <inner>");
}

static void too_long_a_text_is_cut_and_terminated(void **state)
{
    (void)state;
    char fill[2 * ERR_TEXT_BYTES];
    struct err err = { 0 };

    memset(fill, 'a', sizeof(fill) - 1);
    fill[sizeof(fill) - 1] = '\0';
    (void)err_set(&err, ERR_LIMIT, "%s", fill);
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    (void)err_sys(&err, ENOENT, "%s", fill);
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    (void)err_wrap(&err, "place");
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    assert_true(strncmp(err.text, "place: aaa", 10) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_keeps_code_and_text_and_returns_minus_one),
        cmocka_unit_test(a_system_error_ends_in_the_text_of_its_errno),
        cmocka_unit_test(an_errno_without_a_text_is_shown_as_a_number),
        cmocka_unit_test(only_passing_troubles_may_be_retried),
        cmocka_unit_test(wrapping_puts_the_context_in_front_and_keeps_the_rest),
        cmocka_unit_test(an_errors_own_text_may_be_an_argument),
        cmocka_unit_test(too_long_a_text_is_cut_and_terminated),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
