/* dnsflip/providers/route53_submit.c -- a step sent batch by batch, and the wait until every change
 * is on all of its zone's servers. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/route53_job.h"

/* How often a batch without an answer is looked for and, if it is not there, sent again. */
#define UNKNOWN_MAX 3

/* ---- submit ---------------------------------------------------------------------------------- */

static void submit_end(struct route53_job *job, const struct err *why)
{
    provider_submit_done *done = job->done.submit;
    void *arg = job->arg;
    char token[PROVIDER_TOKEN_BYTES];
    bool is_changed = why == NULL || job->n_sent > 0 || job->is_begun || job->is_unknown;
    struct err err = { 0 };

    if (why != NULL)
        err = *why;
    (void)str_copy(token, sizeof(token), job->token);
    route53_job_end(job);
    done(arg, is_changed ? token : NULL, why != NULL ? &err : NULL);
}

static void send_batch(struct route53_job *job);
static void on_live(void *arg, struct route53_zones *zones, const struct err *err);

/* What is there now decides; nothing is sent again unread. */
static void look(struct route53_job *job)
{
    route53_plan_fini(&job->plan);
    route53_zones_free(job->zones);
    job->zones = NULL;
    route53_job_read(job, AWS_LANE_FLIP, on_live);
}

/* The zone's newest change takes the place of its older ones: their order is kept. */
static void add_token(struct route53_job *job, size_t batch, const char *id)
{
    const struct route53_plan *plan = &job->plan;
    bool is_same_zone = batch > 0 && plan->batches[batch].zone == plan->batches[batch - 1].zone;
    char *last = strrchr(job->token, ' ');
    size_t kept = strlen(job->token);

    if (is_same_zone && kept > 0)
        kept = last != NULL ? (size_t)(last - job->token) : 0;
    /* One that does not fit is left out whole: verification asks the name servers all the same. */
    if (!str_format(job->token + kept, sizeof(job->token) - kept, "%s%s", kept > 0 ? " " : "", id))
        job->token[kept] = '\0';
}

static void on_batch(void *arg, const struct aws_answer *answer)
{
    struct route53_job *job = arg;
    struct route53_change_info info;
    struct err err = answer->err;

    job->request = NULL;
    job->route53->api.writes++;
    if (answer->outcome == AWS_OK &&
        route53_read_change(answer->body, answer->body_bytes, &info, &err) == 0) {
        add_token(job, job->next, info.id);
        job->n_sent++;
        job->next++;
        send_batch(job);
        return;
    }
    (void)err_wrap(&err, "hosted zone %s", job->zones->zones[job->plan.batches[job->next].zone].id);
    if (answer->outcome == AWS_OK || answer->outcome == AWS_UNKNOWN) {
        job->is_unknown = true;
        job->n_unknown++;
        job->why = err;
        look(job);
        return;
    }
    if (answer->outcome == AWS_REFUSED && strcmp(answer->code, "InvalidChangeBatch") == 0) {
        err.code = ERR_CONFLICT;
        job->why = err;
        look(job);
        return;
    }
    submit_end(job, &err);
}

static void send_batch(struct route53_job *job)
{
    char id[OPERATION_ID_BYTES];
    struct err err;

    if (job->next == job->plan.n_batches) {
        submit_end(job, NULL);
        return;
    }
    (void)str_format(id, sizeof(id), "op-%u", job->step.epoch);
    buf_fini(&job->body);
    buf_init(&job->body, ROUTE53_BODY_BYTES);
    if (route53_batch_write(&job->plan, job->next, job->group.name, id, job->step.epoch, &job->body,
                            &err) != 0) {
        submit_end(job, &err);
        return;
    }
    job->request = route53_api_change(&job->route53->api,
                                      job->zones->zones[job->plan.batches[job->next].zone].id,
                                      buf_text(&job->body), job->body.len, on_batch, job);
}

/* Not known, and cannot be found out now: said as changed in part, so that it is looked into. */
static void look_failed(struct route53_job *job, const struct err *err)
{
    submit_end(job, job->why.text[0] != '\0' ? &job->why : err);
}

static void on_live(void *arg, struct route53_zones *zones, const struct err *err)
{
    struct route53_job *job = arg;
    struct route53_move move = route53_job_move(job);
    struct err why = { 0 };

    job->reading = NULL;
    job->zones = zones;
    if (zones == NULL) {
        look_failed(job, err);
        return;
    }
    /* Every batch leaves its epoch in its zone: what had no answer is known now. */
    job->is_unknown = false;
    job->is_begun = route53_newest_epoch(job) == job->step.epoch;
    if (route53_plan_init(&job->plan, &move, zones->zones, zones->n, &why) != 0) {
        submit_end(job, &why);
        return;
    }
    /* A batch that failed its comparison, and now compares: somebody else writes too.  One without
     * an answer was not carried out, or its part is left out of the new plan. */
    if (job->why.text[0] != '\0' && job->plan.n_batches > 0 &&
        (job->why.code == ERR_CONFLICT || job->n_unknown >= UNKNOWN_MAX)) {
        submit_end(job, &job->why);
        return;
    }
    job->next = 0;
    send_batch(job);
}

struct provider_call *route53_submit(struct provider *p, const struct step *step,
                                     provider_submit_done *done, void *arg)
{
    struct route53_job *job = route53_job_new(p, step, arg);

    job->done.submit = done;
    look(job);
    return &job->call;
}

/* ---- settle ---------------------------------------------------------------------------------- */

static void settle_end(struct route53_job *job, const struct err *why)
{
    provider_settle_done *done = job->done.settle;
    void *arg = job->arg;
    struct err err = { 0 };

    if (why != NULL)
        err = *why;
    route53_job_end(job);
    done(arg, why != NULL ? &err : NULL);
}

static void ask_change(void *arg);

static void on_change(void *arg, const struct aws_answer *answer)
{
    struct route53_job *job = arg;
    struct route53_change_info info = { .is_insync = false };
    struct err err = answer->err;

    job->request = NULL;
    if (answer->outcome != AWS_OK && !err.retry) {
        settle_end(job, &err);
        return;
    }
    if (answer->outcome == AWS_OK &&
        route53_read_change(answer->body, answer->body_bytes, &info, &err) != 0) {
        settle_end(job, &err);
        return;
    }
    if (info.is_insync) {
        job->next += strcspn(job->token + job->next, " ");
        job->next += strspn(job->token + job->next, " ");
        ask_change(job);
        return;
    }
    loop_timer_set(job->timer, mono_add(loop_now(job->route53->api.loop).mono, ROUTE53_POLL_MS));
}

/* next is where the next id begins in the token. */
static void ask_change(void *arg)
{
    struct route53_job *job = arg;
    size_t n = strcspn(job->token + job->next, " ");
    char id[ROUTE53_ID_BYTES];
    struct err err;

    if (n == 0) {
        settle_end(job, NULL);
        return;
    }
    if (!str_format(id, sizeof(id), "%.*s", (int)n, job->token + job->next)) {
        (void)err_set(&err, ERR_REMOTE, "a change id of %zu characters, at most %u are known", n,
                      ROUTE53_ID_BYTES - 1);
        settle_end(job, &err);
        return;
    }
    job->request = route53_api_get_change(&job->route53->api, id, on_change, job);
}

struct provider_call *route53_settle(struct provider *p, const struct step *step, const char *token,
                                     provider_settle_done *done, void *arg)
{
    struct route53_job *job = route53_job_new(p, step, arg);

    job->done.settle = done;
    (void)str_copy(job->token, sizeof(job->token), token);
    job->timer = loop_timer_new(job->route53->api.loop, ask_change, job);
    loop_timer_set(job->timer, loop_now(job->route53->api.loop).mono);
    return &job->call;
}
