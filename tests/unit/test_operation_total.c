/* tests/unit/test_operation_total.c -- what must hold on every way through the machine: every event
 * in every state it can reach, at three moments, with a restart at each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/operation.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define HOOK_MS INT64_C(60000)
#define SETTLE_MS INT64_C(5000)
#define EXPIRES_MS INT64_C(100000)
#define NEVER INT64_MAX

static struct instant at(int64_t ms)
{
    return (struct instant){ .mono = { INT64_C(3000000) + ms },
                             .wall = { INT64_C(1700000000000) + ms } };
}

static struct operation make(bool has_fence, bool has_hook, bool has_proof, uint8_t n_steps)
{
    return (struct operation){
        .n_steps = n_steps,
        .has_fence = has_fence,
        .has_hook = has_hook,
        .has_proof = has_proof,
        .hook_timeout_ms = HOOK_MS,
        .submit_ms = OP_SUBMIT_MS,
        .settle_ms = SETTLE_MS,
        .expires = at(EXPIRES_MS).wall,
    };
}

/* An operation and what truly happened so far. */
struct node {
    struct operation op;
    bool durable, promoted, proven, restarted;
};

#define SEEN_MAX (1U << 20)
static uint8_t seen[SEEN_MAX];
static unsigned n_seen, reached[OP_STATES], effects_seen[OP_EFFECT_END + 1];

static bool is_new(const struct node *n)
{
    const struct operation *op = &n->op;
    unsigned key = (unsigned)op->state;
    const unsigned bits[] = { op->step,           op->n_steps - 1U, op->has_fence,
                              op->has_hook,       op->has_proof,    op->is_hook_begun,
                              op->is_changed,     op->is_forced,    op->is_promote_interrupted,
                              op->overrides != 0, n->durable,       n->promoted,
                              n->proven,          n->restarted };

    for (size_t i = 0; i < LENGTH(bits); i++)
        key = key * (i == 0 ? 3 : 2) + bits[i];
    assert_true(key < SEEN_MAX);
    if (seen[key])
        return false;
    seen[key] = 1;
    n_seen++;
    return true;
}

static void learn(struct node *n, enum op_state before, enum op_event event)
{
    n->durable |= event == OP_EVENT_DURABLE;
    n->promoted |= event == OP_EVENT_HOOK_OK && before == OP_PROMOTING;
    n->proven |= event == OP_EVENT_PROOF_OK && before == OP_PROVING;
    /* Seen in the live records: whatever it needed has happened. */
    bool is_found = event == OP_EVENT_FOUND_APPLIED || event == OP_EVENT_FOUND_PARTIAL;
    n->promoted |= is_found && before == OP_FINDING;
    n->proven |= is_found && before == OP_FINDING;
}

static void check_effect(const struct node *n, enum op_effect effect)
{
    const struct operation *op = &n->op;

    effects_seen[effect]++;
    if (effect == OP_EFFECT_SUBMIT) {
        assert_true(n->durable || op->is_forced);
        assert_true(!op->has_hook || n->promoted || n->proven);
        assert_true(!op->has_proof || n->proven);
        assert_true(op->step < op->n_steps);
    }
    if (effect == OP_EFFECT_FENCE || effect == OP_EFFECT_PROMOTE) {
        assert_true(n->durable || op->is_forced);
        assert_true(op->is_hook_begun);
        assert_true(effect == OP_EFFECT_FENCE ? op->has_fence : op->has_hook);
        assert_false(op->is_changed);
    }
    if (effect == OP_EFFECT_PROVE)
        assert_true(op->has_proof && !op->is_changed);
    if (effect == OP_EFFECT_SETTLE || effect == OP_EFFECT_VERIFY)
        assert_true(op->is_changed && op->step == op->n_steps);
    if (effect == OP_EFFECT_FIND || effect == OP_EFFECT_WAIT_HOOK)
        assert_true(n->restarted);
}

static void check_state(const struct node *n)
{
    const struct operation *op = &n->op;
    bool ended = op_state_is_ended(op->state);

    reached[op->state]++;
    assert_int_equal(op->ended.ms != 0, ended);
    assert_true(op->step <= op->n_steps);
    assert_true(op->step == 0 || op->is_changed);
    assert_int_equal(op->changed.ms != 0, op->is_changed);
    if (ended || op->state == OP_FENCING || op->state == OP_PROMOTING)
        assert_int_equal(op->deadline.ms, NEVER);
    else
        assert_int_not_equal(op->deadline.ms, NEVER);
    if (op->state == OP_REFUSED || op->state == OP_ABANDONED || op->state == OP_CANCELLED)
        assert_true(!op->is_changed && !op->is_hook_begun);
    if (op->state == OP_FAILED || op->state == OP_CONFLICT)
        assert_false(op->is_changed);
    if (op->state == OP_DONE || op->state == OP_NOT_CONVERGED || op->state == OP_PARTIAL)
        assert_true(op->is_changed);
    if (op->is_forced)
        assert_true(op->overrides & OVERRIDE_DURABILITY);
}

static void check_step(const struct operation *a, enum op_event event,
                       const struct operation_result *r)
{
    const struct operation *b = &r->op;

    assert_int_equal(r->effect == OP_EFFECT_END,
                     op_state_is_ended(b->state) && !op_state_is_ended(a->state));
    if (b->is_changed != a->is_changed) {
        assert_true(b->is_changed);
        assert_true(event == OP_EVENT_SUBMITTED || event == OP_EVENT_SUBMIT_PARTIAL ||
                    event == OP_EVENT_FOUND_APPLIED || event == OP_EVENT_FOUND_PARTIAL);
    }
    assert_in_range(b->step, a->step, a->step + 1U);
    if (!op_state_holds_lock(a->state))
        assert_false(op_state_holds_lock(b->state)); /* a lock let go is not taken again */
    if (!op_state_is_ended(a->state) && event == OP_EVENT_DEADLINE)
        assert_int_not_equal(b->state, a->state);
    if (b->state == OP_SUPERSEDED && a->state != OP_SUPERSEDED)
        assert_true(a->state == OP_VERIFYING || a->state == OP_PARTIAL);
    if (op_state_is_ended(a->state)) {
        assert_int_equal(r->effect, OP_EFFECT_NONE);
        assert_int_equal(b->state, a->state);
        assert_int_equal(b->ended.ms, a->ended.ms);
        assert_int_equal(b->deadline.ms, a->deadline.ms);
        assert_string_equal(b->detail, a->detail);
    }
}

static void explore(const struct node *n);

static void go(const struct node *n, enum op_event event, int64_t ms)
{
    struct operation_result r = operation_step(n->op, event, at(ms));
    struct node *next = malloc(sizeof(*next)); /* deep recursion, large values */

    assert_non_null(next);
    *next = *n;
    check_step(&n->op, event, &r);
    next->op = r.op;
    learn(next, n->op.state, event);
    check_effect(next, r.effect);
    check_state(next);
    explore(next);
    free(next);
}

/* The judge dies here and the journal gives the operation back. */
static void restart(const struct node *n, int64_t ms)
{
    struct node *next = NULL;
    bool in_journal = n->durable || n->op.is_forced;

    if (op_state_is_ended(n->op.state) || n->op.state == OP_FINDING || n->op.state == OP_WAITING ||
        !in_journal)
        return;
    next = malloc(sizeof(*next));
    assert_non_null(next);
    *next = *n;

    struct operation_result r = operation_resume(n->op, at(ms));

    next->op = r.op;
    next->restarted = true;
    check_effect(next, r.effect);
    explore(next);
    free(next);
}

static void explore(const struct node *n)
{
    static const int64_t moments[] = { 1000, EXPIRES_MS, EXPIRES_MS + OP_PARTIAL_MS };

    if (!is_new(n))
        return;
    for (size_t i = 0; i < LENGTH(moments); i++) {
        for (int event = 0; event < OP_EVENTS; event++)
            go(n, (enum op_event)event, moments[i]);
        restart(n, moments[i]);
    }
}

static void every_way_through_the_machine_keeps_its_promises(void **state)
{
    (void)state;
    for (unsigned traits = 0; traits < 32; traits++) {
        struct node n = { .op = make(traits & 1, traits & 2, traits & 4, traits & 8 ? 2 : 1) };

        if (traits & 16)
            n.op.overrides = OVERRIDE_DURABILITY;
        n.op = operation_start(n.op, at(0)).op;
        check_state(&n);
        explore(&n);
    }
    assert_true(n_seen > 1000);
    for (int s = OP_RECORDING; s < OP_STATES; s++)
        assert_true(reached[s] > 0);
    for (size_t e = 0; e < LENGTH(effects_seen); e++)
        assert_true(effects_seen[e] > 0);
}

static void the_lock_is_held_until_settled_or_out_of_time(void **state)
{
    (void)state;
    for (int s = 0; s < OP_STATES; s++)
        assert_int_equal(op_state_holds_lock((enum op_state)s),
                         s >= OP_RECORDING && s <= OP_SETTLING);
    assert_false(op_state_is_ended(OP_PARTIAL));
    assert_false(op_state_is_ended(OP_VERIFYING));
    assert_true(op_state_is_ended(OP_NONE));
    assert_true(op_state_is_ended(OP_DONE));
    assert_true(op_state_is_ended(OP_NOT_CONVERGED));
    for (int s = OP_ATTENTION; s < OP_STATES; s++)
        assert_true(op_state_is_ended((enum op_state)s));
}

static void names_of_states_are_the_stable_ones(void **state)
{
    (void)state;
    static const char *const names[] = {
        "none",      "recording",     "finding",    "waiting",         "fencing",
        "promoting", "proving",       "submitting", "settling",        "verifying",
        "done",      "not-converged", "partial",    "needs-attention", "refused",
        "abandoned", "failed",        "conflict",   "cancelled",       "superseded",
    };

    assert_int_equal(LENGTH(names), OP_STATES);
    for (size_t i = 0; i < LENGTH(names); i++)
        assert_string_equal(op_state_name((enum op_state)i), names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_through_the_machine_keeps_its_promises),
        cmocka_unit_test(the_lock_is_held_until_settled_or_out_of_time),
        cmocka_unit_test(names_of_states_are_the_stable_ones),
    };

    return cmocka_run_group_tests_name("operation_total", tests, NULL, NULL);
}
