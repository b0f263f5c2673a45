#include "policies/operation.h"

#include <assert.h>
#include <stddef.h>

#include "dnsflip/base/str.h"

typedef struct operation_result transition(struct operation op, struct instant now);

static const struct mono never = { .ms = INT64_MAX };

static struct operation_result enter(struct operation op, enum op_state state, struct mono deadline,
                                     enum op_effect effect)
{
    op.state = state;
    op.deadline = deadline;
    return (struct operation_result){ .op = op, .effect = effect };
}

static struct operation_result stay(struct operation op, enum op_effect effect)
{
    return (struct operation_result){ .op = op, .effect = effect };
}

static struct operation_result end(struct operation op, enum op_state state, const char *detail,
                                   struct instant now)
{
    op.ended = now.wall;
    if (detail != NULL)
        (void)str_copy(op.detail, sizeof(op.detail), detail);
    return enter(op, state, never, OP_EFFECT_END);
}

/* ---- on the way to the first change --------------------------------------------------------- */

static struct operation_result submit(struct operation op, struct instant now)
{
    return enter(op, OP_SUBMITTING, mono_add(now.mono, op.submit_ms), OP_EFFECT_SUBMIT);
}

static struct operation_result prove(struct operation op, struct instant now)
{
    if (!op.has_proof)
        return submit(op, now);
    return enter(op, OP_PROVING, mono_add(now.mono, op.hook_timeout_ms + OP_HOOK_GRACE_MS),
                 OP_EFFECT_PROVE);
}

static struct operation_result promote(struct operation op, struct instant now)
{
    op.is_promote_interrupted = false;
    if (!op.has_hook)
        return prove(op, now);
    op.is_hook_begun = true;
    return enter(op, OP_PROMOTING, never, OP_EFFECT_PROMOTE);
}

/* The intent is durable, or an operator does without: the first effect. */
static struct operation_result begin(struct operation op, struct instant now)
{
    if (!op.has_fence)
        return promote(op, now);
    op.is_hook_begun = true;
    return enter(op, OP_FENCING, never, OP_EFFECT_FENCE);
}

static struct operation_result not_durable(struct operation op, struct instant now)
{
    if ((op.overrides & OVERRIDE_DURABILITY) == 0)
        return end(op, OP_REFUSED,
                   "the journal could not make the intent durable in time: nothing has changed; "
                   "see to the disk of state_dir and ask again, or ask with --override durability",
                   now);
    op.is_forced = true;
    return begin(op, now);
}

static struct operation_result fence_failed(struct operation op, struct instant now)
{
    (void)str_copy(op.detail, sizeof(op.detail),
                   "warning: the fence hook failed, the source may not be fenced");
    return promote(op, now);
}

static struct operation_result promote_failed(struct operation op, struct instant now)
{
    return end(op, OP_FAILED, "the promote hook failed: no record was changed", now);
}

static struct operation_result proof_failed(struct operation op, struct instant now)
{
    char took[STR_DURATION_BYTES];

    if (op.is_promote_interrupted)
        return promote(op, now);
    (void)str_format(op.detail, sizeof(op.detail),
                     "the promotion's proof did not pass within %s: no record was changed",
                     str_format_duration(op.hook_timeout_ms, took));
    return end(op, OP_FAILED, NULL, now);
}

static struct operation_result cancel_early(struct operation op, struct instant now)
{
    if (op.is_hook_begun)
        return end(op, OP_ATTENTION, "cancelled after a hook had begun: no record was changed",
                   now);
    return end(op, OP_CANCELLED, "cancelled before anything was touched", now);
}

/* ---- changing and settling ------------------------------------------------------------------ */

static struct operation_result settle(struct operation op, struct instant now)
{
    return enter(op, OP_SETTLING, mono_add(now.mono, op.settle_ms), OP_EFFECT_SETTLE);
}

static struct operation begun(struct operation op, struct instant now)
{
    if (!op.is_changed) {
        op.is_changed = true;
        op.changed = now.wall;
    }
    return op;
}

static struct operation acknowledged(struct operation op, struct instant now)
{
    op.step++;
    return begun(op, now);
}

/* What is left of a partial operation: the next step, or settling. */
static enum op_effect forward(const struct operation *op)
{
    return op->step < op->n_steps ? OP_EFFECT_SUBMIT : OP_EFFECT_SETTLE;
}

static struct operation_result partial(struct operation op, struct mono deadline)
{
    if (op.step == 0)
        (void)str_copy(op.detail, sizeof(op.detail),
                       "the first step is applied in part, or may be; the rest is tried again and "
                       "again");
    else
        (void)str_format(op.detail, sizeof(op.detail),
                         "%u of %u steps are applied; the rest is tried again and again",
                         (unsigned)op.step, (unsigned)op.n_steps);
    return enter(op, OP_PARTIAL, deadline, forward(&op));
}

static struct operation_result submitted(struct operation op, struct instant now)
{
    op = acknowledged(op, now);
    return op.step < op.n_steps ? submit(op, now) : settle(op, now);
}

static struct operation_result submit_failed(struct operation op, struct instant now)
{
    if (op.is_changed)
        return partial(op, mono_add(now.mono, OP_PARTIAL_MS));
    if (op.is_hook_begun)
        return end(op, OP_ATTENTION,
                   "the change was refused after a hook had begun: no record was changed", now);
    return end(op, OP_FAILED, "the change was refused: no record was changed", now);
}

static struct operation_result submit_partial(struct operation op, struct instant now)
{
    return partial(begun(op, now), mono_add(now.mono, OP_PARTIAL_MS));
}

static struct operation_result denied(struct operation op, struct instant now)
{
    if (op.is_changed || op.is_hook_begun)
        return submit_failed(op, now);
    return end(op, OP_REFUSED, "the records are not ours to change: none was changed", now);
}

static struct operation_result conflict(struct operation op, struct instant now)
{
    if (op.is_changed)
        return partial(op, mono_add(now.mono, OP_PARTIAL_MS));
    if (op.is_hook_begun)
        return end(op, OP_ATTENTION,
                   "a hook had begun, and the records are not what the move is about: none was "
                   "changed",
                   now);
    return end(op, OP_CONFLICT, "the records are not what the move is about: none was changed",
               now);
}

static struct operation_result submit_unanswered(struct operation op, struct instant now)
{
    if (op.is_changed)
        return partial(op, mono_add(now.mono, OP_PARTIAL_MS));
    return end(op, OP_ATTENTION,
               "the provider gave no answer in time: whether it made the change is not known", now);
}

static struct operation_result settle_late(struct operation op, struct instant now)
{
    return partial(op, mono_add(now.mono, OP_PARTIAL_MS));
}

static struct operation_result settled(struct operation op, struct instant now)
{
    op.settled = now.wall;
    return enter(op, OP_VERIFYING, mono_add(now.mono, OP_VERIFY_MS), OP_EFFECT_VERIFY);
}

static struct operation_result cancel_late(struct operation op, struct instant now)
{
    (void)str_format(op.detail, sizeof(op.detail),
                     "cancelled after %u of %u steps were acknowledged%s", (unsigned)op.step,
                     (unsigned)op.n_steps,
                     op.step < op.n_steps ? "; the next may have been applied too" : "");
    return end(op, OP_ATTENTION, NULL, now);
}

static struct operation_result partial_submitted(struct operation op, struct instant now)
{
    /* A late second answer to the last step: settling is under way already. */
    if (op.step >= op.n_steps)
        return stay(op, OP_EFFECT_NONE);
    op = acknowledged(op, now);
    return stay(op, forward(&op));
}

static struct operation_result partial_settled(struct operation op, struct instant now)
{
    if (op.step < op.n_steps)
        return stay(op, OP_EFFECT_NONE);
    return settled(op, now);
}

static struct operation_result partial_late(struct operation op, struct instant now)
{
    char took[STR_DURATION_BYTES];

    (void)str_format_duration(OP_PARTIAL_MS, took);
    if (op.step == 0)
        (void)str_format(op.detail, sizeof(op.detail),
                         "after %s of trying the first step is applied in part only, or not at all",
                         took);
    else if (op.step < op.n_steps)
        (void)str_format(op.detail, sizeof(op.detail),
                         "after %s of trying only %u of %u steps are applied", took,
                         (unsigned)op.step, (unsigned)op.n_steps);
    else
        (void)str_format(op.detail, sizeof(op.detail),
                         "every step is applied, but after %s of trying not settled", took);
    return end(op, OP_ATTENTION, NULL, now);
}

/* ---- verifying ------------------------------------------------------------------------------ */

static struct operation_result verified(struct operation op, struct instant now)
{
    return end(op, OP_DONE, NULL, now);
}

static struct operation_result verify_late(struct operation op, struct instant now)
{
    char took[STR_DURATION_BYTES];

    (void)str_format(op.detail, sizeof(op.detail), "%u of %u answers were the plan's after %s",
                     (unsigned)op.verified, (unsigned)op.asked,
                     str_format_duration(OP_VERIFY_MS, took));
    return end(op, OP_NOT_CONVERGED, NULL, now);
}

static struct operation_result superseded(struct operation op, struct instant now)
{
    return end(op, OP_SUPERSEDED, "a newer operation of the group took over", now);
}

/* ---- after a restart ------------------------------------------------------------------------ */

/* Some steps are applied, others may not be: on within the plan's life, then as a partial one, for
 * as long as that may last since the first change. */
static struct operation_result go_on(struct operation op, struct instant now)
{
    int64_t left = op.changed.ms + OP_PARTIAL_MS - now.wall.ms;

    if (op.step >= op.n_steps)
        return settle(op, now);
    if (now.wall.ms < op.expires.ms)
        return submit(op, now);
    if (left <= 0)
        return partial_late(op, now);
    return partial(op, mono_add(now.mono, left < OP_PARTIAL_MS ? left : OP_PARTIAL_MS));
}

static struct operation_result found_applied(struct operation op, struct instant now)
{
    return go_on(acknowledged(op, now), now);
}

static struct operation_result found_partial(struct operation op, struct instant now)
{
    return go_on(begun(op, now), now);
}

static struct operation_result found_not_applied(struct operation op, struct instant now)
{
    if (op.is_changed)
        return go_on(op, now);
    if (now.wall.ms >= op.expires.ms) {
        if (op.is_hook_begun)
            return end(op, OP_ATTENTION,
                       "a restart found the plan expired after a hook had begun: no record was "
                       "changed",
                       now);
        return end(op, OP_ABANDONED, "a restart found the plan expired and nothing touched", now);
    }
    if (!op.is_hook_begun)
        return begin(op, now);
    /* A hook that still runs may be waited for twice: it, and one that another group runs again
     * under the same lock. */
    return enter(op, OP_WAITING, mono_add(now.mono, 2 * op.hook_timeout_ms + OP_HOOK_GRACE_MS),
                 OP_EFFECT_WAIT_HOOK);
}

static struct operation_result found_other(struct operation op, struct instant now)
{
    return end(op, OP_ATTENTION,
               "a restart found records that are neither those before the move nor those after it",
               now);
}

static struct operation_result not_found(struct operation op, struct instant now)
{
    return end(op, OP_ATTENTION,
               "after a restart it was not found out whether the change had been made", now);
}

static struct operation_result lock_free(struct operation op, struct instant now)
{
    if (!op.is_promote_interrupted)
        return begin(op, now);
    return op.has_proof ? prove(op, now) : promote(op, now);
}

static struct operation_result lock_taken(struct operation op, struct instant now)
{
    return end(op, OP_ATTENTION, "a hook from before the restart does not end", now);
}

/* ---- the machine ---------------------------------------------------------------------------- */

/* What is not listed cannot happen in that state, or comes too late: nothing changes. */
static transition *const machine[OP_STATES][OP_EVENTS] = {
    [OP_RECORDING] = {
        [OP_EVENT_DURABLE] = begin,
        [OP_EVENT_NOT_DURABLE] = not_durable,
        [OP_EVENT_DEADLINE] = not_durable,
        [OP_EVENT_CANCEL] = cancel_early,
    },
    [OP_FINDING] = {
        [OP_EVENT_FOUND_APPLIED] = found_applied,
        [OP_EVENT_FOUND_PARTIAL] = found_partial,
        [OP_EVENT_FOUND_NOT_APPLIED] = found_not_applied,
        [OP_EVENT_FOUND_OTHER] = found_other,
        [OP_EVENT_DEADLINE] = not_found,
        [OP_EVENT_CANCEL] = not_found,
    },
    [OP_WAITING] = {
        [OP_EVENT_HOOK_LOCK_FREE] = lock_free,
        [OP_EVENT_DEADLINE] = lock_taken,
        [OP_EVENT_CANCEL] = cancel_early,
    },
    [OP_FENCING] = {
        [OP_EVENT_HOOK_OK] = promote,
        [OP_EVENT_HOOK_FAILED] = fence_failed,
        [OP_EVENT_DEADLINE] = fence_failed,
        [OP_EVENT_CANCEL] = cancel_early,
    },
    [OP_PROMOTING] = {
        [OP_EVENT_HOOK_OK] = prove,
        [OP_EVENT_HOOK_FAILED] = promote_failed,
        [OP_EVENT_DEADLINE] = promote_failed,
        [OP_EVENT_CANCEL] = cancel_early,
    },
    [OP_PROVING] = {
        [OP_EVENT_PROOF_OK] = submit,
        [OP_EVENT_PROOF_FAILED] = proof_failed,
        [OP_EVENT_DEADLINE] = proof_failed,
        [OP_EVENT_CANCEL] = cancel_early,
    },
    [OP_SUBMITTING] = {
        [OP_EVENT_SUBMITTED] = submitted,
        [OP_EVENT_SUBMIT_FAILED] = submit_failed,
        [OP_EVENT_SUBMIT_PARTIAL] = submit_partial,
        [OP_EVENT_SUBMIT_DENIED] = denied,
        [OP_EVENT_SUBMIT_CONFLICT] = conflict,
        [OP_EVENT_DEADLINE] = submit_unanswered,
        [OP_EVENT_CANCEL] = cancel_late,
    },
    [OP_SETTLING] = {
        [OP_EVENT_SETTLED] = settled,
        [OP_EVENT_DEADLINE] = settle_late,
        [OP_EVENT_CANCEL] = cancel_late,
    },
    [OP_VERIFYING] = {
        [OP_EVENT_VERIFIED] = verified,
        [OP_EVENT_DEADLINE] = verify_late,
        [OP_EVENT_SUPERSEDE] = superseded,
    },
    [OP_PARTIAL] = {
        [OP_EVENT_SUBMITTED] = partial_submitted,
        [OP_EVENT_SETTLED] = partial_settled,
        [OP_EVENT_DEADLINE] = partial_late,
        [OP_EVENT_CANCEL] = cancel_late,
        [OP_EVENT_SUPERSEDE] = superseded,
    },
};

struct operation_result operation_start(struct operation op, struct instant now)
{
    assert(op.n_steps > 0);
    if (op.started.ms == 0)
        op.started = now.wall;
    return enter(op, OP_RECORDING, mono_add(now.mono, OP_DURABLE_MS), OP_EFFECT_NONE);
}

struct operation_result operation_resume(struct operation op, struct instant now)
{
    assert(op.n_steps > 0 && !op_state_is_ended(op.state));
    if (op.settled.ms != 0)
        return enter(op, OP_VERIFYING, mono_add(now.mono, OP_VERIFY_MS), OP_EFFECT_VERIFY);
    /* The last step may be journalled as acknowledged and yet be gone from the live records. */
    if (op.step >= op.n_steps)
        op.step = op.n_steps - 1;
    op.is_promote_interrupted = op.is_hook_begun && op.has_hook && op.state != OP_FENCING;
    return enter(op, OP_FINDING, mono_add(now.mono, OP_FIND_MS), OP_EFFECT_FIND);
}

struct operation_result operation_step(struct operation op, enum op_event event, struct instant now)
{
    transition *t = machine[op.state][event];

    return t != NULL ? t(op, now) : stay(op, OP_EFFECT_NONE);
}
