/* policies/explain.h -- decisions in words: the numbered reasons that every command prints. */
#ifndef DNSFLIP_POLICIES_EXPLAIN_H
#define DNSFLIP_POLICIES_EXPLAIN_H

#include <stddef.h>

#include "dnsflip/model/decision.h"
#include "dnsflip/model/settings.h"

#define EXPLAIN_BYTES 320

/* names[i]: name of the cluster at place i of the group.  One sentence, no full stop at its end:
 * "use1 has been down for 2m3s, at least min_outage".  All return out. */
const char *explain_reason(const struct decision_reason *reason, const char *const names[],
                           char out[static EXPLAIN_BYTES]);

/* "stay on use1", "move use1 -> usw2", "stay on use1 (would move to usw2, but the group only
 * advises)". */
const char *explain_decision(const struct decision *d, const char *const names[],
                             char out[static EXPLAIN_BYTES]);

/* "destination-fenced vetoes switch: ... ; dnsflip rejoin CLUSTER, or lift it with --override
 * destination-fenced --reason TEXT"; for a rule that may not be lifted only what ends it. */
const char *explain_guard(const struct guard_result *g, enum verb verb,
                          char out[static EXPLAIN_BYTES]);

/* "ui 1 of 80 down (limit 40), api 0 of 80 down, 80 unknown (limit 40)". */
const char *explain_view(const struct cluster_view *v, char out[static EXPLAIN_BYTES]);

#endif
