/* dnsflip/providers/local_plan.h -- the PURE half of the local provider: its step, what silence
 * does, whom verification asks. */
#ifndef DNSFLIP_PROVIDERS_LOCAL_PLAN_H
#define DNSFLIP_PROVIDERS_LOCAL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/providers/provider.h"

/* The vtable's plan, silence, servers and problem: see provider.h. */
const char *local_plan_problem(const struct provider_cfg *cfg);
int local_plan_steps(const struct settings *settings, unsigned index,
                     const struct target_change changes[], size_t n, struct plan *plan,
                     struct err *err);
void local_plan_silence(const struct settings *settings, unsigned index, uint32_t group,
                        struct silence *out);
size_t local_plan_servers(const struct settings *settings, unsigned index, struct inet_addr out[]);

/* One word moves the group in every zone that dnsflip answers and for every health checker: if plan
 * has a step that stores it already, that one carries these n names too. */
bool local_plan_joins(const struct settings *settings, struct plan *plan, size_t n);

#endif
