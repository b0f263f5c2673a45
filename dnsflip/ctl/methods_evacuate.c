#include "dnsflip/ctl/methods.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

struct evacuation;

struct part {
    struct evacuation *whole;
    char group[NAME_BYTES]; /* a reload may come before the answer: no index */
    struct command_result result;
};

/* One move per group; the answer waits until each is accepted or refused. */
struct evacuation {
    struct ctl_call *call;
    char cluster[NAME_BYTES];
    struct part *parts; /* owned */
    uint32_t n, n_done;
    bool is_started; /* every command has been handed over */
};

/* 0 if all went well, 4 if some did; if none did, the first refusal's. */
static int exit_of(const struct evacuation *ev)
{
    uint32_t n_good = 0;
    int first_bad = 0;

    for (uint32_t i = 0; i < ev->n; i++) {
        if (ev->parts[i].result.exit == 0)
            n_good++;
        else if (first_bad == 0)
            first_bad = ev->parts[i].result.exit;
    }
    return first_bad == 0 ? 0 : n_good > 0 ? 4 : first_bad;
}

static cJSON *part_view(const struct part *part)
{
    cJSON *view = methods_result_view(&part->result);

    (void)cJSON_AddStringToObject(view, "group", part->group);
    (void)cJSON_AddNumberToObject(view, "exit", part->result.exit);
    if (part->result.rule[0] != '\0') {
        (void)cJSON_AddStringToObject(view, "rule", part->result.rule);
        (void)cJSON_AddBoolToObject(view, "may_override", part->result.may_override);
    }
    return view;
}

static void finish_if_done(struct evacuation *ev)
{
    if (!ev->is_started || ev->n_done < ev->n)
        return;
    cJSON *view = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(view, "cluster", ev->cluster);
    (void)cJSON_AddNumberToObject(view, "exit", exit_of(ev));
    cJSON *groups = cJSON_AddArrayToObject(view, "groups");
    for (uint32_t i = 0; i < ev->n; i++)
        (void)cJSON_AddItemToArray(groups, part_view(&ev->parts[i]));
    ctl_call_result(ev->call, view);
    mem_free(ev->parts);
    mem_free(ev);
}

static void on_done(void *arg, const struct command_result *result)
{
    struct part *part = arg;

    part->result = *result;
    part->whole->n_done++;
    finish_if_done(part->whole);
}

static void derive_request(struct command *command, const char *whole, const char *group)
{
    command->request_id[0] = '\0';
    if (whole[0] != '\0')
        (void)str_format(command->request_id, sizeof(command->request_id), "%s/%s", whole, group);
}

/* Groups that are active there, and those that this very request has already moved away. */
static bool concerns(const struct ctl_call *call, const char *cluster, const char *group,
                     const char *request_id)
{
    const struct ledger *l = engine_ledger(call->engine);
    const struct ledger_group *g = ledger_find(l, group);

    if (g == NULL || !g->is_adopted)
        return false;
    if (strcmp(g->active, cluster) == 0)
        return true;
    return request_id[0] != '\0' &&
           ledger_find_request(l, request_id, engine_now(call->engine).wall) != NULL;
}

static void start(struct ctl_call *call, struct command *command, const char *cluster)
{
    const struct settings *s = engine_settings(call->engine);
    struct evacuation *ev = mem_zalloc(sizeof(*ev));
    char whole[REQUEST_ID_BYTES];

    (void)str_copy(whole, sizeof(whole), command->request_id);
    ev->call = call;
    (void)str_copy(ev->cluster, sizeof(ev->cluster), cluster);
    ev->parts = mem_array(s->n_groups + 1, sizeof(*ev->parts));
    for (uint32_t i = 0; i < s->n_groups; i++) {
        struct part *part = &ev->parts[ev->n];

        derive_request(command, whole, s->groups[i].name);
        if (!concerns(call, cluster, s->groups[i].name, command->request_id))
            continue;
        part->whole = ev;
        (void)str_copy(part->group, sizeof(part->group), s->groups[i].name);
        ev->n++;
    }
    for (uint32_t i = 0; i < ev->n; i++) {
        const char *group = ev->parts[i].group;

        derive_request(command, whole, group);
        (void)str_copy(command->group, sizeof(command->group), group);
        engine_command(call->engine, command, on_done, &ev->parts[i]);
    }
    ev->is_started = true;
    finish_if_done(ev);
}

void methods_evacuate(struct ctl_call *call)
{
    const struct settings *s = engine_settings(call->engine);
    const char *cluster = params_text(call->params, "cluster", "");
    const char *to = params_text(call->params, "to", "");
    bool is_planned = params_bool(call->params, "planned");
    struct proto_error error;
    struct command command;

    methods_fill_command(call, &command);
    command.kind = COMMAND_MOVE;
    command.verb = is_planned ? VERB_SWITCH : VERB_FAILOVER;
    (void)str_copy(command.cluster, sizeof(command.cluster), to);
    if (settings_find_cluster(s, cluster) < 0)
        (void)methods_fail_cluster(s, cluster, &error);
    else if (to[0] != '\0' && settings_find_cluster(s, to) < 0)
        (void)methods_fail_cluster(s, to, &error);
    else if (!is_planned && command.reason[0] == '\0')
        (void)proto_fail(&error, PROTO_INVALID_PARAMS,
                         "parameter \"reason\" is missing: a forced move needs one");
    else if (methods_check_overrides(call, &error) == 0) {
        start(call, &command, cluster);
        return;
    }
    ctl_call_error(call, &error);
}
