/* dnsflip/providers/arc_plan.h -- the PURE half of the provider arc: its step, what the states of
 * its routing controls mean for a group, and whether a step may be carried out on them. */
#ifndef DNSFLIP_PROVIDERS_ARC_PLAN_H
#define DNSFLIP_PROVIDERS_ARC_PLAN_H

#include "dnsflip/providers/provider.h"

const char *arc_plan_problem(const struct provider_cfg *cfg);
int arc_plan_steps(const struct settings *settings, unsigned index,
                   const struct target_change changes[], size_t n, struct plan *plan,
                   struct err *err);
void arc_plan_silence(const struct settings *settings, unsigned index, uint32_t group,
                      struct silence *out);
size_t arc_plan_servers(const struct settings *settings, unsigned index, struct inet_addr out[]);

/* The control of the cluster at place in the group's order, as an index into cfg.controls. */
unsigned arc_plan_control(const struct settings *settings, unsigned index, uint32_t group,
                          unsigned place);

/* Which cluster gets the traffic of a group; is_on[i] is the state of controls[i]. */
void arc_plan_live(const struct settings *settings, unsigned index, uint32_t group,
                   const bool is_on[CLUSTERS_MAX], struct live *out);

/* "use1 On, usw2 Off" */
void arc_plan_words(const struct arc_cfg *cfg, const bool is_on[CLUSTERS_MAX], char *out,
                    size_t cap);

enum arc_verdict {
    ARC_SEND = 0, /* the controls are what the step starts from */
    ARC_DONE,     /* they are what it leads to */
    ARC_CONFLICT, /* somebody else has set them */
};

/* A step from a cluster to itself (an adoption) also mends what is no cluster's: several controls
 * On, or none. */
enum arc_verdict arc_plan_judge(const struct step *step, const struct live *live);

/* What is found of a step after a crash. */
enum found arc_plan_found(const struct step *step, const struct live *live);

#endif
