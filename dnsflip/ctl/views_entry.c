#include "dnsflip/ctl/views.h"

void views_add_wall(cJSON *object, const char *name, struct wall t)
{
    char text[WALL_TEXT_BYTES];

    if (t.ms == 0)
        (void)cJSON_AddNullToObject(object, name);
    else
        (void)cJSON_AddStringToObject(object, name, wall_format(t, text));
}

void views_add_text(cJSON *object, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        (void)cJSON_AddNullToObject(object, name);
    else
        (void)cJSON_AddStringToObject(object, name, text);
}

void views_add_overrides(cJSON *object, const char *name, override_set set)
{
    cJSON *list = cJSON_AddArrayToObject(object, name);

    for (unsigned bit = 0; bit < 32; bit++) {
        if ((set & OVERRIDE_RULE(bit)) != 0 && override_name(bit) != NULL)
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(override_name(bit)));
    }
}

int views_operation_exit(const struct operation *op)
{
    switch (op->state) {
    case OP_NONE:
    case OP_RECORDING:
    case OP_FINDING:
    case OP_WAITING:
    case OP_FENCING:
    case OP_PROMOTING:
    case OP_PROVING:
    case OP_SUBMITTING:
    case OP_SETTLING:
    case OP_VERIFYING:
    case OP_DONE:
        return 0;
    case OP_NOT_CONVERGED:
    case OP_PARTIAL:
    case OP_ATTENTION:
    case OP_SUPERSEDED:
        return 4;
    case OP_REFUSED:
        return 3;
    case OP_CONFLICT:
        return 6;
    case OP_ABANDONED:
    case OP_FAILED:
    case OP_CANCELLED:
        return 1;
    }
    return 1;
}

cJSON *views_operation(const struct operation *op)
{
    cJSON *view = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(view, "operation", op->id);
    (void)cJSON_AddStringToObject(view, "group", op->group);
    (void)cJSON_AddStringToObject(view, "verb", verb_name(op->verb));
    (void)cJSON_AddStringToObject(view, "from", op->from);
    (void)cJSON_AddStringToObject(view, "to", op->to);
    (void)cJSON_AddStringToObject(view, "state", op_state_name(op->state));
    (void)cJSON_AddBoolToObject(view, "ended", op_state_is_ended(op->state));
    (void)cJSON_AddNumberToObject(view, "exit", views_operation_exit(op));
    (void)cJSON_AddNumberToObject(view, "epoch", op->epoch);
    (void)cJSON_AddNumberToObject(view, "names", op->n_names);
    (void)cJSON_AddNumberToObject(view, "step", op->step);
    (void)cJSON_AddNumberToObject(view, "steps", op->n_steps);
    (void)cJSON_AddBoolToObject(view, "changed_anything", op->is_changed);
    (void)cJSON_AddNumberToObject(view, "asked", op->asked);
    (void)cJSON_AddNumberToObject(view, "verified", op->verified);
    (void)cJSON_AddStringToObject(view, "actor", op->actor);
    views_add_text(view, "reason", op->reason);
    views_add_text(view, "request_id", op->request_id);
    views_add_text(view, "configuration", op->configuration);
    views_add_overrides(view, "overrides", op->overrides);
    if (op->is_forced)
        (void)cJSON_AddTrueToObject(view, "without_durable_intent");
    views_add_wall(view, "started", op->started);
    views_add_wall(view, "changed", op->changed);
    views_add_wall(view, "settled", op->settled);
    views_add_wall(view, "finished", op->ended);
    views_add_text(view, "detail", op->detail);
    return view;
}

static void add_if_text(cJSON *view, const char *name, const char *text)
{
    if (text[0] != '\0')
        (void)cJSON_AddStringToObject(view, name, text);
}

static void add_if_number(cJSON *view, const char *name, uint32_t number)
{
    if (number != 0)
        (void)cJSON_AddNumberToObject(view, name, number);
}

cJSON *views_entry(const struct journal_entry *entry)
{
    cJSON *view = cJSON_CreateObject();

    (void)cJSON_AddNumberToObject(view, "seq", (double)entry->seq);
    views_add_wall(view, "time", entry->time);
    (void)cJSON_AddStringToObject(view, "kind", entry_kind_name(entry->kind));
    add_if_text(view, "group", entry->group);
    add_if_text(view, "from", entry->from);
    add_if_text(view, "to", entry->to);
    add_if_text(view, "operation", entry->operation);
    if (entry->operation[0] != '\0' && entry->kind == ENTRY_INTENT)
        (void)cJSON_AddStringToObject(view, "verb", verb_name(entry->verb));
    if (entry->kind == ENTRY_STEP || entry->kind == ENTRY_OUTCOME)
        (void)cJSON_AddStringToObject(view, "state", op_state_name(entry->state));
    add_if_number(view, "epoch", entry->epoch);
    add_if_number(view, "names", entry->names);
    add_if_number(view, "step", entry->step);
    if (entry->overrides != 0)
        views_add_overrides(view, "overrides", entry->overrides);
    if (entry->is_forced)
        (void)cJSON_AddTrueToObject(view, "without_durable_intent");
    add_if_text(view, "actor", entry->actor);
    add_if_text(view, "reason", entry->reason);
    add_if_text(view, "request_id", entry->request_id);
    add_if_text(view, "configuration", entry->configuration);
    add_if_number(view, "serial", entry->serial);
    if (entry->until.ms != 0)
        views_add_wall(view, "until", entry->until);
    add_if_text(view, "detail", entry->detail);
    return view;
}
