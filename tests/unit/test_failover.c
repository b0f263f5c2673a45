/* tests/unit/test_failover.c -- stay or move: stories, and the reasons of each decision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/failover.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define TICK_MS INT64_C(10000)
#define MIN_OUTAGE_MS (3 * TICK_MS)

static const struct failover_cfg automatic = { .min_outage_ms = MIN_OUTAGE_MS, .mode = MODE_AUTO };

static struct instant at(int64_t ticks)
{
    return (struct instant){ .mono = { INT64_C(7000000) + ticks * TICK_MS },
                             .wall = { INT64_C(1700000000000) + ticks * TICK_MS } };
}

static enum verdict verdict_of(char letter)
{
    return letter == 'U' ? VERDICT_UP : letter == 'D' ? VERDICT_DOWN : VERDICT_UNKNOWN;
}

/* One letter per cluster in order, the first is active.  U up, D down, ? unknown as standby;
 * fenced ones in lower case (u d .). */
static struct failover_input world(enum verdict active, const char *others)
{
    struct failover_input in = { .n_clusters = (uint8_t)(1 + strlen(others)), .active = 0 };

    in.clusters[0].as_active = active;
    in.clusters[0].as_standby = VERDICT_UP; /* must not matter */
    for (int i = 1; i < in.n_clusters; i++) {
        char letter = others[i - 1];

        in.clusters[i].is_fenced = strchr("ud.", letter) != NULL;
        in.clusters[i].as_standby = letter == 'U' || letter == 'u'   ? VERDICT_UP
                                    : letter == 'D' || letter == 'd' ? VERDICT_DOWN
                                                                     : VERDICT_UNKNOWN;
        in.clusters[i].as_active = VERDICT_UP; /* must not matter */
    }
    return in;
}

/* Why, as text: "active-down(0)=20000 candidate-chosen(1) guard:block". */
static const char *reasons(const struct decision *d, char out[static 2048])
{
    size_t len = 0;

    out[0] = '\0';
    for (int i = 0; i < d->n_reasons; i++) {
        const struct decision_reason *r = &d->reasons[i];

        len += (size_t)snprintf(out + len, 2048 - len, "%s%s", i > 0 ? " " : "", why_name(r->why));
        if (r->why == WHY_GUARD)
            len += (size_t)snprintf(out + len, 2048 - len, ":%s", guard_rule_info(r->guard)->name);
        if (r->cluster >= 0)
            len += (size_t)snprintf(out + len, 2048 - len, "(%d)", r->cluster);
        if (r->value != 0)
            len += (size_t)snprintf(out + len, 2048 - len, "=%lld", (long long)r->value);
    }
    return out;
}

/* A story of the active cluster, one letter per tick; the standby is up.  Checks the decision
 * after each letter: s stay, M move. */
static void check_story(const char *story, const char *expected)
{
    struct failover_state s = failover_start(at(0).mono);
    char seen[64] = { 0 };

    assert_true(strlen(story) < sizeof(seen));
    for (int i = 0; story[i] != '\0'; i++) {
        struct failover_input in = world(verdict_of(story[i]), "U");
        struct decision d;

        failover_step(&automatic, &s, &in, at(i + 1), &s, &d);
        seen[i] = d.kind == DECISION_MOVE ? 'M' : 's';
    }
    assert_string_equal(seen, expected);
}

static void only_an_outage_without_a_break_moves(void **state)
{
    (void)state;
    static const struct {
        const char *story, *expected;
    } cases[] = {
        { "UUUUUUU", "sssssss" },
        { "UDDDDDD", "ssssMMM" },       /* min_outage after it was first seen down */
        { "DDDD", "sssM" },             /* a restart starts it anew */
        { "UDDDUDDDD", "ssssssssM" },   /* up clears */
        { "UDDD?D", "sssssM" },         /* unknown is a break that pauses... */
        { "UDD????D", "ssssssss" },     /* ...itself counts for nothing... */
        { "UDD????DD", "ssssssssM" },   /* ...and does not clear */
        { "UD?D?D?D", "sssssssM" },     /* what was down adds up */
        { "?????????", "sssssssss" },   /* not knowing moves nothing */
        { "UDDD?????", "sssssssss" },   /* however long it lasts */
        { "UDDD?UDDD", "sssssssss" },   /* and what follows may clear */
        { "UDDDDUDDDD", "ssssMssssM" }, /* also after a move that was not made */
    };

    for (size_t i = 0; i < LENGTH(cases); i++)
        check_story(cases[i].story, cases[i].expected);
}

static void time_in_which_this_process_was_frozen_does_not_count(void **state)
{
    (void)state;
    struct failover_state s = failover_start(at(0).mono);
    struct failover_input in = world(VERDICT_DOWN, "U");
    struct decision d;

    failover_step(&automatic, &s, &in, at(1), &s, &d);
    failover_step(&automatic, &s, &in, at(2), &s, &d);
    assert_int_equal(s.down_ms, TICK_MS);

    in.clusters[0].as_active = VERDICT_UNKNOWN;
    in.holds[GUARD_TILT] = true;
    failover_step(&automatic, &s, &in, at(100), &s, &d);
    assert_int_equal(s.down_ms, TICK_MS);

    /* Time watched under TILT counts, though TILT itself vetoes. */
    in.clusters[0].as_active = VERDICT_DOWN;
    failover_step(&automatic, &s, &in, at(101), &s, &d);
    failover_step(&automatic, &s, &in, at(102), &s, &d);
    assert_int_equal(s.down_ms, 2 * TICK_MS);
}

/* The uplink comes back, and with it the standby a moment before the active cluster. */
static void time_in_which_this_node_was_cut_off_does_not_count(void **state)
{
    (void)state;
    struct failover_state s = failover_start(at(0).mono);
    struct failover_input in = world(VERDICT_DOWN, "D");
    struct decision d;
    char seen[2048];

    failover_step(&automatic, &s, &in, at(1), &s, &d); /* before the references are known lost */
    in.holds[GUARD_ISOLATED] = true;
    for (int i = 2; i <= 50; i++) {
        failover_step(&automatic, &s, &in, at(i), &s, &d);
        assert_int_equal(s.down_ms, TICK_MS);
        assert_int_equal(d.next_due.ms, INT64_MAX);
    }
    assert_string_equal(reasons(&d, seen), "active-down(0)=10000 min-outage(0)=20000 "
                                           "candidate-down(1) both-down guard:isolated");

    in = world(VERDICT_DOWN, "U");
    failover_step(&automatic, &s, &in, at(51), &s, &d);
    assert_int_equal(s.down_ms, TICK_MS);
    assert_int_equal(d.kind, DECISION_STAY);
    failover_step(&automatic, &s, &in, at(53), &s, &d);
    assert_int_equal(d.kind, DECISION_MOVE); /* still down: now it is true */

    in.holds[GUARD_ISOLATED] = true;
    in.clusters[0].as_active = VERDICT_UP;
    failover_step(&automatic, &s, &in, at(54), &s, &d);
    assert_int_equal(s.down_ms, 0); /* what answers is up, cut off or not */
}

static void an_outage_of_another_active_cluster_does_not_count(void **state)
{
    (void)state;
    struct failover_state s = failover_start(at(0).mono);
    struct failover_input in = world(VERDICT_DOWN, "U");
    struct decision d;

    for (int i = 1; i <= 4; i++)
        failover_step(&automatic, &s, &in, at(i), &s, &d);
    assert_int_equal(d.kind, DECISION_MOVE);
    assert_int_equal(d.from, 0);
    assert_int_equal(d.to, 1);

    in.active = 1;
    in.clusters[1].as_active = VERDICT_DOWN;
    for (int i = 5; i <= 8; i++) {
        failover_step(&automatic, &s, &in, at(i), &s, &d);
        assert_int_equal(s.active, 1);
        assert_int_equal(s.down_ms, (i - 5) * TICK_MS);
        assert_int_equal(d.kind, i < 8 ? DECISION_STAY : DECISION_MOVE);
    }
    assert_int_equal(d.from, 1);
    assert_int_equal(d.to, 0);
}

static void the_state_is_what_the_header_says(void **state)
{
    (void)state;
    struct failover_state s = failover_start(at(3).mono);
    struct failover_input in = world(VERDICT_DOWN, "U");
    struct failover_state next;
    struct decision d;

    assert_int_equal(s.active, -1);
    assert_int_equal(s.verdict, VERDICT_UNKNOWN);
    assert_int_equal(s.down_ms, 0);
    assert_int_equal(s.at.ms, at(3).mono.ms);

    failover_step(&automatic, &s, &in, at(4), &next, &d);
    assert_int_equal(s.active, -1); /* state itself is not touched */
    assert_int_equal(next.active, 0);
    assert_int_equal(next.verdict, VERDICT_DOWN);
    assert_int_equal(next.down_ms, 0);
    assert_int_equal(next.at.ms, at(4).mono.ms);

    in.active = -1;
    failover_step(&automatic, &next, &in, at(5), &next, &d);
    assert_int_equal(next.active, -1);
    assert_int_equal(next.verdict, VERDICT_UNKNOWN);
    assert_int_equal(next.down_ms, 0);
    assert_int_equal(next.at.ms, at(5).mono.ms);
}

/* The decision about a world whose active cluster has been down for ticks. */
static struct decision after_outage(const struct failover_cfg *cfg, const struct failover_input *in,
                                    int64_t ticks)
{
    struct failover_state s = failover_start(at(0).mono);
    struct decision d;

    failover_step(cfg, &s, in, at(1), &s, &d);
    failover_step(cfg, &s, in, at(1 + ticks), &s, &d);
    return d;
}

static void every_candidate_passed_over_is_listed(void **state)
{
    (void)state;
    static const struct {
        const char *others;
        int8_t to;
        const char *why;
    } cases[] = {
        { "U", 1, "candidate-chosen(1)" },
        { "UU", 1, "candidate-chosen(1)" },
        { "DU", 2, "candidate-down(1) candidate-chosen(2)" },
        { "?U", 2, "candidate-unknown(1) candidate-chosen(2)" },
        { "uU", 2, "candidate-fenced(1) candidate-chosen(2)" },
        { "D?d.uUD", 6,
          "candidate-down(1) candidate-unknown(2) candidate-fenced(3) candidate-fenced(4) "
          "candidate-fenced(5) candidate-chosen(6)" },
        { "D", -1, "candidate-down(1) both-down" },
        { "DD", -1, "candidate-down(1) candidate-down(2) both-down" },
        { "uD", -1, "candidate-fenced(1) candidate-down(2) both-down" },
        { "?", -1, "candidate-unknown(1) no-destination" },
        { "D?", -1, "candidate-down(1) candidate-unknown(2) no-destination" },
        { "?D", -1, "candidate-unknown(1) candidate-down(2) no-destination" },
        { "u", -1, "candidate-fenced(1) no-destination" },
        { "d", -1, "candidate-fenced(1) no-destination" },
        { "", -1, "no-destination" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct failover_input in = world(VERDICT_DOWN, cases[i].others);
        struct decision d = after_outage(&automatic, &in, 3);
        char expected[2048];
        char seen[2048];

        (void)snprintf(expected, sizeof(expected),
                       "active-down(0)=30000 outage-long-enough(0)=30000 %s", cases[i].why);
        assert_string_equal(reasons(&d, seen), expected);
        assert_int_equal(d.kind, cases[i].to < 0 ? DECISION_STAY : DECISION_MOVE);
        assert_int_equal(d.from, 0);
        assert_int_equal(d.to, cases[i].to);
        assert_false(d.would_move);
        assert_int_equal(d.next_due.ms, INT64_MAX);
    }
}

static void a_stay_says_why(void **state)
{
    (void)state;
    char seen[2048];
    struct failover_input in = world(VERDICT_UP, "U");
    struct decision d = after_outage(&automatic, &in, 3);

    assert_string_equal(reasons(&d, seen), "active-up(0)");
    assert_int_equal(d.to, -1);
    in = world(VERDICT_UNKNOWN, "U");
    d = after_outage(&automatic, &in, 3);
    assert_string_equal(reasons(&d, seen), "active-unknown(0)");
    assert_int_equal(d.kind, DECISION_STAY);
    in.active = -1;
    d = after_outage(&automatic, &in, 3);
    assert_string_equal(reasons(&d, seen), "not-adopted");
    assert_int_equal(d.kind, DECISION_STAY);
    assert_int_equal(d.from, -1);
    assert_int_equal(d.to, -1);
    assert_int_equal(d.next_due.ms, INT64_MAX);
}

static void reasons_name_the_cluster_that_is_active(void **state)
{
    (void)state;
    static const struct {
        enum verdict verdict;
        const char *why;
    } cases[] = {
        { VERDICT_UP, "active-up(2)" },
        { VERDICT_UNKNOWN, "active-unknown(2)" },
        { VERDICT_DOWN, "active-down(2)=30000 outage-long-enough(2)=30000 candidate-chosen(0)" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct failover_input in = world(VERDICT_UP, "UU");
        struct decision d;
        char seen[2048];

        in.active = 2;
        in.clusters[2].as_active = cases[i].verdict;
        d = after_outage(&automatic, &in, 3);
        assert_string_equal(reasons(&d, seen), cases[i].why);
        assert_int_equal(d.from, 2);
    }
}

static void before_min_outage_the_missing_time_and_all_else_is_told(void **state)
{
    (void)state;
    char seen[2048];
    struct failover_input in = world(VERDICT_DOWN, "DU");
    struct decision d = after_outage(&automatic, &in, 2);

    assert_int_equal(d.kind, DECISION_STAY);
    assert_int_equal(d.to, -1);
    assert_string_equal(reasons(&d, seen), "active-down(0)=20000 min-outage(0)=10000 "
                                           "candidate-down(1) candidate-chosen(2)");
    assert_int_equal(d.next_due.ms, at(1 + 3).mono.ms);

    in.holds[GUARD_TILT] = true;
    d = after_outage(&automatic, &in, 0);
    assert_string_equal(reasons(&d, seen), "active-down(0) min-outage(0)=30000 candidate-down(1) "
                                           "candidate-chosen(2) guard:tilt");
    assert_int_equal(d.next_due.ms, at(1 + 3).mono.ms);

    const struct failover_cfg longer = { .min_outage_ms = MIN_OUTAGE_MS + 1, .mode = MODE_AUTO };

    in = world(VERDICT_DOWN, "U");
    d = after_outage(&longer, &in, 3);
    assert_string_equal(reasons(&d, seen),
                        "active-down(0)=30000 min-outage(0)=1 candidate-chosen(1)");
    assert_int_equal(d.kind, DECISION_STAY);
    assert_int_equal(d.next_due.ms, at(1 + 3).mono.ms + 1);

    const struct failover_cfg at_once = { .min_outage_ms = 0, .mode = MODE_AUTO };

    d = after_outage(&at_once, &in, 0);
    assert_string_equal(reasons(&d, seen),
                        "active-down(0) outage-long-enough(0) candidate-chosen(1)");
    assert_int_equal(d.kind, DECISION_MOVE);
}

static void modes_that_do_not_move_say_that_they_would(void **state)
{
    (void)state;
    static const struct {
        enum group_mode mode;
        const char *why;
    } cases[] = { { MODE_OBSERVE, "mode-observe" }, { MODE_ADVISE, "mode-advise" } };
    static const char *const front =
        "active-down(0)=30000 outage-long-enough(0)=30000 candidate-chosen(1) ";

    for (size_t i = 0; i < LENGTH(cases); i++) {
        const struct failover_cfg cfg = { MIN_OUTAGE_MS, cases[i].mode };
        struct failover_input in = world(VERDICT_DOWN, "U");
        struct decision d = after_outage(&cfg, &in, 3);
        char seen[2048];

        assert_int_equal(d.kind, DECISION_STAY);
        assert_true(d.would_move);
        assert_int_equal(d.to, 1);
        assert_memory_equal(reasons(&d, seen), front, strlen(front));
        assert_string_equal(seen + strlen(front), cases[i].why);

        /* Anything else in the way, and the mode is not the reason. */
        in.holds[GUARD_BLOCK] = true;
        d = after_outage(&cfg, &in, 3);
        assert_false(d.would_move);
        assert_int_equal(d.to, -1);
        assert_string_equal(reasons(&d, seen) + strlen(front), "guard:block");
        in.holds[GUARD_BLOCK] = false;
        d = after_outage(&cfg, &in, 2);
        assert_false(d.would_move);
        in = world(VERDICT_DOWN, "D");
        d = after_outage(&cfg, &in, 3);
        assert_false(d.would_move);
    }
}

static void every_guard_that_vetoes_auto_keeps_it_and_is_named(void **state)
{
    (void)state;
    char seen[2048];

    for (int i = 0; i < GUARD_RULES; i++) {
        enum guard_rule rule = (enum guard_rule)i;
        bool from_input = rule != GUARD_DESTINATION_DOWN && rule != GUARD_DESTINATION_UNKNOWN &&
                          rule != GUARD_DESTINATION_FENCED && rule != GUARD_SOURCE_DOWN &&
                          rule != GUARD_SOURCE_UNKNOWN;
        struct failover_input in = world(VERDICT_DOWN, "U");
        struct decision d;

        in.holds[rule] = true;
        d = after_outage(&automatic, &in, 3);
        assert_int_equal(d.kind, from_input ? DECISION_STAY : DECISION_MOVE);
        assert_int_equal(d.to, from_input ? -1 : 1);
        assert_int_equal(d.n_reasons, from_input ? 4 : 3);
        if (from_input) {
            assert_int_equal(d.reasons[3].why, WHY_GUARD);
            assert_int_equal(d.reasons[3].guard, rule);
            assert_int_equal(d.reasons[3].cluster, -1);
        }
    }

    struct failover_input in = world(VERDICT_DOWN, "D");

    in.holds[GUARD_BRAKE] = in.holds[GUARD_OPERATOR_HOLD] = in.holds[GUARD_EARLY_PROOF] = true;

    struct decision d = after_outage(&automatic, &in, 3);

    assert_string_equal(reasons(&d, seen),
                        "active-down(0)=30000 outage-long-enough(0)=30000 candidate-down(1) "
                        "both-down guard:operator-hold guard:brake guard:early-proof");
}

static void there_is_room_for_every_reason_at_once(void **state)
{
    (void)state;
    struct failover_input in = world(VERDICT_DOWN, "DDDDDDDDDDDDDD?");
    struct decision d;

    assert_int_equal(in.n_clusters, CLUSTERS_MAX);
    for (int i = 0; i < GUARD_RULES; i++)
        in.holds[i] = true;
    d = after_outage(&automatic, &in, 2);
    /* down, min-outage, 15 candidates, no destination, the guards but five that verdicts decide */
    assert_int_equal(d.n_reasons, 2 + 15 + 1 + GUARD_RULES - 5);
    assert_true(d.n_reasons <= WHYS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_outage_without_a_break_moves),
        cmocka_unit_test(time_in_which_this_process_was_frozen_does_not_count),
        cmocka_unit_test(time_in_which_this_node_was_cut_off_does_not_count),
        cmocka_unit_test(an_outage_of_another_active_cluster_does_not_count),
        cmocka_unit_test(the_state_is_what_the_header_says),
        cmocka_unit_test(every_candidate_passed_over_is_listed),
        cmocka_unit_test(a_stay_says_why),
        cmocka_unit_test(reasons_name_the_cluster_that_is_active),
        cmocka_unit_test(before_min_outage_the_missing_time_and_all_else_is_told),
        cmocka_unit_test(modes_that_do_not_move_say_that_they_would),
        cmocka_unit_test(every_guard_that_vetoes_auto_keeps_it_and_is_named),
        cmocka_unit_test(there_is_room_for_every_reason_at_once),
    };

    return cmocka_run_group_tests_name("failover", tests, NULL, NULL);
}
