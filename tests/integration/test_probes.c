/* tests/integration/test_probes.c -- each kind of probe against servers of many shapes: one run,
 * an outcome and a reason under both profiles. */
#include "probes/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_client.h"
#include "tests/support/probe_server.h"

static struct probe_server server;
static uint32_t next_id = 1;

struct seen {
    bool is_done;
    struct observation observation;
};

static void on_done(void *arg, const struct observation *observation)
{
    struct seen *seen = arg;
    assert_false(seen->is_done);
    seen->is_done = true;
    seen->observation = *observation;
    loop_stop(server.loop);
}

static struct probe_cfg config_of(const char *kind, const char *server_name)
{
    struct probe_cfg cfg = { .scheme =
                                 strncmp(server_name, "http", 4) == 0 ? SCHEME_HTTP : SCHEME_HTTPS,
                             .port = probe_server_port(&server, server_name),
                             .timeout_ms = 5000,
                             .path = "/ok",
                             .status_min = 200,
                             .status_max = 200,
                             .max_body_bytes = 65536,
                             .heartbeat_max_age_ms = 30000 };
    str_copy(cfg.kind, sizeof cfg.kind, kind);
    str_copy(cfg.ca_file, sizeof cfg.ca_file, tempdir_path(&server.dir, "trusted.pem"));
    return cfg;
}

static struct target target_of(const char *ip)
{
    struct target target = { 0 };
    struct inet_ip parsed;
    assert_true(inet_parse_ip(ip, &parsed));
    if (parsed.family == 4)
        target.a[target.n_a++] = parsed;
    else
        target.aaaa[target.n_aaaa++] = parsed;
    return target;
}

static struct observation run_at(const struct probe_cfg *cfg, enum endpoint_class class,
                                 const char *base_path, const struct target *target, uint8_t family)
{
    struct probe_request request = { .cfg = cfg,
                                     .hostname = "airflow.test",
                                     .base_path = base_path,
                                     .class = class,
                                     .target = target,
                                     .family = family,
                                     .id = next_id++ };
    struct seen seen = { 0 };
    struct probe_run *run = NULL;
    struct err err;
    assert_int_equal(probe_start(&request, &server.io, on_done, &seen, &run, &err), 0);
    assert_false(seen.is_done);
    loop_run(server.loop);
    return seen.observation;
}

static struct observation run_probe(const struct probe_cfg *cfg, enum endpoint_class class,
                                    const char *base_path)
{
    struct target target = target_of("127.0.0.1");
    return run_at(cfg, class, base_path, &target, 4);
}

static void expect(const char *what, const struct observation *seen, enum reason_code active,
                   enum reason_code standby)
{
    if (seen->reason[PROFILE_ACTIVE] == active && seen->reason[PROFILE_STANDBY] == standby)
        return;
    fail_msg("%s: active %s, standby %s (%s)", what,
             reason_code_info(seen->reason[PROFILE_ACTIVE])->name,
             reason_code_info(seen->reason[PROFILE_STANDBY])->name, seen->detail);
}

static void http_judges_status_type_and_body(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum reason_code plain;     /* status only */
        enum reason_code with_json; /* and /status must be "healthy" */
    } rows[] = {
        { "/ok", REASON_OK, REASON_OK },
        { "/no-type", REASON_OK, REASON_OK },
        { "/html", REASON_OK, REASON_NOT_JSON },
        { "/bad-json", REASON_OK, REASON_BAD_JSON },
        { "/junk", REASON_OK, REASON_BAD_JSON },
        { "/big", REASON_BODY_TOO_LARGE, REASON_BODY_TOO_LARGE },
        { "/reset", REASON_CLOSED, REASON_CLOSED },
        { "/status/302", REASON_REDIRECT, REASON_REDIRECT },
        { "/status/401", REASON_UNAUTHORIZED, REASON_UNAUTHORIZED },
        { "/status/403", REASON_UNAUTHORIZED, REASON_UNAUTHORIZED },
        { "/status/404", REASON_HTTP_STATUS, REASON_HTTP_STATUS },
        { "/status/429", REASON_RATE_LIMITED, REASON_RATE_LIMITED },
        { "/status/500", REASON_HTTP_SERVER_ERROR, REASON_HTTP_SERVER_ERROR },
        { "/status/503", REASON_HTTP_SERVER_ERROR, REASON_HTTP_SERVER_ERROR },
    };
    struct probe_cfg cfg = config_of("http", "http");
    struct json_rule rule = { .pointer = "/status", .type = JSON_RULE_STRING, .text = "healthy" };
    cfg.json[0] = rule;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        str_copy(cfg.path, sizeof cfg.path, rows[i].path);
        cfg.n_json = 0;
        struct observation seen = run_probe(&cfg, CLASS_CUSTOM, "");
        expect(rows[i].path, &seen, rows[i].plain, rows[i].plain);
        cfg.n_json = 1;
        seen = run_probe(&cfg, CLASS_CUSTOM, "");
        expect(rows[i].path, &seen, rows[i].with_json, rows[i].with_json);
    }
}

static void http_accepts_the_statuses_it_was_told(void **state)
{
    (void)state;
    struct probe_cfg cfg = config_of("http", "http");
    cfg.status_min = 300;
    cfg.status_max = 403;
    str_copy(cfg.path, sizeof cfg.path, "/302");
    struct observation seen = run_probe(&cfg, CLASS_CUSTOM, "/status");
    expect("302", &seen, REASON_OK, REASON_OK);
    assert_int_equal(seen.http_status, 302);
    str_copy(cfg.path, sizeof cfg.path, "/200");
    seen = run_probe(&cfg, CLASS_CUSTOM, "/status");
    expect("200", &seen, REASON_HTTP_STATUS, REASON_HTTP_STATUS);
    assert_string_equal(seen.detail, "status 200, expected 300 to 403");
}

static void http_looks_for_its_text(void **state)
{
    (void)state;
    struct probe_cfg cfg = config_of("http", "good");
    str_copy(cfg.contains, sizeof cfg.contains, "\"healthy\"");
    struct observation seen = run_probe(&cfg, CLASS_CUSTOM, "");
    expect("there", &seen, REASON_OK, REASON_OK);
    assert_string_equal(seen.address.text, "127.0.0.1");
    assert_int_not_equal(seen.certificate_expires.ms, 0);
    assert_in_range(seen.times.connect_us, 1, seen.times.tls_us);
    assert_in_range(seen.times.tls_us, 1, seen.times.first_byte_us);
    assert_in_range(seen.times.first_byte_us, 1, seen.times.total_us);
    str_copy(cfg.contains, sizeof cfg.contains, "\"unheard of\"");
    seen = run_probe(&cfg, CLASS_CUSTOM, "");
    expect("missing", &seen, REASON_CONTENT, REASON_CONTENT);
}

struct airflow_row {
    const char *site;
    enum reason_code active, standby;
};

static void check_rows(const struct airflow_row rows[], size_t n, struct probe_cfg *cfg,
                       enum endpoint_class class)
{
    char base_path[64];
    for (size_t i = 0; i < n; i++) {
        str_format(base_path, sizeof base_path, "/%s", rows[i].site);
        struct observation seen = run_probe(cfg, class, base_path);
        expect(rows[i].site, &seen, rows[i].active, rows[i].standby);
    }
}

#define CHECK_ROWS(rows, cfg, class) check_rows(rows, sizeof(rows) / sizeof(rows)[0], cfg, class)

static void airflow_ui_asks_for_the_version(void **state)
{
    (void)state;
    static const struct airflow_row rows[] = {
        { "af3", REASON_OK, REASON_OK },
        { "af2", REASON_OK, REASON_OK },
        { "astro2", REASON_OK, REASON_OK },
        { "scheduler-dead", REASON_OK, REASON_OK },
        { "elsewhere", REASON_NOT_AIRFLOW_HERE, REASON_NOT_AIRFLOW_HERE },
        { "nothing", REASON_NOT_AIRFLOW_HERE, REASON_NOT_AIRFLOW_HERE },
        { "spa", REASON_NOT_JSON, REASON_NOT_JSON },
        { "login", REASON_REDIRECT, REASON_REDIRECT },
        { "denied", REASON_UNAUTHORIZED, REASON_UNAUTHORIZED },
    };
    struct probe_cfg cfg = config_of("airflow", "good");
    CHECK_ROWS(rows, &cfg, CLASS_UI);
    struct observation seen = run_probe(&cfg, CLASS_UI, "/af2");
    assert_string_equal(seen.version, "2.10.5");
}

static void airflow_api_judges_the_health_of_an_active_cluster_only(void **state)
{
    (void)state;
    static const struct airflow_row rows[] = {
        { "af3", REASON_OK, REASON_OK },
        { "af2", REASON_OK, REASON_OK },
        { "astro2", REASON_OK, REASON_OK },
        { "scheduler-dead", REASON_AIRFLOW_SCHEDULER, REASON_OK },
        { "database-dead", REASON_AIRFLOW_DATABASE, REASON_OK },
        { "old-heartbeat", REASON_AIRFLOW_HEARTBEAT, REASON_OK },
        { "future-heartbeat", REASON_CLOCK_SKEW, REASON_OK },
        { "no-health", REASON_PATH_MISSING, REASON_OK },
        { "health-502", REASON_HTTP_SERVER_ERROR, REASON_OK },
        { "health-html", REASON_NOT_JSON, REASON_OK },
        { "spa", REASON_NOT_JSON, REASON_NOT_JSON },
        { "login", REASON_REDIRECT, REASON_REDIRECT },
    };
    struct probe_cfg cfg = config_of("airflow", "http");
    CHECK_ROWS(rows, &cfg, CLASS_API);
    struct observation seen = run_probe(&cfg, CLASS_API, "/af3");
    assert_string_equal(seen.version, "3.1.0");
    assert_int_not_equal(seen.scheduler_heartbeat.ms, 0);
    assert_string_equal(seen.detail, "");
}

static void airflow_obeys_its_version_and_its_requirements(void **state)
{
    (void)state;
    static const struct airflow_row as_2[] = {
        { "af2", REASON_OK, REASON_OK },
        { "af3", REASON_NOT_AIRFLOW_HERE, REASON_NOT_AIRFLOW_HERE },
    };
    static const struct airflow_row as_3[] = {
        { "af3", REASON_AIRFLOW_COMPONENT, REASON_OK },
        { "triggerer", REASON_OK, REASON_OK },
        { "af2", REASON_NOT_AIRFLOW_HERE, REASON_NOT_AIRFLOW_HERE },
    };
    struct probe_cfg cfg = config_of("airflow", "http");
    cfg.version = AIRFLOW_2;
    CHECK_ROWS(as_2, &cfg, CLASS_API);
    cfg.version = AIRFLOW_3;
    cfg.require_triggerer = true;
    CHECK_ROWS(as_3, &cfg, CLASS_API);
}

static void airflow_asks_the_execution_api_and_then_pings_it(void **state)
{
    (void)state;
    static const struct airflow_row rows[] = {
        { "af3", REASON_OK, REASON_OK },
        { "no-ping", REASON_OK, REASON_OK },
        { "ping-500", REASON_EXECUTION_API, REASON_OK },
        { "execution-sick", REASON_EXECUTION_API, REASON_EXECUTION_API },
        { "core-only", REASON_NOT_JSON, REASON_NOT_JSON },
        { "af2", REASON_NOT_AIRFLOW_HERE, REASON_NOT_AIRFLOW_HERE },
        { "login", REASON_REDIRECT, REASON_REDIRECT },
    };
    struct probe_cfg cfg = config_of("airflow", "good");
    CHECK_ROWS(rows, &cfg, CLASS_REMOTE_EXECUTION);
}

static void airflow_under_a_wrong_certificate_fails_as_standby_too(void **state)
{
    (void)state;
    struct probe_cfg cfg = config_of("airflow", "other-name");
    struct observation seen = run_probe(&cfg, CLASS_UI, "/af3");
    expect("other-name", &seen, REASON_CERT_NAME, REASON_CERT_NAME);
    cfg.port = probe_server_port(&server, "future");
    seen = run_probe(&cfg, CLASS_UI, "/af3");
    expect("future", &seen, REASON_LOCAL_CLOCK, REASON_LOCAL_CLOCK);
}

static void tcp_connects_and_no_more(void **state)
{
    (void)state;
    struct probe_cfg cfg = config_of("tcp", "http");
    struct observation seen = run_probe(&cfg, CLASS_CUSTOM, "");
    expect("open", &seen, REASON_OK, REASON_OK);
    assert_int_not_equal(seen.times.connect_us, 0);
    cfg.port = probe_server_closed_port();
    seen = run_probe(&cfg, CLASS_CUSTOM, "");
    expect("closed", &seen, REASON_CONNECT_REFUSED, REASON_CONNECT_REFUSED);
    assert_non_null(strstr(seen.detail, "refused"));
}

static void tcp_goes_on_to_the_next_address(void **state)
{
    (void)state;
    struct probe_cfg cfg = config_of("tcp", "http");
    struct target target = target_of("127.0.0.9");
    target.a[target.n_a++] = target_of("127.0.0.2").a[0];
    struct observation seen = run_at(&cfg, CLASS_CUSTOM, "", &target, 4);
    expect("second", &seen, REASON_OK, REASON_OK);
    assert_string_equal(seen.address.text, "127.0.0.2");
}

static void each_family_is_asked_at_its_own_address(void **state)
{
    (void)state;
    struct probe_cfg cfg = config_of("http", "http6");
    struct target target = target_of("::1");
    struct observation seen = run_at(&cfg, CLASS_CUSTOM, "", &target, 6);
    expect("v6", &seen, REASON_OK, REASON_OK);
    assert_string_equal(seen.address.text, "::1");
    seen = run_at(&cfg, CLASS_CUSTOM, "", &target, 4);
    expect("v4", &seen, REASON_LOCAL, REASON_LOCAL);
}

static void an_alias_that_cannot_be_resolved_proves_nothing(void **state)
{
    (void)state;
    struct probe_cfg cfg = config_of("http", "http");
    struct target target = { .cname = "lb.test" };
    dns_client_set_resolvers(server.io.dns_client, NULL, 0);
    struct observation seen = run_at(&cfg, CLASS_CUSTOM, "", &target, 0);
    expect("no resolver", &seen, REASON_RESOLVER, REASON_RESOLVER);
}

static void an_alias_is_resolved_and_asked_under_the_production_hostname(void **state)
{
    (void)state;
    struct inet_addr resolver = { .port = probe_server_port(&server, "dns") };
    assert_true(inet_parse_ip("127.0.0.1", &resolver.ip));
    dns_client_set_resolvers(server.io.dns_client, &resolver, 1);
    struct probe_cfg cfg = config_of("http", "good"); /* its certificate is not lb.test's */
    struct target target = { .cname = "lb.test" };
    struct observation seen = run_at(&cfg, CLASS_CUSTOM, "", &target, 4);
    expect("v4", &seen, REASON_OK, REASON_OK);
    assert_string_equal(seen.address.text, "127.0.0.1");
    assert_in_range(seen.times.dns_us, 1, seen.times.connect_us);
    seen = run_at(&cfg, CLASS_CUSTOM, "", &target, 6);
    expect("no v6", &seen, REASON_RESOLVER, REASON_RESOLVER);

    cfg = config_of("tcp", "http6");
    str_copy(target.cname, sizeof target.cname, "lb6.test");
    seen = run_at(&cfg, CLASS_CUSTOM, "", &target, 0);
    expect("v6, as there is no v4", &seen, REASON_OK, REASON_OK);
    assert_string_equal(seen.address.text, "::1");
    str_copy(target.cname, sizeof target.cname, "nobody.test");
    seen = run_at(&cfg, CLASS_CUSTOM, "", &target, 0);
    expect("unknown", &seen, REASON_RESOLVER, REASON_RESOLVER);
    assert_string_equal(seen.detail, "nobody.test has no address (rcode 3)");
}

static void fail_if_called(void *arg, const struct observation *seen)
{
    (void)arg;
    (void)seen;
    fail_msg("the callback of a cancelled run ran");
}

static void a_cancelled_run_calls_nobody(void **state)
{
    (void)state;
    const char *kinds[] = { "http", "airflow", "tcp" };
    struct target target = target_of("127.0.0.1");
    for (size_t i = 0; i < 3; i++) {
        struct probe_cfg cfg = config_of(kinds[i], "http");
        struct probe_request request = { .cfg = &cfg,
                                         .hostname = "airflow.test",
                                         .base_path = "",
                                         .target = &target,
                                         .family = 4,
                                         .id = next_id++ };
        struct probe_run *run = NULL;
        struct err err;
        assert_int_equal(probe_start(&request, &server.io, fail_if_called, NULL, &run, &err), 0);
        probe_cancel(run);
        (void)run_probe(&cfg, CLASS_UI, "/af3");
    }
}

static void an_unknown_kind_does_not_start(void **state)
{
    (void)state;
    struct probe_cfg cfg = config_of("icmp", "http");
    struct probe_request request = { .cfg = &cfg };
    struct probe_run *run = NULL;
    struct err err;
    assert_int_equal(probe_start(&request, &server.io, fail_if_called, NULL, &run, &err), -1);
    assert_null(probe_find("icmp"));
}

static void problems_are_named(void **state)
{
    (void)state;
    struct probe_cfg good = config_of("http", "http");
    assert_null(probe_http.problem(&good));
    assert_null(probe_airflow.problem(&good));
    assert_null(probe_tcp.problem(&good));
    struct probe_cfg cfg = good;
    str_copy(cfg.path, sizeof cfg.path, "x");
    assert_non_null(probe_http.problem(&cfg));
    str_copy(cfg.path, sizeof cfg.path, "/a b");
    assert_non_null(probe_http.problem(&cfg));
    cfg = good;
    cfg.status_max = 199;
    assert_non_null(probe_http.problem(&cfg));
    cfg = good;
    cfg.n_json = 1;
    str_copy(cfg.json[0].pointer, sizeof cfg.json[0].pointer, "status");
    assert_non_null(probe_http.problem(&cfg));
    cfg.heartbeat_max_age_ms = 0;
    assert_non_null(probe_airflow.problem(&cfg));
    cfg.port = 0;
    assert_non_null(probe_tcp.problem(&cfg));
}

static int start_server(void **state)
{
    (void)state;
    probe_server_start(&server);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    probe_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_judges_status_type_and_body),
        cmocka_unit_test(http_accepts_the_statuses_it_was_told),
        cmocka_unit_test(http_looks_for_its_text),
        cmocka_unit_test(airflow_ui_asks_for_the_version),
        cmocka_unit_test(airflow_api_judges_the_health_of_an_active_cluster_only),
        cmocka_unit_test(airflow_obeys_its_version_and_its_requirements),
        cmocka_unit_test(airflow_asks_the_execution_api_and_then_pings_it),
        cmocka_unit_test(airflow_under_a_wrong_certificate_fails_as_standby_too),
        cmocka_unit_test(tcp_connects_and_no_more),
        cmocka_unit_test(tcp_goes_on_to_the_next_address),
        cmocka_unit_test(each_family_is_asked_at_its_own_address),
        cmocka_unit_test(an_alias_that_cannot_be_resolved_proves_nothing),
        cmocka_unit_test(an_alias_is_resolved_and_asked_under_the_production_hostname),
        cmocka_unit_test(a_cancelled_run_calls_nobody),
        cmocka_unit_test(an_unknown_kind_does_not_start),
        cmocka_unit_test(problems_are_named),
    };
    return cmocka_run_group_tests_name("probes", tests, start_server, stop_server);
}
