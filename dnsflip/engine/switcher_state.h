/* dnsflip/engine/switcher_state.h -- one operation being carried out, shared by switcher*.c only.
 */
#ifndef DNSFLIP_ENGINE_SWITCHER_STATE_H
#define DNSFLIP_ENGINE_SWITCHER_STATE_H

#include <stdbool.h>

#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/switcher.h"

struct verify;

/* An entry on its way to the disk that somebody waits for; outlives a switcher that is let go. */
struct switcher_wait {
    struct switcher *switcher;      /* NULL = nobody waits any more */
    struct switcher_ending *ending; /* of an operation that ended before its intent was durable */
    enum op_state state;            /* the one that asked */
};

struct switcher {
    struct engine *engine;      /* borrowed */
    struct engine_group *group; /* borrowed; group->switcher is this one until it ends */
    struct operation op;
    struct plan plan;
    char request_digest[65];
    struct target_change *changes;       /* owned */
    struct provider_call *call;          /* in flight, NULL = none */
    struct verify *verify;               /* owned, NULL = not verifying */
    struct loop_timer *deadline, *retry; /* owned */
    struct switcher_wait *wait;          /* a hook's STEP entry; freed by its callback */
    struct switcher_wait *intent;        /* the INTENT entry; freed by its callback */
    struct switcher_wait *forced;        /* ... in the overflow file */
    uint8_t n_settled;                   /* of the plan's steps */
    bool is_intent_durable, is_forced_durable;
    bool has_tried_overflow;
    bool is_ready;         /* a reload at its submit: see engine_retarget */
    bool is_followed;      /* a reload: the settings in use are its own, and can be verified */
    bool has_hook_running; /* hooks.c has something for this operation */
    char laggards[REASON_TEXT_BYTES];
    command_done *done; /* NULL = answered, or nobody asked */
    void *done_arg;
};

const struct group_cfg *switcher_group_cfg(const struct switcher *s);
struct instant switcher_now(const struct switcher *s);
void switcher_event(struct switcher *s, enum op_event event, const char *detail);

void switcher_finish(struct switcher *s); /* its state is an ended one */

/* ---- switcher_effect.c -------------------------------------------------------------------- */
void switcher_effect(struct switcher *s, enum op_effect effect);
void switcher_effect_retry(void *arg); /* the retry timer's callback; arg is the switcher */

/* ---- switcher_record.c: what the journal gets -------------------------------------------------
 */
void switcher_record_intent(struct switcher *s, const char *request_digest);
/* The intent once more, into the overflow file: OP_EVENT_NOT_DURABLE follows, with the override
 * taken away if it could not be kept there either. */
void switcher_record_overflow(struct switcher *s);
void switcher_record_step(struct switcher *s, const char *detail, engine_recorded *done, void *arg);
void switcher_record_progress(struct switcher *s, const struct operation *before);
void switcher_record_outcome(struct switcher *s);
void switcher_add_detail(struct switcher *s, const char *detail);

/* ---- switcher_ending.c ------------------------------------------------------------------------
 */
/* Writes an operation's last entry, again and again until it is durable: group->ending is set. */
void switcher_ending_start(struct switcher *s, struct journal_entry *entry);
/* What became of the intent, in the journal or in the overflow file. */
void switcher_ending_intent(struct switcher_ending *ending, bool ok);
void switcher_ending_forced(struct switcher_ending *ending, bool ok);

#endif
