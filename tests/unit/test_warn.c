/* tests/unit/test_warn.c -- what check says about a configuration that loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/config/load.h"
#include "dnsflip/config/warn.h"

#define TEXT_BYTES (1U << 20)
#define FALL 3

/* A file about which there is nothing to say; %s: of node, use1's target, usw2's target, the name
 * servers, the rest of the provider, the group, the endpoints. */
static const char form[] =
    "version: 1\n"
    "node: { name: ctl%s }\n"
    "references: ['tcp://192.0.2.200:443']\n"
    "clusters: { use1: { target: { %s } }, usw2: { target: { %s } } }\n"
    "providers: { dns: { kind: local, listen: 192.0.2.53, zone: dr.example.com, nameservers: { %s "
    "}, %s } }\n"
    "policies: { p: { interval: 10s, fast_interval: 2s, timeout: 5s, fall: 3, min_outage: 90s } }\n"
    "groups: { prod: { clusters: [use1, usw2], %s endpoints: [%s] } }\n";

static const char two_servers[] = "ns1.dr.example.com: { addresses: 192.0.2.53, region: a }, "
                                  "ns2.dr.example.com: { addresses: 192.0.2.54, region: b }";
static const char fed[] = "secondaries: { notify: 192.0.2.54, transfer_key_file: no-key-here }";
static const char acme[] = "acme: '{hostname}.acme.example.net',";
static const char one[] = "{ hostname: a.dr.example.com, class: ui, probe: { kind: airflow } }";

struct parts {
    const char *node, *use1, *usw2, *servers, *provider, *group, *endpoints;
};

static struct settings *load(const struct parts *p)
{
    struct config_report report;
    struct settings *s = NULL;
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    buf_printf(
        &text, form, p->node == NULL ? "" : p->node, p->use1 == NULL ? "A: 198.51.100.10" : p->use1,
        p->usw2 == NULL ? "A: 203.0.113.10" : p->usw2,
        p->servers == NULL ? two_servers : p->servers, p->provider == NULL ? fed : p->provider,
        p->group == NULL ? acme : p->group, p->endpoints == NULL ? one : p->endpoints);
    config_report_init(&report);
    if (config_load_text("t.yaml", text.data, text.len, &s, &report) != 0)
        fail_msg("%s", report.messages[0].text);
    config_report_fini(&report);
    buf_fini(&text);
    return s;
}

static void check_warns(const struct parts *p, const char *expected)
{
    struct settings *s = load(p);
    struct config_report report;
    struct buf out;

    config_report_init(&report);
    buf_init(&out, TEXT_BYTES);
    warn_settings(s, &report);
    config_report_print(&report, &out);
    assert_string_equal(buf_text(&out), expected);
    assert_int_equal(report.n_errors, 0);
    buf_fini(&out);
    config_report_fini(&report);
    settings_free(s);
}

static void a_sound_file_is_passed_in_silence(void **state)
{
    (void)state;
    check_warns(&(struct parts){ 0 }, "");
}

static void name_servers_that_fall_together_are_named(void **state)
{
    (void)state;
    check_warns(
        &(struct parts){ .servers = "ns1.dr.example.com: 192.0.2.53" },
        "warning: providers.dns.nameservers: only one name server: with it the whole zone is "
        "lost; registries ask for two\n");
    check_warns(
        &(struct parts){ .servers = "ns1.dr.example.com: { addresses: 192.0.2.53, region: a }, "
                                    "ns2.dr.example.com: { addresses: 192.0.2.54, region: a }" },
        "warning: providers.dns.nameservers: all of them are in region a, and lost with it\n");
    check_warns(
        &(struct parts){ .servers = "ns1.dr.example.com: 192.0.2.53, "
                                    "ns2.dr.example.com: 192.0.2.53" },
        "warning: providers.dns.nameservers: ns1.dr.example.com and ns2.dr.example.com have "
        "the same address: they are one server\n");
}

static void a_zone_without_secondaries_or_keys_is_named(void **state)
{
    (void)state;
    check_warns(
        &(struct parts){ .provider = "secondaries: {}" },
        "warning: providers.dns.secondaries: none is notified: if this host is lost, nobody "
        "answers for dr.example.com\n");
    check_warns(&(struct parts){ .provider = "secondaries: { notify: 192.0.2.54 }" },
                "warning: providers.dns.secondaries.transfer_key_file: not set: transfers are not "
                "signed\n");
}

static void a_family_that_one_cluster_lacks_is_summed_up(void **state)
{
    (void)state;
    check_warns(&(struct parts){ .use1 = "A: 198.51.100.10, AAAA: '2001:db8::1'" },
                "warning: groups.prod: cluster use1 has AAAA records and cluster usw2 none for the "
                "host name a.dr.example.com: a flip to usw2 withdraws them\n");
    check_warns(
        &(struct parts){ .use1 = "AAAA: '2001:db8::1'",
                         .group = "acme: '{hostname}.acme.example.net', deployments: [x, y],",
                         .endpoints = "{ hostname: '{deployment}.dr.example.com', probe: { kind: "
                                      "tcp } }" },
        "warning: groups.prod: cluster use1 has AAAA records and cluster usw2 none for 2 host "
        "names (the first is x.dr.example.com): a flip to usw2 withdraws them\n"
        "warning: groups.prod: cluster usw2 has A records and cluster use1 none for 2 host "
        "names (the first is x.dr.example.com): a flip to use1 withdraws them\n");
    check_warns(&(struct parts){ .use1 = "CNAME: lb.example.net" }, "");
}

static void one_address_in_two_clusters_is_named(void **state)
{
    (void)state;
    static const char expected[] =
        "warning: groups.prod: one address in clusters use1 and usw2 for the host name "
        "a.dr.example.com: a probe cannot tell the clusters apart, and a flip would move nothing\n";

    check_warns(&(struct parts){ .use1 = "A: [198.51.100.10, 203.0.113.10]" }, expected);
    check_warns(&(struct parts){ .use1 = "CNAME: lb.example.net", .usw2 = "CNAME: lb.example.net" },
                expected);
    check_warns(&(struct parts){ .use1 = "AAAA: '2001:db8::1'", .usw2 = "AAAA: '2001:db8::1'" },
                expected);
}

static void a_certificate_that_cannot_renew_is_named(void **state)
{
    (void)state;
    check_warns(
        &(struct parts){ .group = "deployments: [x, y],",
                         .endpoints = "{ hostname: '{deployment}.dr.example.com', class: ui, "
                                      "probe: { kind: airflow } }" },
        "warning: groups.prod.acme: not set for 2 host names (the first is x.dr.example.com), "
        "served over HTTPS: a certificate that is renewed by HTTP, or by DNS in one cluster, "
        "cannot renew at the standby and silently expires there\n");
    check_warns(
        &(struct parts){ .group = "",
                         .endpoints = "{ hostname: a.dr.example.com, probe: { kind: tcp } }" },
        "");
    check_warns(&(struct parts){ .group = "",
                                 .endpoints = "{ hostname: a.dr.example.com, probe: { kind: http, "
                                              "scheme: http } }" },
                "");
}

static void a_reference_inside_a_cluster_is_named(void **state)
{
    (void)state;
    check_warns(&(struct parts){ .use1 = "A: 192.0.2.200" },
                "warning: references[0]: 192.0.2.200 is a target of cluster use1: it would be lost "
                "with the cluster\n");
}

static void check_detection(const struct parts *p, uint32_t probes, int64_t refused_round_ms,
                            int64_t hung_round_ms)
{
    struct settings *s = load(p);
    struct detection d = warn_detection(s, &s->groups[0], 0);

    assert_int_equal(d.probes, probes);
    assert_int_equal(d.refused_ms, FALL * refused_round_ms);
    assert_int_equal(d.hung_ms, FALL * hung_round_ms);
    assert_int_equal(d.min_outage_ms, 90000);
    settings_free(s);
}

static void detection_takes_fall_rounds_of_the_slowest_of_three(void **state)
{
    (void)state;
    static const char many[] = "deployments: [a, b, c, d, e, f, g, h],";
    static const char each[] = "{ hostname: '{deployment}.dr.example.com', probe: { kind: tcp } }";

    check_detection(&(struct parts){ 0 }, 1, 2000, 5000);
    check_detection(&(struct parts){ .group = many, .endpoints = each }, 8, 2000, 5000);
    /* 8 probes at 2 a second are a round of 4 s, at 1 a second one of 8 s */
    check_detection(
        &(struct parts){ .node = ", max_checks_per_second: 2", .group = many, .endpoints = each },
        8, 4000, 5000);
    check_detection(
        &(struct parts){ .node = ", max_checks_per_second: 1", .group = many, .endpoints = each },
        8, 8000, 8000);
    /* both families are probed */
    check_detection(&(struct parts){ .node = ", max_checks_per_second: 1",
                                     .group = many,
                                     .endpoints = each,
                                     .use1 = "A: 198.51.100.10, AAAA: '2001:db8::1'" },
                    16, 16000, 16000);
    /* a probe's own time-out counts, not the policy's */
    check_detection(&(struct parts){ .endpoints =
                                         "{ hostname: a.dr.example.com, probe: { kind: tcp, "
                                         "timeout: 9s } }" },
                    1, 2000, 9000);
}

static void check_silence(const struct parts *p, uint32_t cut_off_s, const char *part)
{
    struct settings *s = load(p);
    struct buf out;

    buf_init(&out, TEXT_BYTES);
    warn_silence(s, &s->groups[0], &out);
    assert_non_null(strstr(buf_text(&out), part));
    assert_int_equal(warn_cut_off_s(s, &s->groups[0]), cut_off_s);
    buf_fini(&out);
    settings_free(s);
}

static void silence_moves_no_traffic_and_says_what_a_cut_off_secondary_does(void **state)
{
    (void)state;
    check_silence(&(struct parts){ 0 }, 14 * 86400, "for up to 14d");
    check_silence(&(struct parts){ .provider = "secondaries: {}" }, 0, "there is no secondary");
    check_silence(&(struct parts){ 0 }, 14 * 86400, "silence moves no traffic");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_file_is_passed_in_silence),
        cmocka_unit_test(name_servers_that_fall_together_are_named),
        cmocka_unit_test(a_zone_without_secondaries_or_keys_is_named),
        cmocka_unit_test(a_family_that_one_cluster_lacks_is_summed_up),
        cmocka_unit_test(one_address_in_two_clusters_is_named),
        cmocka_unit_test(a_certificate_that_cannot_renew_is_named),
        cmocka_unit_test(a_reference_inside_a_cluster_is_named),
        cmocka_unit_test(detection_takes_fall_rounds_of_the_slowest_of_three),
        cmocka_unit_test(silence_moves_no_traffic_and_says_what_a_cut_off_secondary_does),
    };

    return cmocka_run_group_tests_name("warn", tests, NULL, NULL);
}
