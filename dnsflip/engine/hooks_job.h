/* dnsflip/engine/hooks_job.h -- inside hooks: jobs (what the engine waits for) and runs (programs;
 * several jobs may wait for one).  For hooks*.c alone. */
#ifndef DNSFLIP_ENGINE_HOOKS_JOB_H
#define DNSFLIP_ENGINE_HOOKS_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/target.h"
#include "probes/probe.h"

#define HOOKS_JOBS_MAX 16384       /* that wait; a further one fails */
#define HOOKS_KEY_BYTES 160        /* group, or two clusters and what is between them */
#define HOOKS_DETAIL_BYTES 320     /* how a hook ended, and its last line */
#define HOOKS_MEMO_MAX 512         /* hooks of scope cluster that succeeded: from x to x kind */
#define HOOKS_PROOF_ID_BASE 524288 /* ids of proofs begin here, above those of all probes */
#define HOOKS_PROOF_IDS 262144
#define HOOKS_LOCK_POLL_MS 200

struct exec;
struct hooks_run;
struct loop_timer;

enum hooks_job_type { HOOKS_JOB_HOOK = 0, HOOKS_JOB_LOCK, HOOKS_JOB_PROOF };

/* One call of the engine's.  Its timer fires first in the turn after the call. */
struct hooks_job {
    struct hooks_job *prev, *next;
    struct hooks *hooks;
    enum hooks_job_type type;
    bool is_refused; /* too many wait */
    hooks_done *done;
    void *arg;
    struct loop_timer *timer; /* owned */
    struct operation op;
    char key[HOOKS_KEY_BYTES]; /* of the lock */

    /* HOOKS_JOB_HOOK */
    enum hook_kind kind;
    enum hook_scope scope;
    char **argv; /* owned, NULL-terminated; handed to the run if this job starts one */
    int64_t timeout_ms;
    struct hooks_run *run; /* NULL = none yet */

    /* HOOKS_JOB_PROOF */
    struct probe_cfg proof;
    char host[HOSTNAME_BYTES];
    struct target target;
    struct probe_request request; /* of the try in flight, which borrows it */
    struct mono deadline;         /* of the last try */
    bool is_once;
    struct probe_run *probe; /* in flight, or NULL */
    char detail[HOOKS_DETAIL_BYTES];
};

/* One program: waits until a place and its lock are free, then runs. */
struct hooks_run {
    struct hooks_run *prev, *next;
    struct hooks *hooks;
    char key[HOOKS_KEY_BYTES];
    enum hook_kind kind;
    enum hook_scope scope;
    char **argv; /* owned */
    int64_t timeout_ms;
    struct operation op; /* of the job that started it */
    struct exec *exec;   /* NULL = waits */
    int lock_fd;         /* -1 = waits */
    bool is_ending;      /* those who wait are being told */
    bool is_locked_out;  /* somebody else holds the lock ... */
    struct mono give_up; /* ... and has until then */
};

/* A hook of scope cluster that succeeded. */
struct hooks_memo {
    enum hook_kind kind;
    char from[NAME_BYTES], to[NAME_BYTES];
    char *command; /* owned: the words, each ended by a newline */
    struct mono at;
};

struct hooks {
    struct io *io; /* borrowed */
    char dir[PATH_BYTES];
    struct hooks_job *jobs, *last_job;
    struct hooks_run *runs, *last_run; /* in the order they were asked for */
    uint32_t n_jobs, n_executing;
    struct loop_timer *lock_timer; /* a run is locked out: look again */
    struct hooks_memo memos[HOOKS_MEMO_MAX];
    uint32_t n_memos;
    uint32_t next_proof;
};

/* Calls done and frees the job. */
void hooks_job_finish(struct hooks_job *job, bool ok, const char *detail);

/* Frees it without a word. */
void hooks_job_drop(struct hooks_job *job);

/* A free lock of that key: a descriptor that holds it, close-on-exec.  -1: *is_held, or err says
 * why not. */
int hooks_take_lock(const struct hooks *h, const char *key, bool *is_held, struct err *err);

/* The first turn of a hook's job, and the end of a job that was cancelled. */
void hooks_run_begin(struct hooks_job *job);
void hooks_run_leave(struct hooks_job *job);
void hooks_run_on_lock_timer(void *arg); /* struct hooks */
void hooks_run_free_all(struct hooks *h);

/* The timer of a proof's job. */
void hooks_proof_on_timer(struct hooks_job *job);

#endif
