/* tests/unit/test_str.c -- copies, numbers, durations, sizes, nearest words, globs. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void copies_and_formats_say_whether_they_were_cut(void **state)
{
    (void)state;
    char out[6];

    assert_true(str_copy(out, sizeof(out), "12345"));
    assert_string_equal(out, "12345");
    assert_false(str_copy(out, sizeof(out), "123456"));
    assert_string_equal(out, "12345");
    assert_true(str_format(out, sizeof(out), "%d", 99999));
    assert_string_equal(out, "99999");
    assert_false(str_format(out, sizeof(out), "%d", 100000));
    assert_string_equal(out, "10000");
    assert_false(str_copy(out, 1, "x"));
    assert_string_equal(out, "");
}

static void case_is_folded_for_ascii_letters_only(void **state)
{
    (void)state;
    for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
        int expected = c >= 'A' && c <= 'Z' ? c + 32 : c;

        assert_int_equal(str_lower((char)c), expected);
    }
    assert_true(str_equal_nocase("wWw.Example", "WwW.eXAMPLE"));
    assert_true(str_equal_nocase("", ""));
    assert_false(str_equal_nocase("www", "www."));
    assert_false(str_equal_nocase("www.", "www"));
    assert_false(str_equal_nocase("a@", "a`"));
}

static void starts_and_ends_are_compared_whole(void **state)
{
    (void)state;
    assert_true(str_starts("gid:airflow", "gid:"));
    assert_true(str_starts("x", ""));
    assert_false(str_starts("gi", "gid:"));
    assert_true(str_ends("a.example.com", ".com"));
    assert_true(str_ends("x", ""));
    assert_false(str_ends("om", ".com"));
    assert_false(str_ends("a.com.", ".com"));
}

static void numbers_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max, value;
    } good[] = {
        { "0", 0, 0 },
        { "65535", 65535, 65535 },
        { "007", 7, 7 },
        { "18446744073709551615", UINT64_MAX, UINT64_MAX },
    };
    static const struct {
        const char *text;
        uint64_t max;
    } bad[] = {
        { "", 9 },     { "1", 0 },    { "65536", 65535 }, { "-1", 9 },
        { "+1", 9 },   { " 1", 9 },   { "1 ", 9 },        { "0x1", 9 },
        { "1e1", 99 }, { "10.", 99 }, { "10", 9 },        { "18446744073709551616", UINT64_MAX },
    };

    for (size_t i = 0; i < LENGTH(good); i++) {
        uint64_t out = 1;

        assert_true(str_parse_u64(good[i].text, good[i].max, &out));
        assert_int_equal(out, good[i].value);
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        uint64_t out = 77;

        assert_false(str_parse_u64(bad[i].text, bad[i].max, &out));
        assert_int_equal(out, 77);
    }
}

static void durations_need_units_in_falling_order(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        { "0", 0 },          { "0s", 0 },          { "250ms", 250 },
        { "5s", 5000 },      { "10m", 600000 },    { "1h", 3600000 },
        { "2d", 172800000 }, { "1h30m", 5400000 }, { "1d1h1m1s1ms", 90061001 },
        { "90m", 5400000 },  { "120s", 120000 },   { "3650d", INT64_C(315360000000) },
    };
    static const char *const bad[] = {
        "",
        "5",
        "s",
        "-5s",
        "5 s",
        "5s ",
        "1.5s",
        "5S",
        "5sec",
        "5us",
        "30m1h",
        "1s1s",
        "1h30",
        "3651d",
        "3650d1ms",
        "99999999999999999999s",
        "18446744073709551615d",
    };

    for (size_t i = 0; i < LENGTH(good); i++) {
        int64_t out = -1;

        assert_true(str_parse_duration(good[i].text, &out));
        assert_int_equal(out, good[i].ms);
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        int64_t out = 77;

        assert_false(str_parse_duration(bad[i], &out));
        assert_int_equal(out, 77);
    }
}

static void durations_are_written_as_they_are_read(void **state)
{
    (void)state;
    char out[STR_DURATION_BYTES];

    assert_string_equal(str_format_duration(0, out), "0");
    assert_string_equal(str_format_duration(5400000, out), "1h30m");
    assert_string_equal(str_format_duration(120000, out), "2m");
    assert_string_equal(str_format_duration(1001, out), "1s1ms");
    assert_string_equal(str_format_duration(-1500, out), "-1s500ms");
    assert_string_equal(str_format_duration(INT64_MIN, out), "-106751991167d7h12m55s808ms");
    for (int64_t ms = 1; ms < INT64_C(315360000000); ms = ms * 3 + 7) {
        int64_t back = 0;

        assert_true(str_parse_duration(str_format_duration(ms, out), &back));
        assert_int_equal(back, ms);
    }
}

static void sizes_know_binary_units_and_their_limit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        { "0", 0 },       { "64", 64 },        { "64B", 64 },
        { "4KiB", 4096 }, { "1MiB", 1048576 }, { "1GiB", 1073741824 },
    };
    static const char *const bad[] = {
        "",   "KiB",     "4K",   "4kib",       "4 KiB",
        "-1", "1025MiB", "2GiB", "1073741825", "18446744073709551615GiB"
    };

    for (size_t i = 0; i < LENGTH(good); i++) {
        uint64_t out = 1;

        assert_true(str_parse_size(good[i].text, 1073741824, &out));
        assert_int_equal(out, good[i].bytes);
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        uint64_t out = 77;

        assert_false(str_parse_size(bad[i], 1073741824, &out));
        assert_int_equal(out, 77);
    }
}

static void distance_counts_single_edits_and_swaps(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned edits;
    } cases[] = {
        { "", "", 0 },
        { "interval", "interval", 0 },
        { "", "abc", 3 },
        { "interval", "intervall", 1 },
        { "interval", "intrval", 1 },
        { "interval", "intervel", 1 },
        { "interval", "intevral", 1 },
        { "timeout", "time_out", 1 },
        { "kitten", "sitting", 3 },
        { "abcdef", "badcfe", 3 },
    };
    char long_text[66];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(str_distance(cases[i].a, cases[i].b), cases[i].edits);
        assert_int_equal(str_distance(cases[i].b, cases[i].a), cases[i].edits);
    }
    memset(long_text, 'x', sizeof(long_text));
    long_text[65] = '\0';
    assert_int_equal(str_distance(long_text, long_text), UINT_MAX);
    long_text[64] = '\0';
    assert_int_equal(str_distance(long_text, long_text), 0);
    assert_int_equal(str_distance(long_text, ""), 64);
}

static void the_nearest_word_is_found_or_none(void **state)
{
    (void)state;
    static const char *const words[] = { "timeout", "interval", "fast_interval", "fall" };

    assert_ptr_equal(str_nearest("intervall", words, LENGTH(words)), words[1]);
    assert_ptr_equal(str_nearest("fast_intreval", words, LENGTH(words)), words[2]);
    assert_ptr_equal(str_nearest("fal", words, LENGTH(words)), words[3]);
    assert_null(str_nearest("promotion", words, LENGTH(words)));
    assert_null(str_nearest("interval", words, 0));
}

static void bytes_become_hexadecimal(void **state)
{
    (void)state;
    char out[9];

    str_hex("\x00\x7f\x80\xff", 4, out);
    assert_string_equal(out, "007f80ff");
    str_hex("", 0, out);
    assert_string_equal(out, "");
}

static void hexadecimal_becomes_bytes_or_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",         "007f80f",  "007f80fff",
                                       "007f80fF", "007f80 f", "00\n7f80" };
    unsigned char out[4];

    assert_true(str_unhex("007f80ff", out, 4));
    assert_memory_equal(out, "\x00\x7f\x80\xff", 4);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(str_unhex(bad[i], out, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_and_formats_say_whether_they_were_cut),
        cmocka_unit_test(case_is_folded_for_ascii_letters_only),
        cmocka_unit_test(starts_and_ends_are_compared_whole),
        cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(durations_need_units_in_falling_order),
        cmocka_unit_test(durations_are_written_as_they_are_read),
        cmocka_unit_test(sizes_know_binary_units_and_their_limit),
        cmocka_unit_test(distance_counts_single_edits_and_swaps),
        cmocka_unit_test(the_nearest_word_is_found_or_none),
        cmocka_unit_test(bytes_become_hexadecimal),
        cmocka_unit_test(hexadecimal_becomes_bytes_or_is_refused),
    };

    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
