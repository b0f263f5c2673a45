#include "dnsflip/io/aws_fetch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_env.h"
#include "dnsflip/io/aws_fetch_internal.h"
#include "dnsflip/io/aws_profile.h"
#include "dnsflip/io/exec.h"
#include "dnsflip/io/loop.h"

static void fetch_free(struct aws_fetch *f)
{
    loop_timer_free(f->timer);
    aws_plan_free(f->plan);
    aws_keys_fini(&f->keys);
    secret_free(f->imds_token);
    mem_free(f);
}

static void end(struct aws_fetch *f, bool is_found)
{
    char source[AWS_SOURCE_BYTES];
    struct aws_keys keys = f->keys;
    struct err err = f->err;
    aws_fetch_done *done = f->done;
    void *arg = f->arg;
    f->keys = (struct aws_keys){ 0 };
    str_copy(source, sizeof source, f->plan->source);
    if (is_found && f->imds_role[0] != '\0' && f->plan->n_roles == 0)
        str_format(source, sizeof source, "instance metadata, role %s", f->imds_role);
    if (!is_found) {
        aws_keys_fini(&keys);
        err_wrap(&err, "AWS credentials from %s", source);
    }
    fetch_free(f);
    done(arg, is_found ? &keys : NULL, source, &err);
}

static uint64_t tries_of(const struct aws_fetch *f)
{
    switch (f->step) {
    case AWS_STEP_KEYS:
    case AWS_STEP_PROCESS:
        return 1;
    case AWS_STEP_IMDS_TOKEN:
    case AWS_STEP_IMDS_ROLE:
    case AWS_STEP_IMDS_KEYS:
    case AWS_STEP_CONTAINER:
        return f->plan->tries;
    case AWS_STEP_WEB_IDENTITY:
    case AWS_STEP_ROLE:
        return AWS_STS_TRIES;
    }
    return 1;
}

static void begin_step(struct aws_fetch *f, enum aws_step step, int64_t pause_ms)
{
    if (f->step != step)
        f->n_tries = 0;
    f->step = step;
    loop_timer_set(f->timer, mono_add(loop_now(f->loop).mono, pause_ms));
}

static void go_on(struct aws_fetch *f)
{
    switch (f->step) {
    case AWS_STEP_IMDS_TOKEN:
        begin_step(f, AWS_STEP_IMDS_ROLE, 0);
        return;
    case AWS_STEP_IMDS_ROLE:
        begin_step(f, AWS_STEP_IMDS_KEYS, 0);
        return;
    case AWS_STEP_ROLE:
        f->n_assumed++;
        f->n_tries = 0;
        break;
    case AWS_STEP_KEYS:
    case AWS_STEP_PROCESS:
    case AWS_STEP_IMDS_KEYS:
    case AWS_STEP_CONTAINER:
    case AWS_STEP_WEB_IDENTITY:
        break;
    }
    if (f->n_assumed < f->plan->n_roles)
        begin_step(f, AWS_STEP_ROLE, 0);
    else
        end(f, true);
}

static void follow(struct aws_fetch *f, enum aws_verdict verdict)
{
    if (verdict == AWS_VERDICT_NEXT)
        go_on(f);
    else if (verdict == AWS_VERDICT_RETRY && f->n_tries < tries_of(f))
        begin_step(f, f->step, AWS_TRY_PAUSE_MS);
    else
        end(f, false);
}

static void on_answer(void *arg, const struct web_answer *answer)
{
    struct aws_fetch *f = arg;
    f->call = NULL;
    follow(f, aws_fetch_judge(f, answer));
}

/* ---- credential_process ------------------------------------------------------------------------
 */

/* An absolute path for a program named without one, as PATH has it. */
static int find_program(const struct aws_fetch *f, const char *name, char out[static PATH_BYTES],
                        struct err *err)
{
    if (strchr(name, '/') != NULL) {
        if (name[0] != '/' || !str_copy(out, PATH_BYTES, name))
            return err_set(err, ERR_CONFIG,
                           "its program is named by a relative path: write an absolute one");
        return 0;
    }
    const char *at = aws_env_text(f->env, "PATH");
    while (*at != '\0') {
        size_t n = strcspn(at, ":");
        if (n > 0 && at[0] == '/' && str_format(out, PATH_BYTES, "%.*s/%s", (int)n, at, name) &&
            access(out, X_OK) == 0)
            return 0;
        at += n;
        at += *at == ':' ? 1 : 0;
    }
    return err_set(err, ERR_CONFIG, "its program is in no directory of PATH");
}

static int judge_process(struct aws_fetch *f, const struct exec_result *result)
{
    if (result->end == EXEC_TIMED_OUT)
        return err_set(&f->err, ERR_TIMEOUT, "it did not end within %lld s",
                       (long long)(AWS_PROCESS_TIMEOUT_MS / 1000));
    if (result->end == EXEC_SIGNALLED)
        return err_set(&f->err, ERR_SYS, "it was ended by signal %d", result->code);
    if (result->code != 0)
        return err_set(&f->err, ERR_SYS, "it ended with status %d: run it by hand to see why",
                       result->code);
    if (result->output_bytes > result->kept_bytes)
        return err_set(&f->err, ERR_LIMIT, "it wrote more than %d bytes", AWS_DOCUMENT_BYTES_MAX);
    if (aws_document_json(result->output, result->kept_bytes, true, &f->keys, &f->err) != 0)
        return -1;
    if (f->keys.expires.ms != 0 && f->keys.expires.ms <= loop_now(f->loop).wall.ms) {
        aws_keys_fini(&f->keys);
        return err_set(&f->err, ERR_REMOTE, "the credentials that it gave have expired");
    }
    return 0;
}

static void on_process(void *arg, const struct exec_result *result)
{
    struct aws_fetch *f = arg;
    f->exec = NULL;
    follow(f, judge_process(f, result) == 0 ? AWS_VERDICT_NEXT : AWS_VERDICT_FAIL);
}

static const char *const *as_const(char **list)
{
    union {
        char **in;
        const char *const *out;
    } cast = { .in = list };
    return cast.out;
}

static int run_process(struct aws_fetch *f, struct err *err)
{
    char path[PATH_BYTES];
    char **words = aws_words_new(f->plan->command);
    if (words == NULL || words[0] == NULL) {
        aws_words_free(words);
        return err_set(err, ERR_CONFIG, "it is empty, has an open quote, or more than %d words",
                       AWS_WORDS_MAX);
    }
    int rc = find_program(f, words[0], path, err);
    if (rc == 0) {
        mem_free(words[0]);
        words[0] = mem_strdup(path);
        struct exec_request request = { .argv = as_const(words),
                                        .env = as_const(f->env->items),
                                        .timeout_ms = AWS_PROCESS_TIMEOUT_MS,
                                        .output_max_bytes = AWS_DOCUMENT_BYTES_MAX,
                                        .lock_fd = -1 };
        rc = exec_start(f->loop, &request, on_process, f, &f->exec, err);
    }
    aws_words_free(words);
    return rc;
}

/* ---- steps
 * --------------------------------------------------------------------------------------- */

static void use_keys(struct aws_fetch *f)
{
    f->keys = f->plan->keys;
    f->plan->keys = (struct aws_keys){ 0 };
    if (f->keys.expires.ms != 0 && f->keys.expires.ms <= loop_now(f->loop).wall.ms) {
        err_set(&f->err, ERR_CONFIG, "they have expired");
        end(f, false);
        return;
    }
    go_on(f);
}

static void on_timer(void *arg)
{
    struct aws_fetch *f = arg;
    f->n_tries++;
    if (f->step == AWS_STEP_KEYS) {
        use_keys(f);
        return;
    }
    int rc = f->step == AWS_STEP_PROCESS ? run_process(f, &f->err)
                                         : aws_fetch_send(f, on_answer, &f->err);
    if (rc != 0)
        end(f, false);
}

static enum aws_step first_step(enum aws_base base)
{
    switch (base) {
    case AWS_BASE_KEYS:
        return AWS_STEP_KEYS;
    case AWS_BASE_WEB_IDENTITY:
        return AWS_STEP_WEB_IDENTITY;
    case AWS_BASE_PROCESS:
        return AWS_STEP_PROCESS;
    case AWS_BASE_CONTAINER:
        return AWS_STEP_CONTAINER;
    case AWS_BASE_IMDS:
        return AWS_STEP_IMDS_TOKEN;
    }
    return AWS_STEP_KEYS;
}

struct aws_fetch *aws_fetch_start(const struct aws_cfg *cfg, const struct aws_env *env,
                                  struct loop *loop, struct web *web, struct aws_plan *plan,
                                  aws_fetch_done *done, void *arg)
{
    struct aws_fetch *f = mem_zalloc(sizeof *f);
    *f = (struct aws_fetch){
        .cfg = cfg, .env = env, .loop = loop, .web = web, .plan = plan, .done = done, .arg = arg
    };
    f->timer = loop_timer_new(loop, on_timer, f);
    begin_step(f, first_step(plan->base), 0);
    return f;
}

void aws_fetch_cancel(struct aws_fetch *f)
{
    if (f == NULL)
        return;
    if (f->call != NULL)
        web_cancel(f->call);
    if (f->exec != NULL)
        exec_cancel(f->exec);
    fetch_free(f);
}
