#include "dnsflip/model/decision.h"

#include <string.h>

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {
        [VERDICT_UNKNOWN] = "unknown",
        [VERDICT_UP] = "up",
        [VERDICT_DOWN] = "down",
    };

    return names[v];
}

const char *verb_name(enum verb v)
{
    static const char *const names[VERBS] = {
        [VERB_AUTO] = "auto",         [VERB_SWITCH] = "switch", [VERB_FAILOVER] = "failover",
        [VERB_FAILBACK] = "failback", [VERB_RELOAD] = "reload",
    };

    return names[v];
}

/* name, text, is_lack_of_knowledge, may_override, ended_by */
static const struct guard_rule_info rules[GUARD_RULES] = {
    [GUARD_DESTINATION_DOWN] = { "destination-down", "the destination is down as a standby", false,
                                 true, "" },
    [GUARD_DESTINATION_UNKNOWN] = { "destination-unknown",
                                    "it is not known whether the destination is up as a standby",
                                    true, true, "" },
    [GUARD_DESTINATION_FENCED] = { "destination-fenced",
                                   "the destination was left by a failover and is fenced", false,
                                   true, "dnsflip rejoin CLUSTER" },
    [GUARD_OPERATION_RUNNING] = { "operation-running",
                                  "another operation of the group has not settled yet", false,
                                  false, "dnsflip operation cancel OPERATION" },
    [GUARD_DIVERGED] = { "diverged", "the live records are not the ones that the journal tells of",
                         false, false, "dnsflip adopt GROUP --active CLUSTER" },
    [GUARD_UNADOPTED] = { "unadopted", "the journal does not know which cluster is active", false,
                          false, "dnsflip adopt GROUP --active CLUSTER" },
    [GUARD_OPERATOR_HOLD] = { "operator-hold", "an operator holds the group", false, true,
                              "dnsflip release GROUP" },
    [GUARD_AUTOMATION_PAUSED] = { "automation-paused", "an operator paused all automatic moves",
                                  false, true, "dnsflip resume" },
    [GUARD_SOURCE_DOWN] = { "source-down", "the active cluster is down", false, true,
                            "dnsflip failover GROUP --reason TEXT" },
    [GUARD_SOURCE_UNKNOWN] = { "source-unknown", "it is not known whether the active cluster is up",
                               true, true, "" },
    [GUARD_STARTUP_HOLD] = { "startup-hold",
                             "the first rounds of checks after a start are not over", true, true,
                             "" },
    [GUARD_TILT] = { "tilt", "this process was frozen or its clock stepped a moment ago", true,
                     true, "" },
    [GUARD_ISOLATED] = { "isolated", "no reference answers: this node itself may be cut off", true,
                         true, "" },
    [GUARD_PARTIAL] = { "partial", "the group's last move is only partly done", false, true,
                        "dnsflip operation resume OPERATION" },
    [GUARD_BLOCK] = { "block", "the group moved a short while ago", false, true,
                      "dnsflip ack GROUP" },
    [GUARD_BRAKE] = { "brake", "as many clusters as may be were evacuated within the last hour",
                      false, true, "dnsflip ack" },
    [GUARD_EARLY_PROOF] = { "early-proof",
                            "the promotion's proof passes while the destination is still a "
                            "standby: "
                            "promoted without a flip, or a proof that proves nothing",
                            false, true, "" },
    [GUARD_FOREIGN_OWNER] = { "foreign-owner",
                              "somebody else says that records of the group are his, and may put "
                              "them back",
                              false, true, "" },
};

const struct guard_rule_info *guard_rule_info(enum guard_rule rule)
{
    return &rules[rule];
}

int guard_rule_find(const char *name)
{
    for (int i = 0; i < GUARD_RULES; i++) {
        if (strcmp(rules[i].name, name) == 0)
            return i;
    }
    return -1;
}

const char *why_name(enum why w)
{
    static const char *const names[WHYS] = {
        [WHY_ACTIVE_UP] = "active-up",
        [WHY_ACTIVE_UNKNOWN] = "active-unknown",
        [WHY_ACTIVE_DOWN] = "active-down",
        [WHY_MIN_OUTAGE] = "min-outage",
        [WHY_NO_DESTINATION] = "no-destination",
        [WHY_BOTH_DOWN] = "both-down",
        [WHY_CANDIDATE_DOWN] = "candidate-down",
        [WHY_CANDIDATE_UNKNOWN] = "candidate-unknown",
        [WHY_CANDIDATE_FENCED] = "candidate-fenced",
        [WHY_CANDIDATE_CHOSEN] = "candidate-chosen",
        [WHY_GUARD] = "guard",
        [WHY_MODE_OBSERVE] = "mode-observe",
        [WHY_MODE_ADVISE] = "mode-advise",
        [WHY_NOT_ADOPTED] = "not-adopted",
        [WHY_OUTAGE_LONG_ENOUGH] = "outage-long-enough",
    };

    return names[w];
}

const char *override_name(unsigned bit)
{
    if (OVERRIDE_RULE(bit) == OVERRIDE_PROMOTION)
        return "promotion";
    if (OVERRIDE_RULE(bit) == OVERRIDE_DURABILITY)
        return "durability";
    return bit < GUARD_RULES ? guard_rule_info((enum guard_rule)bit)->name : NULL;
}

static bool reason_same(const struct decision_reason *a, const struct decision_reason *b)
{
    return a->why == b->why && a->cluster == b->cluster &&
           (a->why != WHY_GUARD || a->guard == b->guard);
}

bool decision_same(const struct decision *a, const struct decision *b)
{
    if (a->kind != b->kind || a->would_move != b->would_move || a->from != b->from ||
        a->to != b->to || a->n_reasons != b->n_reasons)
        return false;
    for (uint8_t i = 0; i < a->n_reasons; i++) {
        if (!reason_same(&a->reasons[i], &b->reasons[i]))
            return false;
    }
    return true;
}
