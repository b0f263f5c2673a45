/* tests/unit/test_decision.c -- names that machines rely on, and when a decision is news. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/model/decision.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void names_are_the_stable_ones(void **state)
{
    (void)state;
    static const char *const whys[] = {
        "active-up",
        "active-unknown",
        "active-down",
        "min-outage",
        "no-destination",
        "both-down",
        "candidate-down",
        "candidate-unknown",
        "candidate-fenced",
        "candidate-chosen",
        "guard",
        "mode-observe",
        "mode-advise",
        "not-adopted",
        "outage-long-enough",
    };

    assert_int_equal(LENGTH(whys), WHYS);
    for (size_t i = 0; i < LENGTH(whys); i++)
        assert_string_equal(why_name((enum why)i), whys[i]);
    assert_string_equal(verdict_name(VERDICT_UNKNOWN), "unknown");
    assert_string_equal(verdict_name(VERDICT_UP), "up");
    assert_string_equal(verdict_name(VERDICT_DOWN), "down");
    assert_string_equal(verb_name(VERB_AUTO), "auto");
    assert_string_equal(verb_name(VERB_SWITCH), "switch");
    assert_string_equal(verb_name(VERB_FAILOVER), "failover");
    assert_string_equal(verb_name(VERB_FAILBACK), "failback");
}

static void every_rule_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < GUARD_RULES; i++) {
        const struct guard_rule_info *info = guard_rule_info((enum guard_rule)i);

        assert_int_equal(guard_rule_find(info->name), i);
    }
    assert_int_equal(guard_rule_find("promotion"), -1);
    assert_int_equal(guard_rule_find(""), -1);
    assert_int_equal(guard_rule_find("destination"), -1);
    assert_int_equal(guard_rule_find("destination-downs"), -1);
}

/* A veto for lack of knowledge exits 5, any other 3; three rules are ended by their own verbs
 * only. */
static void knowledge_and_ways_out_are_the_designs(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        bool is_lack_of_knowledge, may_override;
        const char *ended_by;
    } rows[] = {
        { "destination-down", false, true, "" },
        { "destination-unknown", true, true, "" },
        { "destination-fenced", false, true, "dnsflip rejoin CLUSTER" },
        { "operation-running", false, false, "dnsflip operation cancel OPERATION" },
        { "diverged", false, false, "dnsflip adopt GROUP --active CLUSTER" },
        { "unadopted", false, false, "dnsflip adopt GROUP --active CLUSTER" },
        { "operator-hold", false, true, "dnsflip release GROUP" },
        { "automation-paused", false, true, "dnsflip resume" },
        { "source-down", false, true, "dnsflip failover GROUP --reason TEXT" },
        { "source-unknown", true, true, "" },
        { "startup-hold", true, true, "" },
        { "tilt", true, true, "" },
        { "isolated", true, true, "" },
        { "partial", false, true, "dnsflip operation resume OPERATION" },
        { "block", false, true, "dnsflip ack GROUP" },
        { "brake", false, true, "dnsflip ack" },
        { "early-proof", false, true, "" },
        { "foreign-owner", false, true, "" },
    };

    assert_int_equal(LENGTH(rows), GUARD_RULES);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct guard_rule_info *info = guard_rule_info((enum guard_rule)i);

        assert_string_equal(info->name, rows[i].rule);
        assert_int_equal(info->is_lack_of_knowledge, rows[i].is_lack_of_knowledge);
        assert_int_equal(info->may_override, rows[i].may_override);
        assert_string_equal(info->ended_by, rows[i].ended_by);
        assert_true(info->text[0] >= 'a' && info->text[0] <= 'z'); /* stands behind a colon */
    }
}

static void overrides_do_not_collide(void **state)
{
    (void)state;
    override_set all = OVERRIDE_PROMOTION | OVERRIDE_DURABILITY;

    assert_int_not_equal(OVERRIDE_PROMOTION, OVERRIDE_DURABILITY);
    for (int i = 0; i < GUARD_RULES; i++) {
        assert_int_equal(all & OVERRIDE_RULE(i), 0);
        all |= OVERRIDE_RULE(i);
    }
}

static struct decision sample(void)
{
    return (struct decision){
        .kind = DECISION_STAY,
        .from = 0,
        .to = 1,
        .reasons = { { .why = WHY_ACTIVE_DOWN, .cluster = 0, .value = 5000 },
                     { .why = WHY_GUARD, .cluster = -1, .guard = GUARD_BLOCK } },
        .n_reasons = 2,
        .next_due = { 99 },
    };
}

static void a_decision_is_news_if_more_than_a_number_changed(void **state)
{
    (void)state;
    struct decision a = sample();
    struct decision b = sample();

    assert_true(decision_same(&a, &b));
    b.reasons[0].value = 6000;
    b.next_due.ms = 100;
    b.reasons[0].guard = GUARD_TILT;  /* means nothing there */
    b.reasons[2].why = WHY_BOTH_DOWN; /* not in use */
    assert_true(decision_same(&a, &b));

    b = sample();
    b.kind = DECISION_MOVE;
    assert_false(decision_same(&a, &b));
    b = sample();
    b.would_move = true;
    assert_false(decision_same(&a, &b));
    b = sample();
    b.from = 2;
    assert_false(decision_same(&a, &b));
    b = sample();
    b.to = 2;
    assert_false(decision_same(&a, &b));
    b = sample();
    b.n_reasons = 1;
    assert_false(decision_same(&a, &b));
    assert_false(decision_same(&b, &a));
    b = sample();
    b.reasons[0].why = WHY_MIN_OUTAGE;
    assert_false(decision_same(&a, &b));
    b = sample();
    b.reasons[0].cluster = 1;
    assert_false(decision_same(&a, &b));
    b = sample();
    b.reasons[1].guard = GUARD_BRAKE;
    assert_false(decision_same(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_stable_ones),
        cmocka_unit_test(every_rule_is_found_by_its_name),
        cmocka_unit_test(knowledge_and_ways_out_are_the_designs),
        cmocka_unit_test(overrides_do_not_collide),
        cmocka_unit_test(a_decision_is_news_if_more_than_a_number_changed),
    };

    return cmocka_run_group_tests_name("decision", tests, NULL, NULL);
}
