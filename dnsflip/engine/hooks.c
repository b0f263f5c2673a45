#include "dnsflip/engine/hooks.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/hooks_job.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "probes/probe.h"

/* ---- locks ---------------------------------------------------------------------------------- */

/* KEY of a lock: the group, or for scope cluster both clusters. */
static void make_key(char out[static HOOKS_KEY_BYTES], const struct promotion_cfg *cfg,
                     const struct operation *op)
{
    switch (cfg->scope) {
    case SCOPE_GROUP:
        (void)str_copy(out, HOOKS_KEY_BYTES, op->group);
        break;
    case SCOPE_CLUSTER:
        (void)str_format(out, HOOKS_KEY_BYTES, "%s-%s", op->from, op->to);
        break;
    }
    for (char *p = out; *p != '\0'; p++) {
        if (*p == '/')
            *p = '_';
    }
}

int hooks_take_lock(const struct hooks *h, const char *key, bool *is_held, struct err *err)
{
    char path[PATH_BYTES + HOOKS_KEY_BYTES + 16];

    *is_held = false;
    (void)str_format(path, sizeof(path), "%s/%s.lock", h->dir, key);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(err, errno, "cannot open the hook's lock %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    *is_held = errno == EWOULDBLOCK;
    (void)err_sys(err, errno, "cannot lock %s", path);
    close(fd);
    return -1;
}

static void look_at_lock(struct hooks_job *job)
{
    bool is_held;
    struct err err;
    int fd = hooks_take_lock(job->hooks, job->key, &is_held, &err);

    if (fd >= 0) {
        close(fd);
        hooks_job_finish(job, true, "no hook runs any more");
    } else if (is_held) {
        struct mono now = loop_now(job->hooks->io->loop).mono;
        loop_timer_set(job->timer, mono_add(now, HOOKS_LOCK_POLL_MS));
    } else {
        hooks_job_finish(job, false, err.text);
    }
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static void on_timer(void *arg)
{
    struct hooks_job *job = arg;

    if (job->is_refused) {
        char text[80];

        (void)str_format(text, sizeof(text), "%d hooks and proofs wait already", HOOKS_JOBS_MAX);
        hooks_job_finish(job, false, text);
        return;
    }
    switch (job->type) {
    case HOOKS_JOB_HOOK:
        hooks_run_begin(job);
        break;
    case HOOKS_JOB_LOCK:
        look_at_lock(job);
        break;
    case HOOKS_JOB_PROOF:
        hooks_proof_on_timer(job);
        break;
    }
}

static struct hooks_job *job_new(struct hooks *h, enum hooks_job_type type,
                                 const struct promotion_cfg *cfg, const struct operation *op,
                                 hooks_done *done, void *arg)
{
    struct hooks_job *job = mem_zalloc(sizeof(*job));

    job->hooks = h;
    job->type = type;
    job->is_refused = h->n_jobs >= HOOKS_JOBS_MAX;
    job->done = done;
    job->arg = arg;
    job->op = *op;
    make_key(job->key, cfg, op);
    job->prev = h->last_job;
    *(h->last_job != NULL ? &h->last_job->next : &h->jobs) = job;
    h->last_job = job;
    h->n_jobs++;
    job->timer = loop_timer_new(h->io->loop, on_timer, job);
    loop_timer_set(job->timer, loop_now(h->io->loop).mono);
    return job;
}

void hooks_job_drop(struct hooks_job *job)
{
    struct hooks *h = job->hooks;

    *(job->prev != NULL ? &job->prev->next : &h->jobs) = job->next;
    *(job->next != NULL ? &job->next->prev : &h->last_job) = job->prev;
    h->n_jobs--;
    if (job->probe != NULL)
        probe_cancel(job->probe);
    for (char **word = job->argv; word != NULL && *word != NULL; word++)
        mem_free(*word);
    mem_free(job->argv);
    loop_timer_free(job->timer);
    /* A probe may still look at its request while it calls back. */
    loop_defer_free(h->io->loop, job);
}

void hooks_job_finish(struct hooks_job *job, bool ok, const char *detail)
{
    hooks_done *done = job->done;
    void *arg = job->arg;
    char text[HOOKS_DETAIL_BYTES];

    (void)str_copy(text, sizeof(text), detail);
    hooks_job_drop(job);
    done(arg, ok, text);
}

/* ---- the engine's calls --------------------------------------------------------------------- */

int hooks_new(struct io *io, const char *state_dir, struct hooks **out, struct err *err)
{
    char dir[PATH_BYTES];

    if (!str_format(dir, sizeof(dir), "%s/hooks", state_dir))
        return err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", state_dir,
                       PATH_BYTES - 1);
    if (fsio_make_dir(dir, 0700, err) != 0)
        return -1;
    struct hooks *h = mem_zalloc(sizeof(*h));
    h->io = io;
    (void)str_copy(h->dir, sizeof(h->dir), dir);
    h->lock_timer = loop_timer_new(io->loop, hooks_run_on_lock_timer, h);
    *out = h;
    return 0;
}

void hooks_free(struct hooks *h)
{
    if (h == NULL)
        return;
    while (h->jobs != NULL)
        hooks_job_drop(h->jobs);
    hooks_run_free_all(h);
    for (uint32_t i = 0; i < h->n_memos; i++)
        mem_free(h->memos[i].command);
    loop_timer_free(h->lock_timer);
    mem_free(h);
}

static char **copy_words(const struct command_cfg *command)
{
    char **words = mem_array((size_t)command->n_argv + 1, sizeof(*words));

    for (size_t i = 0; i < command->n_argv; i++)
        words[i] = mem_strdup(command->argv[i]);
    return words;
}

void hooks_run(struct hooks *h, enum hook_kind kind, const struct promotion_cfg *cfg,
               const struct operation *op, hooks_done *done, void *arg)
{
    const struct command_cfg *command = kind == HOOK_FENCE ? &cfg->fence : &cfg->command;
    struct hooks_job *job = job_new(h, HOOKS_JOB_HOOK, cfg, op, done, arg);

    assert(command->n_argv > 0);
    job->kind = kind;
    job->scope = cfg->scope;
    job->argv = copy_words(command);
    job->timeout_ms = cfg->timeout_ms;
}

void hooks_wait_lock(struct hooks *h, const struct promotion_cfg *cfg, const struct operation *op,
                     hooks_done *done, void *arg)
{
    (void)job_new(h, HOOKS_JOB_LOCK, cfg, op, done, arg);
}

/* text with each {cluster} replaced; false if it grows too long. */
static bool expand(char *out, size_t cap, const char *text, const char *cluster)
{
    static const char mark[] = "{cluster}";
    size_t len = 0;

    out[0] = '\0';
    while (*text != '\0') {
        bool is_mark = str_starts(text, mark);

        if (!str_format(out + len, cap - len, "%.*s", is_mark ? NAME_BYTES : 1,
                        is_mark ? cluster : text))
            return false;
        len += strlen(out + len);
        text += is_mark ? sizeof(mark) - 1 : 1;
    }
    return true;
}

void hooks_prove(struct hooks *h, const struct promotion_cfg *cfg, const struct operation *op,
                 int64_t timeout_ms, hooks_done *done, void *arg)
{
    struct hooks_job *job = job_new(h, HOOKS_JOB_PROOF, cfg, op, done, arg);
    struct inet_ip ip;

    job->proof = cfg->proof;
    job->is_once = timeout_ms <= 0;
    job->deadline = mono_add(loop_now(h->io->loop).mono, timeout_ms);
    /* Too long a name is no name: the probe will say that it does not resolve. */
    if (!expand(job->host, sizeof(job->host), cfg->proof_host, op->to) ||
        !expand(job->proof.path, sizeof(job->proof.path), cfg->proof.path, op->to))
        job->host[0] = '\0';
    if (!inet_parse_ip(job->host, &ip)) {
        (void)str_copy(job->target.cname, sizeof(job->target.cname), job->host);
    } else if (ip.family == 4) {
        job->target.a[0] = ip;
        job->target.n_a = 1;
    } else {
        job->target.aaaa[0] = ip;
        job->target.n_aaaa = 1;
    }
}

void hooks_cancel(struct hooks *h, const char *operation)
{
    struct hooks_job *job = h->jobs;

    while (job != NULL) {
        struct hooks_job *next = job->next;

        if (strcmp(job->op.id, operation) == 0) {
            hooks_run_leave(job);
            hooks_job_drop(job);
        }
        job = next;
    }
}
