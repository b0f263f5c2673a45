#include "dnsflip/ctl/methods.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/ctl/events.h"
#include "dnsflip/ctl/judge_ops.h"

#define NAME_MAX_BYTES (NAME_BYTES - 1)
#define REASON_MAX_BYTES (REASON_TEXT_BYTES - 1)
#define REQUEST_MAX_BYTES (REQUEST_ID_BYTES - 1)
#define OPERATION_MAX_BYTES (OPERATION_ID_BYTES - 1)
/* "/GROUP" is put behind it for each group. */
#define EVACUATE_REQUEST_MAX_BYTES (REQUEST_ID_BYTES - 1 - NAME_BYTES)
#define LIST_MAX 5000
#define SEQ_MAX 9007199254740991.0

const char *const methods_verbs[] = { "switch", "failover", "failback", NULL };
const char *const methods_levels[] = { "accepted", "settled", "converged", NULL };

#define PARAM(name, type, is_required, max)                                                        \
    {                                                                                              \
        name, type, is_required, max, NULL                                                         \
    }
#define GROUP PARAM("group", PARAM_TEXT, true, NAME_MAX_BYTES)
#define ANY_GROUP PARAM("group", PARAM_TEXT, false, NAME_MAX_BYTES)
#define TO PARAM("to", PARAM_TEXT, false, NAME_MAX_BYTES)
#define MUST_TO PARAM("to", PARAM_TEXT, true, NAME_MAX_BYTES)
#define CLUSTER PARAM("cluster", PARAM_TEXT, true, NAME_MAX_BYTES)
#define OPERATION PARAM("operation", PARAM_TEXT, true, OPERATION_MAX_BYTES)
#define REASON PARAM("reason", PARAM_TEXT, false, REASON_MAX_BYTES)
#define MUST_REASON PARAM("reason", PARAM_TEXT, true, REASON_MAX_BYTES)
#define OVERRIDE PARAM("override", PARAM_OVERRIDES, false, 0)
#define PROMOTED PARAM("promoted", PARAM_BOOL, false, 0)
#define REQUEST PARAM("request_id", PARAM_TEXT, false, REQUEST_MAX_BYTES)
#define FOR PARAM("for", PARAM_DURATION, false, 0)
#define END PARAM(NULL, PARAM_BOOL, false, 0)

static const struct param_spec no_params[] = { END };
static const struct param_spec any_group_params[] = { ANY_GROUP, END };
static const struct param_spec group_params[] = { GROUP, END };
static const struct param_spec plan_params[] = {
    GROUP, TO, { "verb", PARAM_WORD, false, 0, methods_verbs }, OVERRIDE, END
};
static const struct param_spec events_params[] = {
    ANY_GROUP,
    { "after", PARAM_SEQ, false, SEQ_MAX, NULL },
    { "limit", PARAM_COUNT, false, EVENTS_KEPT_MAX, NULL },
    END,
};
static const struct param_spec list_params[] = { ANY_GROUP,
                                                 { "limit", PARAM_COUNT, false, LIST_MAX, NULL },
                                                 END };
static const struct param_spec operation_params[] = { OPERATION, END };
static const struct param_spec wait_params[] = {
    OPERATION,
    { "level", PARAM_WORD, false, 0, methods_levels },
    { "timeout", PARAM_DURATION, false, 0, NULL },
    END,
};
static const struct param_spec end_params[] = { OPERATION, REASON, REQUEST, END };
static const struct param_spec switch_params[] = { GROUP,    MUST_TO, REASON, OVERRIDE,
                                                   PROMOTED, REQUEST, END };
static const struct param_spec failover_params[] = { GROUP,    TO,      MUST_REASON, OVERRIDE,
                                                     PROMOTED, REQUEST, END };
static const struct param_spec failback_params[] = {
    GROUP, REASON, OVERRIDE, PROMOTED, REQUEST, END
};
static const struct param_spec evacuate_params[] = {
    CLUSTER,
    TO,
    REASON,
    OVERRIDE,
    PROMOTED,
    { "planned", PARAM_BOOL, false, 0, NULL },
    { "request_id", PARAM_TEXT, false, EVACUATE_REQUEST_MAX_BYTES, NULL },
    END,
};
static const struct param_spec hold_params[] = { GROUP, MUST_REASON, FOR, REQUEST, END };
static const struct param_spec release_params[] = { GROUP, REASON, REQUEST, END };
static const struct param_spec ack_params[] = { ANY_GROUP, REASON, REQUEST, END };
static const struct param_spec adopt_params[] = {
    GROUP, { "active", PARAM_TEXT, true, NAME_MAX_BYTES, NULL }, REASON, REQUEST, END
};
static const struct param_spec rejoin_params[] = { CLUSTER, ANY_GROUP, REASON, REQUEST, END };
static const struct param_spec pause_params[] = { MUST_REASON, FOR, REQUEST, END };
static const struct param_spec resume_params[] = { REASON, REQUEST, END };
static const struct param_spec reload_params[] = {
    { "accept", PARAM_TEXT, false, RELOAD_ACCEPT_BYTES - 1, NULL },
    { "adopt", PARAM_PAIRS, false, NAME_MAX_BYTES, NULL },
    REASON,
    OVERRIDE,
    { "request_id", PARAM_TEXT, false, EVACUATE_REQUEST_MAX_BYTES, NULL },
    END,
};

const struct ctl_method methods_all[] = {
    { "version", ACCESS_READ, no_params, methods_version },
    { "status", ACCESS_READ, any_group_params, methods_status },
    { "monitor", ACCESS_READ, any_group_params, methods_monitor },
    { "explain", ACCESS_READ, group_params, methods_explain },
    { "plan", ACCESS_READ, plan_params, methods_plan },
    { "events", ACCESS_READ, events_params, methods_events },
    { "subscribe", ACCESS_READ, no_params, methods_subscribe },
    { "operation.list", ACCESS_READ, list_params, methods_operation_list },
    { "operation.show", ACCESS_READ, operation_params, methods_operation_show },
    { "operation.wait", ACCESS_READ, wait_params, methods_operation_wait },
    { "operation.cancel", ACCESS_OPERATE, end_params, methods_simple },
    { "operation.resume", ACCESS_OPERATE, end_params, methods_simple },
    { "switch", ACCESS_OPERATE, switch_params, methods_move },
    { "failover", ACCESS_OPERATE, failover_params, methods_move },
    { "failback", ACCESS_OPERATE, failback_params, methods_move },
    { "evacuate", ACCESS_OPERATE, evacuate_params, methods_evacuate },
    { "hold", ACCESS_OPERATE, hold_params, methods_simple },
    { "release", ACCESS_OPERATE, release_params, methods_simple },
    { "ack", ACCESS_OPERATE, ack_params, methods_simple },
    { "adopt", ACCESS_ADMIN, adopt_params, methods_simple },
    { "rejoin", ACCESS_ADMIN, rejoin_params, methods_simple },
    { "pause", ACCESS_ADMIN, pause_params, methods_simple },
    { "resume", ACCESS_ADMIN, resume_params, methods_simple },
    { "reload", ACCESS_ADMIN, reload_params, methods_reload },
    { "upgrade", ACCESS_ADMIN, no_params, methods_upgrade },
    { NULL, ACCESS_NONE, NULL, NULL },
};
#define METHODS (sizeof(methods_all) / sizeof(methods_all[0]) - 1)

const struct ctl_method *methods_find(const char *name, struct proto_error *error)
{
    const char *words[METHODS];

    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods_all[i].name, name) == 0)
            return &methods_all[i];
        words[i] = methods_all[i].name;
    }
    const char *near = str_nearest(name, words, METHODS);
    if (near != NULL)
        (void)proto_fail(error, PROTO_METHOD_NOT_FOUND,
                         "unknown method \"%.64s\"; did you mean \"%s\"?", name, near);
    else
        (void)proto_fail(error, PROTO_METHOD_NOT_FOUND, "unknown method \"%.64s\"", name);
    return NULL;
}

static int fail_name(const char *what, const char *name, const char *const words[], size_t n,
                     struct proto_error *error)
{
    const char *near = str_nearest(name, words, n);

    if (near == NULL && n == 1)
        near = words[0];
    if (near != NULL)
        return proto_fail_exit(error, 1, "no %s is called \"%s\"; did you mean \"%s\"?", what, name,
                               near);
    return proto_fail_exit(error, 1, "no %s is called \"%s\"; `dnsflip status` lists them", what,
                           name);
}

int methods_fail_group(const struct settings *s, const char *name, struct proto_error *error)
{
    const char *words[GROUPS_MAX];

    for (size_t i = 0; i < s->n_groups; i++)
        words[i] = s->groups[i].name;
    return fail_name("group", name, words, s->n_groups, error);
}

int methods_fail_cluster(const struct settings *s, const char *name, struct proto_error *error)
{
    const char *words[CLUSTERS_MAX];

    for (size_t i = 0; i < s->n_clusters; i++)
        words[i] = s->clusters[i].name;
    return fail_name("cluster", name, words, s->n_clusters, error);
}

void methods_fail_result(const struct command_result *result, struct proto_error *error)
{
    (void)proto_fail_exit(error, result->exit, "%s", result->text);
    (void)str_copy(error->rule, sizeof(error->rule), result->rule);
    error->may_override = result->may_override;
    (void)str_copy(error->operation, sizeof(error->operation), result->operation);
}

cJSON *methods_result_view(const struct command_result *result)
{
    cJSON *view = cJSON_CreateObject();

    if (result->operation[0] != '\0') {
        (void)cJSON_AddStringToObject(view, "operation", result->operation);
        (void)cJSON_AddNumberToObject(view, "epoch", result->epoch);
        (void)cJSON_AddStringToObject(view, "state", op_state_name(result->state));
    } else {
        (void)cJSON_AddNullToObject(view, "operation");
    }
    (void)cJSON_AddBoolToObject(view, "repeat", result->is_repeat);
    (void)cJSON_AddStringToObject(view, "text", result->text);
    return view;
}

void methods_fill_command(const struct ctl_call *call, struct command *out)
{
    const cJSON *p = call->params;
    struct wall now = engine_now(call->engine).wall;
    int64_t for_ms = params_duration_ms(p, "for", 0);

    *out = (struct command){ .overrides = params_overrides(p, "override"),
                             .is_promoted = params_bool(p, "promoted") };
    (void)str_copy(out->group, sizeof(out->group), params_text(p, "group", ""));
    (void)str_copy(out->cluster, sizeof(out->cluster),
                   params_text(p, "to", params_text(p, "cluster", params_text(p, "active", ""))));
    (void)str_copy(out->operation, sizeof(out->operation), params_text(p, "operation", ""));
    (void)str_copy(out->reason, sizeof(out->reason), params_text(p, "reason", ""));
    (void)str_copy(out->actor, sizeof(out->actor), call->actor);
    (void)str_copy(out->request_id, sizeof(out->request_id), params_text(p, "request_id", ""));
    if (out->request_id[0] != '\0')
        params_digest(call->method->name, p, call->method->params, out->request_digest);
    if (for_ms > 0)
        out->until = (struct wall){ .ms = now.ms + for_ms };
}

int methods_check_overrides(const struct ctl_call *call, struct proto_error *error)
{
    if (params_overrides(call->params, "override") == 0)
        return 0;
    if (call->role < ACCESS_ADMIN)
        return proto_fail_exit(error, 1,
                               "%s may not override a guard: that needs the role admin "
                               "(node.access.admin)",
                               call->actor);
    if (params_text(call->params, "reason", "")[0] == '\0')
        return proto_fail(error, PROTO_INVALID_PARAMS,
                          "parameter \"reason\" is missing: an override needs one");
    return 0;
}
