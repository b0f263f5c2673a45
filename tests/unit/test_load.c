/* tests/unit/test_load.c -- a file becomes settings: inheritance, sharing, limits, size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/load.h"
#include "dnsflip/config/schema.h"
#include "tests/support/tempdir.h"

#define TEXT_BYTES (64U << 20)

/* Everything above endpoints:, indented for a list below it. */
static const char head[] =
    "version: 1\n"
    "node: { name: ctl, access: { operate: [uid:7, gid:8] } }\n"
    "clusters:\n"
    "  use1: { region: us-east-1, target: { A: 198.51.100.10 } }\n"
    "  usw2: { target: { A: 203.0.113.10, AAAA: '2001:db8::2' } }\n"
    "providers:\n"
    "  dns:\n"
    "    kind: local\n"
    "    listen: 192.0.2.53\n"
    "    zone: dr.example.com\n"
    "    nameservers: { ns.example.net: [] }\n"
    "  west: { kind: local, listen: '192.0.2.53:54', zone: west.dr.example.com,"
    " nameservers: { ns.example.net: [] } }\n"
    "policies: { p: { interval: 4s, timeout: 3s, fall: 2 } }\n"
    "groups:\n"
    "  prod:\n"
    "    clusters: [usw2, use1]\n"
    "    provider: [dns, west]\n";

static struct settings *load(const char *text)
{
    struct config_report report;
    struct settings *s = NULL;
    struct buf out;

    config_report_init(&report);
    buf_init(&out, TEXT_BYTES);
    if (config_load_text("t.yaml", text, strlen(text), &s, &report) != 0) {
        config_report_print(&report, &out);
        fail_msg("%s", buf_text(&out));
    }
    buf_fini(&out);
    config_report_fini(&report);
    return s;
}

static struct settings *load_tail(const char *tail)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    buf_puts(&text, head);
    buf_puts(&text, tail);

    struct settings *s = load(buf_text(&text));

    buf_fini(&text);
    return s;
}

static void references_between_parts_are_indexes(void **state)
{
    (void)state;
    struct settings *s =
        load_tail("    endpoints: [{ hostname: a.west.dr.example.com, class: ui, critical: true, "
                  "base_path: /b/, probe: { kind: airflow } }]\n");
    const struct group_cfg *g = &s->groups[0];

    assert_int_equal(s->n_clusters, 2);
    assert_int_equal(settings_find_cluster(s, "usw2"), 1);
    assert_int_equal(settings_find_cluster(s, "nope"), -1);
    assert_int_equal(settings_find_group(s, "prod"), 0);
    assert_int_equal(settings_find_group(s, "nope"), -1);
    assert_int_equal(g->clusters[0], 1);
    assert_int_equal(group_find_cluster(g, 0), 1);
    assert_int_equal(group_find_cluster(g, 7), -1);
    assert_int_equal(g->hostnames[0].provider, 1);
    assert_int_equal(g->hostnames[0].targets[0].n_aaaa, 1);
    assert_int_equal(g->hostnames[0].targets[1].n_aaaa, 0);
    assert_string_equal(g->endpoints[0].base_path, "/b");
    assert_true(g->endpoints[0].is_critical);
    assert_null(g->endpoints[0].targets);
    assert_int_equal(g->mode, MODE_ADVISE);
    assert_string_equal(group_mode_name(g->mode), "advise");
    assert_string_equal(group_mode_name(MODE_OBSERVE), "observe");
    assert_string_equal(group_mode_name(MODE_AUTO), "auto");
    assert_int_equal(s->node.operate.uids[0], 7);
    assert_int_equal(s->node.operate.gids[0], 8);
    assert_int_equal(strlen(s->digest), 64);
    settings_free(s);
}

static void the_only_policy_of_the_file_is_meant_by_silence(void **state)
{
    (void)state;
    struct settings *s =
        load_tail("    endpoints: [{ hostname: a.dr.example.com, probe: { kind: tcp } }]\n");
    const struct policy_cfg *p = &s->policies[s->groups[0].policy];

    assert_string_equal(p->name, "p");
    assert_int_equal(p->interval_ms, 4000);
    assert_int_equal(p->health.fall, 2);
    assert_int_equal(p->health.rise, 6);
    assert_int_equal(p->health.stale_ms, 3 * 4000 + 3000);
    assert_int_equal(p->min_outage_ms, 120000);
    assert_int_equal(s->groups[0].endpoints[0].probe->timeout_ms, 3000);
    settings_free(s);
}

static void endpoints_with_equal_probes_share_one(void **state)
{
    (void)state;
    struct settings *s =
        load_tail("    deployments: [a, b, c]\n"
                  "    endpoints:\n"
                  "      - { hostname: '{deployment}.dr.example.com', probe: { kind: tcp } }\n"
                  "      - { hostname: '{deployment}.dr.example.com', class: api, "
                  "probe: { kind: tcp, port: 443 } }\n"
                  "      - { hostname: 'x.dr.example.com', probe: { kind: tcp, port: 22 } }\n");
    const struct group_cfg *g = &s->groups[0];

    assert_int_equal(g->n_hostnames, 4);
    assert_int_equal(g->n_endpoints, 7);
    assert_int_equal(g->n_probes, 2);
    assert_ptr_equal(g->endpoints[0].probe, g->endpoints[5].probe);
    assert_int_equal(g->endpoints[0].hostname, g->endpoints[3].hostname);
    assert_int_equal(g->endpoints[6].probe->port, 22);
    settings_free(s);
}

static void a_proof_is_split_into_scheme_host_port_and_path(void **state)
{
    (void)state;
    struct settings *s = load_tail(
        "    promotion: { command: [/bin/true, x], timeout: 5m, proof: { kind: http, url: "
        "'http://127.0.0.1:81' , json: { /n: 2, /ok: true } } }\n"
        "    endpoints: [{ hostname: a.dr.example.com, probe: { kind: tcp } }]\n");
    const struct promotion_cfg *p = &s->groups[0].promotion;

    assert_true(p->is_set);
    assert_int_equal(p->timeout_ms, 300000);
    assert_int_equal(p->command.n_argv, 2);
    assert_null(p->command.argv[2]);
    assert_int_equal(p->fence.n_argv, 0);
    assert_string_equal(p->proof_host, "127.0.0.1");
    assert_int_equal(p->proof.scheme, SCHEME_HTTP);
    assert_int_equal(p->proof.port, 81);
    assert_string_equal(p->proof.path, "/");
    assert_int_equal(p->proof.n_json, 2);
    assert_int_equal(p->proof.json[0].type, JSON_RULE_NUMBER);
    assert_int_equal(p->proof.json[1].truth, true);
    settings_free(s);
}

static void a_file_is_found_beside_the_configuration(void **state)
{
    (void)state;
    struct tempdir dir;
    struct err err;
    struct settings *s = NULL;
    struct config_report report;
    struct buf text;

    tempdir_init(&dir);
    buf_init(&text, TEXT_BYTES);
    assert_int_equal(
        fsio_replace(tempdir_path(&dir, "z.zone"), "www A 192.0.2.1\n", 16, 0600, &err), 0);
    buf_puts(&text,
             "version: 1\nnode: { name: a, state_dir: state }\nclusters: { a: { target: { A: "
             "192.0.2.1 } }, b: { target: { A: 192.0.2.2 } } }\nproviders: { dns: { kind: local, "
             "listen: 192.0.2.53, zone: dr.example.com, nameservers: { ns.example.net: [] }, "
             "records: z.zone } }\ngroups: { g: { clusters: [a, b], endpoints: [{ hostname: "
             "a.dr.example.com, probe: { kind: tcp } }] } }\n");
    assert_int_equal(fsio_replace(tempdir_path(&dir, "c.yaml"), text.data, text.len, 0600, &err),
                     0);
    config_report_init(&report);
    assert_int_equal(config_load(tempdir_path(&dir, "c.yaml"), &s, &report), 0);
    assert_string_equal(s->providers[0].local.records, "www A 192.0.2.1\n");
    assert_true(str_ends(s->node.state_dir, "/state"));
    settings_free(s);
    config_report_fini(&report);
    buf_fini(&text);
    tempdir_fini(&dir);
}

static void a_file_that_cannot_be_read_is_one_message(void **state)
{
    (void)state;
    struct settings *s = NULL;
    struct config_report report;

    config_report_init(&report);
    assert_int_equal(config_load("/nonexistent/x.yaml", &s, &report), -1);
    assert_null(s);
    assert_int_equal(report.n_errors, 1);
    assert_non_null(strstr(report.messages[0].text, "/nonexistent/x.yaml"));
    config_report_fini(&report);
}

static void equal_configurations_have_one_digest(void **state)
{
    (void)state;
    const char *tail = "    endpoints: [{ hostname: a.dr.example.com, probe: { kind: tcp } }]\n";
    struct settings *a = load_tail(tail);
    struct settings *b = load_tail(tail);
    struct settings *c =
        load_tail("    endpoints: [{ hostname: b.dr.example.com, probe: { kind: tcp } }]\n");

    assert_string_equal(a->digest, b->digest);
    assert_string_not_equal(a->digest, c->digest);
    settings_free(a);
    settings_free(b);
    settings_free(c);
}

/* "    deployments: [d0, d1, ...]" and one endpoint for each. */
static void many_deployments(size_t n, struct buf *out)
{
    buf_puts(out, head);
    buf_puts(out, "    deployments: [d0");
    for (size_t i = 1; i < n; i++)
        buf_printf(out, ", d%zu", i);
    buf_puts(out,
             "]\n    endpoints: [{ hostname: '{deployment}.dr.example.com', probe: { kind: tcp } "
             "}]\n");
}

static void a_hundred_thousand_names_load_and_one_more_is_refused(void **state)
{
    (void)state;
    struct config_report report;
    struct settings *s = NULL;
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    many_deployments(HOSTNAMES_MAX, &text);
    s = load(buf_text(&text));
    assert_int_equal(s->groups[0].n_hostnames, HOSTNAMES_MAX);
    assert_int_equal(s->groups[0].n_probes, 1);
    settings_free(s);
    buf_reset(&text);
    many_deployments(HOSTNAMES_MAX + 1, &text);
    config_report_init(&report);
    assert_int_equal(config_load_text("t.yaml", text.data, text.len, &s, &report), -1);
    assert_non_null(strstr(report.messages[0].text, "has 100001 entries, at most 100000"));
    config_report_fini(&report);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_between_parts_are_indexes),
        cmocka_unit_test(the_only_policy_of_the_file_is_meant_by_silence),
        cmocka_unit_test(endpoints_with_equal_probes_share_one),
        cmocka_unit_test(a_proof_is_split_into_scheme_host_port_and_path),
        cmocka_unit_test(a_file_is_found_beside_the_configuration),
        cmocka_unit_test(a_file_that_cannot_be_read_is_one_message),
        cmocka_unit_test(equal_configurations_have_one_digest),
        cmocka_unit_test(a_hundred_thousand_names_load_and_one_more_is_refused),
    };

    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
