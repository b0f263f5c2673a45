/* tests/unit/test_answer.c -- what is answered, seen by another reader of messages: records of all
 * kinds, wildcards, delegations, chains, redirects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ask.h"
#include "tests/support/site.h"

#define SOA " | dr.example.com. 5 IN SOA ns1.dr.example.com. host\\.master.example.com. "
#define SOA_REST " 30 10 1209600 5"
#define NEGATIVE SOA "100" SOA_REST /* while no group of the zone has an epoch */

static const char records[] = "$TTL 5m\n"
                              "@            IN MX  10 mail\n"
                              "             TXT    \"v=spf1 -all\" \"second\"\n"
                              "             CAA    0 issue \"ca.example\"\n"
                              "mail    60   IN A   192.0.2.25\n"
                              "             AAAA   2001:db8::25\n"
                              "a.b.deep     TXT    deep\n"
                              "*.wild       A      192.0.2.99\n"
                              "*.wild       MX     5 mail\n"
                              "here.wild    TXT    here\n"
                              "x.ent.wild   A      192.0.2.98\n"
                              "alias        CNAME  mail\n"
                              "alias2       CNAME  alias\n"
                              "away         CNAME  www.example.org.\n"
                              "nowhere      CNAME  missing\n"
                              "tosub        CNAME  www.sub\n"
                              "towild       CNAME  one.wild\n"
                              "*.cwild      CNAME  mail\n"
                              "sub          NS     ns.sub\n"
                              "             NS     ns.other\n"
                              "             NS     ns.example.org.\n"
                              "ns.sub       A      192.0.2.77\n"
                              "ns.other     AAAA   2001:db8::77\n"
                              "other        NS     ns.other\n"
                              "old          DNAME  airflow\n"
                              "far          DNAME  example.org.\n"
                              "svc          HTTPS  1 . alpn=h2 ipv4hint=192.0.2.1\n"
                              "svc          SVCB   0 mail\n"
                              "odd          TYPE999 \\# 3 010203\n"
                              "_sip._tcp    SRV    0 5 5060 mail\n";

static struct ask *new_ask(void)
{
    struct settings *s = site_new(records);
    struct ask *a;

    (void)site_add_host(s, SITE_PROD, "app.airflow.dr.example.com", "198.51.100.10",
                        "203.0.113.10");
    (void)site_add_host(s, SITE_PROD, "both.airflow.dr.example.com",
                        "198.51.100.11 198.51.100.12 2001:db8::11", "203.0.113.11");
    a = ask_new(s);
    settings_free(s);
    return a;
}

struct expected {
    const char *name, *type, *text;
};

static void check_all(struct ask *a, const struct expected *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_string_equal(ask(a, cases[i].name, cases[i].type), cases[i].text);
}

#define CHECK_ALL(a, cases) check_all(a, cases, sizeof(cases) / sizeof((cases)[0]))

static void static_records_are_answered(void **state)
{
    static const struct expected cases[] = {
        { "dr.example.com", "SOA",
          "NOERROR aa | dr.example.com. 60 IN SOA ns1.dr.example.com. host\\.master.example.com. "
          "100 30 10 1209600 5" },
        { "dr.example.com", "NS",
          "NOERROR aa | dr.example.com. 3600 IN NS ns1.dr.example.com.; "
          "dr.example.com. 3600 IN NS ns.example.net." },
        { "ns1.dr.example.com", "A", "NOERROR aa | ns1.dr.example.com. 3600 IN A 192.0.2.53" },
        { "dr.example.com", "MX",
          "NOERROR aa | dr.example.com. 300 IN MX 10 mail.dr.example.com." },
        { "dr.example.com", "TXT",
          "NOERROR aa | dr.example.com. 300 IN TXT \"v=spf1 -all\" \"second\"" },
        { "dr.example.com", "CAA",
          "NOERROR aa | dr.example.com. 300 IN CAA 0 issue \"ca.example\"" },
        { "mail.dr.example.com", "A", "NOERROR aa | mail.dr.example.com. 60 IN A 192.0.2.25" },
        { "mail.dr.example.com", "AAAA",
          "NOERROR aa | mail.dr.example.com. 300 IN AAAA 2001:db8::25" },
        { "svc.dr.example.com", "TYPE65",
          "NOERROR aa | svc.dr.example.com. 300 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1" },
        { "svc.dr.example.com", "TYPE64",
          "NOERROR aa | svc.dr.example.com. 300 IN SVCB 0 mail.dr.example.com." },
        { "odd.dr.example.com", "TYPE999",
          "NOERROR aa | odd.dr.example.com. 300 IN TYPE999 \\# 3 010203" },
        { "_sip._tcp.dr.example.com", "SRV",
          "NOERROR aa | _sip._tcp.dr.example.com. 300 IN SRV 0 5 5060 mail.dr.example.com." },
        { "a.b.deep.dr.example.com", "TXT",
          "NOERROR aa | a.b.deep.dr.example.com. 300 IN TXT \"deep\"" },
    };
    struct ask *a = new_ask();

    (void)state;
    CHECK_ALL(a, cases);
    ask_free(a);
}

static void what_is_not_there_comes_with_the_soa(void **state)
{
    static const struct expected cases[] = {
        { "mail.dr.example.com", "TXT", "NOERROR aa |" NEGATIVE },
        { "none.dr.example.com", "A", "NXDOMAIN aa |" NEGATIVE },
        { "x.none.dr.example.com", "A", "NXDOMAIN aa |" NEGATIVE },
        { "x.mail.dr.example.com", "A", "NXDOMAIN aa |" NEGATIVE },
        /* empty non-terminals exist */
        { "deep.dr.example.com", "A", "NOERROR aa |" NEGATIVE },
        { "b.deep.dr.example.com", "TXT", "NOERROR aa |" NEGATIVE },
        { "_tcp.dr.example.com", "SRV", "NOERROR aa |" NEGATIVE },
        { "airflow.dr.example.com", "A", "NOERROR aa |" NEGATIVE },
        /* a type nobody knows */
        { "mail.dr.example.com", "TYPE1000", "NOERROR aa |" NEGATIVE },
        { "dr.example.com", "A", "NOERROR aa |" NEGATIVE },
        /* not ours */
        { "example.com", "A", "REFUSED" },
        { "xdr.example.com", "A", "REFUSED" },
        { ".", "NS", "REFUSED" },
        { "com", "A", "REFUSED" },
    };
    struct ask *a = new_ask();

    (void)state;
    CHECK_ALL(a, cases);
    ask_free(a);
}

static void wildcards_answer_for_names_that_do_not_exist(void **state)
{
    static const struct expected cases[] = {
        { "one.wild.dr.example.com", "A",
          "NOERROR aa | one.wild.dr.example.com. 300 IN A 192.0.2.99" },
        { "a.b.wild.dr.example.com", "A",
          "NOERROR aa | a.b.wild.dr.example.com. 300 IN A 192.0.2.99" },
        { "one.wild.dr.example.com", "MX",
          "NOERROR aa | one.wild.dr.example.com. 300 IN MX 5 mail.dr.example.com." },
        { "*.wild.dr.example.com", "A", "NOERROR aa | *.wild.dr.example.com. 300 IN A 192.0.2.99" },
        { "one.wild.dr.example.com", "TXT", "NOERROR aa |" NEGATIVE },
        /* names that exist block it, empty non-terminals too, and all below them */
        { "here.wild.dr.example.com", "A", "NOERROR aa |" NEGATIVE },
        { "x.here.wild.dr.example.com", "A", "NXDOMAIN aa |" NEGATIVE },
        { "ent.wild.dr.example.com", "A", "NOERROR aa |" NEGATIVE },
        { "y.ent.wild.dr.example.com", "A", "NXDOMAIN aa |" NEGATIVE },
        { "wild.dr.example.com", "A", "NOERROR aa |" NEGATIVE },
        { "q.cwild.dr.example.com", "A",
          "NOERROR aa | q.cwild.dr.example.com. 300 IN CNAME mail.dr.example.com.; "
          "mail.dr.example.com. 60 IN A 192.0.2.25" },
    };
    struct ask *a = new_ask();

    (void)state;
    CHECK_ALL(a, cases);
    ask_free(a);
}

static void chains_are_followed_inside_the_zone(void **state)
{
    static const struct expected cases[] = {
        { "alias2.dr.example.com", "A",
          "NOERROR aa | alias2.dr.example.com. 300 IN CNAME alias.dr.example.com.; "
          "alias.dr.example.com. 300 IN CNAME mail.dr.example.com.; "
          "mail.dr.example.com. 60 IN A 192.0.2.25" },
        { "alias2.dr.example.com", "CNAME",
          "NOERROR aa | alias2.dr.example.com. 300 IN CNAME alias.dr.example.com." },
        { "alias.dr.example.com", "TXT",
          "NOERROR aa | alias.dr.example.com. 300 IN CNAME mail.dr.example.com." NEGATIVE },
        { "away.dr.example.com", "A",
          "NOERROR aa | away.dr.example.com. 300 IN CNAME www.example.org." },
        /* the rcode is that of the last step (RFC 6604) */
        { "nowhere.dr.example.com", "A",
          "NXDOMAIN aa | nowhere.dr.example.com. 300 IN CNAME missing.dr.example.com." NEGATIVE },
        { "towild.dr.example.com", "MX",
          "NOERROR aa | towild.dr.example.com. 300 IN CNAME one.wild.dr.example.com.; "
          "one.wild.dr.example.com. 300 IN MX 5 mail.dr.example.com." },
        { "tosub.dr.example.com", "A",
          "NOERROR aa | tosub.dr.example.com. 300 IN CNAME www.sub.dr.example.com. "
          "| sub.dr.example.com. 300 IN NS ns.sub.dr.example.com.; "
          "sub.dr.example.com. 300 IN NS ns.other.dr.example.com.; "
          "sub.dr.example.com. 300 IN NS ns.example.org. "
          "| ns.sub.dr.example.com. 300 IN A 192.0.2.77; "
          "ns.other.dr.example.com. 300 IN AAAA 2001:db8::77" },
    };
    struct ask *a = new_ask();

    (void)state;
    CHECK_ALL(a, cases);
    ask_free(a);
}

static void delegations_are_referred_to_with_glue(void **state)
{
#define REFERRAL                                                                                   \
    "NOERROR | | sub.dr.example.com. 300 IN NS ns.sub.dr.example.com.; "                           \
    "sub.dr.example.com. 300 IN NS ns.other.dr.example.com.; "                                     \
    "sub.dr.example.com. 300 IN NS ns.example.org. "                                               \
    "| ns.sub.dr.example.com. 300 IN A 192.0.2.77; "                                               \
    "ns.other.dr.example.com. 300 IN AAAA 2001:db8::77"
    static const struct expected cases[] = {
        { "www.sub.dr.example.com", "A", REFERRAL },
        { "a.b.c.sub.dr.example.com", "TXT", REFERRAL },
        { "ns.sub.dr.example.com", "A", REFERRAL },
        { "sub.dr.example.com", "NS", REFERRAL },
        { "sub.dr.example.com", "ANY", REFERRAL },
        /* the parent's own: it has none, and says so */
        { "sub.dr.example.com", "DS", "NOERROR aa |" NEGATIVE },
        { "x.other.dr.example.com", "A",
          "NOERROR | | other.dr.example.com. 300 IN NS ns.other.dr.example.com. "
          "| ns.other.dr.example.com. 300 IN AAAA 2001:db8::77" },
    };
    struct ask *a = new_ask();

    (void)state;
    CHECK_ALL(a, cases);
    ask_free(a);
}

static void a_dname_redirects_what_lies_below_it(void **state)
{
    static const struct expected cases[] = {
        { "app.old.dr.example.com", "A",
          "NOERROR aa | old.dr.example.com. 300 IN DNAME airflow.dr.example.com.; "
          "app.old.dr.example.com. 300 IN CNAME app.airflow.dr.example.com.; "
          "app.airflow.dr.example.com. 30 IN A 198.51.100.10" },
        { "none.old.dr.example.com", "A",
          "NXDOMAIN aa | old.dr.example.com. 300 IN DNAME airflow.dr.example.com.; "
          "none.old.dr.example.com. 300 IN CNAME none.airflow.dr.example.com." SOA "200" SOA_REST },
        { "a.b.far.dr.example.com", "TXT",
          "NOERROR aa | far.dr.example.com. 300 IN DNAME example.org.; "
          "a.b.far.dr.example.com. 300 IN CNAME a.b.example.org." },
        { "none.old.dr.example.com", "CNAME",
          "NOERROR aa | old.dr.example.com. 300 IN DNAME airflow.dr.example.com.; "
          "none.old.dr.example.com. 300 IN CNAME none.airflow.dr.example.com." },
        { "far.dr.example.com", "DNAME",
          "NOERROR aa | far.dr.example.com. 300 IN DNAME example.org." },
        { "far.dr.example.com", "A", "NOERROR aa |" SOA "200" SOA_REST },
    };
    struct ask *a = new_ask();

    (void)state;
    ask_set_word(a, SITE_PROD, 1, 200);
    CHECK_ALL(a, cases);
    ask_free(a);
}

static void a_redirect_to_a_name_too_long_is_yxdomain(void **state)
{
    struct ask_name name = ask_name("aaaaaaaaaaaaaaaaaaaa.", 10, "long.dr.example.com");
    struct settings *s = site_new(
        "long DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.org.\n");
    struct ask *a = ask_new(s);

    (void)state;
    assert_string_equal(ask(a, name.text, "A"),
                        "YXDOMAIN aa | long.dr.example.com. 3600 IN DNAME "
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.org.");
    ask_free(a);
    settings_free(s);
}

static void a_site_without_a_local_zone_refuses_all(void **state)
{
    struct settings *s = site_new(NULL);
    struct ask *a;

    (void)state;
    memcpy(s->providers[0].kind, "beacon", sizeof("beacon"));
    a = ask_new(s);
    assert_string_equal(view_group_name(a->view, 0), "prod");
    assert_string_equal(ask(a, "dr.example.com", "SOA"), "REFUSED");
    ask_free(a);
    settings_free(s);
}

static void any_is_answered_with_one_set_of_records(void **state)
{
    static const struct expected cases[] = {
        { "both.airflow.dr.example.com", "ANY",
          "NOERROR aa | both.airflow.dr.example.com. 30 IN A 198.51.100.11; "
          "both.airflow.dr.example.com. 30 IN A 198.51.100.12" },
        { "alias.dr.example.com", "ANY",
          "NOERROR aa | alias.dr.example.com. 300 IN CNAME mail.dr.example.com." },
        { "deep.dr.example.com", "ANY", "NOERROR aa |" SOA "200" SOA_REST },
    };
    struct ask *a = new_ask();

    (void)state;
    ask_set_word(a, SITE_PROD, 1, 200);
    CHECK_ALL(a, cases);
    ask_free(a);
}

static void a_zone_below_another_answers_for_itself(void **state)
{
    struct settings *s = site_new("child NS ns.example.net.\nmail A 192.0.2.1\n");
    struct ask *a;

    (void)state;
    site_add_zone(s, "child.dr.example.com", "www A 192.0.2.2\n");
    a = ask_new(s);
    assert_string_equal(ask(a, "www.child.dr.example.com", "A"),
                        "NOERROR aa | www.child.dr.example.com. 3600 IN A 192.0.2.2");
    assert_string_equal(ask(a, "child.dr.example.com", "NS"),
                        "NOERROR aa | child.dr.example.com. 3600 IN NS ns.example.net.");
    assert_string_equal(ask(a, "none.child.dr.example.com", "A"),
                        "NXDOMAIN aa | | child.dr.example.com. 5 IN SOA ns.example.net. "
                        "host\\.master.example.com. 100 30 10 1209600 5");
    assert_string_equal(ask(a, "mail.dr.example.com", "A"),
                        "NOERROR aa | mail.dr.example.com. 3600 IN A 192.0.2.1");
    ask_free(a);
    settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_records_are_answered),
        cmocka_unit_test(what_is_not_there_comes_with_the_soa),
        cmocka_unit_test(wildcards_answer_for_names_that_do_not_exist),
        cmocka_unit_test(chains_are_followed_inside_the_zone),
        cmocka_unit_test(delegations_are_referred_to_with_glue),
        cmocka_unit_test(a_dname_redirects_what_lies_below_it),
        cmocka_unit_test(a_redirect_to_a_name_too_long_is_yxdomain),
        cmocka_unit_test(a_site_without_a_local_zone_refuses_all),
        cmocka_unit_test(any_is_answered_with_one_set_of_records),
        cmocka_unit_test(a_zone_below_another_answers_for_itself),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
