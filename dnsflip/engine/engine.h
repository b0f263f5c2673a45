/* dnsflip/engine/engine.h -- the line as code: it alone calls stages 2 to 7, in this order, and
 * alone turns what policies say into effects.  One function per trigger: an observation, a timer,
 * an outcome of an effect, a command; each ends in the same advance. */
#ifndef DNSFLIP_ENGINE_ENGINE_H
#define DNSFLIP_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/model/decision.h"
#include "dnsflip/model/observation.h"
#include "dnsflip/model/operation.h"
#include "dnsflip/model/plan.h"
#include "dnsflip/model/preview.h"
#include "dnsflip/model/secondary.h"
#include "dnsflip/model/settings.h"

struct engine;
struct hooks;
struct io;
struct journal;
struct loop;
struct provider;
struct secondaries;

struct engine_deps {
    struct loop *loop; /* borrowed, as all of these */
    struct io *io;
    struct journal *journal; /* NULL: monitor; nothing is ever written or moved */
    struct ledger *ledger;
    struct hooks *hooks;             /* NULL with journal NULL */
    struct secondaries *secondaries; /* NULL: there are none */
    const struct settings *settings;
    struct provider *const *providers; /* one per settings->providers; entries NULL in a monitor */
    /* A move by reload: make the settings of that digest answer, then engine_retarget_done; or it
     * came to nothing before that, and why.  Never from within a call of the judge's. */
    void (*hand_over)(void *arg, const char *configuration);
    void (*hand_over_dropped)(void *arg, const char *why);
    void *hand_over_arg;
};

__attribute__((warn_unused_result)) int engine_new(const struct engine_deps *deps,
                                                   struct engine **out, struct err *err);
void engine_free(struct engine *e);

/* Starts probing, reads live records, resumes unfinished operations.  Automatic and operators'
 * moves wait for engine_allow_moves: a restarted judge flips nothing before the face has the pair.
 */
void engine_start(struct engine *e);
void engine_allow_moves(struct engine *e, bool allowed);

/* Epochs are SOA serials too: from now on they are newer (RFC 1982) than serial. */
void engine_raise_epoch(struct engine *e, uint32_t serial);

/* NULL, or the group whose operation has not settled yet: the settings may not be replaced now. */
const char *engine_busy(const struct engine *e);

/* After a reload: new settings and providers; healths, timers and running operations of what has
 * not changed are kept.  Only while engine_busy is NULL.  The old settings and providers must live
 * until this returns. */
void engine_replace(struct engine *e, const struct settings *settings,
                    struct provider *const *providers);

/* ---- commands ------------------------------------------------------------------------------- */

enum command_kind {
    COMMAND_MOVE = 0, /* verb: switch, failover, failback */
    COMMAND_HOLD,
    COMMAND_RELEASE,
    COMMAND_ACK,    /* group "": the brake; else the group's block */
    COMMAND_ADOPT,  /* cluster = the active one */
    COMMAND_REJOIN, /* cluster; group "" = of every group */
    COMMAND_PAUSE,
    COMMAND_RESUME,
    COMMAND_CANCEL, /* operation */
    COMMAND_RETRY,  /* operation: a partial one, now */
};

struct command {
    enum command_kind kind;
    enum verb verb;
    char group[NAME_BYTES];
    char cluster[NAME_BYTES]; /* destination; "" = the policy's choice */
    char operation[OPERATION_ID_BYTES];
    char reason[REASON_TEXT_BYTES];
    char actor[ACTOR_BYTES];
    char request_id[REQUEST_ID_BYTES]; /* "" = none */
    char request_digest[65];
    override_set overrides;
    bool is_promoted;  /* the caller promoted already: no hook, but the proof */
    struct wall until; /* hold, pause: expiry; 0 = none */
};

/* exit: the command's exit code as documented (0 accepted or done, 1, 3, 5, 6). */
struct command_result {
    int exit;
    char text[ERR_TEXT_BYTES]; /* for people: what was done, or why not and what would help */
    char rule[NAME_BYTES];     /* refused by this guard */
    bool may_override;         /* --override rule would lift it */
    char operation[OPERATION_ID_BYTES]; /* started, or found by its request id */
    uint32_t epoch;
    enum op_state state;
    bool is_repeat; /* the request id was known: nothing was done again */
};
typedef void command_done(void *arg, const struct command_result *result);

/* done runs exactly once, possibly before this returns; an accepted action is durable by then.
 * There is no cancel: arg must live until then (a client that left is the caller's concern). */
void engine_command(struct engine *e, const struct command *command, command_done *done, void *arg);

/* ---- moves by reload --------------------------------------------------------------------------
 * The groups whose names an accepted reload moves get one operation each, with the verb "reload";
 * when all intents are durable the judge is asked once (engine_deps.hand_over) to make the new
 * configuration answer, and says what became of it. */

struct retarget_party {
    uint32_t group; /* of the settings in use */
    uint32_t n_names;
    char request_id[REQUEST_ID_BYTES]; /* "" = none */
    command_done *done;                /* as of engine_command */
    void *arg;
};

struct retarget_order {
    const struct retarget_party *parties;
    size_t n;
    char configuration[SETTINGS_DIGEST_BYTES]; /* of the settings to come */
    char actor[ACTOR_BYTES];
    char reason[REASON_TEXT_BYTES];
    char request_digest[65];
    override_set overrides;
};

/* -1: a guard is in the way of one of them, refusal says which. */
__attribute__((warn_unused_result)) int engine_retarget_check(const struct engine *e,
                                                              const struct retarget_order *order,
                                                              struct command_result *refusal);
/* After a check in the same turn. */
void engine_retarget_start(struct engine *e, const struct retarget_order *order);
/* The face answers with the new configuration, or never will. */
void engine_retarget_done(struct engine *e, const struct err *err);

/* Says which cluster is active for a group that the settings in use may not have yet; its names are
 * served from the next pair on.  ADOPT in the journal, then done. */
void engine_adopt_ahead(struct engine *e, const struct command *c, command_done *done, void *arg);

/* What became of a reload: journalled, told, folded. */
void engine_record_reload(struct engine *e, struct journal_entry *entry);
/* Of the node: journalled, told, logged. */
void engine_raise_alarm(struct engine *e, const char *name, const char *text);

/* ---- what is known, for status, explain, metrics (all borrowed until the next turn) -----------
 */

struct cluster_status {
    const char *name;
    struct cluster_view as_active, as_standby;
    struct wall as_active_since, as_standby_since; /* when those verdicts were reached */
    bool is_fenced;
};

struct group_status {
    const struct group_cfg *cfg;
    const struct ledger_group *ledger; /* NULL = unadopted */
    int8_t active;                     /* place; -1 = unadopted */
    int8_t moving_to;                  /* place; -1 = no operation before settled */
    uint8_t n_clusters;
    struct cluster_status clusters[CLUSTERS_MAX];
    struct decision decision;
    bool holds[GUARD_RULES];           /* conditions of the guards that need no destination */
    const struct operation *operation; /* newest; NULL = never one */
    char diverged[REASON_TEXT_BYTES];  /* "" or what live records say */
};

struct probe_status {
    uint32_t group, endpoint;
    uint8_t place;  /* of the cluster in the group's order */
    uint8_t family; /* 4, 6, 0 */
    struct health health[PROFILES];
    struct observation seen; /* the last one; total_us 0 and reason ok = none yet */
    struct mono seen_at;     /* 0 = never */
    uint64_t runs, fails;    /* fails: under the profile of the role held then */
};

struct node_status {
    struct wall started;
    bool is_tilted;
    struct mono tilted_until;
    bool is_isolated;
    uint8_t references_up, references_down, references_unknown;
    bool may_move;   /* engine_allow_moves */
    uint64_t checks; /* probe runs so far */
    uint32_t in_flight;
    uint64_t journal_backlog;
    int64_t journal_backlog_ms;
    char alarm[REASON_TEXT_BYTES]; /* newest standing alarm of the node; "" = none */
};

const struct settings *engine_settings(const struct engine *e);
const struct ledger *engine_ledger(const struct engine *e);
struct instant engine_now(const struct engine *e);
void engine_node_status(const struct engine *e, struct node_status *out);
void engine_group_status(const struct engine *e, uint32_t group, struct group_status *out);
size_t engine_probes(const struct engine *e);
void engine_probe_status(const struct engine *e, size_t probe, struct probe_status *out);
size_t engine_secondaries(const struct engine *e);
void engine_secondary_status(const struct engine *e, size_t i, struct secondary_status *out);

/* What a step of a plan would do to the live records; false: its provider has nothing to add to the
 * plan. */
bool engine_preview(const struct engine *e, const struct step *step, struct preview *out,
                    preview_look *each, void *arg);

/* What a move would do now, guards asked for verb with overrides; to "" = the policy's choice.
 * changes: malloc'd array of plan->n_names, the caller's (mem_free).  Writes nothing. */
__attribute__((warn_unused_result)) int engine_plan(const struct engine *e, const char *group,
                                                    const char *to, enum verb verb,
                                                    override_set overrides, struct plan *plan,
                                                    struct target_change **changes,
                                                    struct err *err);

/* fn runs for each entry that became durable (and, in a monitor, for each that would have been
 * written), and for each progress of an operation's verification (kind ENTRY_STEP, seq 0, names =
 * asked, step = verified).  At most 4 listeners. */
typedef void engine_event(void *arg, const struct journal_entry *entry);
void engine_on_event(struct engine *e, engine_event *fn, void *arg);

#endif
