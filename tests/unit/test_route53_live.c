/* tests/unit/test_route53_live.c -- which cluster the records of a group belong to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_job.h"
#include "tests/support/route53_site.h"

#define ZONES_MAX 2
#define RECORDS_MAX 4

/* What is asked of the zones. */
typedef void asked(struct route53_job *job, void *out);

static void ask_live(struct route53_job *job, void *out)
{
    route53_live(job, out);
}

/* Names a, b (in example.com, with a private twin); b2: where b is in usw2.  use1 is believed to be
 * active. */
static void ask(const char *const public_zone[], const char *const private_zone[], const char *b2,
                asked *question, void *out)
{
    static struct route53_zones zones;
    const struct hostname_cfg *hosts[2];
    struct route53_job job = { .group = site_simple, .hosts = hosts, .n_hosts = 2 };

    zones = (struct route53_zones){ .n = ZONES_MAX };
    for (size_t z = 0; z < ZONES_MAX; z++) {
        const char *const *texts = z == 0 ? public_zone : private_zone;

        str_copy(zones.zones[z].name, sizeof(zones.zones[z].name), "example.com");
        for (size_t i = 0; i < RECORDS_MAX && texts[i] != NULL; i++)
            route53_zone_put(&zones.zones[z].records, texts[i]);
    }
    struct hostname_cfg *a = route53_zone_host("a.example.com", "192.0.2.1", "192.0.2.2", NULL);
    struct hostname_cfg *b = route53_zone_host("b.example.com", "192.0.2.1", b2, NULL);

    hosts[0] = a;
    hosts[1] = b;
    job.zones = &zones;
    question(&job, out);
    for (size_t z = 0; z < ZONES_MAX; z++)
        route53_zone_fini(&zones.zones[z]);
    route53_zone_host_free(a);
    route53_zone_host_free(b);
}

static void look(const char *const public_zone[], const char *const private_zone[],
                 struct live *live)
{
    ask(public_zone, private_zone, "192.0.2.2", ask_live, live);
}

static void a_name_in_one_of_two_twins_is_no_difference(void **state)
{
    (void)state;
    static const char *const public_zone[] = { "a.example.com A 192.0.2.2",
                                               "b.example.com A 192.0.2.2",
                                               "_dnsflip-prod.example.com TXT |" OWNER, NULL };
    static const char *const private_zone[] = { "a.example.com A 192.0.2.2", NULL };
    struct live live;

    look(public_zone, private_zone, &live);
    assert_int_equal(live.status, LIVE_ONE);
    assert_int_equal(live.place, 1);
    assert_int_equal(live.epoch, 1764000000);
}

static void twins_that_differ_are_mixed(void **state)
{
    (void)state;
    static const char *const public_zone[] = { "a.example.com A 192.0.2.1",
                                               "b.example.com A 192.0.2.1", NULL };
    static const char *const private_zone[] = { "a.example.com A 192.0.2.2", NULL };
    struct live live;

    look(public_zone, private_zone, &live);
    assert_int_equal(live.status, LIVE_MIXED);
    assert_int_equal(live.names[0], 2);
    assert_int_equal(live.names[1], 1);
    assert_string_equal(
        live.err.text, "a.example.com A: expected 192.0.2.1 TTL 60 (use1), found 192.0.2.2 TTL 60");
}

static void a_name_without_records_is_not_at_a_place(void **state)
{
    (void)state;
    static const char *const public_zone[] = { "a.example.com A 192.0.2.1", NULL };
    static const char *const nothing[] = { NULL };
    struct live live;

    look(public_zone, nothing, &live);
    assert_int_equal(live.status, LIVE_MIXED);
    assert_int_equal(live.strange, 1);
    assert_string_equal(live.err.text,
                        "b.example.com A: expected 192.0.2.1 TTL 60 (use1), found nothing");
    look(nothing, nothing, &live);
    assert_int_equal(live.status, LIVE_ABSENT);
    assert_int_equal(live.epoch, 0);
}

static void what_no_cluster_has_is_strange(void **state)
{
    (void)state;
    static const char *const public_zone[] = { "a.example.com A 192.0.2.1",
                                               "b.example.com A 192.0.2.9", NULL };
    static const char *const nothing[] = { NULL };
    struct live live;

    look(public_zone, nothing, &live);
    assert_int_equal(live.status, LIVE_MIXED);
    assert_int_equal(live.strange, 1);
    assert_int_equal(live.names[0], 1);
}

/* ---- what of a step is done ------------------------------------------------------------------ */

static void ask_found(struct route53_job *job, void *out)
{
    struct err why = { 0 };
    enum found *found = out;

    job->step = (struct step){ .from = 0, .to = 1, .epoch = EPOCH };
    *found = route53_found(job, &why);
    route53_plan_fini(&job->plan);
}

static const char *const nowhere[] = { NULL };

static enum found find(const char *const zone[], const char *b2)
{
    enum found found = FOUND_UNREADABLE;

    ask(zone, nowhere, b2, ask_found, &found);
    return found;
}

#define BEFORE "_dnsflip-prod.example.com TXT |" OWNER
#define OURS                                                                                       \
    "_dnsflip-prod.example.com TXT |\"heritage=dnsflip,group=prod,epoch=1764028800,batch=1/2\""
#define A_USE1 "a.example.com A 192.0.2.1"
#define A_USW2 "a.example.com A 192.0.2.2"
#define B_USE1 "b.example.com A 192.0.2.1"
#define B_USW2 "b.example.com A 192.0.2.2"

static void a_step_is_known_by_its_epoch(void **state)
{
    (void)state;
    static const char *const untouched[] = { A_USE1, B_USE1, BEFORE, NULL };
    static const char *const half[] = { A_USW2, B_USE1, OURS, NULL };
    static const char *const whole[] = { A_USW2, B_USW2, OURS, NULL };

    assert_int_equal(find(untouched, "192.0.2.2"), FOUND_NOT_APPLIED);
    assert_int_equal(find(half, "192.0.2.2"), FOUND_PARTIAL);
    assert_int_equal(find(whole, "192.0.2.2"), FOUND_APPLIED);
}

/* Else a restart before the promotion would take the move for begun, and go on without it. */
static void a_name_that_was_at_the_destination_before_is_no_part_of_a_step(void **state)
{
    (void)state;
    static const char *const same_in_both[] = { A_USE1, B_USE1, BEFORE, NULL };
    static const char *const by_hand[] = { A_USE1, B_USW2, BEFORE, NULL };
    static const char *const all_by_hand[] = { A_USW2, B_USW2, BEFORE, NULL };

    assert_int_equal(find(same_in_both, "192.0.2.1"), FOUND_NOT_APPLIED);
    assert_int_equal(find(by_hand, "192.0.2.2"), FOUND_NOT_APPLIED);
    assert_int_equal(find(all_by_hand, "192.0.2.2"), FOUND_NOT_APPLIED);
}

/* As without the restart: what is begun is tried forward, and told. */
static void a_conflict_beside_what_is_done_is_still_a_step_in_part(void **state)
{
    (void)state;
    static const char *const half[] = { A_USW2, "b.example.com A 192.0.2.9", OURS, NULL };
    static const char *const none[] = { A_USE1, "b.example.com A 192.0.2.9", BEFORE, NULL };

    assert_int_equal(find(half, "192.0.2.2"), FOUND_PARTIAL);
    assert_int_equal(find(none, "192.0.2.2"), FOUND_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_in_one_of_two_twins_is_no_difference),
        cmocka_unit_test(twins_that_differ_are_mixed),
        cmocka_unit_test(a_name_without_records_is_not_at_a_place),
        cmocka_unit_test(what_no_cluster_has_is_strange),
        cmocka_unit_test(a_step_is_known_by_its_epoch),
        cmocka_unit_test(a_name_that_was_at_the_destination_before_is_no_part_of_a_step),
        cmocka_unit_test(a_conflict_beside_what_is_done_is_still_a_step_in_part),
    };

    return cmocka_run_group_tests_name("route53_live", tests, NULL, NULL);
}
