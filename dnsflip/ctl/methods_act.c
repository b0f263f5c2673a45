#include "dnsflip/ctl/methods.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/ctl/judge_ops.h"

static const struct {
    const char *method;
    enum command_kind kind;
    enum verb verb;
} commands[] = {
    { "switch", COMMAND_MOVE, VERB_SWITCH },
    { "failover", COMMAND_MOVE, VERB_FAILOVER },
    { "failback", COMMAND_MOVE, VERB_FAILBACK },
    { "hold", COMMAND_HOLD, VERB_AUTO },
    { "release", COMMAND_RELEASE, VERB_AUTO },
    { "ack", COMMAND_ACK, VERB_AUTO },
    { "adopt", COMMAND_ADOPT, VERB_AUTO },
    { "rejoin", COMMAND_REJOIN, VERB_AUTO },
    { "pause", COMMAND_PAUSE, VERB_AUTO },
    { "resume", COMMAND_RESUME, VERB_AUTO },
    { "operation.cancel", COMMAND_CANCEL, VERB_AUTO },
    { "operation.resume", COMMAND_RETRY, VERB_AUTO },
};

static void set_kind(const struct ctl_call *call, struct command *command)
{
    const size_t n = sizeof(commands) / sizeof(commands[0]);
    size_t i = 0;

    while (i < n && strcmp(commands[i].method, call->method->name) != 0)
        i++;
    assert(i < n);
    command->kind = commands[i].kind;
    command->verb = commands[i].verb;
}

static void on_done(void *arg, const struct command_result *result)
{
    struct ctl_call *call = arg;
    struct proto_error error;

    if (result->exit == 0) {
        ctl_call_result(call, methods_result_view(result));
        return;
    }
    methods_fail_result(result, &error);
    ctl_call_error(call, &error);
}

/* Names that do not exist are answered here, with the nearest; the engine sees only real ones. */
static int check_names(const struct ctl_call *call, const struct command *command,
                       struct proto_error *error)
{
    const struct settings *s = engine_settings(call->engine);

    if (command->group[0] != '\0' && settings_find_group(s, command->group) < 0)
        return methods_fail_group(s, command->group, error);
    if (command->cluster[0] != '\0' && settings_find_cluster(s, command->cluster) < 0)
        return methods_fail_cluster(s, command->cluster, error);
    return 0;
}

void methods_simple(struct ctl_call *call)
{
    struct command command;
    struct proto_error error;

    methods_fill_command(call, &command);
    set_kind(call, &command);
    if (check_names(call, &command, &error) != 0)
        ctl_call_error(call, &error);
    else
        engine_command(call->engine, &command, on_done, call);
}

void methods_move(struct ctl_call *call)
{
    struct proto_error error;

    if (methods_check_overrides(call, &error) != 0)
        ctl_call_error(call, &error);
    else
        methods_simple(call);
}

static void on_upgrade(void *arg, int exit, const char *text)
{
    struct ctl_call *call = arg;
    struct proto_error error;

    if (exit != 0) {
        (void)proto_fail_exit(&error, exit, "%s", text);
        ctl_call_error(call, &error);
        return;
    }
    cJSON *view = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(view, "from", DNSFLIP_VERSION);
    (void)cJSON_AddStringToObject(view, "to", text);
    (void)cJSON_AddNumberToObject(view, "upgrades", call->judge->upgrades(call->judge->judge));
    ctl_call_result(call, view);
}

void methods_upgrade(struct ctl_call *call)
{
    call->judge->upgrade(call->judge->judge, call->actor, on_upgrade, call);
}
