#include "dnsflip/providers/route53_steps.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53.h"

#define ZONES_NAMED 3

const char *route53_steps_problem(const struct provider_cfg *cfg)
{
    return cfg->route53.n_zones == 0 ? "a route53 provider needs at least one hosted zone" : NULL;
}

/* "Z1, Z2, Z3 and 4 more" */
static void name_zones(const struct route53_cfg *cfg, char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < cfg->n_zones && i < ZONES_NAMED; i++) {
        (void)str_format(out + n, cap - n, "%s%s", i > 0 ? ", " : "", cfg->zones[i]);
        n = strlen(out);
    }
    if (cfg->n_zones > ZONES_NAMED)
        (void)str_format(out + n, cap - n, " and %u more", (unsigned)cfg->n_zones - ZONES_NAMED);
}

int route53_steps_plan(const struct settings *settings, unsigned index,
                       const struct target_change changes[], size_t n, struct plan *plan,
                       struct err *err)
{
    const struct group_cfg *group = &settings->groups[plan->group];
    const char *from = settings->clusters[group->clusters[plan->from]].name;
    const char *to = settings->clusters[group->clusters[plan->to]].name;
    char zones[(ROUTE53_ZONES_MAX + 1) * ROUTE53_ZONE_ID_BYTES];
    struct step *step;

    (void)changes;
    step = provider_add_step(index, n, plan, err);
    if (step == NULL)
        return -1;
    name_zones(&settings->providers[index].route53, zones, sizeof(zones));
    plan->apply_ms += ROUTE53_INSYNC_MS;
    (void)str_format(step->text, sizeof(step->text),
                     "Route 53 %s: move %zu names of %s to %s by compare-and-swap", zones, n,
                     group->name, to);
    (void)str_format(step->inverse, sizeof(step->inverse),
                     "Route 53 %s: move %zu names of %s to %s by compare-and-swap", zones, n,
                     group->name, from);
    return 0;
}

void route53_steps_silence(const struct settings *settings, unsigned index, uint32_t group,
                           struct silence *out)
{
    (void)settings;
    (void)index;
    (void)group;
    *out = (struct silence){ .moves_traffic = false };
    (void)str_copy(out->text, sizeof(out->text),
                   "names stay where their records point; to move them takes the Route 53 control "
                   "plane, which is in one region only");
}
