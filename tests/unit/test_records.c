/* tests/unit/test_records.c -- static records that ldns reads and other name servers refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/render/render.h"
#include "tests/support/site.h"

#define TEXT_BYTES 65536

static void report(void *arg, const struct local_cfg *zone, unsigned line, const char *text)
{
    struct buf *b = arg;

    assert_non_null(zone);
    assert_true(buf_printf(b, "%u: %s\n", line, text));
}

/* All that is wrong with settings, one "LINE: TEXT" a line; the caller's settings are freed. */
static const char *check(struct settings *s, struct buf *b)
{
    size_t n;
    size_t lines = 0;

    buf_reset(b);
    n = render_check(s, report, b);
    for (size_t i = 0; i < b->len; i++)
        lines += b->data[i] == '\n';
    assert_int_equal(n, lines);
    settings_free(s);
    return buf_text(b);
}

struct mistake {
    const char *records;
    const char *expected;
};

static void check_mistakes(const struct mistake *cases, size_t n)
{
    struct buf b;

    buf_init(&b, TEXT_BYTES);
    for (size_t i = 0; i < n; i++) {
        struct settings *s = site_new(cases[i].records);

        (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10", "203.0.113.10");
        assert_string_equal(check(s, &b), cases[i].expected);
    }
    buf_fini(&b);
}

#define CHECK_MISTAKES(cases) check_mistakes(cases, sizeof(cases) / sizeof((cases)[0]))

static void places_on_no_globe_are_refused(void **state)
{
#define ANGLES "1: \"a LOC "
    static const struct mistake cases[] = {
        { "a LOC 90 N 180 W -100000m 0m 90000000m 1m\n", "" },
        { "a LOC 52 22 23.000 N 4 53 32.1 E -2.00\n", "" },
        { "a LOC 90 0 0.001 N 4 E 0m\n",
          ANGLES "90 0 0.001 N 4 E 0m\": LOC wants a latitude of at most 90 degrees: 52 22 23.000 "
                 "N\n" },
        { "a LOC 1 60 N 4 E 0m\n",
          ANGLES "1 60 N 4 E 0m\": LOC wants a latitude of at most 90 degrees: 52 22 23.000 N\n" },
        { "a LOC 1 N 181 E 0m\n",
          ANGLES "1 N 181 E 0m\": LOC wants a longitude of at most 180 degrees: 4 53 32.000 E\n" },
        { "a LOC 1 N 1 1 60 E 0m\n", ANGLES "1 N 1 1 60 E 0m\": LOC wants a longitude of at most "
                                            "180 degrees: 4 53 32.000 E\n" },
        { "a LOC 1 N 1 E\n", ANGLES "1 N 1 E\": LOC wants an altitude of -100000m to 42849672m "
                                    "behind its angles\n" },
        { "a LOC 1 N 1 E 0m 1m 1m 1m 1m\n",
          ANGLES "1 N 1 E 0m 1m 1m 1m 1m\": LOC wants at most a size and two precisions of 0m to "
                 "90000000m at its end\n" },
    };

    (void)state;
    CHECK_MISTAKES(cases);
}

/* ldns puts names and origin together without counting. */
static void a_name_that_is_too_long_with_its_origin_is_refused(void **state)
{
#define LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    static const struct mistake cases[] = {
        { LABEL "." LABEL "." LABEL ".a TXT x\n", "" },
        { LABEL "." LABEL "." LABEL "." LABEL " A 192.0.2.1\n",
          "1: \"" LABEL "."
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": a name of more than 255 bytes\n" },
        { "a CNAME " LABEL "." LABEL "." LABEL "." LABEL "\n",
          "1: \"a CNAME " LABEL "."
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": a name of more than 255 "
          "bytes\n" },
    };

    (void)state;
    CHECK_MISTAKES(cases);
}

static void records_that_other_name_servers_refuse_are_refused(void **state)
{
    static const struct mistake cases[] = {
        { "a WKS 192.0.2.1 tcp 25\n", "1: a.dr.example.com WKS: this type is obsolete, and name "
                                      "servers do not read it alike\n" },
        { "a!b A 192.0.2.1\na!b TXT x\n",
          "1: a!b.dr.example.com A: a host name has letters, digits, - and _ alone\n" },
        { "*._a A 192.0.2.1\na MX 1 .\na SRV 1 1 1 b\\032c\n",
          "3: a.dr.example.com SRV: b\\032c.dr.example.com: a host name has letters, digits, - and "
          "_ "
          "alone\n" },
        { "a SSHFP 1 1 abc\n", "1: \"a SSHFP 1 1 abc\": an odd number of hexadecimal digits\n" },
        { "a TLSA 3 1 1 ( ab\n cd )\na TLSA 3 1 1 0xab\n",
          "3: \"a TLSA 3 1 1 0xab\": hexadecimal digits are wanted\n" },
        { "a APL 1:192.0.2.0/24 !2:2001:db8::/128\nb APL 1:192.0.2.0/33\nc APL 2:::/129\n",
          "2: b.dr.example.com APL: a prefix is longer than an address of its family\n"
          "3: c.dr.example.com APL: a prefix is longer than an address of its family\n" },
    };

    (void)state;
    CHECK_MISTAKES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_on_no_globe_are_refused),
        cmocka_unit_test(a_name_that_is_too_long_with_its_origin_is_refused),
        cmocka_unit_test(records_that_other_name_servers_refuse_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
