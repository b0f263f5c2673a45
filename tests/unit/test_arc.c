/* tests/unit/test_arc.c -- the provider arc on a cluster of five endpoints that fail in every way:
 * io/aws is a fake here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/arc_message.h"
#include "dnsflip/providers/arc_plan.h"
#include "tests/support/fake_arc.h"

/* ---- one group of three clusters ---------------------------------------------------------------
 */

static struct settings settings;
static struct cluster_cfg clusters[] = { { .name = "a" }, { .name = "b" }, { .name = "c" } };
static struct group_cfg group = {
    .name = "g", .clusters = { 0, 1, 2 }, .n_clusters = 3, .n_hostnames = 7
};
static struct provider_cfg provider_cfg;
static struct provider *provider;

static struct {
    bool is_over;
    struct live live;
    enum found found;
    bool is_ok, has_token;
    struct err err;
    char detail[STEP_TEXT_BYTES];
} heard;

static int set_up(void **state)
{
    (void)state;
    struct err err;
    struct io io = { 0 };
    struct arc_cfg *cfg = &provider_cfg.arc;

    memset(&fake_arc, 0, sizeof(fake_arc));
    memset(&heard, 0, sizeof(heard));
    memset(&provider_cfg, 0, sizeof(provider_cfg));
    fake_arc.is_on[0] = true;
    for (unsigned i = 0; i < ARC_ENDPOINTS_MAX; i++) {
        (void)str_format(cfg->endpoints[i].url, AWS_URL_BYTES, "https://e%u/v1", i);
        (void)str_format(cfg->endpoints[i].region, AWS_REGION_BYTES, "r-%u", i);
    }
    cfg->n_endpoints = ARC_ENDPOINTS_MAX;
    /* In another order than the group's. */
    for (unsigned i = 0; i < 3; i++) {
        unsigned cluster = 2 - i;

        str_copy(cfg->controls[i].cluster, NAME_BYTES, clusters[cluster].name);
        str_copy(cfg->controls[i].arn, ARC_ARN_BYTES, fake_arc_arns[cluster]);
    }
    cfg->n_controls = 3;
    settings = (struct settings){ .clusters = clusters,
                                  .n_clusters = 3,
                                  .providers = &provider_cfg,
                                  .n_providers = 1,
                                  .groups = &group,
                                  .n_groups = 1 };
    assert_int_equal(provider_arc.open(&settings, 0, &io, &provider, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    provider->ops->close(provider);
    return 0;
}

static void on_read(void *arg, const struct live *live)
{
    (void)arg;
    assert_false(heard.is_over);
    heard.is_over = true;
    heard.live = *live;
}

static void on_done(const struct err *err)
{
    assert_false(heard.is_over);
    heard.is_over = true;
    heard.is_ok = err == NULL;
    if (err != NULL)
        heard.err = *err;
}

static void on_submit(void *arg, const char *token, const struct err *err)
{
    (void)arg;
    assert_true(token != NULL || err != NULL);
    heard.has_token = token != NULL;
    on_done(err);
}

static void on_settle(void *arg, const struct err *err)
{
    (void)arg;
    on_done(err);
}

static void on_find(void *arg, enum found found, const char *detail)
{
    (void)arg;
    on_done(NULL);
    heard.found = found;
    str_copy(heard.detail, sizeof(heard.detail), detail);
}

static const struct live *read_believing(int8_t believed)
{
    heard.is_over = false;
    (void)provider->ops->read(provider, 0, believed, on_read, NULL);
    assert_false(heard.is_over);
    fake_arc_answer_all();
    assert_true(heard.is_over);
    return &heard.live;
}

static const struct live *read_live(void)
{
    return read_believing(-1);
}

static bool submit(uint8_t from, uint8_t to)
{
    struct step step = { .from = from, .to = to };

    heard.is_over = false;
    (void)provider->ops->submit(provider, &step, on_submit, NULL);
    fake_arc_answer_all();
    assert_true(heard.is_over);
    return heard.is_ok;
}

static enum found find(uint8_t from, uint8_t to)
{
    struct step step = { .from = from, .to = to };

    heard.is_over = false;
    (void)provider->ops->find(provider, &step, on_find, NULL);
    fake_arc_answer_all();
    assert_true(heard.is_over);
    return heard.found;
}

/* The first endpoint takes a change and is lost, and the others are too. */
static void arc_dies_after_a_change(void)
{
    fake_arc.moods[0] = MOOD_LOST_AFTER;
    for (unsigned i = 1; i < ARC_ENDPOINTS_MAX; i++)
        fake_arc.moods[i] = MOOD_DOWN;
}

static void assert_on_alone(unsigned place)
{
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fake_arc.is_on[i], i == place);
}

/* ---- stories ------------------------------------------------------------------------------------
 */

static void one_control_on_is_that_cluster(void **state)
{
    (void)state;
    assert_int_equal(read_live()->status, LIVE_ONE);
    assert_int_equal(heard.live.place, 0);
    fake_arc.is_on[0] = false;
    fake_arc.is_on[2] = true;
    assert_int_equal(read_live()->place, 2);
}

static void another_cluster_than_believed_is_told_with_all_states(void **state)
{
    (void)state;
    assert_string_equal(read_believing(0)->err.text, "");
    assert_int_equal(read_believing(2)->status, LIVE_ONE);
    assert_string_equal(heard.live.err.text, "c Off, b Off, a On");
}

static void none_or_several_on_are_mixed_and_named(void **state)
{
    (void)state;
    fake_arc.is_on[2] = true;
    assert_int_equal(read_live()->status, LIVE_MIXED);
    assert_int_equal(heard.live.names[0], 7);
    assert_int_equal(heard.live.names[2], 7);
    assert_non_null(
        strstr(heard.live.err.text, "several routing controls are On (c On, b Off, a On)"));
    fake_arc.is_on[0] = fake_arc.is_on[2] = false;
    assert_int_equal(read_live()->status, LIVE_MIXED);
    assert_int_equal(heard.live.strange, 7);
    assert_non_null(strstr(heard.live.err.text, "no routing controls are On"));
}

static void a_move_is_one_transaction_that_leaves_one_on(void **state)
{
    (void)state;
    assert_true(submit(0, 2));
    assert_on_alone(2);
    assert_int_equal(fake_arc.n_updates, 1);
    assert_int_equal(fake_arc.n_asked, 4);
}

static void a_move_that_is_made_already_sends_nothing(void **state)
{
    (void)state;
    assert_true(submit(1, 0));
    assert_int_equal(fake_arc.n_updates, 0);
}

static void what_somebody_else_set_is_a_conflict_that_names_it(void **state)
{
    (void)state;
    assert_false(submit(1, 2));
    assert_int_equal(heard.err.code, ERR_CONFLICT);
    assert_non_null(strstr(heard.err.text, "expected b On alone, found c Off, b Off, a On"));
    fake_arc.is_on[1] = true;
    assert_false(submit(0, 2));
    assert_int_equal(heard.err.code, ERR_CONFLICT);
    assert_int_equal(fake_arc.n_updates, 0);
}

static void an_adoption_mends_what_is_no_clusters_and_moves_nothing(void **state)
{
    (void)state;
    assert_false(submit(1, 1));
    assert_int_equal(heard.err.code, ERR_CONFLICT);
    assert_int_equal(fake_arc.n_updates, 0);
    assert_true(submit(0, 0));
    assert_int_equal(fake_arc.n_updates, 0);
    fake_arc.is_on[0] = false;
    assert_true(submit(1, 1));
    assert_on_alone(1);
    fake_arc.is_on[2] = true;
    assert_true(submit(2, 2));
    assert_on_alone(2);
}

static void endpoints_that_do_not_answer_are_passed_over_and_remembered(void **state)
{
    (void)state;
    fake_arc.moods[0] = MOOD_DOWN;
    fake_arc.moods[1] = MOOD_UNAVAILABLE;
    fake_arc.moods[2] = MOOD_BABBLING;
    assert_true(submit(0, 1));
    assert_on_alone(1);
    assert_int_equal(fake_arc.n_updates, 1);
    static const unsigned order[] = { 0, 1, 2, 3, 3, 3, 3 };

    assert_int_equal(fake_arc.n_asked, 7);
    assert_memory_equal(fake_arc.asked, order, sizeof(order));
    fake_arc.n_asked = 0;
    (void)read_live();
    assert_int_equal(fake_arc.asked[0], 3);
}

static void a_change_whose_answer_is_lost_is_looked_at_and_not_sent_again(void **state)
{
    (void)state;
    fake_arc.moods[0] = MOOD_DEAF_AFTER;
    assert_true(submit(0, 1));
    assert_on_alone(1);
    assert_int_equal(fake_arc.n_updates, 1);
    assert_int_equal(fake_arc.asked[fake_arc.n_asked - 1], 1);
}

static void a_change_that_may_have_been_made_is_not_told_as_none(void **state)
{
    (void)state;
    arc_dies_after_a_change();
    assert_false(submit(0, 1));
    assert_true(heard.has_token);
    assert_int_equal(fake_arc.n_updates, 1);
}

static void no_endpoint_at_all_is_an_error_with_the_last_reason(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARC_ENDPOINTS_MAX; i++)
        fake_arc.moods[i] = MOOD_DOWN;
    assert_false(submit(0, 1));
    assert_false(heard.has_token);
    assert_int_equal(fake_arc.n_asked, 10);
    assert_non_null(strstr(heard.err.text, "no endpoint of the ARC cluster answers (10 tries)"));
    assert_non_null(strstr(heard.err.text, "r-4: connection refused"));
    assert_int_equal(read_live()->status, LIVE_UNREADABLE);
    assert_int_equal(find(0, 1), FOUND_UNREADABLE);
    assert_on_alone(0);
}

static void a_safety_rule_that_refuses_is_named_and_not_asked_elsewhere(void **state)
{
    (void)state;
    fake_arc.moods[0] = MOOD_REFUSES;
    assert_false(submit(0, 1));
    assert_int_equal(heard.err.code, ERR_DENIED);
    assert_non_null(strstr(heard.err.text, "rule at-least-one"));
    assert_int_equal(fake_arc.n_asked, 4);
    assert_on_alone(0);
}

static void a_lack_of_permission_is_told_at_once(void **state)
{
    (void)state;
    fake_arc.moods[0] = MOOD_DENIES;
    assert_int_equal(read_live()->status, LIVE_UNREADABLE);
    assert_non_null(strstr(heard.live.err.text, "the ARC endpoint in r-0: AccessDeniedException"));
    assert_int_equal(fake_arc.n_asked, 1);
}

static void settling_waits_until_the_controls_show_the_change(void **state)
{
    (void)state;
    struct step step = { .from = 0, .to = 1 };

    fake_arc.is_on[0] = false;
    fake_arc.is_on[1] = true;
    fake_arc.lag = 6;
    heard.is_over = false;
    (void)provider->ops->settle(provider, &step, "", on_settle, NULL);
    for (unsigned looks = 0; looks < 2; looks++) {
        fake_arc_answer_all();
        assert_false(heard.is_over);
        assert_true(fake_arc_fire());
    }
    fake_arc_answer_all();
    assert_true(heard.is_over && heard.is_ok);
}

static void what_is_found_after_a_crash(void **state)
{
    (void)state;
    assert_int_equal(find(0, 1), FOUND_NOT_APPLIED);
    assert_string_equal(heard.detail, "c Off, b Off, a On");
    assert_int_equal(find(2, 0), FOUND_APPLIED);
    assert_int_equal(find(1, 2), FOUND_OTHER);
    fake_arc.is_on[1] = true;
    assert_int_equal(find(0, 1), FOUND_OTHER);
}

static void a_cancelled_call_is_never_heard_of(void **state)
{
    (void)state;
    struct provider_call *call = provider->ops->read(provider, 0, -1, on_read, NULL);

    provider->ops->cancel(call);
    assert_null(fake_arc.pending);
    assert_false(heard.is_over);
}

static void the_step_says_what_is_turned_and_its_inverse(void **state)
{
    (void)state;
    struct plan plan = { .from = 0, .to = 2 };
    struct err err;

    assert_int_equal(provider->ops->plan(&settings, 0, NULL, 0, &plan, &err), 0);
    assert_int_equal(plan.n_steps, 1);
    assert_string_equal(plan.steps[0].text,
                        "routing control of c On, all others Off (one transaction)");
    assert_string_equal(plan.steps[0].inverse,
                        "routing control of a On, all others Off (one transaction)");
    assert_int_equal(plan.apply_ms, 1200);
    plan.n_steps = STEPS_MAX;
    assert_int_equal(provider->ops->plan(&settings, 0, NULL, 0, &plan, &err), -1);
}

static void verification_asks_the_name_servers_that_are_given(void **state)
{
    (void)state;
    struct inet_addr servers[PROVIDER_SERVERS_MAX];

    assert_int_equal(provider->ops->servers(&settings, 0, servers), 0);
    provider_cfg.arc.n_nameservers = 1;
    provider_cfg.arc.nameservers[0].port = 5353;
    assert_int_equal(provider->ops->servers(&settings, 0, servers), 1);
    assert_int_equal(servers[0].port, 5353);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(one_control_on_is_that_cluster),
        STORY(another_cluster_than_believed_is_told_with_all_states),
        STORY(none_or_several_on_are_mixed_and_named),
        STORY(a_move_is_one_transaction_that_leaves_one_on),
        STORY(a_move_that_is_made_already_sends_nothing),
        STORY(what_somebody_else_set_is_a_conflict_that_names_it),
        STORY(an_adoption_mends_what_is_no_clusters_and_moves_nothing),
        STORY(endpoints_that_do_not_answer_are_passed_over_and_remembered),
        STORY(a_change_whose_answer_is_lost_is_looked_at_and_not_sent_again),
        STORY(a_change_that_may_have_been_made_is_not_told_as_none),
        STORY(no_endpoint_at_all_is_an_error_with_the_last_reason),
        STORY(a_safety_rule_that_refuses_is_named_and_not_asked_elsewhere),
        STORY(a_lack_of_permission_is_told_at_once),
        STORY(settling_waits_until_the_controls_show_the_change),
        STORY(what_is_found_after_a_crash),
        STORY(a_cancelled_call_is_never_heard_of),
        STORY(the_step_says_what_is_turned_and_its_inverse),
        STORY(verification_asks_the_name_servers_that_are_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
