/* tests/unit/test_operation_restart.c -- operations found unfinished at a start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/operation.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define HOOK_MS INT64_C(60000)
#define SETTLE_MS INT64_C(5000)
#define EXPIRES_MS INT64_C(100000)

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

/* As the journal left it. */
static struct operation left_in(enum op_state state, bool is_hook_begun)
{
    struct operation op = make(true, true, true, 1);

    op.state = state;
    op.is_hook_begun = is_hook_begun;
    return op;
}

static struct operation_result found(struct operation op, enum op_event event, int64_t ms)
{
    struct operation_result r = operation_resume(op, at(ms));

    assert_int_equal(r.op.state, OP_FINDING);
    assert_int_equal(r.effect, OP_EFFECT_FIND);
    assert_int_equal(r.op.deadline.ms, at(ms).mono.ms + OP_FIND_MS);
    return operation_step(r.op, event, at(ms));
}

static void a_change_found_applied_goes_on(void **state)
{
    (void)state;
    struct operation op = left_in(OP_SUBMITTING, true);
    struct operation_result r = found(op, OP_EVENT_FOUND_APPLIED, 2000);

    assert_int_equal(r.op.state, OP_SETTLING);
    assert_int_equal(r.effect, OP_EFFECT_SETTLE);
    assert_int_equal(r.op.step, 1);
    assert_true(r.op.is_changed);
    assert_int_equal(r.op.changed.ms, at(2000).wall.ms);
    assert_int_equal(r.op.deadline.ms, at(2000).mono.ms + SETTLE_MS);

    /* However old the plan is: it was carried out. */
    r = found(op, OP_EVENT_FOUND_APPLIED, EXPIRES_MS * 100);
    assert_int_equal(r.op.state, OP_SETTLING);

    op.n_steps = 2;
    r = found(op, OP_EVENT_FOUND_APPLIED, 2000);
    assert_int_equal(r.op.state, OP_SUBMITTING);
    assert_int_equal(r.op.step, 1);
}

/* Some records are changed: never "abandoned", however old the plan is. */
static void a_change_found_in_part_goes_on_forward(void **state)
{
    (void)state;
    struct operation op = left_in(OP_SUBMITTING, true);
    struct operation_result r = found(op, OP_EVENT_FOUND_PARTIAL, 2000);

    assert_int_equal(r.op.state, OP_SUBMITTING);
    assert_int_equal(r.op.step, 0);
    assert_true(r.op.is_changed);
    assert_int_equal(r.op.changed.ms, at(2000).wall.ms);
    r = found(op, OP_EVENT_FOUND_PARTIAL, EXPIRES_MS);
    assert_int_equal(r.op.state, OP_PARTIAL);
    assert_int_equal(r.effect, OP_EFFECT_SUBMIT);
}

static void an_acknowledged_change_is_looked_for_again(void **state)
{
    (void)state;
    struct operation op = left_in(OP_SETTLING, true);

    op.step = 1;
    op.is_changed = true;
    op.changed = at(500).wall;
    assert_int_equal(operation_resume(op, at(2000)).op.step, 0);

    struct operation_result r = found(op, OP_EVENT_FOUND_APPLIED, 2000);

    assert_int_equal(r.op.state, OP_SETTLING);
    assert_int_equal(r.op.changed.ms, at(500).wall.ms); /* it was changed then, not now */
    r = found(op, OP_EVENT_FOUND_NOT_APPLIED, 2000);
    assert_int_equal(r.op.state, OP_SUBMITTING); /* lost: once more, without another promotion */
}

static void what_was_not_applied_is_begun_again_within_the_plans_life(void **state)
{
    (void)state;
    static const enum op_state untouched[] = { OP_RECORDING, OP_PROVING, OP_SUBMITTING };

    for (size_t i = 0; i < LENGTH(untouched); i++) {
        struct operation op = left_in(untouched[i], false);

        assert_int_equal(found(op, OP_EVENT_FOUND_NOT_APPLIED, EXPIRES_MS - 1).op.state,
                         OP_FENCING);
        op.has_fence = op.has_hook = op.has_proof = false;
        assert_int_equal(found(op, OP_EVENT_FOUND_NOT_APPLIED, EXPIRES_MS - 1).op.state,
                         OP_SUBMITTING);

        struct operation_result r = found(op, OP_EVENT_FOUND_NOT_APPLIED, EXPIRES_MS);

        assert_int_equal(r.op.state, OP_ABANDONED);
        assert_int_equal(r.effect, OP_EFFECT_END);
        assert_string_equal(r.op.detail, "a restart found the plan expired and nothing touched");
    }
}

static void a_hook_that_had_begun_is_waited_for_then_proven_once(void **state)
{
    (void)state;
    static const enum op_state begun[] = { OP_PROMOTING, OP_PROVING, OP_SUBMITTING };

    for (size_t i = 0; i < LENGTH(begun); i++) {
        struct operation_result r =
            found(left_in(begun[i], true), OP_EVENT_FOUND_NOT_APPLIED, 1000);

        assert_int_equal(r.op.state, OP_WAITING);
        assert_int_equal(r.effect, OP_EFFECT_WAIT_HOOK);
        assert_int_equal(r.op.deadline.ms, at(1000).mono.ms + 2 * HOOK_MS + OP_HOOK_GRACE_MS);
        r = operation_step(r.op, OP_EVENT_HOOK_LOCK_FREE, at(2000));
        assert_int_equal(r.op.state, OP_PROVING);
        assert_int_equal(r.effect, OP_EFFECT_PROVE);
        assert_true(r.op.is_promote_interrupted); /* asked once */
        assert_int_equal(operation_step(r.op, OP_EVENT_PROOF_OK, at(3000)).op.state, OP_SUBMITTING);

        /* Only a failed proof runs the hook again; the next proof has all its time. */
        for (int late = 0; late < 2; late++) {
            struct operation_result again =
                operation_step(r.op, late ? OP_EVENT_DEADLINE : OP_EVENT_PROOF_FAILED, at(3000));

            assert_int_equal(again.op.state, OP_PROMOTING);
            assert_int_equal(again.effect, OP_EFFECT_PROMOTE);
            assert_false(again.op.is_promote_interrupted);
            again = operation_step(again.op, OP_EVENT_HOOK_OK, at(4000));
            assert_int_equal(again.op.state, OP_PROVING);
            again = operation_step(again.op, OP_EVENT_PROOF_FAILED, at(5000));
            assert_int_equal(again.op.state, OP_FAILED);
        }
    }
}

static void a_hook_without_a_proof_is_run_again(void **state)
{
    (void)state;
    struct operation op = left_in(OP_PROMOTING, true);

    op.has_proof = false;

    struct operation_result r = found(op, OP_EVENT_FOUND_NOT_APPLIED, 1000);

    assert_int_equal(operation_step(r.op, OP_EVENT_HOOK_LOCK_FREE, at(2000)).op.state,
                     OP_PROMOTING);
}

/* Nothing was promoted yet, so a passing proof would prove nothing. */
static void a_fence_that_was_interrupted_is_run_again(void **state)
{
    (void)state;
    struct operation op = left_in(OP_FENCING, true);
    struct operation_result r = found(op, OP_EVENT_FOUND_NOT_APPLIED, 1000);

    assert_int_equal(r.op.state, OP_WAITING);
    assert_int_equal(operation_step(r.op, OP_EVENT_HOOK_LOCK_FREE, at(2000)).op.state, OP_FENCING);

    op = left_in(OP_PROVING, true); /* a fence and a proof, promoted by the caller */
    op.has_hook = false;
    r = found(op, OP_EVENT_FOUND_NOT_APPLIED, 1000);
    assert_int_equal(operation_step(r.op, OP_EVENT_HOOK_LOCK_FREE, at(2000)).op.state, OP_FENCING);
}

static void what_cannot_be_known_after_a_restart_needs_a_person(void **state)
{
    (void)state;
    static const struct {
        bool is_hook_begun;
        enum op_event event;
        int64_t ms;
        const char *detail;
    } cases[] = {
        { false, OP_EVENT_FOUND_OTHER, 1000,
          "a restart found records that are neither those before the move nor those after it" },
        { false, OP_EVENT_DEADLINE, 1000,
          "after a restart it was not found out whether the change had been made" },
        { false, OP_EVENT_CANCEL, 1000,
          "after a restart it was not found out whether the change had been made" },
        { true, OP_EVENT_FOUND_NOT_APPLIED, EXPIRES_MS,
          "a restart found the plan expired after a hook had begun: no record was changed" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct operation_result r =
            found(left_in(OP_PROMOTING, cases[i].is_hook_begun), cases[i].event, cases[i].ms);

        assert_int_equal(r.op.state, OP_ATTENTION);
        assert_int_equal(r.effect, OP_EFFECT_END);
        assert_string_equal(r.op.detail, cases[i].detail);
    }

    struct operation_result r =
        found(left_in(OP_PROMOTING, true), OP_EVENT_FOUND_NOT_APPLIED, 1000);

    r = operation_step(r.op, OP_EVENT_DEADLINE, at(2000));
    assert_int_equal(r.op.state, OP_ATTENTION);
    assert_string_equal(r.op.detail, "a hook from before the restart does not end");
    r = found(left_in(OP_PROMOTING, true), OP_EVENT_FOUND_NOT_APPLIED, 1000);
    r = operation_step(r.op, OP_EVENT_CANCEL, at(2000));
    assert_int_equal(r.op.state, OP_ATTENTION);
    assert_string_equal(r.op.detail, "cancelled after a hook had begun: no record was changed");
}

static void a_half_made_change_has_its_time_from_the_first_change_on(void **state)
{
    (void)state;
    struct operation op = left_in(OP_PARTIAL, true);

    op.n_steps = 3;
    op.step = 1;
    op.is_changed = true;
    op.changed = at(0).wall;
    assert_int_equal(found(op, OP_EVENT_FOUND_NOT_APPLIED, 1000).op.state, OP_SUBMITTING);

    struct operation_result r = found(op, OP_EVENT_FOUND_NOT_APPLIED, EXPIRES_MS);

    assert_int_equal(r.op.state, OP_PARTIAL);
    assert_int_equal(r.effect, OP_EFFECT_SUBMIT);
    assert_int_equal(r.op.deadline.ms, at(OP_PARTIAL_MS).mono.ms);
    r = found(op, OP_EVENT_FOUND_APPLIED, EXPIRES_MS);
    assert_int_equal(r.op.state, OP_PARTIAL);
    assert_int_equal(r.op.step, 2);
    r = found(op, OP_EVENT_FOUND_NOT_APPLIED, OP_PARTIAL_MS - 1);
    assert_int_equal(r.op.state, OP_PARTIAL);
    r = found(op, OP_EVENT_FOUND_NOT_APPLIED, OP_PARTIAL_MS);
    assert_int_equal(r.op.state, OP_ATTENTION);

    op.changed = at(EXPIRES_MS + 5000).wall; /* by a clock that stepped back since */
    r = found(op, OP_EVENT_FOUND_NOT_APPLIED, EXPIRES_MS);
    assert_int_equal(r.op.deadline.ms, at(EXPIRES_MS).mono.ms + OP_PARTIAL_MS);
}

static void a_settled_operation_is_only_verified(void **state)
{
    (void)state;
    struct operation op = left_in(OP_VERIFYING, true);

    op.step = 1;
    op.is_changed = true;
    op.settled = at(500).wall;

    struct operation_result r = operation_resume(op, at(EXPIRES_MS * 3));

    assert_int_equal(r.op.state, OP_VERIFYING);
    assert_int_equal(r.effect, OP_EFFECT_VERIFY);
    assert_int_equal(r.op.deadline.ms, at(EXPIRES_MS * 3).mono.ms + OP_VERIFY_MS);
    assert_int_equal(r.op.step, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_found_applied_goes_on),
        cmocka_unit_test(a_change_found_in_part_goes_on_forward),
        cmocka_unit_test(an_acknowledged_change_is_looked_for_again),
        cmocka_unit_test(what_was_not_applied_is_begun_again_within_the_plans_life),
        cmocka_unit_test(a_hook_that_had_begun_is_waited_for_then_proven_once),
        cmocka_unit_test(a_hook_without_a_proof_is_run_again),
        cmocka_unit_test(a_fence_that_was_interrupted_is_run_again),
        cmocka_unit_test(what_cannot_be_known_after_a_restart_needs_a_person),
        cmocka_unit_test(a_half_made_change_has_its_time_from_the_first_change_on),
        cmocka_unit_test(a_settled_operation_is_only_verified),
    };

    return cmocka_run_group_tests_name("operation_restart", tests, NULL, NULL);
}
