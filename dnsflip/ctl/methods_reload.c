/* dnsflip/ctl/methods_reload.c -- `reload`: the file again, and with `accept` the moves that it
 * would make, as operations. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/ctl/judge_ops.h"
#include "dnsflip/ctl/methods.h"

static cJSON *parts_view(const struct reload_part parts[], size_t n)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < n; i++) {
        cJSON *view = methods_result_view(&parts[i].result);

        (void)cJSON_AddStringToObject(view, "group", parts[i].group);
        (void)cJSON_AddNumberToObject(view, "exit", parts[i].result.exit);
        (void)cJSON_AddItemToArray(list, view);
    }
    return list;
}

static cJSON *reply_view(const struct ctl_call *call, const char *text)
{
    cJSON *view = cJSON_CreateObject();

    (void)cJSON_AddNumberToObject(view, "generation",
                                  (double)call->judge->last_reload(call->judge->judge)->generation);
    (void)cJSON_AddStringToObject(view, "text", text);
    return view;
}

static void on_reloaded(void *arg, const struct reload_reply *reply)
{
    struct ctl_call *call = arg;
    struct proto_error error;

    if (reply->exit != 0) {
        (void)proto_fail_exit(&error, reply->exit, "%s", reply->text);
        (void)str_copy(error.rule, sizeof(error.rule), reply->rule);
        error.may_override = reply->may_override;
        ctl_call_error(call, &error);
        return;
    }
    cJSON *view = reply_view(call, reply->text);
    if (reply->n_parts > 0)
        (void)cJSON_AddItemToObject(view, "groups", parts_view(reply->parts, reply->n_parts));
    ctl_call_result(call, view);
}

/* ---- asked before -------------------------------------------------------------------------------
 */

static const struct ledger_request *find(const struct ctl_call *call, const char *id)
{
    return ledger_find_request(engine_ledger(call->engine), id, engine_now(call->engine).wall);
}

/* What the same request started for a group, under that group's own id; false if nothing. */
static bool fill_part(const struct ctl_call *call, const struct reload_request *request,
                      const char *group, struct reload_part *part)
{
    const struct ledger_request *known;
    const struct operation *op;
    char id[REQUEST_ID_BYTES];

    (void)str_format(id, sizeof(id), "%s/%s", request->request_id, group);
    known = find(call, id);
    if (known == NULL || strcmp(known->digest, request->request_digest) != 0)
        return false;
    *part = (struct reload_part){ .result = { .is_repeat = true } };
    (void)str_copy(part->group, sizeof(part->group), group);
    (void)str_copy(part->result.operation, sizeof(part->result.operation), known->operation);
    op = ledger_find_operation(engine_ledger(call->engine), known->operation);
    if (op != NULL) {
        part->result.epoch = op->epoch;
        part->result.state = op->state;
        part->result.exit = op->state == OP_REFUSED ? 1 : 0;
    }
    (void)str_format(part->result.text, sizeof(part->result.text), "request %s was done before",
                     id);
    return true;
}

/* True if the request was answered with what it did when it was first asked. */
static bool reply_repeat(struct ctl_call *call, const struct reload_request *request)
{
    const struct ledger *l = engine_ledger(call->engine);
    const struct ledger_request *known;
    struct proto_error error;
    struct reload_part *parts;
    size_t n = 0;

    if (request->request_id[0] == '\0')
        return false;
    known = find(call, request->request_id);
    if (known != NULL && strcmp(known->digest, request->request_digest) != 0) {
        (void)proto_fail_exit(
            &error, 1,
            "request id %s was used for another request: give every request an id of its own",
            request->request_id);
        ctl_call_error(call, &error);
        return true;
    }
    parts = mem_array(l->n_groups + 1, sizeof(*parts));
    for (size_t i = 0; i < l->n_groups; i++)
        n += fill_part(call, request, l->groups[i]->name, &parts[n]);
    if (n > 0 || known != NULL) {
        cJSON *view = reply_view(call, "asked before: nothing was done again");

        (void)cJSON_AddBoolToObject(view, "repeat", true);
        if (n > 0)
            (void)cJSON_AddItemToObject(view, "groups", parts_view(parts, n));
        ctl_call_result(call, view);
    }
    mem_free(parts);
    return n > 0 || known != NULL;
}

/* ---- the method ---------------------------------------------------------------------------------
 */

void methods_reload(struct ctl_call *call)
{
    const cJSON *p = call->params;
    size_t n = params_pairs(p, "adopt");
    struct reload_adoption *adoptions = mem_array(n + 1, sizeof(*adoptions));
    struct reload_request request = { .adoptions = adoptions, .n_adoptions = n };
    struct command common;
    struct proto_error error;

    methods_fill_command(call, &common);
    for (size_t i = 0; i < n; i++)
        params_pair(p, "adopt", i, adoptions[i].group, adoptions[i].cluster, NAME_BYTES);
    request.overrides = common.overrides;
    (void)str_copy(request.actor, sizeof(request.actor), common.actor);
    (void)str_copy(request.accept, sizeof(request.accept), params_text(p, "accept", ""));
    (void)str_copy(request.reason, sizeof(request.reason), common.reason);
    (void)str_copy(request.request_id, sizeof(request.request_id), common.request_id);
    (void)str_copy(request.request_digest, sizeof(request.request_digest), common.request_digest);
    /* The view that a restart serves lies beside the journal: without that disk it would not last.
     */
    if ((common.overrides & OVERRIDE_DURABILITY) != 0) {
        (void)proto_fail(&error, PROTO_INVALID_PARAMS,
                         "a reload needs the disk of state_dir: durability cannot be overridden");
        ctl_call_error(call, &error);
    } else if (methods_check_overrides(call, &error) != 0) {
        ctl_call_error(call, &error);
    } else if (!reply_repeat(call, &request)) {
        call->judge->reload(call->judge->judge, &request, on_reloaded, call);
    }
    mem_free(adoptions);
}
