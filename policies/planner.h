/* policies/planner.h -- stage 5 of 7: which records of which hostname change in a move.  Pure. */
#ifndef DNSFLIP_POLICIES_PLANNER_H
#define DNSFLIP_POLICIES_PLANNER_H

#include <stddef.h>

#include "dnsflip/model/plan.h"
#include "dnsflip/model/settings.h"

/* The changes that take group from cluster place `from` to place `to`: one per hostname, in the
 * group's order, into out[group->n_hostnames]; a hostname whose records are equal in both
 * clusters is left out.  Returns how many. */
size_t planner_targets(const struct group_cfg *group, unsigned from, unsigned to,
                       struct target_change out[]);

/* Does every name keep an address or a CNAME?  (It always should: check refuses a configuration
 * that takes a name's last one.) */
bool planner_is_complete(const struct target_change changes[], size_t n);

#endif
