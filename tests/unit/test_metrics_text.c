/* tests/unit/test_metrics_text.c -- the Prometheus text format, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/ctl/metrics_text.h"

static void a_family_is_described_once_and_its_samples_follow(void **state)
{
    (void)state;
    const struct metrics_label labels[] = { { "group", "prod" },
                                            { "cluster", "use1" },
                                            { NULL, NULL } };
    struct buf out;

    buf_init(&out, 4096);
    metrics_family(&out, "dnsflip_x", "gauge", "What x is.");
    metrics_sample(&out, "dnsflip_x", NULL, 1);
    metrics_sample(&out, "dnsflip_x", labels, 0);
    assert_string_equal(buf_text(&out), "# HELP dnsflip_x What x is.\n"
                                        "# TYPE dnsflip_x gauge\n"
                                        "dnsflip_x 1\n"
                                        "dnsflip_x{group=\"prod\",cluster=\"use1\"} 0\n");
    buf_fini(&out);
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    const struct metrics_label labels[] = { { "a", "q\"b\\n\nz" }, { NULL, NULL } };
    struct buf out;

    buf_init(&out, 4096);
    metrics_sample(&out, "x", labels, 2);
    assert_string_equal(buf_text(&out), "x{a=\"q\\\"b\\\\n\\nz\"} 2\n");
    buf_fini(&out);
}

static void no_labels_leave_no_braces(void **state)
{
    (void)state;
    const struct metrics_label none[] = { { NULL, NULL } };
    struct buf out;

    buf_init(&out, 4096);
    metrics_sample(&out, "x", none, 3);
    assert_string_equal(buf_text(&out), "x 3\n");
    buf_fini(&out);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "x 0\n" },
        { -1, "x -1\n" },
        { 0.25, "x 0.25\n" },
        { 1795455862.365, "x 1795455862.365\n" },
        { 9007199254740991.0, "x 9007199254740991\n" },
        { 4294967295.0, "x 4294967295\n" },
    };
    struct buf out;

    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_reset(&out);
        metrics_sample(&out, "x", NULL, cases[i].value);
        assert_string_equal(buf_text(&out), cases[i].text);
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_is_described_once_and_its_samples_follow),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(no_labels_leave_no_braces),
        cmocka_unit_test(numbers_are_exact),
    };

    return cmocka_run_group_tests_name("metrics_text", tests, NULL, NULL);
}
