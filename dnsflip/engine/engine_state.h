/* dnsflip/engine/engine_state.h -- the engine's own state, shared by its source files only. */
#ifndef DNSFLIP_ENGINE_ENGINE_STATE_H
#define DNSFLIP_ENGINE_ENGINE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/engine/due.h"
#include "dnsflip/engine/engine.h"
#include "dnsflip/engine/scheduler.h"
#include "dnsflip/providers/provider.h"
#include "policies/failover.h"
#include "probes/probe.h"

struct engine_look;
struct switcher;
struct switcher_ending;

#define ENGINE_LISTENERS_MAX 4
#define ENGINE_HOUSEKEEPING_MS INT64_C(1000)
#define ENGINE_TILT_MS INT64_C(30000)         /* no automatic move for so long after a freeze */
#define ENGINE_REFERENCE_MS INT64_C(5000)     /* between two checks of a reference ... */
#define ENGINE_REFERENCE_FAST_MS INT64_C(500) /* ... while a group's probes fail */
#define ENGINE_REFERENCE_TIMEOUT_MS INT64_C(1000)
#define ENGINE_EARLY_PROOF_MS INT64_C(60000)   /* between two looks at a standby's proof */
#define ENGINE_RETRY_MS INT64_C(300000)        /* automatic move again after a failed promotion */
#define ENGINE_RETRY_REFUSED_MS INT64_C(30000) /* ... after one that was not durable in time */

/* One check: an endpoint at a cluster over one address family. */
struct engine_probe {
    struct engine *engine; /* the callback's way back */
    uint32_t group, endpoint;
    uint8_t place, family;
    struct probe_run *run;        /* in flight, NULL = none */
    struct probe_request request; /* what it was asked; must live as long as it runs */
    struct mono began;
    struct health health[PROFILES];
    struct observation seen;
    struct mono seen_at; /* 0 = never */
    uint64_t runs, fails;
    bool is_retry; /* its kept connection failed: a fresh one next */
};

struct engine_view {
    struct cluster_view view;
    struct wall since; /* when view.verdict was reached */
};

struct engine_group {
    struct engine *engine;
    uint32_t index;
    struct failover_state failover;
    struct decision decision;
    bool is_decided; /* decision was filled at least once */
    bool is_dirty;
    bool has_one_address; /* two clusters' CNAMEs led to one address: told once */
    bool has_started;     /* every probe has had its startup rounds */
    bool is_read;         /* live holds an answer */
    struct mono read_at;  /* when it came */
    struct live live;
    struct provider_call *read; /* in flight, NULL = none */
    struct engine_view views[CLUSTERS_MAX][PROFILES];
    bool is_viewed[CLUSTERS_MAX];           /* views[place] is of the healths as they are now */
    uint32_t first_probe[CLUSTERS_MAX + 1]; /* of place i: [first_probe[i], first_probe[i + 1]) */
    struct mono hastened[CLUSTERS_MAX];
    bool has_early_proof[CLUSTERS_MAX];      /* the proof passed though the place is a standby */
    struct engine_look *looks[CLUSTERS_MAX]; /* at standbys' proofs, in flight; owned */
    struct mono proof_at;                    /* next look */
    struct mono retry_at;                    /* no automatic move before */
    bool is_adopting;                        /* an adoption is on its way to disk and page */
    struct wall promoted;      /* when a place last became active here; 0 = not in this process */
    struct switcher *switcher; /* owned; NULL = no operation runs */
    struct switcher_ending *ending; /* owned; the last one's outcome, not durable yet, or NULL */
};

struct engine_reference {
    struct engine *engine;
    struct probe_cfg cfg;
    struct target target;
    struct probe_request request;
    struct probe_run *run;
    struct mono began, due, seen_at;
    enum outcome outcome;
    bool is_known;
};

/* A move by reload: one operation for each group with names that move, and one hand-over of the
 * answers for all of them. */
struct engine_retarget {
    uint32_t n_waiting, n_ready; /* operations: before their submit, at it */
    bool is_begun;               /* the judge hands over */
    bool is_failed;              /* no hand-over will be */
    char why[REASON_TEXT_BYTES];
};

struct engine {
    struct engine_deps deps;
    struct engine_retarget retarget;
    struct wall started;
    struct scheduler scheduler;
    struct engine_probe *probes; /* owned */
    size_t n_probes;
    struct mono expire_at;       /* no health goes stale before */
    struct engine_group *groups; /* owned; settings->n_groups */
    size_t n_groups;
    struct due group_due; /* when a group's decision wants to be asked again */
    struct engine_reference references[REFERENCES_MAX];
    uint8_t n_references;
    struct loop_timer *probe_timer, *group_timer, *housekeeping;
    struct mono tilted_until, tilted_at;
    uint32_t epoch_floor; /* the next epoch is at least this one */
    bool is_running, may_move;
    bool is_frozen_journal; /* the last append failed */
    uint64_t checks;
    uint32_t in_flight;
    char alarm[REASON_TEXT_BYTES];
    struct {
        engine_event *fn;
        void *arg;
    } listeners[ENGINE_LISTENERS_MAX];
    size_t n_listeners;
};

/* ---- engine.c ----------------------------------------------------------------------------- */
uint32_t engine_next_epoch(struct engine *e);                    /* never given twice */
void engine_read_live(struct engine *e, struct engine_group *g); /* what is served now */
/* Reads them again if others can change them and the last reading is old enough. */
void engine_live_refresh(struct engine *e, struct engine_group *g, struct mono now);

/* ---- engine_probe.c: stages 1 and 2 ------------------------------------------------------- */
void engine_probe_build(struct engine *e);  /* from settings; all unknown */
void engine_probe_cancel(struct engine *e); /* all that run */
/* place became active: that it was down as an active one while it was a standby says nothing. */
void engine_probe_promoted(struct engine *e, struct engine_group *g, unsigned place);
void engine_probe_pump(struct engine *e);                    /* starts what is due */
void engine_probe_expire(struct engine *e, struct mono now); /* stale healths */
bool engine_probe_has_rounds(const struct engine *e, const struct engine_group *g);
const struct target *engine_probe_target(const struct engine *e, const struct engine_probe *p);

/* ---- engine_carry.c ----------------------------------------------------------------------- */
/* Healths and turns of the n old probes that the new settings have too. */
void engine_probe_carry(struct engine *e, const struct settings *before,
                        const struct engine_probe old[], const struct scheduler *schedule,
                        size_t n);

/* ---- engine_reference.c: "am I alone?" ------------------------------------------------------ */
void engine_reference_build(struct engine *e);
void engine_reference_cancel(struct engine *e);
void engine_reference_pump(struct engine *e, bool in_haste);
bool engine_reference_is_isolated(const struct engine *e, struct mono now);

/* ---- engine_secondary.c -----------------------------------------------------------------------
 */
void engine_secondary_watch(struct engine *e);

/* ---- engine_decide.c: stages 3 and 4 -------------------------------------------------------- */
void engine_decide_dirty(struct engine *e); /* all groups marked dirty */
void engine_decide_mark(struct engine *e, uint32_t group);
/* A health at that place is another one than before. */
void engine_decide_mark_place(struct engine *e, uint32_t group, unsigned place);
void engine_decide_holds(const struct engine *e, const struct engine_group *g,
                         bool holds[static GUARD_RULES]);
void engine_decide_input(const struct engine *e, const struct engine_group *g,
                         struct failover_input *in);
/* Nobody may start an operation: one has not settled, or its end is not written, or an adoption. */
bool engine_decide_is_locked(const struct engine_group *g);
/* If it is locked, then by nothing but the last entry of an ended operation. */
bool engine_decide_is_only_ending(const struct engine_group *g);
int8_t engine_decide_active(const struct engine *e, const struct engine_group *g);
const char *engine_cluster_name(const struct engine *e, const struct engine_group *g, int place);
int engine_cluster_place(const struct engine *e, const struct engine_group *g, const char *name);

/* ---- engine_command.c, engine_move.c: what operators ask for ----------------------------------
 */
#define EXIT_ERROR 1
#define EXIT_VETO 3
#define EXIT_NOT_KNOWN 5
#define EXIT_CONFLICT 6
void engine_reply(command_done *done, void *arg, int exit, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void engine_move(struct engine *e, struct engine_group *g, const struct command *c,
                 command_done *done, void *arg);
/* A guard, or a face that has not taken over yet, is in the way: refusal says so. */
bool engine_move_is_vetoed(const struct engine *e, const struct engine_group *g,
                           const struct failover_input *in, int to, enum verb verb,
                           override_set lifted, struct command_result *refusal);

/* ---- switcher_reload.c: moves by reload -------------------------------------------------------
 */
void engine_retarget_resume(struct engine *e);  /* before the operations that a restart left */
void engine_retarget_applied(struct engine *e); /* one of those was found applied */
void engine_retarget_submit(struct switcher *s);
void engine_retarget_left(struct switcher *s); /* its operation has ended */

/* ---- engine_record.c: stage 7 --------------------------------------------------------------- */
typedef void engine_recorded(void *arg, bool ok, const struct err *err);
/* Appends entry (time is set here).  folds_now: the ledger takes it at once, since what it says
 * has happened; else when it is durable, since it only then holds.  done may be NULL. */
void engine_record(struct engine *e, struct journal_entry *entry, bool folds_now,
                   engine_recorded *done, void *arg);
/* The same entry once more, after the journal could not write it: it is folded already. */
void engine_record_again(struct engine *e, const struct journal_entry *entry, engine_recorded *done,
                         void *arg);
/* Of an operation that goes on without the journal: to the overflow file, and (to_journal) to the
 * journal too.  done runs once, when one of them has it or neither. */
void engine_record_forced(struct engine *e, struct journal_entry *entry, bool to_journal,
                          engine_recorded *done, void *arg);
/* What happened, for the ledger and the log; whoever calls this keeps it elsewhere. */
void engine_record_fold(struct engine *e, struct journal_entry *entry);
/* To the overflow file alone: it is folded already, and its time is set. */
void engine_record_overflow(struct engine *e, const struct journal_entry *entry,
                            engine_recorded *done, void *arg);
void engine_record_alarm(struct engine *e, const char *group, const char *name, const char *text);
void engine_record_tell(struct engine *e, const struct journal_entry *entry);

#endif
