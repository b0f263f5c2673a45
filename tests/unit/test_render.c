/* tests/unit/test_render.c -- the static records' mistakes, each with its line; the managed names'
 * mistakes; and what a large site costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/render/render.h"
#include "tests/support/ask.h"
#include "tests/support/site.h"

#define TEXT_BYTES 65536
#define SECONDS_US 10000000 /* 0.1 s, but not with sanitizers beside other tests */

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

static void text_that_is_no_zone_file_is_refused_with_its_line(void **state)
{
    static const struct mistake cases[] = {
        { "", "" },
        { "; only a comment\n\n  \n", "" },
        { "a A 192.0.2.1", "" }, /* no newline at the end */
        { "\n\na A 192.0.2\n",
          "3: \"a A 192.0.2\": Syntax error, could not parse the RR's rdata\n" },
        { "a A 192.0.2.1 x\n", "1: \"a A 192.0.2.1 x\": Syntax error, superfluous text present\n" },
        { "a TXT \"open\nb A 192.0.2.1\n", "1: a quoted text does not end in its line\n" },
        { "a TXT (\n x\n", "1: a ( without its )\n" },
        { "a TXT x )\n", "1: a ) without its (\n" },
        { "  A 192.0.2.1\n", "1: the first record has no owner\n" },
        { "a A 192.0.2.1\n$INCLUDE other.zone\n",
          "2: $INCLUDE is refused: one file holds all records of a zone\n" },
        { "$include x\n", "1: $INCLUDE is refused: one file holds all records of a zone\n" },
        { "$GENERATE 1-9 a A 192.0.2.$\n",
          "1: $GENERATE 1-9 a A 192.0.2.$: no directive but $ORIGIN and $TTL is known\n" },
        { "$TTL\n", "1: $TTL wants one word behind it\n" },
        { "$TTL soon\n", "1: $TTL soon: not a TTL of 0 to 2147483647 seconds\n" },
        { "$ORIGIN a b\n", "1: $ORIGIN wants one word behind it\n" },
        { "$ORIGIN a..b\n", "1: $ORIGIN a..b: this is no name\n" },
        { "$ORIGIN @\n$ORIGIN deep\na A 192.0.2.1\n", "2: $ORIGIN deep: it must end in a dot\n" },
    };

    (void)state;
    CHECK_MISTAKES(cases);
}

static void records_that_the_zone_cannot_hold_are_refused(void **state)
{
    static const struct mistake cases[] = {
        { "a.example.net. A 192.0.2.1\n", "1: a.example.net A: the name lies outside the zone\n" },
        { "$ORIGIN example.net.\na A 192.0.2.1\n",
          "2: a.example.net A: the name lies outside the zone\n" },
        { "@ SOA a b 1 2 3 4 5\n",
          "1: dr.example.com SOA: the SOA comes from the configuration (soa:)\n" },
        { "@ NS ns.example.net.\n", "1: dr.example.com NS: the zone's own NS records come from the "
                                    "configuration (nameservers:)\n" },
        { "a CH TXT x\n", "1: a.dr.example.com TXT: only class IN is served\n" },
        { "a DS 1 8 2 00\n", "1: a.dr.example.com DS: DNSSEC records are not served\n" },
        { "a NSEC b A\n", "1: a.dr.example.com NSEC: DNSSEC records are not served\n" },
        { "a 2147483647 A 192.0.2.1\n", "" },
        { "a 2147483648 A 192.0.2.1\n",
          "1: \"a 2147483648 A 192.0.2.1\": not a TTL of 0 to 2147483647 seconds\n" },
        { "a IN 5x A 192.0.2.1\n",
          "1: \"a IN 5x A 192.0.2.1\": not a TTL of 0 to 2147483647 seconds\n" },
        { "a MX 65536 b\n",
          "1: \"a MX 65536 b\": a number above 65535, more than its field holds\n" },
        { "a SRV 0 0 99999 b\n",
          "1: \"a SRV 0 0 99999 b\": a number above 65535, more than its field holds\n" },
        { "a CAA 256 issue \"x\"\n",
          "1: \"a CAA 256 issue \"x\"\": a number above 255, more than its field holds\n" },
        { "a HTTPS 1 . alpn=h2 alpn=h3\n",
          "1: a.dr.example.com HTTPS: a parameter stands there twice, or out of order\n" },
        { "a HTTPS 1 . mandatory=alpn\n",
          "1: a.dr.example.com HTTPS: a mandatory parameter is missing\n" },
        { "a TYPE65 \\# 5 000100ffff\n",
          "1: a.dr.example.com HTTPS: its parameters are malformed\n" },
        { "a NS \\# 0\n", "1: a.dr.example.com NS: the data end too early\n" },
        { "a MX \\# 2 0005\n", "1: a.dr.example.com MX: the data end too early\n" },
        { "a A \\# 5 c000020100\n",
          "1: a.dr.example.com A: the data do not end where they should\n" },
        { "a A \\# 4 c0000201\n", "" },
        { "a TYPE250 \\# 0\n", "1: a.dr.example.com TSIG: no zone holds records of this type\n" },
        { "a A 192.0.2.1\nb A 192.0.2.1\nA A 192.0.2.1\n",
          "3: a.dr.example.com A: the same record is in line 1\n" },
        { "a NS ns.example.net.\na NS NS.example.NET.\n",
          "2: a.dr.example.com NS: the same record is in line 1\n" },
        { "ns1 3600 A 192.0.2.53\n",
          "1: ns1.dr.example.com A: the configuration has this record already\n" },
        { "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 61 A 192.0.2.3\na 62 A 192.0.2.4\n",
          "3: a.dr.example.com A: TTL 61, but 60 in line 1: the records of one set share one "
          "TTL\n" },
    };

    (void)state;
    CHECK_MISTAKES(cases);
}

static void names_that_contradict_each_other_are_refused(void **state)
{
    static const struct mistake cases[] = {
        { "a CNAME b\na TXT x\n", "1: a.dr.example.com: a CNAME has no other data beside it, but "
                                  "there is TXT\n" },
        { "@ CNAME b\n", "1: dr.example.com: a CNAME has no other data beside it, but there is "
                         "SOA\n" },
        { "a CNAME b\na CNAME c\n", "2: a.dr.example.com: a second CNAME\n" },
        { "a CNAME b\nb CNAME a\n",
          "1: a.dr.example.com CNAME: a loop, or a chain of more than 16\n"
          "2: b.dr.example.com CNAME: a loop, or a chain of more than 16\n" },
        { "a DNAME x.example.\na DNAME y.example.\n", "2: a.dr.example.com: a second DNAME\n" },
        { "a DNAME x.example.\nb.a A 192.0.2.1\n",
          "2: b.a.dr.example.com: nothing may lie below the DNAME of a.dr.example.com\n" },
        { "a DNAME x.example.\na NS ns.example.net.\n",
          "1: a.dr.example.com DNAME: NS records stand beside it\n"
          "1: a.dr.example.com DNAME: the delegation of a.dr.example.com (line 1) hides it: only "
          "addresses of name servers may stand there\n" },
        { "*.a NS ns.example.net.\n",
          "1: *.a.dr.example.com: a wildcard has no NS and no DNAME\n" },
        { "*.a DNAME x.example.\n", "1: *.a.dr.example.com: a wildcard has no NS and no DNAME\n" },
        { "a NS ns.example.net.\nb.a NS ns.example.net.\n",
          "2: b.a.dr.example.com NS: the delegation of a.dr.example.com (line 1) hides it: only "
          "addresses of name servers may stand there\n" },
        { "a NS ns.example.net.\nb.a A 192.0.2.1\na TXT x\n",
          "2: b.a.dr.example.com A: the delegation of a.dr.example.com (line 1) hides it: only "
          "addresses of name servers may stand there\n"
          "3: a.dr.example.com TXT: the delegation of a.dr.example.com (line 1) hides it: only "
          "addresses of name servers may stand there\n" },
        { "a NS ns.a\n", "1: a.dr.example.com NS: name server ns.a.dr.example.com lies in the zone "
                         "and has no address there (glue)\n" },
        { "a NS ns.a\nns.a AAAA 2001:db8::1\n", "" },
        { "a NS a\na A 192.0.2.1\n", "" },
        { "a NS b\nb CNAME c\n",
          "1: a.dr.example.com NS: name server b.dr.example.com is a CNAME\n" },
        { "app NS ns.example.net.\n",
          "1: app.dr.example.com: managed name app.dr.example.com cannot be delegated away\n" },
    };

    (void)state;
    CHECK_MISTAKES(cases);
}

static void a_managed_name_takes_its_types_from_its_target_alone(void **state)
{
    static const struct mistake cases[] = {
        { "app A 192.0.2.1\n",
          "1: app.dr.example.com A: this is a managed name, its A comes from target: alone\n" },
        { "app AAAA 2001:db8::1\n", "1: app.dr.example.com AAAA: this is a managed name, its AAAA "
                                    "comes from target: alone\n" },
        { "app HTTPS 1 . alpn=h2\n", "1: app.dr.example.com HTTPS: this is a managed name, its "
                                     "HTTPS comes from target: alone\n" },
        { "app SVCB 1 . ipv4hint=192.0.2.1\n",
          "1: app.dr.example.com SVCB: it would lead past a flip at this managed name; put it at a "
          "name below, or HTTPS into target:\n" },
        { "app SVCB 1 . alpn=h2\n",
          "1: app.dr.example.com SVCB: it would lead past a flip at this managed name; put it at a "
          "name below, or HTTPS into target:\n" },
        { "_x.app SVCB 1 . alpn=h2\n", "" },
        { "app DNAME b\n", "1: app.dr.example.com DNAME: it would redirect what lies below this "
                           "managed name, and each cluster has a name there\n" },
        { "app TXT \"beside it\"\n", "" },
        { "_acme-challenge.app TXT \"made by hand\"\n", "" },
    };

    (void)state;
    CHECK_MISTAKES(cases);
}

static void all_mistakes_are_reported_at_once_in_the_order_of_lines(void **state)
{
    static const struct mistake cases[] = {
        { "a A 1\n"
          "b CNAME c\n"
          "x.example. A 192.0.2.1\n"
          "b TXT (\n"
          "  \"one\" ; comment\n"
          "  \"two\" )\n"
          "app A 192.0.2.1\n",
          "1: \"a A 1\": Syntax error, could not parse the RR's rdata\n"
          "2: b.dr.example.com: a CNAME has no other data beside it, but there is TXT\n"
          "3: x.example A: the name lies outside the zone\n"
          "7: app.dr.example.com A: this is a managed name, its A comes from target: alone\n" },
    };

    (void)state;
    CHECK_MISTAKES(cases);
}

static void mistakes_of_managed_names_are_reported(void **state)
{
    static const struct {
        const char *name, *first, *second, *acme, *records, *expected;
    } cases[] = {
        { "a.dr.example.com", "192.0.2.1", "cname=b.example", "", "a TXT x\n",
          "1: a.dr.example.com TXT: a target of this managed name is a CNAME, which has no other "
          "data beside it\n" },
        { "dr.example.com", "192.0.2.1", "192.0.2.2", "", NULL, "" },
        { "ns1.dr.example.com", "192.0.2.1", "192.0.2.2", "", NULL,
          "0: ns1.dr.example.com A: this is a managed name, its A comes from target: alone\n" },
        { "a.dr.example.com", "192.0.2.1", "cname=a.dr.example.com", "", NULL,
          "0: group prod: a.dr.example.com in cluster usw2: the CNAME points to itself\n" },
        { "a.dr.example.com", "192.0.2.1", "cname=usw2.a.dr.example.com", "", NULL,
          "0: group prod: a.dr.example.com in cluster usw2: the CNAME points to a name that stands "
          "for one of its own clusters\n" },
        { "a.dr.example.com", "192.0.2.1", "", "", NULL,
          "0: group prod: a.dr.example.com in cluster usw2: no target\n" },
        { "a.dr.example.com", "192.0.2.1 https=nonsense", "192.0.2.2", "", NULL,
          "0: group prod: a.dr.example.com in cluster use1: \"nonsense\": Syntax error, could not "
          "parse the RR's rdata\n" },
        { "a.example.org", "192.0.2.1", "192.0.2.2", "", NULL,
          "0: group prod: hostname a.example.org lies outside zone dr.example.com of provider "
          "dr.example.com\n" },
        { "*.dr.example.com", "192.0.2.1", "192.0.2.2", "", NULL,
          "0: group prod: \"*.dr.example.com\" is no name of a host\n" },
        { "a.dr.example.com", "192.0.2.1", "192.0.2.2", "a..b", NULL,
          "0: group prod: acme of a.dr.example.com: \"a..b\" is no name, or "
          "_acme-challenge.a.dr.example.com is too long\n" },
        { "a.dr.example.com", "192.0.2.1", "192.0.2.2", "a.acme.example",
          "_acme-challenge.a TXT x\n",
          "1: _acme-challenge.a.dr.example.com: a CNAME has no other data beside it, but there is "
          "TXT\n" },
    };
    struct buf b;

    (void)state;
    buf_init(&b, TEXT_BYTES);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings *s = site_new(cases[i].records);
        struct hostname_cfg *h =
            site_add_host(s, SITE_PROD, cases[i].name, cases[i].first, cases[i].second);

        assert_true(str_copy(h->acme, sizeof(h->acme), cases[i].acme));
        assert_string_equal(check(s, &b), cases[i].expected);
    }
    buf_fini(&b);
}

static void a_name_in_two_groups_or_zones_in_two_providers_are_refused(void **state)
{
    struct settings *s = site_new(NULL);
    struct buf b;

    (void)state;
    buf_init(&b, TEXT_BYTES);
    (void)site_add_host(s, site_add_group(s, "second"), "a.dr.example.com", "192.0.2.1",
                        "192.0.2.2");
    (void)site_add_host(s, SITE_PROD, "a.dr.example.com", "192.0.2.1", "192.0.2.2");
    assert_string_equal(check(s, &b),
                        "0: hostname a.dr.example.com is in group prod and in group second\n");
    s = site_new(NULL);
    site_add_zone(s, "dr.example.com", NULL);
    assert_string_equal(check(s, &b), "0: zone dr.example.com: two providers have it\n");
    s = site_new("mail.child A 192.0.2.1\n");
    site_add_zone(s, "child.dr.example.com", NULL);
    assert_string_equal(check(s, &b), "1: mail.child.dr.example.com: zone child.dr.example.com, "
                                      "served here too, has this name\n");
    buf_fini(&b);
}

static void a_clusters_own_name_gives_way_and_that_is_noted(void **state)
{
    struct settings *s = site_new("use1.app TXT \"mine\"\n");
    struct ask *a;
    struct buf b;

    (void)state;
    buf_init(&b, TEXT_BYTES);
    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10", "203.0.113.10");
    assert_int_equal(render_notes(s, report, &b), 1);
    assert_string_equal(buf_text(&b), "0: use1.app.dr.example.com has records of its own: it does "
                                      "not stand for cluster use1\n");
    a = ask_new(s);
    assert_string_equal(ask(a, "use1.app.dr.example.com", "TXT"),
                        "NOERROR aa | use1.app.dr.example.com. 3600 IN TXT \"mine\"");
    ask_free(a);
    settings_free(s);
    buf_fini(&b);
}

static void a_file_with_mistakes_makes_no_view(void **state)
{
    struct settings *s = site_new("\na A x\nb A y\n");
    struct err err;

    (void)state;
    assert_int_equal(render_view(s, 1, 1, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.text, "static.zone:2: \"a A x\": Syntax error, could not parse the "
                                  "RR's rdata (2 mistakes in all)");
    settings_free(s);
    s = site_new(NULL);
    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "192.0.2.1", "");
    assert_int_equal(render_view(s, 1, 1, &err), -1);
    assert_string_equal(err.text, "zone dr.example.com: group prod: app.dr.example.com in cluster "
                                  "usw2: no target (1 mistakes in all)");
    settings_free(s);
}

static void origin_ttl_and_omitted_owners_are_understood(void **state)
{
    static const char records[] = "$TTL 1h30m\n"
                                  "one A 192.0.2.1\n"
                                  "    TXT \"a;b\" ( c\n"
                                  "        \"(\" ) ; comment\n"
                                  "$ORIGIN deep.dr.example.com.\n"
                                  "@ 7 IN TXT top\n"
                                  "two IN 8 A 192.0.2.2\n"
                                  "$ORIGIN other.dr.example.com.\n"
                                  "three MX 1 @\n"
                                  "esc\\097pe TXT x\n";
    static const struct {
        const char *name, *type, *text;
    } cases[] = {
        { "one.dr.example.com", "A", "NOERROR aa | one.dr.example.com. 5400 IN A 192.0.2.1" },
        { "one.dr.example.com", "TXT",
          "NOERROR aa | one.dr.example.com. 5400 IN TXT \"a;b\" \"c\" \"(\"" },
        { "deep.dr.example.com", "TXT", "NOERROR aa | deep.dr.example.com. 7 IN TXT \"top\"" },
        { "two.deep.dr.example.com", "A",
          "NOERROR aa | two.deep.dr.example.com. 8 IN A 192.0.2.2" },
        { "three.other.dr.example.com", "MX",
          "NOERROR aa | three.other.dr.example.com. 5400 IN MX 1 other.dr.example.com." },
        { "escape.other.dr.example.com", "TXT",
          "NOERROR aa | escape.other.dr.example.com. 5400 IN TXT \"x\"" },
    };
    struct settings *s = site_new(records);
    struct ask *a = ask_new(s);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(ask(a, cases[i].name, cases[i].type), cases[i].text);
    ask_free(a);
    settings_free(s);
}

static void ten_thousand_hostnames_of_400_groups_are_rendered_in_seconds(void **state)
{
    struct settings *s = site_new(NULL);
    struct ask *a;
    int64_t start;

    (void)state;
    for (unsigned g = 0; g < 400; g++) {
        char text[HOSTNAME_BYTES];

        if (g > 0) {
            assert_true(str_format(text, sizeof(text), "group%u", g));
            (void)site_add_group(s, text);
        }
        for (unsigned h = 0; h < 25; h++) {
            char first[HOSTNAME_BYTES];

            assert_true(str_format(text, sizeof(text), "host%u.group%u.dr.example.com", h, g));
            /* Answers of its own for each name: nothing to be stored once. */
            assert_true(str_format(first, sizeof(first), "198.51.100.10 2001:db8::%x:%x", g, h));
            (void)site_add_host(s, g, text, first, "203.0.113.10");
        }
    }
    start = mono_now_us();
    a = ask_new(s);
    assert_true(mono_now_us() - start < SECONDS_US);
    ask_set_word(a, 399, 2, 7);
    assert_string_equal(ask(a, "host24.group399.dr.example.com", "A"),
                        "NOERROR aa | host24.group399.dr.example.com. 30 IN A 203.0.113.10");
    assert_string_equal(
        ask(a, "usw2.host9.group255.dr.example.com", "AAAA"),
        "NOERROR aa | usw2.host9.group255.dr.example.com. 30 IN AAAA 2001:db8::ff:9");
    assert_string_equal(ask(a, "host0.group0.dr.example.com", "A"), "SERVFAIL");
    ask_free(a);
    settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_no_zone_file_is_refused_with_its_line),
        cmocka_unit_test(records_that_the_zone_cannot_hold_are_refused),
        cmocka_unit_test(names_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_managed_name_takes_its_types_from_its_target_alone),
        cmocka_unit_test(all_mistakes_are_reported_at_once_in_the_order_of_lines),
        cmocka_unit_test(mistakes_of_managed_names_are_reported),
        cmocka_unit_test(a_name_in_two_groups_or_zones_in_two_providers_are_refused),
        cmocka_unit_test(a_clusters_own_name_gives_way_and_that_is_noted),
        cmocka_unit_test(a_file_with_mistakes_makes_no_view),
        cmocka_unit_test(origin_ttl_and_omitted_owners_are_understood),
        cmocka_unit_test(ten_thousand_hostnames_of_400_groups_are_rendered_in_seconds),
    };

    return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
