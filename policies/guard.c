#include "policies/guard.h"

#include <stddef.h>

#define V GUARD_VETO
#define W GUARD_WARN
#define NO GUARD_NOT_ASKED

static const enum guard_effect effects[GUARD_RULES][VERBS] = {
    /*                              auto switch failover failback reload */
    [GUARD_DESTINATION_DOWN] = { V, V, V, V, NO },
    [GUARD_DESTINATION_UNKNOWN] = { V, V, W, V, NO },
    [GUARD_DESTINATION_FENCED] = { V, V, V, V, NO },
    [GUARD_OPERATION_RUNNING] = { V, V, V, V, V },
    [GUARD_DIVERGED] = { V, V, V, V, V },
    [GUARD_UNADOPTED] = { V, V, V, V, V },
    [GUARD_OPERATOR_HOLD] = { V, V, V, V, V },
    [GUARD_AUTOMATION_PAUSED] = { V, NO, NO, NO, NO },
    [GUARD_SOURCE_DOWN] = { NO, V, NO, V, NO },
    [GUARD_SOURCE_UNKNOWN] = { NO, W, NO, W, NO },
    [GUARD_STARTUP_HOLD] = { V, W, W, W, NO },
    [GUARD_TILT] = { V, W, W, W, NO },
    [GUARD_ISOLATED] = { V, W, W, W, NO },
    [GUARD_PARTIAL] = { V, W, W, W, W },
    [GUARD_BLOCK] = { V, W, NO, W, NO },
    [GUARD_BRAKE] = { V, W, NO, W, NO },
    [GUARD_EARLY_PROOF] = { V, W, W, W, NO },
    [GUARD_FOREIGN_OWNER] = { V, V, V, V, NO },
};

enum guard_effect guard_effect_of(enum guard_rule rule, enum verb verb)
{
    return effects[rule][verb];
}

static bool holds(const struct guard_input *in, enum guard_rule rule)
{
    switch (rule) {
    case GUARD_DESTINATION_DOWN:
        return in->destination == VERDICT_DOWN;
    case GUARD_DESTINATION_UNKNOWN:
        return in->destination == VERDICT_UNKNOWN;
    case GUARD_SOURCE_DOWN:
        return in->source == VERDICT_DOWN;
    case GUARD_SOURCE_UNKNOWN:
        return in->source == VERDICT_UNKNOWN;
    case GUARD_DESTINATION_FENCED:
    case GUARD_OPERATION_RUNNING:
    case GUARD_DIVERGED:
    case GUARD_UNADOPTED:
    case GUARD_OPERATOR_HOLD:
    case GUARD_AUTOMATION_PAUSED:
    case GUARD_STARTUP_HOLD:
    case GUARD_TILT:
    case GUARD_ISOLATED:
    case GUARD_PARTIAL:
    case GUARD_BLOCK:
    case GUARD_BRAKE:
    case GUARD_EARLY_PROOF:
    case GUARD_FOREIGN_OWNER:
        break;
    }
    return in->holds[rule];
}

void guard_ask(const struct guard_input *in, enum verb verb, override_set lifted,
               struct guard_result out[static GUARD_RULES])
{
    for (int i = 0; i < GUARD_RULES; i++) {
        enum guard_rule rule = (enum guard_rule)i;
        struct guard_result *r = &out[i];

        *r = (struct guard_result){ .rule = rule, .effect = GUARD_NOT_ASKED };
        if (holds(in, rule))
            r->effect = guard_effect_of(rule, verb);
        r->is_lifted = r->effect == GUARD_VETO && verb != VERB_AUTO &&
                       (lifted & OVERRIDE_RULE(rule)) != 0 && guard_rule_info(rule)->may_override;
    }
}

int guard_first_veto(const struct guard_result results[static GUARD_RULES])
{
    for (int i = 0; i < GUARD_RULES; i++) {
        if (results[i].effect == GUARD_VETO && !results[i].is_lifted)
            return i;
    }
    return -1;
}
