/* tests/unit/test_guard.c -- the guard table, and how it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/guard.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* As the design's page has it: auto, switch, failover, failback, reload; V veto, W warn, - not
 * asked. */
static const struct row {
    const char *rule;
    const char *effects;
} table[] = {
    { "destination-down", "V V V V -" },
    { "destination-unknown", "V V W V -" },
    { "destination-fenced", "V V V V -" },
    { "operation-running", "V V V V V" },
    { "diverged", "V V V V V" },
    { "unadopted", "V V V V V" },
    { "operator-hold", "V V V V V" },
    { "automation-paused", "V - - - -" },
    { "source-down", "- V - V -" },
    { "source-unknown", "- W - W -" },
    { "startup-hold", "V W W W -" },
    { "tilt", "V W W W -" },
    { "isolated", "V W W W -" },
    { "partial", "V W W W W" },
    { "block", "V W - W -" },
    { "brake", "V W - W -" },
    { "early-proof", "V W W W -" },
    { "foreign-owner", "V V V V -" },
};

static const enum verb verbs[VERBS] = { VERB_AUTO, VERB_SWITCH, VERB_FAILOVER, VERB_FAILBACK,
                                        VERB_RELOAD };

/* A moment at which rule alone holds. */
static struct guard_input only(enum guard_rule rule)
{
    struct guard_input in = { .source = VERDICT_UP, .destination = VERDICT_UP };

    if (rule == GUARD_DESTINATION_DOWN)
        in.destination = VERDICT_DOWN;
    else if (rule == GUARD_DESTINATION_UNKNOWN)
        in.destination = VERDICT_UNKNOWN;
    else if (rule == GUARD_SOURCE_DOWN)
        in.source = VERDICT_DOWN;
    else if (rule == GUARD_SOURCE_UNKNOWN)
        in.source = VERDICT_UNKNOWN;
    else
        in.holds[rule] = true;
    return in;
}

static void the_whole_table_is_the_designs(void **state)
{
    (void)state;
    assert_int_equal(LENGTH(table), GUARD_RULES);
    for (size_t i = 0; i < LENGTH(table); i++) {
        int rule = guard_rule_find(table[i].rule);

        assert_int_equal(rule, i);
        for (size_t v = 0; v < VERBS; v++)
            assert_int_equal("-WV"[guard_effect_of((enum guard_rule)rule, verbs[v])],
                             table[i].effects[2 * v]);
    }
}

static void each_rule_alone_has_its_effect_and_no_other_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        struct guard_input in = only((enum guard_rule)i);

        for (size_t v = 0; v < VERBS; v++) {
            struct guard_result out[GUARD_RULES];
            char effect = table[i].effects[2 * v];

            guard_ask(&in, verbs[v], 0, out);
            for (size_t j = 0; j < LENGTH(table); j++) {
                assert_int_equal(out[j].rule, j);
                assert_int_equal("-WV"[out[j].effect], i == j ? effect : '-');
                assert_false(out[j].is_lifted);
            }
            assert_int_equal(guard_first_veto(out), effect == 'V' ? (int)i : -1);
        }
    }
}

/* Their entries in holds are ignored: the two verdicts say it. */
static void conditions_of_the_verdicts_come_from_the_verdicts(void **state)
{
    (void)state;
    static const enum guard_rule derived[] = { GUARD_DESTINATION_DOWN, GUARD_DESTINATION_UNKNOWN,
                                               GUARD_SOURCE_DOWN, GUARD_SOURCE_UNKNOWN };
    struct guard_input in = { .source = VERDICT_UP, .destination = VERDICT_UP };
    struct guard_result out[GUARD_RULES];

    for (size_t i = 0; i < LENGTH(derived); i++)
        in.holds[derived[i]] = true;
    for (size_t v = 0; v < VERBS; v++) {
        guard_ask(&in, verbs[v], 0, out);
        for (size_t i = 0; i < GUARD_RULES; i++)
            assert_int_equal(out[i].effect, GUARD_NOT_ASKED);
    }
}

static void an_operator_lifts_by_name_what_may_be_lifted(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        enum guard_rule rule = (enum guard_rule)i;
        struct guard_input in = only(rule);
        bool fixed =
            rule == GUARD_OPERATION_RUNNING || rule == GUARD_DIVERGED || rule == GUARD_UNADOPTED;

        for (size_t v = 0; v < VERBS; v++) {
            struct guard_result out[GUARD_RULES];
            bool vetoes = table[i].effects[2 * v] == 'V';
            bool lifted = vetoes && !fixed && verbs[v] != VERB_AUTO;

            guard_ask(&in, verbs[v], OVERRIDE_RULE(rule), out);
            assert_int_equal(out[i].is_lifted, lifted);
            assert_int_equal("-WV"[out[i].effect], table[i].effects[2 * v]);
            assert_int_equal(guard_first_veto(out), vetoes && !lifted ? (int)i : -1);

            guard_ask(&in, verbs[v], ~OVERRIDE_RULE(rule), out);
            assert_false(out[i].is_lifted);
        }
    }
}

static void the_first_veto_that_is_not_lifted_is_named(void **state)
{
    (void)state;
    struct guard_input in = only(GUARD_OPERATOR_HOLD);
    struct guard_result out[GUARD_RULES];

    in.holds[GUARD_DESTINATION_FENCED] = true;
    in.holds[GUARD_BLOCK] = true;
    guard_ask(&in, VERB_SWITCH, 0, out);
    assert_int_equal(guard_first_veto(out), GUARD_DESTINATION_FENCED);
    guard_ask(&in, VERB_SWITCH, OVERRIDE_RULE(GUARD_DESTINATION_FENCED), out);
    assert_int_equal(guard_first_veto(out), GUARD_OPERATOR_HOLD);
    guard_ask(&in, VERB_SWITCH,
              OVERRIDE_RULE(GUARD_DESTINATION_FENCED) | OVERRIDE_RULE(GUARD_OPERATOR_HOLD), out);
    assert_int_equal(guard_first_veto(out), -1); /* the block only warns */
    assert_int_equal(out[GUARD_BLOCK].effect, GUARD_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_table_is_the_designs),
        cmocka_unit_test(each_rule_alone_has_its_effect_and_no_other_has),
        cmocka_unit_test(conditions_of_the_verdicts_come_from_the_verdicts),
        cmocka_unit_test(an_operator_lifts_by_name_what_may_be_lifted),
        cmocka_unit_test(the_first_veto_that_is_not_lifted_is_named),
    };

    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
