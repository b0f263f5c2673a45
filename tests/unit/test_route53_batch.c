/* tests/unit/test_route53_batch.c -- from live record sets to change batches, applied to a zone in
 * memory that is as strict as the service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "tests/support/route53_site.h"

static void a_batch_reads_as_the_service_documents_it(void **state)
{
    (void)state;
    static struct site s;
    struct route53_plan plan;
    struct buf body;
    struct err err;

    site_init(&s, &site_simple);
    site_add(&s, route53_zone_host("*.af.example.com", "cname=old.elb.test", "cname=new.elb.test",
                                   NULL));
    route53_zone_put(&s.zones[0].records, "\\052.af.example.com CNAME ttl=60 old.elb.test.");
    buf_init(&body, ROUTE53_BODY_BYTES);
    assert_int_equal(route53_plan_init(&plan, &s.move, s.zones, 1, &err), 0);
    assert_int_equal(
        route53_batch_write(&plan, 0, "prod", "op-1764028800-prod", EPOCH, &body, &err), 0);
    assert_string_equal(
        body.data,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
        "<ChangeBatch><Comment>dnsflip prod op-1764028800-prod epoch=1764028800</Comment><Changes>"
        "<Change><Action>DELETE</Action><ResourceRecordSet><Name>_dnsflip-prod.example.com.</Name>"
        "<Type>TXT</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>" OWNER
        "</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>"
        "<Change><Action>CREATE</Action><ResourceRecordSet><Name>_dnsflip-prod.example.com.</Name>"
        "<Type>TXT</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>"
        "\"heritage=dnsflip,group=prod,epoch=1764028800,batch=1/1\""
        "</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>"
        "<Change><Action>DELETE</Action><ResourceRecordSet><Name>\\052.af.example.com.</Name>"
        "<Type>CNAME</Type><TTL>60</TTL><ResourceRecords><ResourceRecord>"
        "<Value>old.elb.test.</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>"
        "</Change><Change><Action>CREATE</Action><ResourceRecordSet>"
        "<Name>\\052.af.example.com.</Name><Type>CNAME</Type><TTL>60</TTL><ResourceRecords>"
        "<ResourceRecord><Value>new.elb.test</Value></ResourceRecord></ResourceRecords>"
        "</ResourceRecordSet></Change></Changes></ChangeBatch></"
        "ChangeResourceRecordSetsRequest>\n");
    buf_fini(&body);
    route53_plan_fini(&plan);
    site_fini(&s);
}

static void families_and_https_of_a_name_move_in_one_batch(void **state)
{
    (void)state;
    static struct site s;
    struct err err;

    site_init(&s, &site_simple);
    site_add(&s, route53_zone_host("af.example.com", "198.51.100.1 2001:db8::1 https=1 . alpn=h2",
                                   "203.0.113.1", NULL));
    route53_zone_put(&s.zones[0].records, "af.example.com A 198.51.100.1");
    route53_zone_put(&s.zones[0].records, "af.example.com AAAA 2001:db8:0::1");
    route53_zone_put(&s.zones[0].records, "af.example.com HTTPS |1 . alpn=\"h2\"");
    route53_zone_put(&s.zones[0].records, "af.example.com MX |10 mail.example.com.");
    assert_int_equal(site_move(&s, &err), 1);
    assert_true(site_has(&s, 0, "af.example.com A "));
    assert_true(site_has(&s, 0, "[203.0.113.1]"));
    assert_false(site_has(&s, 0, "AAAA"));
    assert_false(site_has(&s, 0, "HTTPS"));
    assert_true(site_has(&s, 0, "MX"));
    assert_int_equal(site_move(&s, &err), 0); /* nothing is left */
    site_fini(&s);
}

static void a_weighted_pair_swaps_its_weights_and_keeps_its_checks(void **state)
{
    (void)state;
    static struct site s;
    struct route53_group group = site_simple;
    struct err err;

    group.routing = ROUTE53_ROUTING_WEIGHTED;
    site_init(&s, &group);
    site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "203.0.113.1", NULL));
    route53_zone_put(&s.zones[0].records,
                     "af.example.com A set=use1 weight=100 check=c1 198.51.100.1");
    route53_zone_put(&s.zones[0].records,
                     "af.example.com A set=usw2 weight=0 check=c2 203.0.113.1");
    assert_int_equal(site_move(&s, &err), 1);
    assert_true(site_has(&s, 0, "set=use1 weight=0 failover=0 ttl=60 alias=//0 check=c1"));
    assert_true(site_has(&s, 0, "set=usw2 weight=100 failover=0 ttl=60 alias=//0 check=c2"));
    site_fini(&s);
}

static void a_failover_pair_changes_roles(void **state)
{
    (void)state;
    static struct site s;
    struct route53_group group = site_simple;
    struct err err;

    group.routing = ROUTE53_ROUTING_FAILOVER;
    site_init(&s, &group);
    site_add(&s, route53_zone_host("af.example.com", "alias=ZELB/a.elb.test health",
                                   "alias=ZELB/b.elb.test health", NULL));
    route53_zone_put(&s.zones[0].records,
                     "af.example.com A set=use1 primary check=c1 alias=ZELB/a.elb.test health");
    route53_zone_put(&s.zones[0].records,
                     "af.example.com A set=usw2 secondary alias=ZELB/b.elb.test health");
    assert_int_equal(site_move(&s, &err), 1);
    assert_true(site_has(&s, 0, "set=use1 weight=-1 failover=2"));
    assert_true(site_has(&s, 0,
                         "failover=1 ttl=4294967295 alias=ZELB/b.elb.test/1 check= "
                         "more=0"));
    assert_false(site_has(&s, 0, "AAAA")); /* where no AAAA was, none is made beside aliases */
    site_fini(&s);
}

static void a_secondary_without_a_check_is_made_no_primary(void **state)
{
    (void)state;
    static struct site s;
    struct route53_group group = site_simple;

    group.routing = ROUTE53_ROUTING_FAILOVER;
    site_init(&s, &group);
    site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "203.0.113.1", NULL));
    route53_zone_put(&s.zones[0].records,
                     "af.example.com A set=use1 primary check=c1 198.51.100.1");
    route53_zone_put(&s.zones[0].records, "af.example.com A set=usw2 secondary 203.0.113.1");
    site_refuses(&s, ERR_CONFLICT, "A usw2 has no health check and would become PRIMARY");
    site_fini(&s);
}

static void what_was_not_expected_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *records[3];
        enum err_code code;
        const char *part;
    } cases[] = {
        { { NULL }, ERR_CONFLICT, "has no records to move" },
        { { "af.example.com A 198.51.100.9" },
          ERR_CONFLICT,
          "af.example.com A: expected 198.51.100.1 TTL 60 (use1), found 198.51.100.9 TTL 60" },
        { { "af.example.com A ttl=61 198.51.100.1" }, ERR_CONFLICT, "found 198.51.100.1 TTL 61" },
        { { "af.example.com A 198.51.100.1", "af.example.com AAAA 2001:db8::9" },
          ERR_CONFLICT,
          "AAAA: expected nothing (use1), found 2001:db8::9" },
        { { "af.example.com A 198.51.100.1", "af.example.com HTTPS |1 ." },
          ERR_CONFLICT,
          "HTTPS: expected nothing" },
        { { "af.example.com A 198.51.100.1", "af.example.com SVCB |1 ." },
          ERR_CONFLICT,
          "SVCB: expected nothing" },
        { { "af.example.com A more 198.51.100.1" }, ERR_CONFLICT, "settings unknown here" },
        { { "af.example.com A set=use1 weight=100 198.51.100.1" }, ERR_CONFLICT, "weight 100" },
        { { "af.example.com A 198.51.100.1",
            "af.example.com TXT |\"heritage=external-dns,external-dns/owner=blue,"
            "external-dns/resource=ingress/x\"" },
          ERR_DENIED,
          "ExternalDNS (owner 'blue')" },
        { { "af.example.com A 198.51.100.1",
            "a-af.example.com TXT |\"heritage=external-dns,external-dns/owner=x\"" },
          ERR_DENIED,
          "a-af.example.com" },
        { { "af.example.com A 198.51.100.1",
            "extdns-cname-af.example.com TXT |\"heritage=external-dns,external-dns/owner=x\"" },
          ERR_DENIED,
          "ExternalDNS" },
        { { "af.example.com A 198.51.100.1",
            "af-registry.example.com TXT |\"heritage=external-dns,external-dns/owner=x\"" },
          ERR_DENIED,
          "ExternalDNS" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct site s;

        site_init(&s, &site_simple);
        site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "203.0.113.1", NULL));
        for (size_t j = 0; j < 3 && cases[i].records[j] != NULL; j++)
            route53_zone_put(&s.zones[0].records, cases[i].records[j]);
        site_refuses(&s, cases[i].code, cases[i].part);
        site_fini(&s);
    }
}

static void a_neighbour_of_external_dns_is_not_its_own(void **state)
{
    (void)state;
    static const char txt[] = "TXT |\"heritage=external-dns,external-dns/owner=x\"";
    static const char *const names[] = { "www.af.example.com", "cname-www.af.example.com",
                                         "extdns-www.af.example.com", "traf.example.com" };
    static struct site s;
    struct err err;

    site_init(&s, &site_simple);
    site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "203.0.113.1", NULL));
    route53_zone_put(&s.zones[0].records, "af.example.com A 198.51.100.1");
    route53_zone_put(&s.zones[0].records, "www.af.example.com A 192.0.2.1");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[512];

        str_format(text, sizeof(text), "%s %s", names[i], txt);
        route53_zone_put(&s.zones[0].records, text);
    }
    assert_int_equal(site_move(&s, &err), 1);
    site_fini(&s);
}

static void a_claimed_name_moves_once_a_person_says_so(void **state)
{
    (void)state;
    static struct site s;
    struct err err;

    site_init(&s, &site_simple);
    site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "203.0.113.1", NULL));
    route53_zone_put(&s.zones[0].records, "af.example.com A 198.51.100.1");
    route53_zone_put(&s.zones[0].records,
                     "af.example.com TXT |\"heritage=external-dns,external-dns/owner=x\"");
    site_refuses(&s, ERR_DENIED, "ExternalDNS");
    s.move.takes_foreign = true;
    assert_int_equal(site_move(&s, &err), 1);
    assert_true(site_has(&s, 0, "heritage=external-dns"));
    site_fini(&s);
}

static void ownership_is_adopted_once_and_fences_older_epochs(void **state)
{
    (void)state;
    static struct site s;
    struct route53_set empty = { .n = 0 };
    struct err err;

    site_init(&s, &site_simple);
    route53_set_fini(&s.zones[0].records);
    s.zones[0].records = empty;
    site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "203.0.113.1", NULL));
    route53_zone_put(&s.zones[0].records, "af.example.com A 198.51.100.1");
    site_refuses(&s, ERR_DENIED, "no ownership record _dnsflip-prod.example.com");
    s.move.is_adopt = true;
    s.move.to = 0;
    assert_int_equal(site_move(&s, &err), 1);
    assert_true(site_has(&s, 0, "[\"heritage=dnsflip,group=prod,epoch=1764028800,batch=1/1\"]"));
    assert_true(site_has(&s, 0, "[198.51.100.1]"));
    assert_int_equal(site_move(&s, &err), 0);
    s.move.is_adopt = false;
    s.move.to = 1;
    s.move.epoch = EPOCH - 1;
    site_refuses(&s, ERR_DENIED, "newer than 1764028799");
    s.move.takes_foreign = true;
    site_refuses(&s, ERR_DENIED, "newer than 1764028799");
    site_fini(&s);
}

static void ownership_records_that_are_not_ours_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "TXT |\"heritage=dnsflip,group=other,epoch=1,batch=1/1\"",
        "TXT |\"hello\"",
        "CNAME elsewhere.test",
        "TXT set=a weight=1 |" OWNER,
        "TXT more |" OWNER,
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        static struct site s;
        char text[512];

        site_init(&s, &site_simple);
        route53_set_fini(&s.zones[0].records);
        site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "203.0.113.1", NULL));
        route53_zone_put(&s.zones[0].records, "af.example.com A 198.51.100.1");
        str_format(text, sizeof(text), "_dnsflip-prod.example.com %s", texts[i]);
        route53_zone_put(&s.zones[0].records, text);
        site_refuses(&s, ERR_DENIED, "_dnsflip-prod.example.com");
        s.move.is_adopt = true;
        site_refuses(&s, ERR_DENIED, "_dnsflip-prod.example.com");
        site_fini(&s);
    }
}

static void twins_move_in_both_or_not_at_all(void **state)
{
    (void)state;
    static struct site s;
    struct err err;

    site_init(&s, &site_simple);
    site_add_zone(&s, "Z1PRIVATE", "example.com", true);
    site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "203.0.113.1", NULL));
    site_add(&s, route53_zone_host("only.example.com", "198.51.100.2", "203.0.113.2", NULL));
    route53_zone_put(&s.zones[0].records, "af.example.com A 198.51.100.1");
    route53_zone_put(&s.zones[0].records, "only.example.com A 198.51.100.2");
    route53_zone_put(&s.zones[1].records, "af.example.com A 10.0.0.1");
    site_refuses(&s, ERR_CONFLICT, "zone Z1PRIVATE: af.example.com A");
    route53_set_fini(&s.zones[1].records);
    route53_zone_put(&s.zones[1].records, "_dnsflip-prod.example.com TXT |" OWNER);
    route53_zone_put(&s.zones[1].records, "af.example.com A 198.51.100.1");
    assert_int_equal(site_move(&s, &err), 2);
    assert_true(site_has(&s, 0, "[203.0.113.1]"));
    assert_true(site_has(&s, 0, "[203.0.113.2]"));
    assert_true(site_has(&s, 1, "[203.0.113.1]"));
    assert_false(site_has(&s, 1, "only"));
    site_fini(&s);
}

static void the_longest_zone_has_the_name(void **state)
{
    (void)state;
    static const struct route53_zone zones[] = { { .name = "example.com" },
                                                 { .name = "dr.example.com" },
                                                 { .name = "dr.example.com", .is_private = true },
                                                 { .name = "ample.com" } };

    assert_int_equal(route53_zones_of(zones, 4, "af.example.com"), 1);
    assert_int_equal(route53_zones_of(zones, 4, "example.com"), 1);
    assert_int_equal(route53_zones_of(zones, 4, "af.dr.example.com"), 6);
    assert_int_equal(route53_zones_of(zones, 4, "xdr.example.com"), 1);
    assert_int_equal(route53_zones_of(zones, 4, "example.org"), 0);
}

static void a_cname_is_not_put_beside_other_records(void **state)
{
    (void)state;
    static struct site s;

    site_init(&s, &site_simple);
    site_add(&s, route53_zone_host("af.example.com", "198.51.100.1", "cname=b.elb.test", NULL));
    route53_zone_put(&s.zones[0].records, "af.example.com A 198.51.100.1");
    route53_zone_put(&s.zones[0].records, "af.example.com CAA |0 issue \"ca.test\"");
    site_refuses(&s, ERR_CONFLICT, "CAA records are there, and the CNAME of usw2");
    site_fini(&s);
}

static void a_health_check_is_never_lost(void **state)
{
    (void)state;
    static struct site s;

    site_init(&s, &site_simple);
    site_add(&s,
             route53_zone_host("af.example.com", "198.51.100.1 2001:db8::1", "203.0.113.1", NULL));
    route53_zone_put(&s.zones[0].records, "af.example.com A 198.51.100.1");
    route53_zone_put(&s.zones[0].records, "af.example.com AAAA check=c6 2001:db8::1");
    site_refuses(&s, ERR_CONFLICT, "its health check c6");
    site_fini(&s);
}

static void targets_that_the_routing_cannot_hold_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum route53_routing routing;
        unsigned n_clusters;
        const char *targets[3], *part;
    } cases[] = {
        { ROUTE53_ROUTING_FAILOVER, 3, { "192.0.2.1", "192.0.2.2", "192.0.2.3" }, "exactly two" },
        { ROUTE53_ROUTING_FAILOVER, 2, { "192.0.2.1", "alias=Z/a.test" }, "evaluate the health" },
        { ROUTE53_ROUTING_FAILOVER, 2, { "192.0.2.1", "cname=b.elb.test" }, "is a CNAME in one" },
        { ROUTE53_ROUTING_WEIGHTED, 2, { "cname=a.elb.test", "192.0.2.1" }, "is a CNAME in one" },
        { ROUTE53_ROUTING_WEIGHTED, 2, { "192.0.2.1 192.0.2.2", "192.0.2.3" }, "one address" },
        { ROUTE53_ROUTING_WEIGHTED, 2, { "192.0.2.1", "ttl=30 192.0.2.3" }, "have one TTL" },
        { ROUTE53_ROUTING_SIMPLE, 2, { "192.0.2.1", "" }, "no target in usw2" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct site s;
        struct route53_group group = site_simple;

        group.routing = cases[i].routing;
        group.n_clusters = cases[i].n_clusters;
        group.clusters[2] = "euw1";
        site_init(&s, &group);
        site_add(&s, route53_zone_host("af.example.com", cases[i].targets[0], cases[i].targets[1],
                                       cases[i].targets[2], NULL));
        site_refuses(&s, ERR_CONFIG, cases[i].part);
        site_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_reads_as_the_service_documents_it),
        cmocka_unit_test(families_and_https_of_a_name_move_in_one_batch),
        cmocka_unit_test(a_weighted_pair_swaps_its_weights_and_keeps_its_checks),
        cmocka_unit_test(a_failover_pair_changes_roles),
        cmocka_unit_test(a_secondary_without_a_check_is_made_no_primary),
        cmocka_unit_test(what_was_not_expected_is_refused),
        cmocka_unit_test(a_neighbour_of_external_dns_is_not_its_own),
        cmocka_unit_test(a_claimed_name_moves_once_a_person_says_so),
        cmocka_unit_test(ownership_is_adopted_once_and_fences_older_epochs),
        cmocka_unit_test(ownership_records_that_are_not_ours_are_refused),
        cmocka_unit_test(twins_move_in_both_or_not_at_all),
        cmocka_unit_test(the_longest_zone_has_the_name),
        cmocka_unit_test(a_cname_is_not_put_beside_other_records),
        cmocka_unit_test(a_health_check_is_never_lost),
        cmocka_unit_test(targets_that_the_routing_cannot_hold_are_refused),
    };

    return cmocka_run_group_tests_name("route53_batch", tests, NULL, NULL);
}
