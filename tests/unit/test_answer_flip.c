/* tests/unit/test_answer_flip.c -- managed names: what the words of the page decide, what they do
 * not, and the serial that tells secondaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "tests/support/ask.h"
#include "tests/support/site.h"

#define SOA " | dr.example.com. 5 IN SOA ns1.dr.example.com. host\\.master.example.com. "
#define SOA_REST " 30 10 1209600 5"
#define NEGATIVE SOA "100" SOA_REST /* while no group of the zone has an epoch */

/* app.airflow and both.airflow, managed by prod; c.airflow by second, a CNAME into prod in usw2. */
static struct ask *new_ask(void)
{
    struct settings *s = site_new("mail 60 A 192.0.2.25\n"
                                  "ui 300 CNAME app.airflow\n");
    unsigned second = site_add_group(s, "second");
    struct ask *a;

    (void)site_add_host(s, SITE_PROD, "app.airflow.dr.example.com", "198.51.100.10",
                        "203.0.113.10 ttl=20");
    (void)site_add_host(s, SITE_PROD, "both.airflow.dr.example.com",
                        "198.51.100.11 198.51.100.12 2001:db8::11 https=1 . alpn=h2",
                        "cname=lb.usw2.example.net");
    site_add_host(s, second, "c.airflow.dr.example.com", "cname=app.airflow.dr.example.com",
                  "198.51.100.13")
        ->acme[0] = '\0';
    assert_true(
        str_copy(s->groups[SITE_PROD].hostnames[0].acme, HOSTNAME_BYTES, "app.acme.example.net"));
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

static void a_flip_is_one_word_and_moves_all_names_of_its_group(void **state)
{
    static const struct expected first[] = {
        { "app.airflow.dr.example.com", "A",
          "NOERROR aa | app.airflow.dr.example.com. 30 IN A 198.51.100.10" },
        { "both.airflow.dr.example.com", "A",
          "NOERROR aa | both.airflow.dr.example.com. 30 IN A 198.51.100.11; "
          "both.airflow.dr.example.com. 30 IN A 198.51.100.12" },
        { "both.airflow.dr.example.com", "AAAA",
          "NOERROR aa | both.airflow.dr.example.com. 30 IN AAAA 2001:db8::11" },
        { "both.airflow.dr.example.com", "TYPE65",
          "NOERROR aa | both.airflow.dr.example.com. 30 IN HTTPS 1 . alpn=h2" },
        { "app.airflow.dr.example.com", "AAAA", "NOERROR aa |" SOA "200" SOA_REST },
        { "ui.dr.example.com", "A",
          "NOERROR aa | ui.dr.example.com. 300 IN CNAME app.airflow.dr.example.com.; "
          "app.airflow.dr.example.com. 30 IN A 198.51.100.10" },
    };
    static const struct expected second[] = {
        { "app.airflow.dr.example.com", "A",
          "NOERROR aa | app.airflow.dr.example.com. 20 IN A 203.0.113.10" },
        { "both.airflow.dr.example.com", "A",
          "NOERROR aa | both.airflow.dr.example.com. 30 IN CNAME lb.usw2.example.net." },
        { "both.airflow.dr.example.com", "AAAA",
          "NOERROR aa | both.airflow.dr.example.com. 30 IN CNAME lb.usw2.example.net." },
        { "ui.dr.example.com", "A",
          "NOERROR aa | ui.dr.example.com. 300 IN CNAME app.airflow.dr.example.com.; "
          "app.airflow.dr.example.com. 20 IN A 203.0.113.10" },
    };
    struct ask *a = new_ask();

    (void)state;
    ask_set_word(a, SITE_PROD, 1, 200);
    CHECK_ALL(a, first);
    ask_set_word(a, SITE_PROD, 2, 201);
    CHECK_ALL(a, second);
    ask_free(a);
}

static void a_chain_through_groups_obeys_the_word_of_each(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    /* second's order is usw2, use1. */
    ask_set_word(a, SITE_PROD, 2, 201);
    ask_set_word(a, 1, 1, 202);
    assert_string_equal(ask(a, "c.airflow.dr.example.com", "A"),
                        "NOERROR aa | c.airflow.dr.example.com. 30 IN CNAME "
                        "app.airflow.dr.example.com.; app.airflow.dr.example.com. 20 IN A "
                        "203.0.113.10");
    ask_set_word(a, SITE_PROD, 1, 203);
    assert_string_equal(ask(a, "c.airflow.dr.example.com", "A"),
                        "NOERROR aa | c.airflow.dr.example.com. 30 IN CNAME "
                        "app.airflow.dr.example.com.; app.airflow.dr.example.com. 30 IN A "
                        "198.51.100.10");
    ask_set_word(a, 1, 2, 204);
    assert_string_equal(ask(a, "c.airflow.dr.example.com", "A"),
                        "NOERROR aa | c.airflow.dr.example.com. 30 IN A 198.51.100.13");
    ask_free(a);
}

static void names_of_a_group_without_a_word_are_not_served(void **state)
{
    static const struct expected cases[] = {
        { "app.airflow.dr.example.com", "A", "SERVFAIL" },
        { "app.airflow.dr.example.com", "TXT", "SERVFAIL" },
        { "ui.dr.example.com", "A", "SERVFAIL" },
        { "mail.dr.example.com", "A", "NOERROR aa | mail.dr.example.com. 60 IN A 192.0.2.25" },
        { "use1.app.airflow.dr.example.com", "A",
          "NOERROR aa | use1.app.airflow.dr.example.com. 30 IN A 198.51.100.10" },
        { "_acme-challenge.app.airflow.dr.example.com", "TXT",
          "NOERROR aa | _acme-challenge.app.airflow.dr.example.com. 30 IN CNAME "
          "app.acme.example.net." },
    };
    struct ask *a = new_ask();

    (void)state;
    CHECK_ALL(a, cases);
    /* an index that stands for no cluster is as good as none */
    ask_set_word(a, SITE_PROD, 3, 200);
    assert_string_equal(ask(a, "app.airflow.dr.example.com", "A"), "SERVFAIL");
    ask_free(a);
}

static void records_beside_a_name_without_a_word_are_served(void **state)
{
    struct settings *s = site_new("app TXT \"beside it\"\n");
    struct ask *a;

    (void)state;
    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10", "203.0.113.10");
    (void)site_add_host(s, SITE_PROD, "dr.example.com", "198.51.100.11", "203.0.113.11");
    a = ask_new(s);
    assert_string_equal(ask(a, "app.dr.example.com", "TXT"),
                        "NOERROR aa | app.dr.example.com. 3600 IN TXT \"beside it\"");
    assert_string_equal(ask(a, "app.dr.example.com", "A"), "SERVFAIL");
    assert_string_equal(ask(a, "dr.example.com", "A"), "SERVFAIL");
    assert_string_equal(ask(a, "dr.example.com", "SOA"),
                        "NOERROR aa | dr.example.com. 60 IN SOA ns1.dr.example.com. "
                        "host\\.master.example.com. 100" SOA_REST);
    assert_string_equal(ask(a, "none.dr.example.com", "A"), "NXDOMAIN aa |" NEGATIVE);
    ask_set_word(a, SITE_PROD, 2, 200);
    assert_string_equal(ask(a, "dr.example.com", "A"),
                        "NOERROR aa | dr.example.com. 30 IN A 203.0.113.11");
    ask_free(a);
    settings_free(s);
}

static void each_clusters_own_name_answers_with_that_cluster(void **state)
{
    static const struct expected cases[] = {
        { "use1.app.airflow.dr.example.com", "A",
          "NOERROR aa | use1.app.airflow.dr.example.com. 30 IN A 198.51.100.10" },
        { "usw2.app.airflow.dr.example.com", "A",
          "NOERROR aa | usw2.app.airflow.dr.example.com. 20 IN A 203.0.113.10" },
        { "usw2.both.airflow.dr.example.com", "A",
          "NOERROR aa | usw2.both.airflow.dr.example.com. 30 IN CNAME lb.usw2.example.net." },
        { "use1.c.airflow.dr.example.com", "A",
          "NOERROR aa | use1.c.airflow.dr.example.com. 30 IN A 198.51.100.13" },
    };
    struct ask *a = new_ask();

    (void)state;
    for (uint8_t index = 1; index <= 2; index++) {
        ask_set_word(a, SITE_PROD, index, 200 + index);
        ask_set_word(a, 1, index, 210 + index);
        CHECK_ALL(a, cases);
    }
    ask_free(a);
}

static void the_serial_is_the_newest_epoch_of_the_zone(void **state)
{
    static const struct {
        uint32_t prod, second;
        const char *serial;
    } cases[] = {
        { 50, 60, "100" }, /* older than the view's own */
        { 150, 60, "150" },
        { 150, 160, "160" },
        { 2147483800U, 160, "160" }, /* RFC 1982: more than half way round is older */
        { 2147483800U, 2000000000U, "2000000000" },
    };
    struct ask *a = new_ask();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[256];

        assert_true(str_format(expected, sizeof(expected), "NOERROR aa |" SOA "%s" SOA_REST,
                               cases[i].serial));
        ask_set_word(a, SITE_PROD, 1, cases[i].prod);
        ask_set_word(a, 1, 1, cases[i].second);
        assert_string_equal(ask(a, "mail.dr.example.com", "TXT"), expected);
        assert_non_null(strstr(ask(a, "dr.example.com", "SOA"), cases[i].serial));
    }
    ask_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flip_is_one_word_and_moves_all_names_of_its_group),
        cmocka_unit_test(a_chain_through_groups_obeys_the_word_of_each),
        cmocka_unit_test(names_of_a_group_without_a_word_are_not_served),
        cmocka_unit_test(records_beside_a_name_without_a_word_are_served),
        cmocka_unit_test(each_clusters_own_name_answers_with_that_cluster),
        cmocka_unit_test(the_serial_is_the_newest_epoch_of_the_zone),
    };

    return cmocka_run_group_tests_name("answer_flip", tests, NULL, NULL);
}
