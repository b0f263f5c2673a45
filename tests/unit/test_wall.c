/* tests/unit/test_wall.c -- both clocks; RFC 3339 out and in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/wall.h"

static void the_clocks_never_go_back_and_are_set(void **state)
{
    (void)state;
    struct instant first = instant_now();
    int64_t first_us = mono_now_us();

    assert_true(first.wall.ms > INT64_C(1600000000000));
    for (int i = 0; i < 1000; i++) {
        struct instant next = instant_now();

        assert_true(mono_since(next.mono, first.mono) >= 0);
        first = next;
    }
    int64_t passed_us = mono_now_us() - first_us;
    assert_true(passed_us >= 0);
    assert_true(mono_now_us() / 1000 - mono_now().ms <= 0);
}

static void durations_are_added_and_subtracted(void **state)
{
    (void)state;
    struct mono t = { .ms = 5000 };

    assert_int_equal(mono_add(t, 250).ms, 5250);
    assert_int_equal(mono_since(mono_add(t, 250), t), 250);
    assert_int_equal(mono_since(t, mono_add(t, 250)), -250);
}

static void times_are_written_in_utc_with_milliseconds(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 0, "-" },
        { 1, "1970-01-01T00:00:00.001Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
        { INT64_C(1795403045678), "2026-11-23T03:04:05.678Z" },
        { INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
        { INT64_MAX, "292278994-08-17T07:12:55.807Z" },
    };
    char out[WALL_TEXT_BYTES];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(wall_format((struct wall){ .ms = cases[i].ms }, out), cases[i].text);
}

static void the_usual_forms_of_a_time_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "2026-11-23T03:04:05.678Z", INT64_C(1795403045678) },
        { "2026-11-23T03:04:05Z", INT64_C(1795403045000) },
        { "2026-11-23t03:04:05z", INT64_C(1795403045000) },
        { "2026-11-23 03:04:05.678912+00:00", INT64_C(1795403045678) },
        { "2026-11-23T04:04:05.6+01:00", INT64_C(1795403045600) },
        { "2026-11-22T21:34:05-05:30", INT64_C(1795403045000) },
        { "2000-02-29T00:00:00Z", INT64_C(951782400000) },
        { "2016-12-31T23:59:60Z", INT64_C(1483228800000) }, /* a leap second */
        { "1970-01-01T00:00:00.001Z", 1 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wall out = { 0 };
        struct err err = { 0 };

        assert_int_equal(wall_parse(cases[i].text, &out, &err), 0);
        assert_int_equal(out.ms, cases[i].ms);
    }
}

static void what_is_not_a_time_is_refused_with_its_text(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "now",
        "2026-11-23",
        "2026-11-23T03:04Z",
        "2026-11-23T03:04:05",      /* no zone */
        "2026-11-23T03:04:05.Z",    /* no digit behind the dot */
        "2026-11-23T03:04:05Z ",    /* something behind it */
        "2026-11-23T03:04:05+1:00", /* short offset */
        "2026-11-23T03:04:05+24:00",
        "2026-11-23T03:04:05+01:60",
        "2026-11-23T24:00:00Z",
        "2026-11-23T03:60:00Z",
        "2026-11-23T03:04:61Z",
        "2026-00-23T03:04:05Z",
        "2026-13-23T03:04:05Z",
        "2026-11-00T03:04:05Z",
        "2026-11-31T03:04:05Z", /* November has 30 days */
        "2026-02-29T03:04:05Z", /* no leap year */
        "2026-11-32T03:04:05Z",
        "1969-12-31T23:59:59Z",
        "26-11-23T03:04:05Z",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wall out = { .ms = 7 };
        struct err err = { 0 };

        assert_int_equal(wall_parse(cases[i], &out, &err), -1);
        assert_int_equal(err.code, ERR_CONFIG);
        assert_non_null(strstr(err.text, cases[i]));
        assert_int_equal(out.ms, 7);
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    for (int64_t ms = 1; ms < INT64_C(253402300799999); ms = ms * 3 + 86399999) {
        char text[WALL_TEXT_BYTES];
        struct wall out = { 0 };
        struct err err = { 0 };

        assert_int_equal(wall_parse(wall_format((struct wall){ .ms = ms }, text), &out, &err), 0);
        assert_int_equal(out.ms, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clocks_never_go_back_and_are_set),
        cmocka_unit_test(durations_are_added_and_subtracted),
        cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
        cmocka_unit_test(the_usual_forms_of_a_time_are_read),
        cmocka_unit_test(what_is_not_a_time_is_refused_with_its_text),
        cmocka_unit_test(what_is_written_is_read_back),
    };

    return cmocka_run_group_tests_name("wall", tests, NULL, NULL);
}
