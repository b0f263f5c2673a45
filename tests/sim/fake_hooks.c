/* tests/sim/fake_hooks.c -- engine/hooks.h: hooks that work, fail or hang, and their proof. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/world.h"

#define HOOK_MS 1000
#define PROOF_MS 20
#define LOCK_LOOK_MS 200

enum what { RUN_FENCE, RUN_PROMOTE, RUN_PROOF, RUN_LOCK };

struct job {
    struct hooks *hooks;
    char operation[OPERATION_ID_BYTES];
    enum what what;
    int cluster; /* destination */
    struct mono until;
    struct loop_timer *timer;
    hooks_done *done;
    void *arg;
    struct job *next;
};

struct hooks {
    struct loop *loop;
    struct job *jobs;
};

int hooks_new(struct io *io, const char *state_dir, struct hooks **out, struct err *err)
{
    (void)state_dir;
    (void)err;
    *out = mem_zalloc(sizeof(**out));
    (*out)->loop = io->loop;
    return 0;
}

static void drop(struct job *job)
{
    for (struct job **at = &job->hooks->jobs; *at != NULL; at = &(*at)->next) {
        if (*at == job) {
            *at = job->next;
            break;
        }
    }
    loop_timer_free(job->timer);
    mem_free(job);
}

static bool is_hook(const struct job *job)
{
    return job->what == RUN_FENCE || job->what == RUN_PROMOTE;
}

/* A hook is a program of its own: it goes on, and nobody hears of its end. */
void hooks_free(struct hooks *h)
{
    if (h == NULL)
        return;
    while (h->jobs != NULL) {
        struct job *job = h->jobs;

        if (is_hook(job)) {
            h->jobs = job->next;
            job->done = NULL;
            job->hooks = NULL;
        } else {
            drop(job);
        }
    }
    mem_free(h);
}

static bool proof_passes(const struct job *job)
{
    return !world.is_proof_broken && world.clusters[job->cluster].is_promoted;
}

static void end(struct job *job, bool ok, const char *detail)
{
    hooks_done *done = job->done;
    void *arg = job->arg;

    world.hooks_alive -= is_hook(job);
    if (job->hooks == NULL) {
        loop_timer_free(job->timer);
        mem_free(job);
        return;
    }
    drop(job);
    done(arg, ok, detail);
}

static void on_timer(void *arg)
{
    struct job *job = arg;
    struct mono now = loop_now(world.loop).mono;
    enum world_hook how = job->what == RUN_FENCE ? world.fence : world.promote;

    if (job->what == RUN_LOCK) {
        if (world.is_lock_broken)
            end(job, false, "cannot open the hook's lock");
        else if (world.hooks_alive == 0)
            end(job, true, "free");
        else
            loop_timer_set(job->timer, mono_add(now, LOCK_LOOK_MS));
        return;
    }
    if (job->what == RUN_PROOF) {
        if (proof_passes(job) || now.ms >= job->until.ms)
            end(job, proof_passes(job), "proof asked");
        else
            loop_timer_set(job->timer, mono_add(now, HOOKS_PROOF_MS));
        return;
    }
    if (how == HOOK_WORKS && job->what == RUN_PROMOTE)
        world.clusters[job->cluster].is_promoted = true;
    end(job, how == HOOK_WORKS, how == HOOK_HANGS ? "timed out" : "exit 1");
}

static void start(struct hooks *h, enum what what, const struct operation *op, int64_t after_ms,
                  int64_t timeout_ms, hooks_done *done, void *arg)
{
    struct job *job = mem_zalloc(sizeof(*job));
    struct mono now = loop_now(h->loop).mono;

    *job = (struct job){ .hooks = h,
                         .what = what,
                         .cluster = settings_find_cluster(world.settings, op->to),
                         .until = mono_add(now, timeout_ms),
                         .done = done,
                         .arg = arg,
                         .next = h->jobs };
    str_copy(job->operation, sizeof(job->operation), op->id);
    h->jobs = job;
    job->timer = loop_timer_new(h->loop, on_timer, job);
    loop_timer_set(job->timer, mono_add(now, after_ms));
}

void hooks_run(struct hooks *h, enum hook_kind kind, const struct promotion_cfg *cfg,
               const struct operation *op, hooks_done *done, void *arg)
{
    enum world_hook how = kind == HOOK_FENCE ? world.fence : world.promote;

    int cluster = settings_find_cluster(world.settings, op->to);

    world.hooks_run++;
    world.needless_promotes +=
        kind == HOOK_PROMOTE &&
        (world.hooks_alive > 0 || (!world.is_proof_broken && world.clusters[cluster].is_promoted));
    world.hooks_alive++;
    start(h, kind == HOOK_FENCE ? RUN_FENCE : RUN_PROMOTE, op,
          how == HOOK_HANGS ? cfg->timeout_ms : HOOK_MS, 0, done, arg);
}

void hooks_wait_lock(struct hooks *h, const struct promotion_cfg *cfg, const struct operation *op,
                     hooks_done *done, void *arg)
{
    (void)cfg;
    start(h, RUN_LOCK, op, LOCK_LOOK_MS, 0, done, arg);
}

void hooks_prove(struct hooks *h, const struct promotion_cfg *cfg, const struct operation *op,
                 int64_t timeout_ms, hooks_done *done, void *arg)
{
    (void)cfg;
    start(h, RUN_PROOF, op, PROOF_MS, timeout_ms, done, arg);
}

void hooks_cancel(struct hooks *h, const char *operation)
{
    for (struct job *job = h->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (strcmp(job->operation, operation) != 0)
            continue;
        world.hooks_alive -= is_hook(job);
        drop(job);
    }
}
