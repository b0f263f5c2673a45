/* dnsflip/model/journal_entry.h -- one line of the journal. */
#ifndef DNSFLIP_MODEL_JOURNAL_ENTRY_H
#define DNSFLIP_MODEL_JOURNAL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/wall.h"
#include "dnsflip/model/decision.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/operation.h"

#define JOURNAL_VERSION 1

enum entry_kind {
    ENTRY_INIT = 0, /* the journal begins: node (detail), epoch floor */
    ENTRY_ADOPT,    /* group, to = active cluster, epoch, actor, reason */
    ENTRY_START,    /* the judge started: version (detail), configuration digest (reason), serial =
                       its view's */
    ENTRY_STOP,     /* ... and stopped by request */
    ENTRY_RELOAD,   /* new configuration digest (reason) and its view's serial, or why it was
                       refused (detail); actor, request_id */
    ENTRY_VERDICT,  /* group, to = cluster, detail = "active up", "standby down" and counts */
    ENTRY_DECISION, /* group, from, to, detail = the decision and its reasons */
    ENTRY_INTENT,   /* operation, epoch, group, from, to, verb, names, actor, reason, until =
                       the plan's expiry, overrides, request_id, step = how many steps the plan
                       has, has_* flags; a reload: from = to, configuration */
    ENTRY_REFUSED,  /* operation, group: its intent came too late or a guard said no */
    ENTRY_STEP,     /* operation, group, state reached, step = next to submit; fencing, promoting:
                       the hook begins now; token */
    ENTRY_MOVED,    /* operation, group, to, epoch: first acknowledged change; active moves */
    ENTRY_SETTLED,  /* operation, group */
    ENTRY_OUTCOME,  /* operation, group, state (ended), detail, asked/verified as names/step */
    ENTRY_FENCE,    /* group, to = cluster that a failover left */
    ENTRY_REJOIN,   /* group ("" = all), to = cluster */
    ENTRY_HOLD,     /* group, actor (owner), reason, until */
    ENTRY_RELEASE,  /* group, actor */
    ENTRY_ACK,      /* actor: the brake is lifted; group set: its block is lifted */
    ENTRY_PAUSE,    /* automation paused: actor, reason, until */
    ENTRY_RESUME,   /* actor */
    ENTRY_ALARM,    /* group or "", detail: alarm's name, reason: its words */
    /* The head of a file that follows another: all that the entries before it fold to. */
    ENTRY_ROTATED,        /* its first line: detail = the file before, names = how many lines of the
                             head follow, reason = configuration digest, epoch, serial,
                             reload_epoch, initialised, acked */
    ENTRY_KEPT_PAUSE,     /* actor, reason, until */
    ENTRY_KEPT_GROUP,     /* group; is_adopted, to = active, epoch, since; flip_ended, is_lifted;
                             is_held and actor, reason, until of the hold */
    ENTRY_KEPT_FENCE,     /* group, to */
    ENTRY_KEPT_OPERATION, /* the newest of its group, whole; names, until as in its intent */
    ENTRY_KEPT_ENDED,     /* one of the history, whole */
    ENTRY_KEPT_OUTAGE,    /* to = cluster, started, ended: first and last move away */
    ENTRY_KEPT_REQUEST,   /* request_id, request_digest, operation, started */
    /* Never in the journal. */
    ENTRY_OVERFLOW, /* an overflow file begins: initialised = of the journal it belongs to */
};
#define ENTRY_KINDS (ENTRY_OVERFLOW + 1)
const char *entry_kind_name(enum entry_kind k); /* "init" ... */

/* A plain value; members that a kind does not use stay zero and are not written. */
struct journal_entry {
    uint64_t seq;      /* 1, 2, 3 ...; set by the journal */
    uint32_t in_batch; /* lines before it that became durable with it; set by the journal */
    struct wall time;  /* set by whoever appends */
    enum entry_kind kind;
    char group[NAME_BYTES];
    char from[NAME_BYTES], to[NAME_BYTES]; /* clusters */
    char operation[OPERATION_ID_BYTES];
    enum verb verb;      /* with an operation */
    enum op_state state; /* STEP, OUTCOME */
    uint32_t epoch;
    uint32_t names;
    uint32_t step;
    bool has_fence, has_hook, has_proof, is_forced;
    override_set overrides;
    char actor[ACTOR_BYTES];
    char reason[REASON_TEXT_BYTES];
    char request_id[REQUEST_ID_BYTES];
    char request_digest[65]; /* SHA-256 hex of the request's parameters; "" = none */
    char configuration[SETTINGS_DIGEST_BYTES]; /* of the settings that a reload's
                                                  operation brings, in all its entries */
    uint32_t serial;
    struct wall until;
    /* of a head only */
    uint32_t reload_epoch;
    struct wall initialised, acked;
    struct wall since, flip_ended;
    struct wall started, changed, settled, ended;
    uint32_t steps, asked, verified;
    bool is_adopted, is_lifted, is_held, is_changed, is_hook_begun;
    char token[OPERATION_TOKEN_BYTES]; /* STEP, MOVED: what the provider knows its changes by */
    char detail[512];
};

/* A line of a head tells nothing new: it repeats what was known when its file began. */
static inline bool entry_kind_is_head(enum entry_kind k)
{
    return k >= ENTRY_ROTATED && k <= ENTRY_KEPT_REQUEST;
}

#endif
