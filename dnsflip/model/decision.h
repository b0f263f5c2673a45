/* dnsflip/model/decision.h -- verdicts, guards and decisions: what stages 3 and 4 exchange. */
#ifndef DNSFLIP_MODEL_DECISION_H
#define DNSFLIP_MODEL_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/wall.h"
#include "dnsflip/model/health.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/probe_cfg.h"
#include "dnsflip/model/settings.h"

/* ---- stage 3: a cluster as seen for a group, in one role ------------------------------------ */

enum verdict { VERDICT_UNKNOWN = 0, VERDICT_UP, VERDICT_DOWN };
const char *verdict_name(enum verdict v); /* "unknown" "up" "down" */

/* One endpoint's health at one cluster under one profile. */
struct endpoint_health {
    enum endpoint_class class;
    bool is_critical;
    enum health_status status;
};

struct class_count {
    uint32_t n, up, down, unknown; /* n = up + down + unknown */
    uint32_t threshold;            /* this many down make the class down; 0 when n is 0 */
};

struct cluster_view {
    enum verdict verdict;
    struct class_count classes[ENDPOINT_CLASSES];
    struct class_count critical; /* the critical ones of all classes; threshold 1 */
};

/* ---- stage 4: guards ------------------------------------------------------------------------ */

/* Who asks for a move.  drill, apply and rollback come with their issues. */
enum verb {
    VERB_AUTO = 0,
    VERB_SWITCH,
    VERB_FAILOVER,
    VERB_FAILBACK,
    VERB_RELOAD, /* an accepted reload: the group stays on its cluster, whose targets change */
};
#define VERBS (VERB_RELOAD + 1)
const char *verb_name(enum verb v); /* "auto" "switch" "failover" "failback" "reload" */

enum guard_rule {
    GUARD_DESTINATION_DOWN = 0,
    GUARD_DESTINATION_UNKNOWN,
    GUARD_DESTINATION_FENCED,
    GUARD_OPERATION_RUNNING, /* before settled */
    GUARD_DIVERGED,
    GUARD_UNADOPTED,
    GUARD_OPERATOR_HOLD,
    GUARD_AUTOMATION_PAUSED,
    GUARD_SOURCE_DOWN,
    GUARD_SOURCE_UNKNOWN,
    GUARD_STARTUP_HOLD,
    GUARD_TILT,
    GUARD_ISOLATED,
    GUARD_PARTIAL,
    GUARD_BLOCK,
    GUARD_BRAKE,
    GUARD_EARLY_PROOF,   /* the promotion proof passes while the destination is still standby */
    GUARD_FOREIGN_OWNER, /* live records of the group are claimed by somebody else */
};
#define GUARD_RULES (GUARD_FOREIGN_OWNER + 1)

enum guard_effect { GUARD_NOT_ASKED = 0, GUARD_WARN, GUARD_VETO };

struct guard_rule_info {
    const char *name;          /* "destination-down": what --override takes */
    const char *text;          /* "the destination is down as a standby" */
    bool is_lack_of_knowledge; /* its veto exits 5, any other 3 */
    bool may_override;
    const char *ended_by; /* the command that ends it; "" = it passes when its condition does */
};
const struct guard_rule_info *guard_rule_info(enum guard_rule rule); /* never NULL */
/* By name; -1 if there is none.  "promotion" is not a guard: see OVERRIDE_PROMOTION. */
int guard_rule_find(const char *name);

/* Sets of rules an operator lifted by name. */
typedef uint32_t override_set;
#define OVERRIDE_RULE(rule) (UINT32_C(1) << (rule))
#define OVERRIDE_PROMOTION (UINT32_C(1) << 31) /* skip hook and proof */
#define OVERRIDE_FOREIGN_OWNER                                                                     \
    OVERRIDE_RULE(GUARD_FOREIGN_OWNER)          /* take records that others claim */
#define OVERRIDE_DURABILITY (UINT32_C(1) << 30) /* move though the journal cannot be written */
/* What --override takes for a bit of the set; NULL: the bit means nothing. */
const char *override_name(unsigned bit);

/* The facts the guards ask about, for one group and one destination. */
struct guard_input {
    enum verdict source;      /* as active */
    enum verdict destination; /* as standby */
    bool holds[GUARD_RULES];  /* the condition of each rule that is not derived from the two
                                 verdicts; those four entries are ignored */
};

struct guard_result {
    enum guard_rule rule;
    enum guard_effect effect; /* GUARD_NOT_ASKED: does not bind this verb, or condition not met */
    bool is_lifted;           /* a veto that an override lifted */
};

/* ---- stage 4: decisions --------------------------------------------------------------------- */

enum decision_kind { DECISION_STAY = 0, DECISION_MOVE };

enum why {
    WHY_ACTIVE_UP = 0,      /* the active cluster is up */
    WHY_ACTIVE_UNKNOWN,     /* not knowing moves nothing */
    WHY_ACTIVE_DOWN,        /* the active cluster is down; value: ms without a break */
    WHY_MIN_OUTAGE,         /* not yet for min_outage; value: ms still missing */
    WHY_NO_DESTINATION,     /* no cluster is up as standby and not fenced */
    WHY_BOTH_DOWN,          /* every other cluster is down too */
    WHY_CANDIDATE_DOWN,     /* cluster: passed over */
    WHY_CANDIDATE_UNKNOWN,  /* cluster: passed over */
    WHY_CANDIDATE_FENCED,   /* cluster: passed over */
    WHY_CANDIDATE_CHOSEN,   /* cluster: first in order that is up as standby, not fenced */
    WHY_GUARD,              /* guard: vetoes */
    WHY_MODE_OBSERVE,       /* would move, but the group only observes */
    WHY_MODE_ADVISE,        /* would move, but the group only advises */
    WHY_NOT_ADOPTED,        /* the journal does not know which cluster is active */
    WHY_OUTAGE_LONG_ENOUGH, /* down for at least min_outage; value: ms */
};
#define WHYS (WHY_OUTAGE_LONG_ENOUGH + 1)
const char *why_name(enum why w); /* "min-outage": stable, for machines */

#define WHYS_MAX 40

struct decision_reason {
    enum why why;
    int8_t cluster;        /* place in the group's order, -1 = none */
    enum guard_rule guard; /* WHY_GUARD only */
    int64_t value;         /* see enum why */
};

/* A plain value. */
struct decision {
    enum decision_kind kind;
    bool would_move; /* a STAY that only the mode keeps from being a MOVE */
    int8_t from, to; /* places in the group's order, -1 = none */
    struct decision_reason reasons[WHYS_MAX]; /* in the order they were found */
    uint8_t n_reasons;
    struct mono next_due; /* ask again then, if nothing else happens; INT64_MAX = never */
};

/* Same kind, same clusters, same reasons whatever their values: nothing new to tell. */
bool decision_same(const struct decision *a, const struct decision *b);

#endif
