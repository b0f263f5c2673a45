/* policies/health.h -- stage 2 of 7: outcomes of one probe -> health status.
 * Rise and fall with a leaky failure count, so that a probe that fails two times in three does
 * not stay up for ever.  Pure: no clock, no I/O, no allocation, no logging.
 * The shell sees a transition by comparing the status before and after. */
#ifndef DNSFLIP_POLICIES_HEALTH_H
#define DNSFLIP_POLICIES_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/model/health.h"
#include "dnsflip/model/observation.h"

/* Rounds without a conclusive outcome that make a named alarm. */
#define HEALTH_MUTE_ROUNDS 10

/* NULL if cfg is usable, else what is wrong with it: a static string without a place, to which
 * the config loader adds file, line and key. */
const char *health_cfg_problem(const struct health_cfg *cfg);

/* The state of a probe that starts at now: UNKNOWN. */
struct health health_start(struct mono now);

/* The state after outcome v arrived at now.  Never fails.
 * An INCONCLUSIVE outcome is not evidence: it neither counts nor refreshes. */
struct health health_step(const struct health_cfg *cfg, struct health h, enum outcome v,
                          struct mono now);

/* The state at now if nothing arrived: UNKNOWN once stale.  Idempotent. */
struct health health_expire(const struct health_cfg *cfg, struct health h, struct mono now);

/* Did the last conclusive outcome disagree with the status?  Then fast_interval applies.  An
 * UNKNOWN status disagrees with everything. */
bool health_is_in_doubt(struct health h);

/* Of one endpoint from its address families' healths: up if all are up, down if all are down,
 * else unknown (a family that is lost alone must not move traffic).  n >= 1. */
enum health_status health_join(const enum health_status status[], size_t n);

#endif
