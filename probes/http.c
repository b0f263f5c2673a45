#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/str.h"
#include "probes/check.h"
#include "probes/json.h"
#include "probes/probe_keys.h"

static const char *problem(const struct probe_cfg *cfg)
{
    if (cfg->path[0] != '/')
        return "path must start with '/'";
    for (const char *p = cfg->path; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || *p == '#')
            return "path must be printable ASCII without spaces and '#': encode it as %XX";
    }
    if (cfg->status_min < 100 || cfg->status_max > 599 || cfg->status_min > cfg->status_max)
        return "status must be one of, or a range within, 100..599";
    for (uint8_t i = 0; i < cfg->n_json; i++) {
        const char *wrong = json_pointer_problem(cfg->json[i].pointer);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static enum reason_code judge_json(struct check *c, const struct probe_cfg *cfg,
                                   const struct http_response *response)
{
    char detail[OBSERVATION_DETAIL_BYTES];
    bool has_type = response->content_type[0] != '\0';
    if (has_type && !check_is_json_type(response->content_type)) {
        check_say(c, "content type %s, expected JSON", response->content_type);
        return REASON_NOT_JSON;
    }
    cJSON *root = json_parse(response->body, response->body_bytes);
    if (root == NULL) {
        check_say(c, "%zu bytes that are not one JSON value", response->body_bytes);
        return has_type ? REASON_BAD_JSON : REASON_NOT_JSON;
    }
    enum reason_code reason = REASON_OK;
    for (uint8_t i = 0; i < cfg->n_json && reason == REASON_OK; i++) {
        if (!json_rule_holds(root, &cfg->json[i], detail, sizeof detail)) {
            check_say(c, "%s", detail);
            reason = REASON_JSON_RULE;
        }
    }
    cJSON_Delete(root);
    return reason;
}

static enum reason_code judge(struct check *c, const struct http_response *response)
{
    const struct probe_cfg *cfg = c->request->cfg;
    if (response->reason != REASON_OK)
        return response->reason;
    if (response->status < cfg->status_min || response->status > cfg->status_max) {
        if (cfg->status_min == cfg->status_max)
            check_say(c, "status %d, expected %u", response->status, cfg->status_min);
        else
            check_say(c, "status %d, expected %u to %u", response->status, cfg->status_min,
                      cfg->status_max);
        return check_status_reason(response->status);
    }
    if (cfg->n_json > 0) {
        enum reason_code reason = judge_json(c, cfg, response);
        if (reason != REASON_OK)
            return reason;
    }
    size_t n = strlen(cfg->contains);
    if (n > 0 && memmem(response->body, response->body_bytes, cfg->contains, n) == NULL) {
        check_say(c, "the body (%zu bytes) lacks \"%s\"", response->body_bytes, cfg->contains);
        return REASON_CONTENT;
    }
    return REASON_OK;
}

static void on_ready(struct check *c)
{
    check_get(c, c->request->cfg->path);
}

static void on_answered(struct check *c, const struct http_response *response)
{
    check_set_both(c, judge(c, response));
    check_finish(c);
}

static int start(const struct probe_request *request, struct io *io, probe_done *done, void *arg,
                 struct probe_run **run, struct err *err)
{
    (void)err;
    struct check *c = check_new(sizeof *c, &probe_http, request, io, done, arg);
    c->ready = on_ready;
    c->answered = on_answered;
    *run = &c->run;
    return 0;
}

const struct probe_ops probe_http = {
    .kind = "http",
    .keys = probe_http_keys,
    .problem = problem,
    .start = start,
    .cancel = check_cancel,
};
