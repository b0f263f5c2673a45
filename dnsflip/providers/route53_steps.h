/* dnsflip/providers/route53_steps.h -- stage 5 of 7 for "route53", without a look at the zones: the
 * one step that moves a group, its inverse, and what silence means.  PURE. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_STEPS_H
#define DNSFLIP_PROVIDERS_ROUTE53_STEPS_H

#include "dnsflip/providers/provider.h"

/* As provider_ops says. */
const char *route53_steps_problem(const struct provider_cfg *cfg);
int route53_steps_plan(const struct settings *settings, unsigned index,
                       const struct target_change changes[], size_t n, struct plan *plan,
                       struct err *err);
void route53_steps_silence(const struct settings *settings, unsigned index, uint32_t group,
                           struct silence *out);

#endif
