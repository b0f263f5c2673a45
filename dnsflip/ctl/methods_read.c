#include "dnsflip/ctl/methods.h"

#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/ctl/access.h"
#include "dnsflip/ctl/events.h"
#include "dnsflip/ctl/judge_ops.h"
#include "dnsflip/ctl/views.h"

/* The index of the group named, VIEWS_ALL if none is; false once an error was answered. */
static bool find_group(struct ctl_call *call, uint32_t *out)
{
    const struct settings *s = engine_settings(call->engine);
    const char *name = params_text(call->params, "group", NULL);
    struct proto_error error;

    *out = VIEWS_ALL;
    if (name == NULL)
        return true;
    int group = settings_find_group(s, name);
    if (group >= 0) {
        *out = (uint32_t)group;
        return true;
    }
    (void)methods_fail_group(s, name, &error);
    ctl_call_error(call, &error);
    return false;
}

void methods_version(struct ctl_call *call)
{
    const struct settings *s = engine_settings(call->engine);
    cJSON *view = cJSON_CreateObject();
    struct node_status n;

    engine_node_status(call->engine, &n);
    (void)cJSON_AddStringToObject(view, "name", s->node.name);
    (void)cJSON_AddStringToObject(view, "version", DNSFLIP_VERSION);
    (void)cJSON_AddNumberToObject(view, "protocol", PROTO_VERSION);
    (void)cJSON_AddNumberToObject(view, "pid", (double)getpid());
    (void)cJSON_AddNumberToObject(view, "upgrades", call->judge->upgrades(call->judge->judge));
    (void)cJSON_AddBoolToObject(view, "ready", n.may_move);
    (void)cJSON_AddStringToObject(view, "actor", call->actor);
    (void)cJSON_AddStringToObject(view, "role", access_role_name(call->role));
    ctl_call_result(call, view);
}

void methods_status(struct ctl_call *call)
{
    uint32_t group;

    if (find_group(call, &group))
        ctl_call_result(call, views_status(call->engine, call->judge, group, false));
}

void methods_monitor(struct ctl_call *call)
{
    uint32_t group;

    if (find_group(call, &group))
        ctl_call_result(call, views_status(call->engine, call->judge, group, true));
}

void methods_explain(struct ctl_call *call)
{
    uint32_t group;

    if (find_group(call, &group))
        ctl_call_result(call, views_group(call->engine, group));
}

static enum verb verb_of(int word)
{
    return word == 0 ? VERB_SWITCH : word == 1 ? VERB_FAILOVER : VERB_FAILBACK;
}

void methods_plan(struct ctl_call *call)
{
    const cJSON *p = call->params;
    struct plan *plan = mem_zalloc(sizeof(*plan));
    struct target_change *changes = NULL;
    struct err err;
    uint32_t group;

    if (!find_group(call, &group)) {
        mem_free(plan);
        return;
    }
    if (engine_plan(call->engine, params_text(p, "group", ""), params_text(p, "to", ""),
                    verb_of(params_word(p, "verb", methods_verbs, 0)),
                    params_overrides(p, "override"), plan, &changes, &err) == 0) {
        cJSON *view = views_plan(engine_settings(call->engine), plan, changes);

        views_add_previews(view, call->engine, plan);
        ctl_call_result(call, view);
    } else {
        struct proto_error error;

        (void)proto_fail_exit(&error, 1, "%s", err.text);
        ctl_call_error(call, &error);
    }
    mem_free(changes);
    mem_free(plan);
}

void methods_events(struct ctl_call *call)
{
    const cJSON *p = call->params;
    uint64_t after = (uint64_t)params_number(p, "after", 0);
    unsigned limit = (unsigned)params_number(p, "limit", EVENTS_LIMIT);

    ctl_call_result(call, events_view(call->events, params_text(p, "group", ""), after, limit));
}

void methods_subscribe(struct ctl_call *call)
{
    cJSON *view = cJSON_CreateObject();

    (void)cJSON_AddTrueToObject(view, "subscribed");
    ctl_call_subscribe(call);
    ctl_call_result(call, view);
}
