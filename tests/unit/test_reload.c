/* tests/unit/test_reload.c -- what a reload may not change, what it would move, which probes stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/config/load.h"
#include "dnsflip/config/reload.h"

#define TEXT_BYTES (1U << 20)

static const char base[] =
    "version: 1\n"
    "node: { name: ctl, threads: 2, http: '127.0.0.1:9353' }\n"
    "clusters:\n"
    "  use1: { target: { A: [198.51.100.10, 198.51.100.11] } }\n"
    "  usw2: { target: { A: 203.0.113.10, AAAA: '2001:db8::2', HTTPS: 1 . alpn=h2 } }\n"
    "  third: { target: { CNAME: lb.example.net } }\n"
    "providers:\n"
    "  dns: { kind: local, listen: 192.0.2.53, zone: dr.example.com, nameservers: { "
    "ns.example.net: [] } }\n"
    "groups:\n"
    "  prod:\n"
    "    clusters: [use1, usw2]\n"
    "    endpoints:\n"
    "      - { hostname: a.dr.example.com, class: ui, probe: { kind: http, path: /a } }\n"
    "      - { hostname: b.dr.example.com, class: ui, probe: { kind: tcp } }\n";

/* base with each `from` replaced by the `to` behind it; the list ends in NULL. */
static struct settings *load(const char *const edits[])
{
    struct config_report report;
    struct settings *s = NULL;
    struct buf text;
    struct buf next;

    buf_init(&text, TEXT_BYTES);
    buf_puts(&text, base);
    for (; edits[0] != NULL; edits += 2) {
        const char *at = strstr(text.data, edits[0]);

        assert_non_null(at);
        buf_init(&next, TEXT_BYTES);
        buf_add(&next, text.data, (size_t)(at - text.data));
        buf_puts(&next, edits[1]);
        buf_puts(&next, at + strlen(edits[0]));
        buf_fini(&text);
        text = next;
    }
    config_report_init(&report);
    if (config_load_text("t.yaml", text.data, text.len, &s, &report) != 0)
        fail_msg("%s", report.messages[0].text);
    config_report_fini(&report);
    buf_fini(&text);
    return s;
}

static const char *const unchanged[] = { NULL };

/* The names of groups and their active clusters in turn, ended by NULL. */
static const char *find_active(void *arg, const char *group)
{
    for (const char *const *pair = arg; pair[0] != NULL; pair += 2) {
        if (strcmp(pair[0], group) == 0)
            return pair[1];
    }
    return NULL;
}

static void check_moves(const char *const edits[], const char *active, const char *expected)
{
    struct settings *before = load(unchanged);
    struct settings *after = load(edits);
    struct config_report report;
    struct buf out;
    const char *pairs[] = { "prod", active, "other", "third", NULL };
    size_t n = 0;

    config_report_init(&report);
    buf_init(&out, TEXT_BYTES);
    n = reload_moves(before, after, find_active, (void *)pairs, NULL, &report);
    config_report_print(&report, &out);
    assert_string_equal(buf_text(&out), expected);
    assert_int_equal(n, report.n_errors);
    buf_fini(&out);
    config_report_fini(&report);
    settings_free(before);
    settings_free(after);
}

static void the_same_file_moves_nothing(void **state)
{
    (void)state;
    check_moves(unchanged, "use1", "");
    check_moves(unchanged, "usw2", "");
}

static void order_ttl_and_the_standby_are_no_moves(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "[198.51.100.10, 198.51.100.11]",
        "[198.51.100.11, 198.51.100.10], ttl: 20s",
        "203.0.113.10",
        "203.0.113.99",
        "[use1, usw2]",
        "[usw2, third, use1]",
        NULL,
    };

    check_moves(edits, "use1", "");
}

static void a_new_name_is_no_move(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "    endpoints:\n",
        "    endpoints:\n      - { hostname: new.dr.example.com, probe: { kind: tcp } }\n",
        NULL,
    };

    check_moves(edits, "use1", "");
}

static void another_target_of_the_active_cluster_is_a_move_of_each_name(void **state)
{
    (void)state;
    static const char *const edits[] = { "203.0.113.10", "203.0.113.99", NULL };

    check_moves(edits, "usw2",
                "prod: a.dr.example.com A 203.0.113.10 AAAA 2001:db8::2 HTTPS 1 . alpn=h2 -> "
                "A 203.0.113.99 AAAA 2001:db8::2 HTTPS 1 . alpn=h2\n"
                "prod: b.dr.example.com A 203.0.113.10 AAAA 2001:db8::2 HTTPS 1 . alpn=h2 -> "
                "A 203.0.113.99 AAAA 2001:db8::2 HTTPS 1 . alpn=h2\n");
}

static void another_https_record_is_a_move(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "alpn=h2", "alpn=h3",
        "      - { hostname: b.dr.example.com, class: ui, probe: { kind: tcp } }\n", "", NULL
    };

    check_moves(edits, "usw2",
                "prod: a.dr.example.com A 203.0.113.10 AAAA 2001:db8::2 HTTPS 1 . alpn=h2 -> "
                "A 203.0.113.10 AAAA 2001:db8::2 HTTPS 1 . alpn=h3\n"
                "prod: b.dr.example.com A 203.0.113.10 AAAA 2001:db8::2 HTTPS 1 . alpn=h2 -> "
                "no longer managed\n");
}

static void a_name_that_leaves_or_changes_its_group_is_judged_by_its_answer(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "      - { hostname: b.dr.example.com, class: ui, probe: { kind: tcp } }\n",
        "  other:\n    clusters: [third, use1]\n    endpoints: [{ hostname: b.dr.example.com, "
        "probe: { "
        "kind: tcp } }]\n",
        NULL,
    };

    check_moves(edits, "use1",
                "prod: b.dr.example.com A 198.51.100.10 A 198.51.100.11 -> CNAME lb.example.net\n");
}

static void a_group_that_nobody_adopted_would_stop_answering(void **state)
{
    (void)state;
    static const char *const renamed[] = { "  prod:", "  fresh:", NULL };
    static const char *const left[] = { "[use1, usw2]", "[usw2, third]", NULL };

    check_moves(
        renamed, "use1",
        "prod: a.dr.example.com A 198.51.100.10 A 198.51.100.11 -> not served (group fresh is "
        "not adopted)\n"
        "prod: b.dr.example.com A 198.51.100.10 A 198.51.100.11 -> not served (group fresh is "
        "not adopted)\n");
    check_moves(
        left, "use1",
        "prod: a.dr.example.com A 198.51.100.10 A 198.51.100.11 -> not served (group prod has "
        "no cluster use1)\n"
        "prod: b.dr.example.com A 198.51.100.10 A 198.51.100.11 -> not served (group prod has "
        "no cluster use1)\n");
}

static void what_is_not_served_today_cannot_move(void **state)
{
    (void)state;
    static const char *const edits[] = { "198.51.100.10", "198.51.100.99", NULL };

    check_moves(edits, NULL, "");
}

static void keys_that_take_a_restart_are_named_with_both_values(void **state)
{
    (void)state;
    static const char *const edits[] = { "threads: 2",
                                         "threads: 3, state_dir: /x, max_checks_per_second: 9",
                                         ", http: '127.0.0.1:9353'",
                                         "",
                                         "192.0.2.53",
                                         "[192.0.2.53, 192.0.2.54]",
                                         NULL };
    struct settings *before = load(unchanged);
    struct settings *after = load(edits);
    struct config_report report;
    struct buf out;

    config_report_init(&report);
    buf_init(&out, TEXT_BYTES);
    assert_int_equal(reload_fixed(before, before, &report), 0);
    assert_int_equal(reload_fixed(before, after, &report), 4);
    config_report_print(&report, &out);
    assert_string_equal(
        buf_text(&out),
        "node.state_dir: changes from /var/lib/dnsflip to /x, which takes a restart: the reload is "
        "refused\n"
        "node.threads: changes from 2 to 3, which takes a restart: the reload is refused\n"
        "node.http: changes from 127.0.0.1:9353 to nothing, which takes a restart: the reload is "
        "refused\n"
        "providers.dns.listen: changes from 192.0.2.53:53 to 192.0.2.53:53, 192.0.2.54:53, which "
        "takes a restart: the reload is refused\n");
    buf_fini(&out);
    config_report_fini(&report);
    settings_free(before);
    settings_free(after);
}

static void a_provider_that_comes_or_goes_listens_elsewhere(void **state)
{
    (void)state;
    static const char second[] = "  two: { kind: local, listen: 192.0.2.55, zone: b.example.com, "
                                 "nameservers: { ns.example.net: [] } }\ngroups:";
    static const char *const edits[] = { "groups:", second, "[use1, usw2]\n",
                                         "[use1, usw2]\n    provider: dns\n", NULL };
    struct settings *before = load(unchanged);
    struct settings *after = load(edits);
    struct config_report report;

    config_report_init(&report);
    assert_int_equal(reload_fixed(before, after, &report), 1);
    assert_int_equal(reload_fixed(after, before, &report), 1);
    config_report_fini(&report);
    settings_free(before);
    settings_free(after);
}

/* What reload_digest says of base against base with edits. */
static void digest_of(const char *const edits[], char out[static RELOAD_DIGEST_BYTES])
{
    const char *pairs[] = { "prod", "use1", NULL };
    struct settings *before = load(unchanged);
    struct settings *after = load(edits);
    struct config_report report;
    uint32_t by_group[1] = { 99 };
    size_t n;

    config_report_init(&report);
    n = reload_moves(before, after, find_active, pairs, by_group, &report);
    assert_int_equal(n, by_group[0]);
    reload_digest(after, &report, out);
    config_report_fini(&report);
    settings_free(before);
    settings_free(after);
}

static void a_digest_names_one_difference(void **state)
{
    (void)state;
    static const char *const one[] = { "198.51.100.11", "198.51.100.12", NULL };
    static const char *const other[] = { "198.51.100.11", "198.51.100.13", NULL };
    static const char *const more[] = { "198.51.100.11", "198.51.100.12", "class: ui", "class: api",
                                        NULL };
    char first[RELOAD_DIGEST_BYTES];
    char again[RELOAD_DIGEST_BYTES];

    digest_of(one, first);
    assert_int_equal(strlen(first), RELOAD_DIGEST_BYTES - 1);
    digest_of(one, again);
    assert_string_equal(first, again);
    digest_of(other, again);
    assert_string_not_equal(first, again);
    /* The same names move, but the file does something else beside. */
    digest_of(more, again);
    assert_string_not_equal(first, again);
}

static void what_takes_a_restart_is_taken_over_and_nothing_else(void **state)
{
    (void)state;
    static const char *const edits[] = { "threads: 2",
                                         "threads: 3, state_dir: /x",
                                         "listen: 192.0.2.53",
                                         "listen: [192.0.2.54, 192.0.2.55]",
                                         "198.51.100.11",
                                         "198.51.100.12",
                                         NULL };
    const char *pairs[] = { "prod", "use1", NULL };
    struct settings *before = load(unchanged);
    struct settings *after = load(edits);
    struct config_report report;

    config_report_init(&report);
    reload_take_fixed(before, after);
    assert_int_equal(reload_fixed(before, after, &report), 0);
    assert_int_equal(reload_moves(before, after, find_active, pairs, NULL, &report), 2);
    config_report_fini(&report);
    settings_free(before);
    settings_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_file_moves_nothing),
        cmocka_unit_test(order_ttl_and_the_standby_are_no_moves),
        cmocka_unit_test(a_new_name_is_no_move),
        cmocka_unit_test(another_target_of_the_active_cluster_is_a_move_of_each_name),
        cmocka_unit_test(another_https_record_is_a_move),
        cmocka_unit_test(a_name_that_leaves_or_changes_its_group_is_judged_by_its_answer),
        cmocka_unit_test(a_group_that_nobody_adopted_would_stop_answering),
        cmocka_unit_test(what_is_not_served_today_cannot_move),
        cmocka_unit_test(keys_that_take_a_restart_are_named_with_both_values),
        cmocka_unit_test(a_digest_names_one_difference),
        cmocka_unit_test(what_takes_a_restart_is_taken_over_and_nothing_else),
        cmocka_unit_test(a_provider_that_comes_or_goes_listens_elsewhere),
    };

    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
