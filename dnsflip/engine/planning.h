/* dnsflip/engine/planning.h -- stage 5 put together: planner + provider -> a plan.  PURE: the
 * daemon and `dnsflip plan` without one call the same function. */
#ifndef DNSFLIP_ENGINE_PLANNING_H
#define DNSFLIP_ENGINE_PLANNING_H

#include "dnsflip/base/err.h"
#include "dnsflip/model/plan.h"
#include "dnsflip/model/settings.h"

/* The plan that takes group (index) from place to place; guards must be set by the caller
 * afterwards.  *changes: plan->n_names of them, the caller's (mem_free). */
__attribute__((warn_unused_result)) int
planning_make(const struct settings *s, uint32_t group, enum verb verb, unsigned from, unsigned to,
              struct plan *plan, struct target_change **changes, struct err *err);

#endif
