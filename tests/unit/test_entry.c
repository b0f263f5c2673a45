/* tests/unit/test_entry.c -- the text of a record before ldns sees it: TTLs, their order with the
 * class, and numbers too large for their fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/render/entry.h"

static void ttls_are_seconds_or_units_added_up(void **state)
{
    static const struct {
        const char *text;
        int64_t ttl_s; /* -1: refused */
    } cases[] = {
        { "0", 0 },           { "3600", 3600 },
        { "1h30m", 5400 },    { "1W2D3h4M5s", 604800 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5 },
        { "1h5", 3605 },      { "2147483647", 2147483647 },
        { "2147483648", -1 }, { "99999999999999999999999", -1 },
        { "3551w", -1 },      { "2147483647s1s", -1 },
        { "", -1 },           { "h", -1 },
        { "5x", -1 },         { "-1", -1 },
        { "1.5h", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t ttl_s = 0;
        bool is_good = entry_ttl_parse(cases[i].text, strlen(cases[i].text), &ttl_s);

        assert_int_equal(is_good ? (int64_t)ttl_s : -1, cases[i].ttl_s);
    }
}

static void the_ttl_is_put_before_the_class(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "a A 192.0.2.1", "a A 192.0.2.1" },
        { "a 60 IN A 192.0.2.1", "a 60 IN A 192.0.2.1" },
        { "a IN 60 A 192.0.2.1", "a 60 IN A 192.0.2.1" },
        { "  in  1h  A 192.0.2.1", "  1h in   A 192.0.2.1" },
        { "a CLASS1 60 A 192.0.2.1", "a 60 CLASS1 A 192.0.2.1" },
        { "IN IN 60 A 192.0.2.1", "IN 60 IN A 192.0.2.1" }, /* the first is the owner */
        { "a TXT IN 60", "a TXT IN 60" },
        { "a", "a" },
        { "a IN", "a IN" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        long ignored;

        assert_true(str_copy(text, sizeof(text), cases[i].text));
        assert_null(entry_prepare(text, &ignored));
        assert_string_equal(text, cases[i].expected);
    }
}

static void numbers_that_would_be_cut_are_refused(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } cases[] = {
        { "a MX 65535 b", true },
        { "a MX 65536 b", false },
        { "a MX -1 b", false },
        { "a SVCB 1 . port=65535 alpn=h2", true },
        { "a svcb 1 . alpn=h2 port=65536", false },
        { "a HTTPS 1 . PORT=\"65536\"", false },
        { "a TXT port=65536", true },
        { "a TLSA 3 1 256 00", false },
        { "a CERT PKIX 65536 1 AQID", false },
        { "a CERT 65536 1 1 AQID", false },
        { "a IN 60 SRV 0 0 65535 b", true },
        { "a IN 60 SRV 0 70000 1 b", false },
        { "a CAA 255 issue \"x\"", true },
        { "a CAA 256 issue \"x\"", false },
        { "a TXT 99999999", true },
        { "a TYPE999 \\# 1 99", true },
        { "a A 99999999", true }, /* ldns refuses that */
        { "a 5x A 192.0.2.1", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        long ignored;

        assert_true(str_copy(text, sizeof(text), cases[i].text));
        assert_int_equal(entry_prepare(text, &ignored) == NULL, cases[i].is_good);
    }
}

static void data_in_hexadecimal_are_counted(void **state)
{
    static const struct {
        const char *text;
        long rdata_bytes; /* -1: not in hexadecimal, -2: refused */
    } cases[] = {
        { "a TYPE65280 \\# 4 01020304", 4 }, { "a 60 IN TYPE65280 \\# 4 01 0203 04", 4 },
        { "a TYPE65280 \\# 0", 0 },          { "a A 192.0.2.1", -1 },
        { "\\# TXT x \\# 1", -1 },           { "a TYPE65280 \\# 4 0102030g", -2 },
        { "a TYPE65280 \\# 4 010203", -2 },  { "a TYPE65280 \\# 4 010203045", -2 },
        { "a TYPE65280 \\# -1", -2 },        { "a TYPE65280 \\#", -2 },
        { "a TYPE65280 \\# 65536", -2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        long rdata_bytes;

        assert_true(str_copy(text, sizeof(text), cases[i].text));
        if (entry_prepare(text, &rdata_bytes) != NULL)
            rdata_bytes = -2;
        assert_int_equal(rdata_bytes, cases[i].rdata_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ttls_are_seconds_or_units_added_up),
        cmocka_unit_test(the_ttl_is_put_before_the_class),
        cmocka_unit_test(numbers_that_would_be_cut_are_refused),
        cmocka_unit_test(data_in_hexadecimal_are_counted),
    };

    return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
