/* policies/quorum.h -- stage 3 of 7: the healths of a cluster's endpoints -> its verdict. */
#ifndef DNSFLIP_POLICIES_QUORUM_H
#define DNSFLIP_POLICIES_QUORUM_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/model/decision.h"

/* How many of n endpoints must be down for a class to be down: ceil(p * n), or the count (at
 * most n); at least 1 for n >= 1, 0 for n = 0. */
uint32_t quorum_threshold(struct down_if rule, uint32_t n);

/* Down: some class has >= threshold down, or a critical endpoint is down.  Up: in every class more
 * than n - threshold are up, and the critical ones are.  Else unknown; of no endpoints: unknown.
 * Pure; O(n). */
struct cluster_view quorum_verdict(const struct down_if rules[ENDPOINT_CLASSES],
                                   const struct endpoint_health endpoints[], size_t n);

#endif
