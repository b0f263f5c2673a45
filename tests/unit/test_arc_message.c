/* tests/unit/test_arc_message.c -- endpoints' URLs and answers: what counts and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/providers/arc_message.h"

static void a_change_names_every_control(void **state)
{
    (void)state;
    static const struct arc_cfg cfg = { .controls = { { .arn = "x" }, { .arn = "y\"" } },
                                        .n_controls = 2 };
    struct buf out;

    buf_init(&out, ARC_BODY_BYTES_MAX);
    arc_message_update(&cfg, 1, &out);
    assert_string_equal(buf_text(&out),
                        "{\"UpdateRoutingControlStateEntries\":["
                        "{\"RoutingControlArn\":\"x\",\"RoutingControlState\":\"Off\"},"
                        "{\"RoutingControlArn\":\"y\\\"\",\"RoutingControlState\":\"On\"}]}");
    buf_reset(&out);
    arc_message_get("x", &out);
    assert_string_equal(buf_text(&out), "{\"RoutingControlArn\":\"x\"}");
    buf_fini(&out);
}

static void only_the_state_of_the_control_asked_for_counts(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"RoutingControlArn\":\"x\"}",
        "{\"RoutingControlArn\":\"y\",\"RoutingControlState\":\"On\"}",
        "{\"RoutingControlArn\":\"x\",\"RoutingControlState\":\"on\"}",
        "{\"RoutingControlArn\":\"x\",\"RoutingControlState\":1}",
        "{\"RoutingControlArn\":\"x\",\"RoutingControlState\":\"On\"} x",
        "{\"RoutingControlArn\":\"x\",\"RoutingControlState\":\"On\"",
    };
    static const char right[] = "{\"RoutingControlArn\":\"x\",\"RoutingControlState\":\"On\"} \n";
    struct err err = { 0 };
    bool is_on = false;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(arc_message_state(wrong[i], strlen(wrong[i]), "x", &is_on, &err), -1);
        assert_int_equal(err.code, ERR_REMOTE);
    }
    assert_int_equal(arc_message_state(right, strlen(right), "x", &is_on, &err), 0);
    assert_true(is_on);
}

static void urls_are_taken_apart_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url, *authority, *path;
    } cases[] = {
        { "https://a.b/v1", "https://a.b", "/v1/" },
        { "https://a.b/v1/", "https://a.b", "/v1/" },
        { "http://127.0.0.1:80", "http://127.0.0.1:80", "/" },
        { "ftp://a", NULL, NULL },
        { "https://", NULL, NULL },
        { "https:///v1", NULL, NULL },
        { "https://u@a/", NULL, NULL },
        { "https://a/v1?x=y", NULL, NULL },
        { "https://a b/", NULL, NULL },
    };
    char authority[AWS_URL_BYTES], path[AWS_URL_BYTES];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *problem =
            arc_message_url(cases[i].url, authority, sizeof(authority), path, sizeof(path));

        assert_int_equal(problem == NULL, cases[i].authority != NULL);
        if (problem != NULL)
            continue;
        assert_string_equal(authority, cases[i].authority);
        assert_string_equal(path, cases[i].path);
    }
    assert_non_null(arc_message_url("https://abc", authority, 8, path, sizeof(path)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_names_every_control),
        cmocka_unit_test(only_the_state_of_the_control_asked_for_counts),
        cmocka_unit_test(urls_are_taken_apart_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
