/* policies/operation.h -- stage 6 of 7: operation, event, now -> operation', effect.  Pure and
 * total: every state x event is decided; what cannot happen leaves the operation as it is. */
#ifndef DNSFLIP_POLICIES_OPERATION_H
#define DNSFLIP_POLICIES_OPERATION_H

#include "dnsflip/model/operation.h"

struct operation_result {
    struct operation op;
    enum op_effect effect;
};

/* The machine, events in capitals:
 *
 *   RECORDING -DURABLE-> [FENCING] -> [PROMOTING] -> [PROVING] -> SUBMITTING, once per step, until
 *   the last is SUBMITTED -> SETTLING -SETTLED-> VERIFYING -VERIFIED-> DONE
 *
 *   after a restart: FINDING -FOUND_APPLIED-> SUBMITTING the next step, or SETTLING
 *                    -FOUND_NOT_APPLIED-> as after DURABLE; if a hook had begun WAITING
 *                    -HOOK_LOCK_FREE-> PROVING once, only then PROMOTING again
 *
 *   PARTIAL (something is changed, not all): the engine is told SUBMIT (or SETTLE, once every step
 *   is submitted) on entry and after each progress.  SUBMIT_FAILED leaves it as it is with effect
 *   NONE: the engine submits op.step again when its retry timer says so, until DEADLINE.
 *
 * What is not known is never called unchanged: a submit without an answer, and a cancelled or
 * unfindable one, need attention.  So does everything that stops after a hook has begun, but a
 * promotion that failed (FAILED: no record was touched). */

/* The operation right after its intent was handed to the journal: RECORDING, deadline set, effect
 * NONE.  op.n_steps is at least 1. */
struct operation_result operation_start(struct operation op, struct instant now);

/* An intent without an outcome found in the journal at start, op.state as the journal left it
 * (is_hook_begun, is_changed, step folded in; FINDING and WAITING are never journalled, so that a
 * second restart sees the state that the first one saw): FINDING, effect FIND, for the last step
 * that may have been applied; an op that had settled goes straight on to VERIFYING. */
struct operation_result operation_resume(struct operation op, struct instant now);

/* NOT_DURABLE with OVERRIDE_DURABILITY goes on, is_forced: the engine steps it only after the
 * entry is kept elsewhere, and takes the override away if it could not be.
 * op.detail gets words for people when the event ends the operation or a fence failed; the engine
 * may then put something more precise there. */
struct operation_result operation_step(struct operation op, enum op_event event,
                                       struct instant now);

/* Every deadline passes at op.deadline (INT64_MAX = none): the shell keeps one timer and then
 * steps DEADLINE. */

#endif
