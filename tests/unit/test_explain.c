/* tests/unit/test_explain.c -- decisions in words, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/explain.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const char *const names[] = { "use1", "usw2", "euw1" };

static void each_reason_has_its_sentence(void **state)
{
    (void)state;
    static const struct {
        struct decision_reason reason;
        const char *text;
    } cases[] = {
        { { WHY_ACTIVE_UP, 0, 0, 0 }, "use1 is up" },
        { { WHY_ACTIVE_UNKNOWN, 0, 0, 0 }, "use1 may be up or down: not knowing moves nothing" },
        { { WHY_ACTIVE_DOWN, 0, 0, 123456 }, "use1 is down, for 2m3s so far" },
        { { WHY_ACTIVE_DOWN, 0, 0, 0 }, "use1 is down, for 0s so far" },
        { { WHY_ACTIVE_DOWN, 1, 0, 999 }, "usw2 is down, for 999ms so far" },
        { { WHY_ACTIVE_DOWN, 1, 0, 1000 }, "usw2 is down, for 1s so far" },
        { { WHY_ACTIVE_DOWN, 1, 0, 1999 }, "usw2 is down, for 1s so far" },
        { { WHY_MIN_OUTAGE, 0, 0, 80000 },
          "use1 must be down for another 1m20s to reach min_outage" },
        { { WHY_MIN_OUTAGE, 0, 0, 1 }, "use1 must be down for another 1ms to reach min_outage" },
        { { WHY_MIN_OUTAGE, 0, 0, 999 },
          "use1 must be down for another 999ms to reach min_outage" },
        { { WHY_MIN_OUTAGE, 0, 0, 1000 }, "use1 must be down for another 1s to reach min_outage" },
        { { WHY_MIN_OUTAGE, 0, 0, 1001 }, "use1 must be down for another 2s to reach min_outage" },
        { { WHY_OUTAGE_LONG_ENOUGH, 0, 0, 120000 },
          "use1 has been down for 2m, at least min_outage" },
        { { WHY_NO_DESTINATION, -1, 0, 0 },
          "no other cluster is known to be up as a standby and not fenced" },
        { { WHY_BOTH_DOWN, -1, 0, 0 }, "every other cluster that is not fenced is down as well" },
        { { WHY_CANDIDATE_DOWN, 1, 0, 0 }, "usw2 is passed over: down as a standby" },
        { { WHY_CANDIDATE_UNKNOWN, 2, 0, 0 },
          "euw1 is passed over: it is not known whether it is up as a standby" },
        { { WHY_CANDIDATE_FENCED, 1, 0, 0 },
          "usw2 is passed over: fenced until an operator says rejoin" },
        { { WHY_CANDIDATE_CHOSEN, 1, 0, 0 },
          "usw2 is the first in order that is up as a standby and not fenced" },
        { { WHY_GUARD, -1, GUARD_BLOCK, 0 }, "block vetoes: the group moved a short while ago" },
        { { WHY_MODE_OBSERVE, -1, 0, 0 }, "the group only observes" },
        { { WHY_MODE_ADVISE, -1, 0, 0 }, "the group only advises" },
        { { WHY_NOT_ADOPTED, -1, 0, 0 },
          "the journal does not know which cluster is active: adopt the group" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        char out[EXPLAIN_BYTES];

        assert_ptr_equal(explain_reason(&cases[i].reason, names, out), out);
        assert_string_equal(out, cases[i].text);
    }
}

static void every_reason_and_every_guard_fits_and_is_a_sentence(void **state)
{
    (void)state;
    char long_name[NAME_BYTES];
    const char *const long_names[] = { long_name };

    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    for (int w = 0; w < WHYS; w++) {
        struct decision_reason r = { .why = (enum why)w,
                                     .cluster = w % 2 == 0 ? 0 : -1,
                                     .value = INT64_MAX / 2 };
        char out[EXPLAIN_BYTES];

        for (int g = 0; g < GUARD_RULES; g++) {
            r.guard = (enum guard_rule)g;
            (void)explain_reason(&r, long_names, out);
            assert_in_range(strlen(out), 3, EXPLAIN_BYTES - 2); /* whole: not cut at the end */
            assert_true(out[strlen(out) - 1] != '.');
        }
    }
    for (int g = 0; g < GUARD_RULES; g++) {
        for (int v = 0; v < VERBS; v++) {
            struct guard_result r = { .rule = (enum guard_rule)g, .effect = GUARD_VETO };
            char out[EXPLAIN_BYTES];

            (void)explain_guard(&r, (enum verb)v, out);
            assert_in_range(strlen(out), 3, EXPLAIN_BYTES - 2);
            assert_true(out[strlen(out) - 1] != '.');
        }
    }
}

static void a_decision_is_told_in_one_line(void **state)
{
    (void)state;
    static const struct {
        struct decision decision;
        const char *text;
    } cases[] = {
        { { .kind = DECISION_STAY, .from = 0, .to = -1 }, "stay on use1" },
        { { .kind = DECISION_MOVE, .from = 0, .to = 1 }, "move use1 -> usw2" },
        { { .kind = DECISION_STAY, .from = -1, .to = -1 }, "stay on no cluster" },
        { { .kind = DECISION_STAY,
            .would_move = true,
            .from = 0,
            .to = 1,
            .reasons = { { .why = WHY_ACTIVE_DOWN }, { .why = WHY_MODE_ADVISE } },
            .n_reasons = 2 },
          "stay on use1 (would move to usw2, but the group only advises)" },
        { { .kind = DECISION_STAY,
            .would_move = true,
            .from = 2,
            .to = 0,
            .reasons = { { .why = WHY_MODE_OBSERVE } },
            .n_reasons = 1 },
          "stay on euw1 (would move to use1, but the group only observes)" },
        { { .kind = DECISION_STAY,
            .would_move = true,
            .from = 2,
            .to = 0,
            .reasons = { { .why = WHY_ACTIVE_DOWN }, { .why = WHY_MODE_OBSERVE } },
            .n_reasons = 2 },
          "stay on euw1 (would move to use1, but the group only observes)" },
        /* reasons behind n_reasons do not count */
        { { .kind = DECISION_STAY,
            .would_move = true,
            .from = 2,
            .to = 0,
            .reasons = { { .why = WHY_MODE_OBSERVE } },
            .n_reasons = 0 },
          "stay on euw1" },
        { { .kind = DECISION_STAY,
            .from = 0,
            .to = -1,
            .reasons = { { .why = WHY_MODE_OBSERVE } },
            .n_reasons = 1 },
          "stay on use1" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        char out[EXPLAIN_BYTES];

        assert_ptr_equal(explain_decision(&cases[i].decision, names, out), out);
        assert_string_equal(out, cases[i].text);
    }
}

static void a_guard_says_what_it_does_and_what_ends_it(void **state)
{
    (void)state;
    static const struct {
        struct guard_result result;
        enum verb verb;
        const char *text;
    } cases[] = {
        { { GUARD_TILT, GUARD_NOT_ASKED, false }, VERB_SWITCH, "tilt has nothing against switch" },
        { { GUARD_DESTINATION_UNKNOWN, GUARD_WARN, false },
          VERB_FAILOVER,
          "destination-unknown warns failover: it is not known whether the destination is up as a "
          "standby" },
        { { GUARD_DESTINATION_UNKNOWN, GUARD_VETO, false },
          VERB_SWITCH,
          "destination-unknown vetoes switch: it is not known whether the destination is up as a "
          "standby; lift it with --override destination-unknown --reason TEXT" },
        { { GUARD_DESTINATION_FENCED, GUARD_VETO, false },
          VERB_FAILBACK,
          "destination-fenced vetoes failback: the destination was left by a failover and is "
          "fenced; dnsflip rejoin CLUSTER, or lift it with --override destination-fenced --reason "
          "TEXT" },
        { { GUARD_DESTINATION_FENCED, GUARD_VETO, true },
          VERB_FAILBACK,
          "destination-fenced is overridden for failback: the destination was left by a failover "
          "and is fenced" },
        { { GUARD_OPERATION_RUNNING, GUARD_VETO, false },
          VERB_SWITCH,
          "operation-running vetoes switch: another operation of the group has not settled yet; "
          "end it with dnsflip operation cancel OPERATION" },
        { { GUARD_BLOCK, GUARD_VETO, false },
          VERB_AUTO, /* nobody overrides an automatic move */
          "block vetoes auto: the group moved a short while ago; end it with dnsflip ack GROUP" },
        { { GUARD_TILT, GUARD_VETO, false },
          VERB_AUTO,
          "tilt vetoes auto: this process was frozen or its clock stepped a moment ago" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        char out[EXPLAIN_BYTES];

        assert_ptr_equal(explain_guard(&cases[i].result, cases[i].verb, out), out);
        assert_string_equal(out, cases[i].text);
    }
}

static void a_view_tells_its_counts(void **state)
{
    (void)state;
    char out[EXPLAIN_BYTES];
    struct cluster_view v = { .verdict = VERDICT_UNKNOWN };

    assert_ptr_equal(explain_view(&v, out), out);
    assert_string_equal(out, "no endpoints");
    v.classes[CLASS_UI] = (struct class_count){ 80, 79, 1, 0, 40 };
    v.classes[CLASS_API] = (struct class_count){ 80, 0, 0, 80, 40 };
    assert_string_equal(explain_view(&v, out),
                        "ui 1 of 80 down (limit 40), api 0 of 80 down, 80 unknown (limit 40)");
    v.classes[CLASS_UI] = (struct class_count){ 0 };
    v.classes[CLASS_API] = (struct class_count){ 0 };
    v.classes[CLASS_CUSTOM] = (struct class_count){ 3, 1, 1, 1, 2 };
    v.critical = (struct class_count){ 1, 0, 1, 0, 1 };
    assert_string_equal(explain_view(&v, out),
                        "custom 1 of 3 down, 1 unknown (limit 2), critical 1 of 1 down (limit 1)");
    for (int i = 0; i < ENDPOINT_CLASSES; i++)
        v.classes[i] = (struct class_count){ 100000, 0, 100000, 100000, 100000 };
    v.critical = v.classes[0];
    (void)explain_view(&v, out);
    assert_string_equal(out + strlen(out) - 8, " 100000)"); /* the longest is not cut */
}

static void a_view_beyond_all_limits_is_cut_within_its_bounds(void **state)
{
    (void)state;
    struct {
        char out[EXPLAIN_BYTES];
        char behind[256];
    } text;
    struct cluster_view v = { .verdict = VERDICT_UNKNOWN };

    memset(&text, '#', sizeof(text));
    for (int i = 0; i < ENDPOINT_CLASSES; i++)
        v.classes[i] =
            (struct class_count){ UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
    v.critical = v.classes[0];
    assert_int_equal(strlen(explain_view(&v, text.out)), EXPLAIN_BYTES - 1);
    for (size_t i = 0; i < sizeof(text.behind); i++)
        assert_int_equal(text.behind[i], '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_its_sentence),
        cmocka_unit_test(every_reason_and_every_guard_fits_and_is_a_sentence),
        cmocka_unit_test(a_decision_is_told_in_one_line),
        cmocka_unit_test(a_guard_says_what_it_does_and_what_ends_it),
        cmocka_unit_test(a_view_tells_its_counts),
        cmocka_unit_test(a_view_beyond_all_limits_is_cut_within_its_bounds),
    };

    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
