#include <assert.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/hooks_job.h"
#include "dnsflip/io/exec.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"

#define MEMO_MS INT64_C(600000)  /* one evacuation */
#define COMMAND_BYTES_MAX 131072 /* all words of a command together */

#define ENV_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENV_LINES 10
#define ENV_LINE_BYTES (REASON_TEXT_BYTES + 32)

static void advance(struct hooks *h);

static struct mono now_of(const struct hooks *h)
{
    return loop_now(h->io->loop).mono;
}

/* ---- commands and memos --------------------------------------------------------------------- */

/* The words, each ended by a newline. */
static void join_words(char *const *argv, struct buf *out)
{
    buf_init(out, COMMAND_BYTES_MAX);
    for (; *argv != NULL; argv++) {
        buf_puts(out, *argv);
        buf_putc(out, '\n');
    }
}

static bool same_words(char *const *a, char *const *b)
{
    while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return *a == NULL && *b == NULL;
}

static void forget(struct hooks *h, uint32_t place)
{
    mem_free(h->memos[place].command);
    h->memos[place] = h->memos[--h->n_memos];
}

/* A hook that moved things from A to B undoes what others that moved them to A have done. */
static void remember(struct hooks *h, const struct hooks_run *run)
{
    struct buf command;
    uint32_t oldest = 0;

    for (uint32_t i = h->n_memos; i > 0; i--) {
        if (strcmp(h->memos[i - 1].to, run->op.from) == 0)
            forget(h, i - 1);
    }
    if (h->n_memos == HOOKS_MEMO_MAX) {
        for (uint32_t i = 1; i < h->n_memos; i++) {
            if (h->memos[i].at.ms < h->memos[oldest].at.ms)
                oldest = i;
        }
        forget(h, oldest);
    }
    struct hooks_memo *memo = &h->memos[h->n_memos++];
    *memo = (struct hooks_memo){ .kind = run->kind, .at = now_of(h) };
    (void)str_copy(memo->from, sizeof(memo->from), run->op.from);
    (void)str_copy(memo->to, sizeof(memo->to), run->op.to);
    join_words(run->argv, &command);
    memo->command = mem_strdup(buf_text(&command));
    buf_fini(&command);
}

static const struct hooks_memo *find_memo(const struct hooks *h, const struct hooks_job *job)
{
    const struct hooks_memo *found = NULL;
    struct buf command;

    join_words(job->argv, &command);
    for (uint32_t i = 0; i < h->n_memos; i++) {
        const struct hooks_memo *memo = &h->memos[i];

        if (memo->kind == job->kind && strcmp(memo->from, job->op.from) == 0 &&
            strcmp(memo->to, job->op.to) == 0 && mono_since(now_of(h), memo->at) < MEMO_MS &&
            strcmp(memo->command, buf_text(&command)) == 0)
            found = memo;
    }
    buf_fini(&command);
    return found;
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void unlink_run(struct hooks_run *run)
{
    struct hooks *h = run->hooks;

    *(run->prev != NULL ? &run->prev->next : &h->runs) = run->next;
    *(run->next != NULL ? &run->next->prev : &h->last_run) = run->prev;
    if (run->exec != NULL)
        h->n_executing--;
}

static void free_run(struct hooks_run *run)
{
    for (char **word = run->argv; *word != NULL; word++)
        mem_free(*word);
    mem_free(run->argv);
    if (run->lock_fd >= 0)
        close(run->lock_fd);
    mem_free(run);
}

static struct hooks_job *first_job_of(const struct hooks *h, const struct hooks_run *run)
{
    struct hooks_job *job = h->jobs;

    while (job != NULL && job->run != run)
        job = job->next;
    return job;
}

/* Tells all that wait for the run.  They may ask for more, or cancel each other, meanwhile. */
static void end_run(struct hooks_run *run, bool ok, const char *detail)
{
    struct hooks *h = run->hooks;
    struct hooks_job *job;

    unlink_run(run);
    run->is_ending = true;
    while ((job = first_job_of(h, run)) != NULL)
        hooks_job_finish(job, ok, detail);
    free_run(run);
}

static void describe_end(char out[static HOOKS_DETAIL_BYTES], const struct hooks_run *run,
                         const struct exec_result *result)
{
    char took[STR_DURATION_BYTES];
    char how[80];

    switch (result->end) {
    case EXEC_EXITED:
        (void)str_format(how, sizeof(how), "exit status %d", result->code);
        break;
    case EXEC_SIGNALLED:
        (void)str_format(how, sizeof(how), "killed by signal %d", result->code);
        break;
    case EXEC_TIMED_OUT:
        (void)str_format(how, sizeof(how), "stopped: it ran longer than %s",
                         str_format_duration(run->timeout_ms, took));
        break;
    }
    (void)str_format(out, HOOKS_DETAIL_BYTES, "%s%s%s", how,
                     result->last_line[0] != '\0' ? ": " : "", result->last_line);
}

static void on_exec_done(void *arg, const struct exec_result *result)
{
    struct hooks_run *run = arg;
    struct hooks *h = run->hooks;
    char detail[HOOKS_DETAIL_BYTES];
    bool ok = result->end == EXEC_EXITED && result->code == 0;

    run->exec = NULL;
    h->n_executing--;
    /* Also for what it may have left in the background. */
    (void)flock(run->lock_fd, LOCK_UN);
    describe_end(detail, run, result);
    if (ok && run->scope == SCOPE_CLUSTER)
        remember(h, run);
    end_run(run, ok, detail);
    advance(h);
}

struct environment {
    char lines[ENV_LINES][ENV_LINE_BYTES];
    const char *list[ENV_LINES + 2];
};

static void fill_environment(struct environment *env, const struct hooks_run *run)
{
    const struct operation *op = &run->op;
    size_t n = 0;

#define LINE(...) (void)str_format(env->lines[n++], ENV_LINE_BYTES, __VA_ARGS__)
    LINE("DNSFLIP_OPERATION=%s", op->id);
    LINE("DNSFLIP_GROUP=%s", op->group);
    LINE("DNSFLIP_FROM=%s", op->from);
    LINE("DNSFLIP_TO=%s", op->to);
    LINE("DNSFLIP_VERB=%s", verb_name(op->verb));
    LINE("DNSFLIP_EPOCH=%u", op->epoch);
    LINE("DNSFLIP_NAMES=%u", op->n_names);
    LINE("DNSFLIP_SCOPE=%s", run->scope == SCOPE_GROUP ? "group" : "cluster");
    LINE("DNSFLIP_KIND=%s", run->kind == HOOK_FENCE ? "fence" : "promote");
    LINE("DNSFLIP_REASON=%s", op->reason);
#undef LINE
    assert(n == ENV_LINES);
    env->list[0] = ENV_PATH;
    for (size_t i = 0; i < ENV_LINES; i++)
        env->list[i + 1] = env->lines[i];
    env->list[ENV_LINES + 1] = NULL;
}

static int start_program(struct hooks_run *run, struct err *err)
{
    const char *argv[ARGV_MAX + 1] = { NULL };
    struct environment env;

    for (size_t i = 0; i < ARGV_MAX && run->argv[i] != NULL; i++)
        argv[i] = run->argv[i];
    fill_environment(&env, run);
    struct exec_request request = {
        .argv = argv,
        .env = env.list,
        .timeout_ms = run->timeout_ms,
        .lock_fd = run->lock_fd,
    };
    if (exec_start(run->hooks->io->loop, &request, on_exec_done, run, &run->exec, err) != 0)
        return -1;
    run->hooks->n_executing++;
    return 0;
}

static bool is_ours(const struct hooks_run *run)
{
    const struct hooks_run *other = run->hooks->runs;

    while (other != NULL && (other->exec == NULL || strcmp(other->key, run->key) != 0))
        other = other->next;
    return other != NULL;
}

/* Somebody holds the lock: a hook of ours, or one that outlived an earlier judge.  -1 once that
 * one has had its time. */
static int wait_for_lock(struct hooks_run *run, struct err *err)
{
    struct hooks *h = run->hooks;
    char took[STR_DURATION_BYTES];
    struct mono now = now_of(h);

    loop_timer_set(h->lock_timer, mono_add(now, HOOKS_LOCK_POLL_MS));
    if (is_ours(run)) {
        run->is_locked_out = false;
        return 0;
    }
    if (!run->is_locked_out) {
        run->is_locked_out = true;
        run->give_up = mono_add(now, run->timeout_ms);
    }
    if (mono_since(run->give_up, now) > 0)
        return 0;
    return err_set(err, ERR_TIMEOUT,
                   "not run: an earlier hook still holds the lock %.80s.lock after %s", run->key,
                   str_format_duration(run->timeout_ms, took));
}

/* -1: it can never start. */
static int try_start(struct hooks_run *run, struct err *err)
{
    bool is_held;

    run->lock_fd = hooks_take_lock(run->hooks, run->key, &is_held, err);
    if (run->lock_fd >= 0)
        return start_program(run, err);
    return is_held ? wait_for_lock(run, err) : -1;
}

/* Starts what can start, in the order of asking. */
static void advance(struct hooks *h)
{
    struct hooks_run *run = h->runs;
    struct err err;

    while (run != NULL && h->n_executing < HOOKS_AT_ONCE) {
        if (run->exec == NULL && try_start(run, &err) != 0) {
            end_run(run, false, err.text);
            run = h->runs; /* whoever was told may have changed the list */
        } else {
            run = run->next;
        }
    }
}

void hooks_run_on_lock_timer(void *arg)
{
    advance(arg);
}

/* ---- for the jobs --------------------------------------------------------------------------- */

/* A run that does for this job too: only hooks of scope cluster are shared. */
static struct hooks_run *find_run(const struct hooks_job *job)
{
    struct hooks_run *run = job->hooks->runs;

    while (run != NULL &&
           (run->scope != SCOPE_CLUSTER || run->kind != job->kind ||
            strcmp(run->op.from, job->op.from) != 0 || strcmp(run->op.to, job->op.to) != 0 ||
            !same_words(run->argv, job->argv)))
        run = run->next;
    return run;
}

static struct hooks_run *new_run(struct hooks_job *job)
{
    struct hooks *h = job->hooks;
    struct hooks_run *run = mem_zalloc(sizeof(*run));

    run->hooks = h;
    memcpy(run->key, job->key, sizeof(run->key));
    run->kind = job->kind;
    run->scope = job->scope;
    run->argv = job->argv;
    job->argv = NULL;
    run->timeout_ms = job->timeout_ms;
    run->op = job->op;
    run->lock_fd = -1;
    run->prev = h->last_run;
    *(h->last_run != NULL ? &h->last_run->next : &h->runs) = run;
    h->last_run = run;
    return run;
}

void hooks_run_begin(struct hooks_job *job)
{
    struct hooks *h = job->hooks;

    if (job->scope == SCOPE_CLUSTER) {
        const struct hooks_memo *memo = find_memo(h, job);
        char text[HOOKS_DETAIL_BYTES];
        char ago[STR_DURATION_BYTES];

        if (memo != NULL) {
            (void)str_format(text, sizeof(text), "it succeeded for %s to %s %s ago", memo->from,
                             memo->to, str_format_duration(mono_since(now_of(h), memo->at), ago));
            hooks_job_finish(job, true, text);
            return;
        }
        job->run = find_run(job);
    }
    if (job->run == NULL) {
        job->run = new_run(job);
        advance(h);
    }
}

void hooks_run_leave(struct hooks_job *job)
{
    struct hooks_run *run = job->run;
    struct hooks *h = job->hooks;

    job->run = NULL;
    if (run == NULL || run->is_ending || first_job_of(h, run) != NULL)
        return;
    unlink_run(run);
    if (run->exec != NULL)
        exec_cancel(run->exec);
    free_run(run);
    /* Its place is free: not from here, where callbacks would be a surprise. */
    loop_timer_set(h->lock_timer, now_of(h));
}

void hooks_run_free_all(struct hooks *h)
{
    while (h->runs != NULL) {
        struct hooks_run *run = h->runs;

        if (run->exec != NULL)
            exec_detach(run->exec);
        unlink_run(run);
        free_run(run);
    }
}
