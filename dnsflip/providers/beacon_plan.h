/* dnsflip/providers/beacon_plan.h -- the PURE half of the beacon provider: its step, what silence
 * does, whom verification asks. */
#ifndef DNSFLIP_PROVIDERS_BEACON_PLAN_H
#define DNSFLIP_PROVIDERS_BEACON_PLAN_H

#include <stddef.h>

#include "dnsflip/providers/provider.h"

/* The vtable's plan, silence, servers and problem: see provider.h. */
const char *beacon_plan_problem(const struct provider_cfg *cfg);
int beacon_plan_steps(const struct settings *settings, unsigned index,
                      const struct target_change changes[], size_t n, struct plan *plan,
                      struct err *err);
void beacon_plan_silence(const struct settings *settings, unsigned index, uint32_t group,
                         struct silence *out);
size_t beacon_plan_servers(const struct settings *settings, unsigned index, struct inet_addr out[]);

#endif
