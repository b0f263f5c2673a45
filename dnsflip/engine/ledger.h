/* dnsflip/engine/ledger.h -- what the journal's entries fold to: active clusters, epochs, fences,
 * holds, blocks, operations, request ids.  Pure: ledger_fold is the only way it changes, at start
 * (replay) as in operation, so a restart cannot know less than the running judge did. */
#ifndef DNSFLIP_ENGINE_LEDGER_H
#define DNSFLIP_ENGINE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/model/journal_entry.h"
#include "dnsflip/model/operation.h"

#define LEDGER_OUTAGES_MAX 64     /* automatic evacuations kept for the brake */
#define LEDGER_REQUESTS_MAX 65536 /* request ids kept (30 days); the oldest go first */
#define LEDGER_REQUEST_DAYS 30
#define LEDGER_HISTORY_MAX 1024 /* ended operations kept for `operation list` */
#define LEDGER_GROUPS_MAX 65536 /* groups that a journal ever told of */
#define LEDGER_OUTAGE_WINDOW_MS                                                                    \
    INT64_C(600000) /* automatic moves away from one cluster within                                \
                       this time of each other are one outage */

/* A group that the journal knows; by name, whether or not the configuration still has it. */
struct ledger_group {
    char name[NAME_BYTES];
    bool is_adopted;
    char active[NAME_BYTES]; /* cluster */
    uint32_t epoch;          /* of its last change */
    char fenced[CLUSTERS_MAX][NAME_BYTES];
    uint8_t n_fenced;
    bool is_held;
    char hold_owner[ACTOR_BYTES];
    char hold_reason[REASON_TEXT_BYTES];
    struct wall hold_until; /* 0 = until released */
    struct wall flip_ended; /* settled or needs attention: the block counts from here */
    bool is_block_lifted;   /* by ack, since flip_ended */
    struct wall active_since;
    struct operation op; /* the newest one; op.state OP_NONE = there was none */
};

struct ledger_outage {
    char cluster[NAME_BYTES]; /* source */
    struct wall first, last;  /* automatic moves away from it */
};

struct ledger_request {
    char id[REQUEST_ID_BYTES];
    char digest[65];
    char operation[OPERATION_ID_BYTES]; /* what it started; "" = it started none */
    struct wall time;
};

struct ledger {
    bool is_initialised; /* an INIT entry was seen */
    struct wall initialised;
    uint32_t epoch;               /* newest node-wide; the next is ledger_next_epoch */
    struct ledger_group **groups; /* owned, each too; sorted by name; n_groups */
    size_t n_groups;
    struct ledger_outage outages[LEDGER_OUTAGES_MAX]; /* ring; n_outages in use, oldest first */
    uint8_t n_outages;
    struct wall acked; /* outages before this do not count for the brake */
    bool is_paused;
    char pause_owner[ACTOR_BYTES];
    char pause_reason[REASON_TEXT_BYTES];
    struct wall pause_until;
    struct ledger_request *requests; /* owned; ring */
    size_t n_requests, first_request;
    uint32_t *request_heads, *request_next; /* owned; chains of equal hash: place + 1, 0 = end */
    struct operation *history;              /* owned; ended operations, oldest first; ring */
    size_t n_history, first_history;
    uint64_t seq;          /* of the last entry folded */
    char digest[65];       /* configuration digest of the last START, RELOAD or move by reload */
    uint32_t reload_epoch; /* of the last move by reload: a view of an older serial lacks it; 0 =
                              there was none */
    uint32_t serial; /* of the newest view that a START or RELOAD tells of; 0 = none did: no judge
                        ran here that keeps state_dir/view */
    uint32_t head_left; /* lines of a file's head that are still to come: see ledger_head.h */
};

struct ledger *ledger_new(void);
void ledger_free(struct ledger *l); /* NULL does nothing */

/* Folds one entry in.  ERR_REMOTE if the entry cannot follow (an outcome without its intent, a
 * move of a group that was never adopted ...): the journal is then damaged, the ledger unchanged.
 *
 * What a failing disk may have swallowed is made good instead, since the entries behind it tell
 * enough: a REFUSED whose intent never became durable changes nothing; SETTLED, and an OUTCOME
 * done or not-converged, stand for a lost MOVED too; a move by auto or failover for its FENCE; an
 * INTENT ends an older operation whose outcome was lost as needing attention, and believes its own
 * `from`; any entry of an operation with is_forced stands for its lost intent too.  An INTENT with
 * is_forced comes from the overflow file: it need not be newer than other groups' epochs.  seq may
 * be 0 (not yet known). */
__attribute__((warn_unused_result)) int ledger_fold(struct ledger *l, const struct journal_entry *e,
                                                    struct err *err);

/* Does an entry of the overflow file say what the journal still lacks?  True for an operation newer
 * than all that its group did, and for what a running one has not got to yet: such an entry can be
 * folded, in the order of the file.  False for what is known or has been overtaken. */
bool ledger_awaits(const struct ledger *l, const struct journal_entry *e);

/* NULL if the journal does not know it.  Borrowed; pointers stay valid until ledger_free. */
const struct ledger_group *ledger_find(const struct ledger *l, const char *group);

bool ledger_is_fenced(const struct ledger_group *g, const char *cluster);

/* A hold or pause that has an expiry ends by itself. */
bool ledger_is_held(const struct ledger_group *g, struct wall now);
bool ledger_is_paused(const struct ledger *l, struct wall now);

/* Is the block of block_ms after the group's last flip still on? */
bool ledger_is_blocked(const struct ledger_group *g, int64_t block_ms, struct wall now);

/* Would an automatic move away from cluster exceed per_hour outages in the hour before now?
 * A move that belongs to an outage already counted never does. */
bool ledger_is_braked(const struct ledger *l, const char *cluster, uint32_t per_hour,
                      struct wall now);

/* The next node-wide epoch (RFC 1982 successor, never 0, at least floor). */
uint32_t ledger_next_epoch(const struct ledger *l, uint32_t floor);

/* The request of that id within 30 days, or NULL. */
const struct ledger_request *ledger_find_request(const struct ledger *l, const char *id,
                                                 struct wall now);

/* By id, running or ended; NULL if unknown. */
const struct operation *ledger_find_operation(const struct ledger *l, const char *id);

#endif
