/* dnsflip/providers/local_plan.h -- the PURE half of the local provider: its step, what silence
 * does, whom verification asks. */
#ifndef DNSFLIP_PROVIDERS_LOCAL_PLAN_H
#define DNSFLIP_PROVIDERS_LOCAL_PLAN_H

#include "dnsflip/providers/provider.h"

/* The vtable's plan, silence, servers and problem: see provider.h. */
const char *local_plan_problem(const struct provider_cfg *cfg);
int local_plan_steps(const struct settings *settings, unsigned index,
                     const struct target_change changes[], size_t n, struct plan *plan,
                     struct err *err);
void local_plan_silence(const struct settings *settings, unsigned index, uint32_t group,
                        struct silence *out);
size_t local_plan_servers(const struct settings *settings, unsigned index, struct inet_addr out[]);

#endif
