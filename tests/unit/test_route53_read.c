/* tests/unit/test_route53_read.c -- what the Route 53 API answers, read into values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_read.h"

#define DOC_BYTES 16384
#define LIST_HEAD                                                                                  \
    "<?xml version=\"1.0\"?>\n<ListResourceRecordSetsResponse "                                    \
    "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
#define LIST_FOOT "<MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
#define LAST "<IsTruncated>false</IsTruncated>"

/* The one record of a list that holds the children. */
static struct route53_record *read_one(struct route53_set *set, const char *children)
{
    static char doc[DOC_BYTES];
    struct route53_page page;
    struct err err = { .text = "" };

    *set = (struct route53_set){ .n = 0 };
    assert_true(str_format(doc, sizeof(doc),
                           LIST_HEAD "<ResourceRecordSets><ResourceRecordSet>%s"
                                     "</ResourceRecordSet></ResourceRecordSets>" LAST LIST_FOOT,
                           children));
    if (route53_read_page(doc, strlen(doc), set, &page, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(set->n, 1);
    return set->records[0];
}

#define NAMED "<Name>af.example.com.</Name><Type>A</Type>"
#define VALUES                                                                                     \
    "<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord>"      \
    "<ResourceRecord><Value>192.0.2.2</Value></ResourceRecord></ResourceRecords>"
#define ALIAS                                                                                      \
    "<AliasTarget><HostedZoneId>Z35SXDOTRQ7X7K</HostedZoneId><DNSName>dualstack.LB-1.test."        \
    "</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>"

static void a_plain_record_is_read_whole(void **state)
{
    (void)state;
    struct route53_set set;
    const struct route53_record *r =
        read_one(&set, "<Name>\\052.AF.example.com.</Name><Type>A</Type>" VALUES);

    assert_string_equal(r->name, "*.af.example.com");
    assert_string_equal(r->type, "A");
    assert_int_equal(r->ttl_s, 60);
    assert_int_equal(r->n_values, 2);
    assert_string_equal(r->values[1], "192.0.2.2");
    assert_int_equal(r->weight, -1);
    assert_string_equal(r->set_id, "");
    assert_false(r->has_more);
    route53_set_fini(&set);
}

static void routing_and_alias_are_read(void **state)
{
    (void)state;
    struct route53_set set;
    const struct route53_record *r =
        read_one(&set, NAMED "<SetIdentifier>use1</SetIdentifier>"
                             "<Weight>0</Weight>" VALUES "<HealthCheckId>c-1</HealthCheckId>");

    assert_int_equal(r->weight, 0);
    assert_string_equal(r->set_id, "use1");
    assert_string_equal(r->health_check, "c-1");
    assert_false(r->has_more);
    route53_set_fini(&set);
    r = read_one(&set,
                 NAMED "<SetIdentifier>b</SetIdentifier><Failover>SECONDARY</Failover>" ALIAS);
    assert_int_equal(r->failover, ROUTE53_SECONDARY);
    assert_string_equal(r->alias_zone, "Z35SXDOTRQ7X7K");
    assert_string_equal(r->alias_name, "dualstack.lb-1.test");
    assert_true(r->alias_evaluates_health);
    assert_int_equal(r->ttl_s, ROUTE53_TTL_NONE);
    assert_false(r->has_more);
    route53_set_fini(&set);
}

/* Such a set could not be deleted and created again as it was. */
static void what_could_not_be_written_back_is_marked(void **state)
{
    (void)state;
    static const char *const children[] = {
        NAMED "<SetIdentifier>x</SetIdentifier><Region>eu-west-1</Region>" VALUES,
        NAMED "<SetIdentifier>x</SetIdentifier><GeoLocation><CountryCode>DE</CountryCode>"
              "</GeoLocation>" VALUES,
        NAMED "<SetIdentifier>x</SetIdentifier><MultiValueAnswer>true</MultiValueAnswer>" VALUES,
        NAMED "<SetIdentifier>x</SetIdentifier>" VALUES,
        NAMED VALUES "<TrafficPolicyInstanceId>t</TrafficPolicyInstanceId>",
        NAMED VALUES "<CidrRoutingConfig><LocationName>l</LocationName></CidrRoutingConfig>",
        NAMED VALUES ALIAS,
        NAMED "<TTL>60</TTL>" ALIAS,
        NAMED "<SetIdentifier>x</SetIdentifier><Failover>TERTIARY</Failover>" VALUES,
        NAMED "<SetIdentifier>x</SetIdentifier><Weight>256</Weight>" VALUES,
        NAMED "<Weight>1</Weight>" VALUES,
        NAMED "<TTL>2147483648</TTL>",
        NAMED,
        NAMED VALUES "<Later><Thing>1</Thing></Later>",
        NAMED "<AliasTarget><HostedZoneId>Z1</HostedZoneId><DNSName>a.test.</DNSName>"
              "<EvaluateTargetHealth>maybe</EvaluateTargetHealth></AliasTarget>",
    };

    for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
        struct route53_set set;

        if (!read_one(&set, children[i])->has_more)
            fail_msg("not marked: %s", children[i]);
        route53_set_fini(&set);
    }
}

static void a_page_says_where_the_list_goes_on(void **state)
{
    (void)state;
    static const char doc[] =
        LIST_HEAD "<ResourceRecordSets/><IsTruncated>true</IsTruncated>"
                  "<NextRecordName>\\052.x.example.com.</NextRecordName><NextRecordType>CNAME"
                  "</NextRecordType><NextRecordIdentifier>use1</NextRecordIdentifier>" LIST_FOOT;
    struct route53_set set = { .n = 0 };
    struct route53_page page;
    struct err err;

    assert_int_equal(route53_read_page(doc, strlen(doc), &set, &page, &err), 0);
    assert_true(page.is_truncated);
    assert_string_equal(page.next_name, "\\052.x.example.com.");
    assert_string_equal(page.next_type, "CNAME");
    assert_string_equal(page.next_id, "use1");
    assert_int_equal(set.n, 0);
}

static void answers_that_are_no_list_are_refused(void **state)
{
    (void)state;
    static const char *const docs[] = {
        "",
        "<html><body>busy</body></html>",
        LIST_HEAD LIST_FOOT,
        LIST_HEAD "<IsTruncated>maybe</IsTruncated>" LIST_FOOT,
        LIST_HEAD "<IsTruncated>true</IsTruncated>" LIST_FOOT,
        LIST_HEAD "<ResourceRecordSets><ResourceRecordSet><Name>a.test.</Name>"
                  "</ResourceRecordSet></ResourceRecordSets>" LAST LIST_FOOT,
        LIST_HEAD "<ResourceRecordSets><ResourceRecordSet>" NAMED VALUES,
        "<!DOCTYPE x [<!ENTITY a \"b\">]>" LIST_HEAD LAST LIST_FOOT,
    };

    for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
        struct route53_set set = { .n = 0 };
        struct route53_page page;
        struct err err = { .code = ERR_NONE };

        if (route53_read_page(docs[i], strlen(docs[i]), &set, &page, &err) == 0)
            fail_msg("read: %s", docs[i]);
        assert_int_equal(err.code, ERR_REMOTE);
        route53_set_fini(&set);
    }
}

static void a_name_too_long_for_us_is_left_out_and_counted(void **state)
{
    (void)state;
    static char doc[DOC_BYTES], name[1024];
    struct route53_set set = { .n = 0 };
    struct route53_page page;
    struct err err;

    for (size_t i = 0; i < 800; i++)
        name[i] = "\\001"[i % 4];
    str_format(doc, sizeof(doc),
               LIST_HEAD
               "<ResourceRecordSets><ResourceRecordSet><Name>%s.</Name><Type>A</Type>" VALUES
               "</ResourceRecordSet></ResourceRecordSets>" LAST LIST_FOOT,
               name);
    assert_int_equal(route53_read_page(doc, strlen(doc), &set, &page, &err), 0);
    assert_int_equal(set.n, 0);
    assert_int_equal(set.n_left_out, 1);
}

static void names_come_back_as_they_were(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
    } cases[] = {
        { "af.example.com.", "af.example.com" },
        { "\\052.example.com.", "*.example.com" },
        { "\\052\\100x.example.com.", "*@x.example.com" },
        { "a\\056b.example.com.", "a\\056b.example.com" }, /* a dot inside a label */
        { "a\\134b.example.com.", "a\\134b.example.com" }, /* a backslash */
        { "\\344\\000\\040.example.com.", "\\344\\000\\040.example.com" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[HOSTNAME_BYTES], text[ROUTE53_NAME_TEXT_BYTES];

        assert_true(route53_name_parse(cases[i].text, name));
        assert_string_equal(name, cases[i].name);
        assert_string_equal(route53_name_format(name, text), cases[i].text);
    }
    static const char *const broken[] = { "\\", "a\\05", "a\\0x2.b", "a\\400.b", "a\\*.b" };

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        char name[HOSTNAME_BYTES];

        assert_false(route53_name_parse(broken[i], name));
        assert_string_equal(name, "");
    }
}

static void a_zone_tells_its_name_servers_and_whether_it_is_private(void **state)
{
    (void)state;
    static const char public_zone[] =
        "<GetHostedZoneResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
        "<HostedZone><Id>/hostedzone/Z0PUBLIC</Id><Name>Example.com.</Name>"
        "<CallerReference>r</CallerReference><Config><PrivateZone>false</PrivateZone></Config>"
        "<ResourceRecordSetCount>17</ResourceRecordSetCount><Features>"
        "<AcceleratedRecoveryStatus>ENABLED</AcceleratedRecoveryStatus></Features></HostedZone>"
        "<DelegationSet><NameServers><NameServer>ns-1.awsdns-1.com</NameServer>"
        "<NameServer>ns-2.awsdns-2.net.</NameServer></NameServers></DelegationSet>"
        "</GetHostedZoneResponse>";
    static const char private_zone[] =
        "<GetHostedZoneResponse><HostedZone><Id>Z1</Id><Name>example.com.</Name><Config>"
        "<PrivateZone>true</PrivateZone></Config></HostedZone></GetHostedZoneResponse>";
    struct route53_zone_facts zone;
    struct err err;

    assert_int_equal(route53_read_zone(public_zone, strlen(public_zone), &zone, &err), 0);
    assert_string_equal(zone.id, "Z0PUBLIC");
    assert_string_equal(zone.name, "example.com");
    assert_false(zone.is_private);
    assert_string_equal(zone.accelerated, "ENABLED");
    assert_int_equal(zone.n_servers, 2);
    assert_string_equal(zone.servers[1], "ns-2.awsdns-2.net");
    assert_int_equal(route53_read_zone(private_zone, strlen(private_zone), &zone, &err), 0);
    assert_true(zone.is_private);
    assert_int_equal(zone.n_servers, 0);
    assert_string_equal(zone.accelerated, "");
    assert_int_equal(route53_read_zone("<x/>", 4, &zone, &err), -1);
    assert_int_equal(err.code, ERR_REMOTE);
}

static void a_change_is_pending_until_it_is_in_sync(void **state)
{
    (void)state;
    static const struct {
        const char *doc, *id;
        bool is_insync;
    } cases[] = {
        { "<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/change/C1A</Id><Status>PENDING"
          "</Status><SubmittedAt>2017-03-27T17:48:16.751Z</SubmittedAt></ChangeInfo>"
          "</ChangeResourceRecordSetsResponse>",
          "C1A", false },
        { "<GetChangeResponse><ChangeInfo><Id>C1A</Id><Status>INSYNC</Status></ChangeInfo>"
          "</GetChangeResponse>",
          "C1A", true },
        { "<r><ChangeInfo><Id>/change/C1A</Id><Status>LOST</Status></ChangeInfo></r>", NULL,
          false },
        { "<r><ChangeInfo><Id>/change/</Id><Status>INSYNC</Status></ChangeInfo></r>", NULL, false },
        { "<r><ChangeInfo><Id>../x</Id><Status>INSYNC</Status></ChangeInfo></r>", NULL, false },
        { "<r><ChangeInfo><Id>C1</Id></ChangeInfo></r>", NULL, false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct route53_change_info info;
        struct err err = { .code = ERR_NONE };
        int status = route53_read_change(cases[i].doc, strlen(cases[i].doc), &info, &err);

        assert_int_equal(status, cases[i].id == NULL ? -1 : 0);
        if (status != 0) {
            assert_int_equal(err.code, ERR_REMOTE);
            continue;
        }
        assert_string_equal(info.id, cases[i].id);
        assert_int_equal(info.is_insync, cases[i].is_insync);
    }
}

static void a_set_that_is_listed_twice_is_a_torn_list(void **state)
{
    (void)state;
    struct route53_set set = { .n = 0 };
    struct err err;

    for (int i = 0; i < 2; i++) {
        struct route53_record r;

        route53_record_init(&r);
        str_copy(r.name, sizeof(r.name), "af.example.com");
        str_copy(r.type, sizeof(r.type), "A");
        assert_int_equal(route53_set_add(&set, &r, &err), 0);
    }
    assert_int_equal(route53_set_sort(&set, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_true(err.retry);
    route53_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_record_is_read_whole),
        cmocka_unit_test(routing_and_alias_are_read),
        cmocka_unit_test(what_could_not_be_written_back_is_marked),
        cmocka_unit_test(a_page_says_where_the_list_goes_on),
        cmocka_unit_test(answers_that_are_no_list_are_refused),
        cmocka_unit_test(a_name_too_long_for_us_is_left_out_and_counted),
        cmocka_unit_test(names_come_back_as_they_were),
        cmocka_unit_test(a_zone_tells_its_name_servers_and_whether_it_is_private),
        cmocka_unit_test(a_change_is_pending_until_it_is_in_sync),
        cmocka_unit_test(a_set_that_is_listed_twice_is_a_torn_list),
    };

    return cmocka_run_group_tests_name("route53_read", tests, NULL, NULL);
}
