#include <string.h>

#include "dnsflip/base/str.h"
#include "probes/airflow_health.h"
#include "probes/check.h"
#include "probes/probe_keys.h"

/* What is being asked.  The first question of a run decides for both profiles; what follows it is
 * asked of an active cluster only. */
enum step {
    STEP_VERSION_3 = 0,
    STEP_VERSION_2,
    STEP_HEALTH_3,
    STEP_HEALTH_2,
    STEP_EXECUTION,
    STEP_PING,
};

static const char *const paths[] = {
    [STEP_VERSION_3] = "/api/v2/version",       [STEP_VERSION_2] = "/api/v1/version",
    [STEP_HEALTH_3] = "/api/v2/monitor/health", [STEP_HEALTH_2] = "/api/v1/health",
    [STEP_EXECUTION] = "/execution/health",     [STEP_PING] = "/execution/health/ping",
};

struct airflow {
    struct check check; /* first */
    enum step step;
};

static const char *problem(const struct probe_cfg *cfg)
{
    if (cfg->heartbeat_max_age_ms < 1)
        return "heartbeat_max_age must be above 0";
    return NULL;
}

static void ask(struct airflow *a, enum step step)
{
    a->step = step;
    a->check.is_standby_judged =
        step == STEP_HEALTH_3 || step == STEP_HEALTH_2 || step == STEP_PING;
    check_get(&a->check, paths[step]);
}

static void end(struct airflow *a, enum reason_code reason)
{
    check_set_both(&a->check, reason);
    check_finish(&a->check);
}

static void end_active(struct airflow *a, enum reason_code reason)
{
    check_set(&a->check, PROFILE_ACTIVE, reason);
    check_finish(&a->check);
}

/* Airflow 2 under another base path says this, in plain text. */
static bool is_elsewhere(const struct http_response *response)
{
    static const char text[] = "not at this location";
    return memmem(response->body, response->body_bytes, text, sizeof text - 1) != NULL;
}

/* Of an answer that should be a JSON document: REASON_OK, or what stands in the way of reading it.
 */
static enum reason_code judge_frame(struct airflow *a, const struct http_response *response)
{
    struct check *c = &a->check;
    if (response->reason != REASON_OK)
        return response->reason;
    if (response->status != 200) {
        check_say(c, "%s: status %d, expected 200", paths[a->step], response->status);
        return check_status_reason(response->status);
    }
    if (!check_is_json_type(response->content_type)) {
        check_say(c, "%s: content type \"%s\", expected JSON", paths[a->step],
                  response->content_type);
        return REASON_NOT_JSON;
    }
    return REASON_OK;
}

static void on_version(struct airflow *a, const struct http_response *response)
{
    struct check *c = &a->check;
    const struct probe_cfg *cfg = c->request->cfg;
    if (response->reason == REASON_OK && response->status == 404) {
        if (a->step == STEP_VERSION_3 && cfg->version == AIRFLOW_AUTO && !is_elsewhere(response)) {
            ask(a, STEP_VERSION_2);
            return;
        }
        check_say(c, "%s%s: status 404%s", c->request->base_path, paths[a->step],
                  is_elsewhere(response) ? ", Airflow is not at this location" : "");
        end(a, REASON_NOT_AIRFLOW_HERE);
        return;
    }
    enum reason_code reason = judge_frame(a, response);
    if (reason == REASON_OK && !airflow_health_version(response->body, response->body_bytes,
                                                       c->seen.version, sizeof c->seen.version)) {
        check_say(c, "%s: no JSON object with a text \"version\"", paths[a->step]);
        reason = REASON_BAD_JSON;
    }
    if (reason != REASON_OK || c->request->class != CLASS_API)
        end(a, reason);
    else
        ask(a, a->step == STEP_VERSION_3 ? STEP_HEALTH_3 : STEP_HEALTH_2);
}

static void on_health(struct airflow *a, const struct http_response *response)
{
    struct check *c = &a->check;
    struct airflow_health health;
    if (response->reason == REASON_OK && response->status == 404) {
        if (a->step == STEP_HEALTH_2) {
            ask(a, STEP_HEALTH_3); /* where some builds of Airflow 2 have moved it */
            return;
        }
        check_say(c, "%s: status 404", paths[a->step]);
        end_active(a, REASON_PATH_MISSING);
        return;
    }
    enum reason_code reason = judge_frame(a, response);
    if (reason == REASON_OK &&
        !airflow_health_parse(response->body, response->body_bytes, &health)) {
        check_say(c, "%s: not one JSON object", paths[a->step]);
        reason = REASON_BAD_JSON;
    } else if (reason == REASON_OK) {
        struct wall now = response->date.ms != 0 ? response->date : loop_now(c->io->loop).wall;
        c->seen.scheduler_heartbeat = health.heartbeat;
        reason = airflow_health_judge(&health, c->request->cfg, now, c->seen.detail);
    }
    end_active(a, reason);
}

static void on_execution(struct airflow *a, const struct http_response *response)
{
    struct check *c = &a->check;
    bool is_healthy = false;
    if (response->reason == REASON_OK && response->status == 404) {
        check_say(c, "%s%s: status 404", c->request->base_path, paths[a->step]);
        end(a, REASON_NOT_AIRFLOW_HERE);
        return;
    }
    enum reason_code reason = judge_frame(a, response);
    if (reason == REASON_OK &&
        !airflow_health_execution(response->body, response->body_bytes, &is_healthy)) {
        check_say(c, "%s: no JSON object with a text \"status\"", paths[a->step]);
        reason = REASON_BAD_JSON;
    } else if (reason == REASON_OK && !is_healthy) {
        check_say(c, "%s: status is not \"healthy\"", paths[a->step]);
        reason = REASON_EXECUTION_API;
    }
    if (reason == REASON_OK)
        ask(a, STEP_PING);
    else
        end(a, reason);
}

static void on_ping(struct airflow *a, const struct http_response *response)
{
    struct check *c = &a->check;
    if (response->reason != REASON_OK) {
        end_active(a, response->reason);
    } else if (response->status == 200 || response->status == 404) { /* 404: an older version */
        end_active(a, REASON_OK);
    } else {
        check_say(c, "%s: status %d", paths[a->step], response->status);
        end_active(a, response->status == 500 ? REASON_EXECUTION_API
                                              : check_status_reason(response->status));
    }
}

static void on_answered(struct check *c, const struct http_response *response)
{
    struct airflow *a = (struct airflow *)c;
    switch (a->step) {
    case STEP_VERSION_3:
    case STEP_VERSION_2:
        on_version(a, response);
        return;
    case STEP_HEALTH_3:
    case STEP_HEALTH_2:
        on_health(a, response);
        return;
    case STEP_EXECUTION:
        on_execution(a, response);
        return;
    case STEP_PING:
        on_ping(a, response);
        return;
    }
}

static void on_ready(struct check *c)
{
    struct airflow *a = (struct airflow *)c;
    if (c->request->class == CLASS_REMOTE_EXECUTION)
        ask(a, STEP_EXECUTION);
    else
        ask(a, c->request->cfg->version == AIRFLOW_2 ? STEP_VERSION_2 : STEP_VERSION_3);
}

static int start(const struct probe_request *request, struct io *io, probe_done *done, void *arg,
                 struct probe_run **run, struct err *err)
{
    (void)err;
    struct check *c = check_new(sizeof(struct airflow), &probe_airflow, request, io, done, arg);
    c->ready = on_ready;
    c->answered = on_answered;
    *run = &c->run;
    return 0;
}

const struct probe_ops probe_airflow = {
    .kind = "airflow",
    .keys = probe_airflow_keys,
    .problem = problem,
    .start = start,
    .cancel = check_cancel,
};
