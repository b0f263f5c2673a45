/* policies/operation.h -- stage 6 of 7: operation, event, now -> operation', effect.  Pure and
 * total: every state x event is decided; what cannot happen leaves the operation as it is. */
#ifndef DNSFLIP_POLICIES_OPERATION_H
#define DNSFLIP_POLICIES_OPERATION_H

#include "dnsflip/model/operation.h"

struct operation_result {
    struct operation op;
    enum op_effect effect;
};

/* The operation right after its intent was handed to the journal: RECORDING, deadline set. */
struct operation_result operation_start(struct operation op, struct instant now);

/* An intent without an outcome found in the journal at start, op->state as the journal left it
 * (is_hook_begun, is_changed, step folded in): FINDING, effect FIND; an op that had settled goes
 * straight on to VERIFYING. */
struct operation_result operation_resume(struct operation op, struct instant now);

/* detail text for people goes into op.detail where the event ends the operation; the engine may
 * set it to something more precise. */
struct operation_result operation_step(struct operation op, enum op_event event,
                                       struct instant now);

/* Every deadline passes at op.deadline: the shell keeps one timer and then steps DEADLINE. */

#endif
