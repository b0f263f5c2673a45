/* tests/unit/test_failover_random.c -- stay or move: what must hold in every story. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/failover.h"
#include "policies/guard.h"

#define TICK_MS INT64_C(10000)

static struct instant at(int64_t ticks)
{
    return (struct instant){ .mono = { INT64_C(7000000) + ticks * TICK_MS },
                             .wall = { INT64_C(1700000000000) + ticks * TICK_MS } };
}

static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % n;
}

static void change_world(struct failover_input *in)
{
    for (int i = 0; i < in->n_clusters; i++) {
        struct failover_candidate *c = &in->clusters[i];

        if (random_below(8) == 0)
            c->as_active = (enum verdict)random_below(3);
        if (random_below(6) == 0)
            c->as_standby = (enum verdict)random_below(3);
        if (random_below(12) == 0)
            c->is_fenced = !c->is_fenced;
    }
    for (int i = 0; i < GUARD_RULES; i++)
        in->holds[i] = random_below(60) == 0;
    if (random_below(40) == 0)
        in->active = (int8_t)((int)random_below((uint32_t)in->n_clusters + 1) - 1);
}

/* What must be so for a move, said once more in other words. */
static bool may_move(const struct failover_input *in, int64_t down_ms, int64_t min_outage_ms)
{
    if (in->active < 0 || in->clusters[in->active].as_active != VERDICT_DOWN ||
        down_ms < min_outage_ms)
        return false;
    for (int i = 0; i < GUARD_RULES; i++) {
        enum guard_rule rule = (enum guard_rule)i;

        if (in->holds[i] && rule >= GUARD_OPERATION_RUNNING &&
            guard_effect_of(rule, VERB_AUTO) == GUARD_VETO)
            return false;
    }
    return failover_destination(in, VERB_AUTO) >= 0;
}

static void check_decision(const struct failover_cfg *cfg, const struct failover_input *in,
                           const struct decision *d, int64_t down_ms)
{
    bool may = may_move(in, down_ms, cfg->min_outage_ms);

    assert_int_equal(d->kind, may && cfg->mode == MODE_AUTO ? DECISION_MOVE : DECISION_STAY);
    assert_int_equal(d->would_move, may && cfg->mode != MODE_AUTO);
    assert_int_equal(d->from, in->active);
    assert_int_equal(d->to, may ? failover_destination(in, VERB_AUTO) : -1);
    assert_in_range(d->n_reasons, 1, WHYS_MAX);
    if (!may)
        return;
    assert_int_not_equal(d->to, in->active);
    assert_int_equal(in->clusters[d->to].as_standby, VERDICT_UP);
    assert_false(in->clusters[d->to].is_fenced);
    for (int i = 0; i < d->to; i++)
        assert_true(i == in->active || in->clusters[i].is_fenced ||
                    in->clusters[i].as_standby != VERDICT_UP);
}

static void random_stories_never_move_without_every_reason_to(void **state)
{
    (void)state;
    int moves = 0;

    for (uint32_t story = 1; story <= 3000; story++) {
        struct failover_cfg cfg = { .min_outage_ms = (int64_t)(story % 5) * TICK_MS,
                                    .mode = (enum group_mode)(story % 3) };
        struct failover_input in = { .n_clusters = (uint8_t)(2 + story % 4) };
        struct failover_state s = failover_start(at(0).mono);
        int64_t now = 0;
        int64_t down_ms = 0;
        int8_t active = -1;
        enum verdict before = VERDICT_UNKNOWN;

        seed = story * 2654435761U;
        for (int i = 0; i < 60; i++) {
            int64_t gap = 1 + random_below(3);
            struct failover_state next;
            struct decision d;
            struct decision again;

            now += gap;
            change_world(&in);

            enum verdict v = in.active >= 0 ? in.clusters[in.active].as_active : VERDICT_UNKNOWN;

            if (v == VERDICT_DOWN && in.holds[GUARD_ISOLATED])
                v = VERDICT_UNKNOWN;
            if (in.active != active || v == VERDICT_UP)
                down_ms = 0;
            else if (before == VERDICT_DOWN && (v == VERDICT_DOWN || !in.holds[GUARD_TILT]))
                down_ms += gap * TICK_MS;
            active = in.active;
            before = v;

            failover_step(&cfg, &s, &in, at(now), &next, &d);
            failover_step(&cfg, &s, &in, at(now), &s, &again); /* in place: the same */
            assert_int_equal(s.active, next.active);
            assert_int_equal(s.verdict, next.verdict);
            assert_int_equal(s.at.ms, next.at.ms);
            assert_int_equal(s.down_ms, next.down_ms);
            assert_true(decision_same(&d, &again));
            assert_int_equal(s.down_ms, in.active >= 0 ? down_ms : 0);
            check_decision(&cfg, &in, &d, down_ms);
            if (d.next_due.ms != INT64_MAX)
                assert_int_equal(d.next_due.ms, at(now).mono.ms + cfg.min_outage_ms - down_ms);
            moves += d.kind == DECISION_MOVE;
        }
    }
    assert_true(moves > 1000); /* the stories are not too dull to prove anything */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_stories_never_move_without_every_reason_to),
    };

    return cmocka_run_group_tests_name("failover_random", tests, NULL, NULL);
}
