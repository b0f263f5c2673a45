/* tests/unit/test_planning.c -- planner and provider put together, and the local provider's plan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/planning.h"
#include "dnsflip/providers/local_plan.h"
#include "tests/sim/world.h"

struct world world;

static struct cluster_cfg clusters[] = { { .name = "use1" }, { .name = "usw2" } };
static struct provider_cfg providers[2];
static struct target a[2], b[2], same[2];
static struct hostname_cfg names[3];
static struct group_cfg group;
static struct settings settings;

static struct inet_ip ip(const char *text)
{
    struct inet_ip out;

    assert_true(inet_parse_ip(text, &out));
    return out;
}

static struct target at(const char *text)
{
    struct target t = { .n_a = 1 };

    t.a[0] = ip(text);
    return t;
}

static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        providers[i] = (struct provider_cfg){ .kind = "local", .local.n_listen = 1 };
        providers[i].local.n_nameservers = 1;
        (void)str_format(providers[i].name, NAME_BYTES, "p%d", i);
        (void)str_format(providers[i].local.zone, HOSTNAME_BYTES, "z%d.example.com", i);
        a[i] = b[i] = at(i == 0 ? "192.0.2.1" : "203.0.113.1");
        same[i] = at("192.0.2.9");
    }
    names[0] = (struct hostname_cfg){ .name = "a.z0.example.com", .targets = a };
    names[1] = (struct hostname_cfg){ .name = "same.z0.example.com", .targets = same };
    names[2] = (struct hostname_cfg){ .name = "b.z1.example.com", .targets = b, .provider = 1 };
    group = (struct group_cfg){ .name = "prod",
                                .clusters = { 0, 1 },
                                .n_clusters = 2,
                                .providers = { 0, 1 },
                                .n_providers = 2,
                                .hostnames = names,
                                .n_hostnames = 3 };
    settings = (struct settings){ .clusters = clusters,
                                  .n_clusters = 2,
                                  .providers = providers,
                                  .n_providers = 2,
                                  .groups = &group,
                                  .n_groups = 1 };
    return 0;
}

static void one_store_moves_the_group_in_all_its_zones(void **state)
{
    struct target_change *changes;
    struct plan plan;
    struct err err;

    (void)state;
    assert_int_equal(planning_make(&settings, 0, VERB_SWITCH, 0, 1, &plan, &changes, &err), 0);
    /* The name that answers alike in both clusters is no change. */
    assert_int_equal(plan.n_names, 2);
    assert_int_equal(plan.n_steps, 1);
    assert_int_equal(plan.steps[0].from, 0);
    assert_int_equal(plan.steps[0].to, 1);
    assert_int_equal(plan.steps[0].n, 2);
    assert_non_null(strstr(plan.steps[0].text, "usw2"));
    assert_non_null(strstr(plan.steps[0].inverse, "use1"));
    assert_int_equal(changes[1].hostname, 2);
    mem_free(changes);
}

static void a_group_whose_names_answer_alike_still_moves(void **state)
{
    struct target_change *changes;
    struct plan plan;
    struct err err;

    (void)state;
    group.n_providers = 1;
    names[0].targets = names[2].targets = same;
    assert_int_equal(planning_make(&settings, 0, VERB_SWITCH, 0, 1, &plan, &changes, &err), 0);
    assert_int_equal(plan.n_names, 0);
    assert_int_equal(plan.n_steps, 1);
    mem_free(changes);
}

static void no_name_loses_its_last_address(void **state)
{
    struct target_change *changes;
    struct plan plan;
    struct err err;

    (void)state;
    a[1] = (struct target){ 0 };
    assert_int_equal(planning_make(&settings, 0, VERB_AUTO, 0, 1, &plan, &changes, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_null(changes);
    assert_non_null(strstr(err.text, "group prod"));
}

static void a_plan_that_is_full_says_so(void **state)
{
    struct plan plan = { .n_steps = STEPS_MAX, .to = 1 };
    struct provider_cfg other = { .kind = "other" };
    struct err err;

    (void)state;
    /* All its steps are those of a provider of another kind. */
    providers[1] = other;
    for (int i = 0; i < STEPS_MAX; i++)
        plan.steps[i].provider = 1;
    assert_int_equal(local_plan_steps(&settings, 0, NULL, 0, &plan, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "64"));
}

static void what_a_zone_needs_is_asked_for(void **state)
{
    (void)state;
    assert_null(local_plan_problem(&providers[0]));
    providers[0].local.n_nameservers = 0;
    assert_non_null(strstr(local_plan_problem(&providers[0]), "name server"));
    providers[0].local.zone[0] = '\0';
    assert_non_null(strstr(local_plan_problem(&providers[0]), "zone"));
    providers[0].local.n_listen = 0;
    assert_non_null(strstr(local_plan_problem(&providers[0]), "listen"));
}

static void silence_moves_nothing(void **state)
{
    struct silence silence;

    (void)state;
    providers[0].local.soa.expire_s = 1209600;
    local_plan_silence(&settings, 0, 0, &silence);
    assert_false(silence.moves_traffic);
    assert_non_null(strstr(silence.text, "z0.example.com"));
    assert_non_null(strstr(silence.text, "14d"));
}

static void an_address_for_all_is_asked_on_loopback(void **state)
{
    struct inet_addr out[PROVIDER_SERVERS_MAX];
    char text[INET_TEXT_BYTES];

    (void)state;
    providers[0].local.n_listen = 3;
    providers[0].local.listen[0] = (struct inet_addr){ .ip = ip("0.0.0.0"), .port = 53 };
    providers[0].local.listen[1] = (struct inet_addr){ .ip = ip("::"), .port = 53 };
    providers[0].local.listen[2] = (struct inet_addr){ .ip = ip("192.0.2.53"), .port = 53 };
    assert_int_equal(local_plan_servers(&settings, 0, out), 3);
    assert_string_equal(inet_format_addr(&out[0], text), "127.0.0.1:53");
    assert_string_equal(inet_format_addr(&out[1], text), "[::1]:53");
    assert_string_equal(inet_format_addr(&out[2], text), "192.0.2.53:53");
}

static void a_reload_looks_at_every_name_of_the_cluster_that_stays(void **state)
{
    struct target_change *changes;
    struct plan plan;
    struct err err;

    (void)state;
    assert_int_equal(planning_make(&settings, 0, VERB_RELOAD, 1, 1, &plan, &changes, &err), 0);
    assert_int_equal(plan.n_names, group.n_hostnames);
    for (uint32_t i = 0; i < plan.n_names; i++) {
        assert_int_equal(changes[i].hostname, i);
        assert_ptr_equal(changes[i].after, &names[i].targets[1]);
    }
    mem_free(changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_store_moves_the_group_in_all_its_zones, setup),
        cmocka_unit_test_setup(a_group_whose_names_answer_alike_still_moves, setup),
        cmocka_unit_test_setup(no_name_loses_its_last_address, setup),
        cmocka_unit_test_setup(a_plan_that_is_full_says_so, setup),
        cmocka_unit_test_setup(what_a_zone_needs_is_asked_for, setup),
        cmocka_unit_test_setup(a_reload_looks_at_every_name_of_the_cluster_that_stays, setup),
        cmocka_unit_test_setup(silence_moves_nothing, setup),
        cmocka_unit_test_setup(an_address_for_all_is_asked_on_loopback, setup),
    };

    return cmocka_run_group_tests_name("planning", tests, NULL, NULL);
}
