#include "dnsflip/ctl/methods.h"

#include <string.h>

#include "dnsflip/ctl/views.h"
#include "dnsflip/ctl/waits.h"

#define LIST_LIMIT 20 /* answered when the client names no limit */

static bool is_of(const struct operation *op, const char *group)
{
    return op->state != OP_NONE && (group[0] == '\0' || strcmp(op->group, group) == 0);
}

/* Those of the groups that have not ended, then ended ones from the newest on. */
void methods_operation_list(struct ctl_call *call)
{
    const struct ledger *l = engine_ledger(call->engine);
    const char *group = params_text(call->params, "group", "");
    unsigned limit = (unsigned)params_number(call->params, "limit", LIST_LIMIT);
    cJSON *view = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(view, "operations");

    for (size_t i = 0; i < l->n_groups && limit > 0; i++) {
        const struct operation *op = &l->groups[i]->op;

        if (!is_of(op, group) || op_state_is_ended(op->state))
            continue;
        (void)cJSON_AddItemToArray(list, views_operation(op));
        limit--;
    }
    for (size_t i = l->n_history; i > 0 && limit > 0; i--) {
        const struct operation *op = &l->history[(l->first_history + i - 1) % LEDGER_HISTORY_MAX];

        if (!is_of(op, group))
            continue;
        (void)cJSON_AddItemToArray(list, views_operation(op));
        limit--;
    }
    ctl_call_result(call, view);
}

static const struct operation *find(struct ctl_call *call)
{
    const char *id = params_text(call->params, "operation", "");
    const struct operation *op = ledger_find_operation(engine_ledger(call->engine), id);
    struct proto_error error;

    if (op != NULL)
        return op;
    (void)proto_fail_exit(&error, 1,
                          "no operation is called \"%s\"; `dnsflip operation list` lists them", id);
    ctl_call_error(call, &error);
    return NULL;
}

void methods_operation_show(struct ctl_call *call)
{
    const struct operation *op = find(call);

    if (op != NULL)
        ctl_call_result(call, views_operation(op));
}

void methods_operation_wait(struct ctl_call *call)
{
    const struct operation *op = find(call);

    if (op == NULL)
        return;
    int level = params_word(call->params, "level", methods_levels, WAIT_SETTLED);
    int64_t timeout_ms = params_duration_ms(call->params, "timeout", WAITS_TIMEOUT_MS);

    if (timeout_ms > WAITS_TIMEOUT_MAX_MS)
        timeout_ms = WAITS_TIMEOUT_MAX_MS;
    waits_add(call->waits, call, op->id, (enum wait_level)level, timeout_ms);
}
