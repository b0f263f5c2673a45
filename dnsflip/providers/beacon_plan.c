#include "dnsflip/providers/beacon_plan.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/beacon_layout.h"
#include "dnsflip/providers/local_plan.h"

const char *beacon_plan_problem(const struct provider_cfg *cfg)
{
    struct beacon_layout layout = beacon_layout_of(cfg->beacon.is_inverted);

    if (cfg->beacon.n_listen == 0)
        return "a beacon needs at least one listen address";
    if (beacon_layout_fit(&layout) == BEACON_MOVES &&
        cfg->beacon.silence != BEACON_SILENCE_ACCEPTED)
        return "inverted: false has the health check of PRIMARY ask for the primary's own beacon: "
               "silence would move traffic to the secondary while the primary is active; leave it "
               "true, or accept that by name with silence: accepted";
    return NULL;
}

int beacon_plan_steps(const struct settings *settings, unsigned index,
                      const struct target_change changes[], size_t n, struct plan *plan,
                      struct err *err)
{
    const struct group_cfg *group = &settings->groups[plan->group];
    const char *from = settings->clusters[group->clusters[plan->from]].name;
    const char *to = settings->clusters[group->clusters[plan->to]].name;
    struct step *step;

    (void)changes;
    if (local_plan_joins(settings, plan, n))
        return 0;
    step = provider_add_step(index, n, plan, err);
    if (step == NULL)
        return -1;
    str_format(step->text, sizeof(step->text), "beacon %s: /beacon/%s/%s answers 200 (one store)",
               settings->providers[index].name, group->name, to);
    str_format(step->inverse, sizeof(step->inverse), "beacon %s: /beacon/%s/%s answers 200",
               settings->providers[index].name, group->name, from);
    return 0;
}

void beacon_plan_silence(const struct settings *settings, unsigned index, uint32_t group,
                         struct silence *out)
{
    const struct group_cfg *g = &settings->groups[group];
    struct beacon_layout layout = beacon_layout_of(settings->providers[index].beacon.is_inverted);

    /* Of every layout that follows: what a silent beacon leads to is one and the same cluster,
     * whichever was active. */
    *out = (struct silence){ .moves_traffic = true };
    (void)beacon_layout_silence(&layout, settings->clusters[g->clusters[0]].name,
                                settings->clusters[g->clusters[1]].name, out->text,
                                sizeof(out->text));
}

size_t beacon_plan_servers(const struct settings *settings, unsigned index, struct inet_addr out[])
{
    const struct beacon_cfg *cfg = &settings->providers[index].beacon;

    memcpy(out, cfg->nameservers, cfg->n_nameservers * sizeof(out[0]));
    return cfg->n_nameservers;
}
