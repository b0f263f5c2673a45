/* tests/unit/test_beacon_setup.c -- the health check and the records that a beacon's group needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/config/load.h"
#include "dnsflip/providers/beacon_setup.h"

#define MANY 600 /* names of one address in each cluster: 1,200 values */

static const char head[] =
    "version: 1\n"
    "node: { name: ctl }\n"
    "clusters: { use1: { target: { A: [198.51.100.10, 198.51.100.11], HTTPS: '1 . alpn=\"h2\"' } },"
    " usw2: { target: { A: 203.0.113.10, HTTPS: '1 . alpn=\"h2\"' } } }\n"
    "providers: { checks: { kind: beacon, listen: ['10.0.0.1:80', '192.0.2.53:8080'] } }\n";

static struct settings *load(const char *group)
{
    struct config_report report;
    struct settings *s = NULL;
    struct buf text;

    buf_init(&text, 1U << 20);
    buf_puts(&text, head);
    buf_puts(&text, group);
    config_report_init(&report);
    if (config_load_text("t.yaml", text.data, text.len, &s, &report) != 0)
        fail_msg("%s", report.messages[0].text);
    config_report_fini(&report);
    buf_fini(&text);
    return s;
}

static struct settings *load_one(void)
{
    return load("groups: { prod: { clusters: [use1, usw2], ttl: 60s, endpoints: [{ hostname: "
                "app.example.com, class: ui, probe: { kind: tcp } }] } }\n");
}

/* Lines of text that start with this. */
static unsigned count(const char *text, const char *start)
{
    unsigned n = 0;

    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        n += str_starts(at, start);
    }
    return n;
}

static void assert_has(const struct buf *text, const char *what)
{
    if (strstr(text->data, what) == NULL)
        fail_msg("no \"%s\" in\n%s", what, text->data);
}

static void the_script_makes_a_check_and_both_records_of_each_kind(void **state)
{
    struct settings *s = load_one();
    struct beacon_setup setup;
    struct buf out;
    struct err err;

    (void)state;
    buf_init(&out, BEACON_SETUP_BYTES_MAX);
    assert_int_equal(beacon_setup_init(&setup, s, 0, NULL, &err), 0);
    beacon_setup_aws(&setup, &out);
    (void)buf_text(&out);
    /* The first listen address that the internet can reach. */
    assert_has(&out, "'{\"IPAddress\":\"192.0.2.53\",\"Port\":8080,\"Type\":\"HTTP_STR_MATCH\","
                     "\"ResourcePath\":\"/beacon/prod/usw2\",\"SearchString\":\"dnsflip group=prod "
                     "cluster=usw2 state=active\",\"RequestInterval\":10,\"FailureThreshold\":3,"
                     "\"Inverted\":true}'");
    assert_int_equal(count(out.data, " {\"Action\":\"CREATE\""), 4);
    assert_has(&out, "{\"Name\":\"app.example.com.\",\"Type\":\"A\",\"SetIdentifier\":\"use1\","
                     "\"Failover\":\"PRIMARY\",\"TTL\":60,\"ResourceRecords\":[{\"Value\":"
                     "\"198.51.100.10\"},{\"Value\":\"198.51.100.11\"}],\"HealthCheckId\":"
                     "\"@CHECK@\"}}");
    assert_has(&out, "\"Type\":\"HTTPS\",\"SetIdentifier\":\"usw2\",\"Failover\":\"SECONDARY\","
                     "\"TTL\":60,\"ResourceRecords\":[{\"Value\":\"1 . alpn=\\\"h2\\\"\"}]}}");
    buf_fini(&out);
    settings_free(s);
}

static void terraform_says_the_same(void **state)
{
    struct settings *s = load_one();
    struct beacon_setup setup;
    struct buf out;
    struct err err;

    (void)state;
    buf_init(&out, BEACON_SETUP_BYTES_MAX);
    assert_int_equal(beacon_setup_init(&setup, s, 0, NULL, &err), 0);
    beacon_setup_terraform(&setup, &out);
    (void)buf_text(&out);
    assert_int_equal(count(out.data, "resource \"aws_route53_record\""), 4);
    assert_has(&out, "\nresource \"aws_route53_health_check\" \"dnsflip_prod\" {\n"
                     "  type               = \"HTTP_STR_MATCH\"\n"
                     "  ip_address         = \"192.0.2.53\"\n"
                     "  port               = 8080\n"
                     "  resource_path      = \"/beacon/prod/usw2\"\n"
                     "  search_string      = \"dnsflip group=prod cluster=usw2 state=active\"\n"
                     "  request_interval   = 10\n"
                     "  failure_threshold  = 3\n"
                     "  invert_healthcheck = true\n}\n");
    assert_has(&out,
               "\nresource \"aws_route53_record\" \"dnsflip_prod_app_example_com_A_primary\" {\n"
               "  zone_id         = var.dnsflip_zone_id\n"
               "  name            = \"app.example.com\"\n"
               "  type            = \"A\"\n"
               "  set_identifier  = \"use1\"\n"
               "  ttl             = 60\n"
               "  records         = [\"198.51.100.10\", \"198.51.100.11\"]\n"
               "  health_check_id = aws_route53_health_check.dnsflip_prod.id\n"
               "\n  failover_routing_policy {\n    type = \"PRIMARY\"\n  }\n}\n");
    assert_has(&out, "  records        = [\"1 . alpn=\\\"h2\\\"\"]\n");
    buf_fini(&out);
    settings_free(s);
}

/* HTTPS has no addresses, so each name counts five values. */
static void batches_end_between_names_and_within_the_limits(void **state)
{
    struct beacon_setup setup;
    struct buf out;
    struct err err;

    (void)state;
    buf_init(&out, BEACON_SETUP_BYTES_MAX);
    buf_puts(&out, "groups: { prod: { clusters: [use1, usw2], deployments: [");
    for (unsigned i = 0; i < MANY; i++)
        buf_printf(&out, "%sd%u", i == 0 ? "" : ", ", i);
    buf_puts(&out, "], endpoints: [{ hostname: '{deployment}.example.com', class: ui, probe: { "
                   "kind: tcp } }] } }\n");
    struct settings *s = load(buf_text(&out));
    buf_reset(&out);
    assert_int_equal(beacon_setup_init(&setup, s, 0, NULL, &err), 0);
    beacon_setup_aws(&setup, &out);
    (void)buf_text(&out);
    assert_int_equal(count(out.data, " {\"Action\":\"CREATE\""), 4 * MANY);
    assert_int_equal(count(out.data, "EOF"), 3);
    assert_int_equal(count(out.data, "{\"Comment\":\"dnsflip group=prod\",\"Changes\":["), 3);
    for (const char *batch = out.data; (batch = strstr(batch, "\"Changes\":[")) != NULL;) {
        const char *end = strstr(batch, "\nEOF");
        unsigned values = 0;

        for (const char *at = batch; (at = strstr(at, "{\"Value\"")) != NULL && at < end; at++)
            values++;
        assert_in_range(values, 1, 1000);
        assert_int_equal(values % 5, 0);
        batch = end;
    }
    buf_fini(&out);
    settings_free(s);
}

static void addresses_that_no_checker_can_reach_are_known(void **state)
{
    static const char *const private[] = {
        "10.1.2.3",    "172.31.255.255", "192.168.0.1", "127.0.0.1",
        "169.254.1.1", "100.64.0.1",     "0.0.0.0",     "::",
        "::1",         "fd00::1",        "fe80::1"
    };
    static const char *const public[] = { "9.255.255.255", "11.0.0.0",    "172.32.0.0",
                                          "192.0.2.53",    "100.128.0.0", "198.51.100.1",
                                          "2001:db8::1" };
    struct inet_ip ip;

    (void)state;
    for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
        assert_true(inet_parse_ip(private[i], &ip));
        assert_true(beacon_setup_is_private(&ip));
    }
    for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++) {
        assert_true(inet_parse_ip(public[i], &ip));
        assert_false(beacon_setup_is_private(&ip));
    }
}

static void an_alias_is_written_as_one_and_must_not_move_by_itself(void **state)
{
    struct settings *s = load_one();
    struct target *targets = s->groups[0].hostnames[0].targets;
    struct beacon_setup setup;
    struct buf out;
    struct err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        targets[i] = (struct target){ .cname = "lb.elb.example" };
        (void)str_copy(targets[i].alias_zone, sizeof(targets[i].alias_zone), "Z35SXDOTRQ7X7K");
    }
    buf_init(&out, BEACON_SETUP_BYTES_MAX);
    assert_int_equal(beacon_setup_init(&setup, s, 0, NULL, &err), 0);
    beacon_setup_aws(&setup, &out);
    beacon_setup_terraform(&setup, &out);
    (void)buf_text(&out);
    assert_has(&out, "\"Type\":\"A\",\"SetIdentifier\":\"usw2\",\"Failover\":\"SECONDARY\","
                     "\"AliasTarget\":{\"HostedZoneId\":\"Z35SXDOTRQ7X7K\",\"DNSName\":"
                     "\"lb.elb.example.\",\"EvaluateTargetHealth\":false}}}");
    assert_has(&out, "\n  alias {\n    zone_id                = \"Z35SXDOTRQ7X7K\"\n"
                     "    name                   = \"lb.elb.example\"\n"
                     "    evaluate_target_health = false\n  }\n");
    targets[1].alias_evaluates_health = true;
    assert_int_equal(beacon_setup_init(&setup, s, 0, NULL, &err), -1);
    assert_non_null(strstr(err.text, "Route 53 would move it without being told"));
    buf_fini(&out);
    settings_free(s);
}

static void three_clusters_are_no_failover_pair(void **state)
{
    struct settings *s =
        load("groups: { prod: { clusters: [use1, usw2], endpoints: [{ hostname: a.example.com, "
             "class: ui, probe: { kind: tcp } }] } }\n");
    struct beacon_setup setup;
    struct err err;

    (void)state;
    s->groups[0].n_clusters = 3;
    assert_int_equal(beacon_setup_init(&setup, s, 0, NULL, &err), -1);
    assert_non_null(strstr(err.text, "group prod has 3 clusters, and a failover pair has exactly "
                                     "two"));
    s->groups[0].n_clusters = 2;
    settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_script_makes_a_check_and_both_records_of_each_kind),
        cmocka_unit_test(terraform_says_the_same),
        cmocka_unit_test(batches_end_between_names_and_within_the_limits),
        cmocka_unit_test(addresses_that_no_checker_can_reach_are_known),
        cmocka_unit_test(an_alias_is_written_as_one_and_must_not_move_by_itself),
        cmocka_unit_test(three_clusters_are_no_failover_pair),
    };

    return cmocka_run_group_tests_name("beacon_setup", tests, NULL, NULL);
}
