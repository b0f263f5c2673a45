/* dnsflip/model/operation.h -- one execution of a plan: its state, its events, its effects. */
#ifndef DNSFLIP_MODEL_OPERATION_H
#define DNSFLIP_MODEL_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/wall.h"
#include "dnsflip/model/decision.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/settings.h"

enum op_state {
    OP_NONE = 0,
    OP_RECORDING, /* the intent is on its way to the disk */
    OP_FINDING,   /* after a restart: asking the provider whether the step was applied */
    OP_WAITING,   /* after a restart: waiting for the lock of a hook that may still run */
    OP_FENCING,   /* the fence hook runs; its failure is a warning */
    OP_PROMOTING, /* the promote hook runs */
    OP_PROVING,   /* the promotion proof is asked, again and again until its timeout */
    OP_SUBMITTING,
    OP_SETTLING,  /* applied; not every authoritative server has it yet */
    OP_VERIFYING, /* lock released: asked from outside whether the world moved */
    /* ended */
    OP_DONE,
    OP_NOT_CONVERGED, /* settled, but verification ran out of time: laggards are listed */
    OP_PARTIAL,       /* not ended: some steps applied, retried forward until its deadline */
    OP_ATTENTION,     /* a person must look: a hook had begun, or partial ran out of time */
    OP_REFUSED,       /* nothing was touched: not durable in time, or a guard at the last moment */
    OP_ABANDONED,     /* found unapplied and expired after a restart: nothing was touched */
    OP_FAILED,        /* nothing was changed: promotion failed, or the submit was refused */
    OP_CONFLICT,      /* nothing was changed: the records are not what the move is about */
    OP_CANCELLED,     /* by an operator, before anything was applied */
    OP_SUPERSEDED,    /* a newer operation took over during verification */
};
#define OP_STATES (OP_SUPERSEDED + 1)
const char *op_state_name(enum op_state s); /* "recording" ... "not-converged" */

/* Nothing changes it any more. */
static inline bool op_state_is_ended(enum op_state s)
{
    return s == OP_NONE || (s >= OP_DONE && s != OP_PARTIAL);
}

/* From the intent until settled, or until its stage ran out of time: a partial operation goes on
 * without the lock, so that an operator can move the group again (guard "partial" warns). */
static inline bool op_state_holds_lock(enum op_state s)
{
    return s > OP_NONE && s < OP_VERIFYING;
}

enum op_event {
    OP_EVENT_DURABLE = 0, /* the journal has the intent */
    OP_EVENT_NOT_DURABLE, /* it could not be made so in time */
    OP_EVENT_FOUND_APPLIED,
    OP_EVENT_FOUND_PARTIAL, /* some of the step is applied */
    OP_EVENT_FOUND_NOT_APPLIED,
    OP_EVENT_FOUND_OTHER, /* the records are neither as before nor as after */
    OP_EVENT_HOOK_LOCK_FREE,
    OP_EVENT_HOOK_OK,     /* the running hook ended with 0 */
    OP_EVENT_HOOK_FAILED, /* ... with anything else, or it ran out of time */
    OP_EVENT_PROOF_OK,
    OP_EVENT_PROOF_FAILED, /* and its timeout has passed */
    OP_EVENT_SUBMITTED,    /* the step is acknowledged */
    OP_EVENT_SUBMIT_FAILED,
    OP_EVENT_SUBMIT_PARTIAL,  /* the step is applied in part, or may be */
    OP_EVENT_SUBMIT_DENIED,   /* the records are somebody else's: none was changed */
    OP_EVENT_SUBMIT_CONFLICT, /* the records are not what was expected: none was changed */
    OP_EVENT_SETTLED,
    OP_EVENT_VERIFIED, /* every answer asked for is the plan's */
    OP_EVENT_DEADLINE, /* the deadline of the current state has passed */
    OP_EVENT_CANCEL,
    OP_EVENT_SUPERSEDE,
};
#define OP_EVENTS (OP_EVENT_SUPERSEDE + 1)

/* What the engine must do now.  Its outcome comes back as an event. */
enum op_effect {
    OP_EFFECT_NONE = 0,
    OP_EFFECT_FIND,
    OP_EFFECT_WAIT_HOOK,
    OP_EFFECT_FENCE,
    OP_EFFECT_PROMOTE,
    OP_EFFECT_PROVE,
    OP_EFFECT_SUBMIT, /* step number op->step */
    OP_EFFECT_SETTLE,
    OP_EFFECT_VERIFY,
    OP_EFFECT_END, /* the state is an ended one: record the outcome, release what is held */
};

/* Deadlines per state; every state that waits for something has one, but for fencing and
 * promoting: a hook's time begins when its turn comes (a few run at once), and whoever runs it
 * reports its end within that time. */
#define OP_SUBMIT_MS INT64_C(10000)
#define OP_SETTLE_MS INT64_C(300000)
#define OP_SETTLE_LOCAL_MS INT64_C(5000)
#define OP_PARTIAL_MS INT64_C(900000)
#define OP_VERIFY_MS INT64_C(900000)
#define OP_DURABLE_MS INT64_C(2000)
#define OP_FIND_MS INT64_C(300000)      /* reading live records after a restart */
#define OP_HOOK_GRACE_MS INT64_C(10000) /* what a hook or the proof may be late in ending */
#define OP_PLAN_AUTO_MS INT64_C(60000)  /* plan's life, hook timeouts come on top */
#define OP_PLAN_OPERATOR_MS INT64_C(900000)

/* A plain value; what the journal's entries of one operation fold to. */
struct operation {
    char id[OPERATION_ID_BYTES];
    char group[NAME_BYTES];
    char from[NAME_BYTES], to[NAME_BYTES]; /* clusters */
    enum verb verb;
    enum op_state state;
    uint32_t epoch;
    uint32_t n_names;
    uint8_t step, n_steps;               /* next step to submit */
    bool has_fence, has_hook, has_proof; /* what the promotion asks for, overrides applied */
    bool is_hook_begun;                  /* journalled before the hook started */
    bool is_promote_interrupted; /* the promote hook had begun before a restart: proving asks once
                                    (time-out 0), and only if that fails the hook runs again */
    bool is_changed;             /* a first change is acknowledged: the group's active moved */
    bool is_forced;              /* made without a durable intent (OVERRIDE_DURABILITY) */
    override_set overrides;
    char actor[ACTOR_BYTES]; /* who asked; "dnsflip" for auto */
    char reason[REASON_TEXT_BYTES];
    char request_id[REQUEST_ID_BYTES];
    char configuration[SETTINGS_DIGEST_BYTES];    /* a reload: of the settings it brings; else "" */
    struct wall started, changed, settled, ended; /* 0 = not yet */
    struct wall expires;                          /* of the plan */
    struct mono deadline;              /* of the current state, of this process; INT64_MAX = none */
    int64_t hook_timeout_ms;           /* of each hook and of the proof */
    int64_t submit_ms, settle_ms;      /* the provider's deadlines */
    char token[OPERATION_TOKEN_BYTES]; /* what the provider knows its changes by */
    uint32_t verified, asked;          /* verification: names x servers that answer with the plan */
    char detail[REASON_TEXT_BYTES];    /* why it ended as it did, or what it waits for */
};

#endif
