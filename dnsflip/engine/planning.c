#include "dnsflip/engine/planning.h"

#include <assert.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/providers/provider.h"
#include "policies/planner.h"

/* Appends the steps of the changes that provider carries; changes keep the group's order, so those
 * of one provider are gathered first. */
static int plan_provider(const struct settings *s, unsigned provider,
                         const struct target_change changes[], size_t n, struct plan *plan,
                         struct err *err)
{
    const struct provider_cfg *cfg = &s->providers[provider];
    const struct group_cfg *group = &s->groups[plan->group];
    const struct provider_ops *ops = provider_find(cfg->kind);
    struct target_change *mine = mem_array(n, sizeof(*mine));
    size_t n_mine = 0;
    int result = 0;

    assert(ops != NULL);
    for (size_t i = 0; i < n; i++) {
        if (group->hostnames[changes[i].hostname].provider == provider)
            mine[n_mine++] = changes[i];
    }
    /* A provider without a changed name still has its part of the group to move: names that
     * answer alike in both clusters must follow the active cluster from now on. */
    result = ops->plan(s, provider, mine, n_mine, plan, err);
    mem_free(mine);
    return result < 0 ? err_wrap(err, "provider %s", cfg->name) : 0;
}

/* A reload gives the same cluster other targets: whatever the group answers is looked at. */
static size_t all_names(const struct group_cfg *g, unsigned place, struct target_change out[])
{
    for (size_t i = 0; i < g->n_hostnames; i++) {
        const struct target *target = &g->hostnames[i].targets[place];

        out[i] =
            (struct target_change){ .hostname = (uint32_t)i, .before = target, .after = target };
    }
    return g->n_hostnames;
}

int planning_make(const struct settings *s, uint32_t group, enum verb verb, unsigned from,
                  unsigned to, struct plan *plan, struct target_change **changes, struct err *err)
{
    const struct group_cfg *g = &s->groups[group];
    struct target_change *made = mem_array(g->n_hostnames, sizeof(*made));
    size_t n = verb == VERB_RELOAD ? all_names(g, to, made) : planner_targets(g, from, to, made);

    *changes = NULL;
    *plan = (struct plan){
        .verb = verb, .group = group, .from = (int8_t)from, .to = (int8_t)to, .n_names = (uint32_t)n
    };
    if (!planner_is_complete(made, n)) {
        mem_free(made);
        return err_set(err, ERR_CONFLICT,
                       "group %s: the move would take a name's last address; give every hostname a "
                       "target in every cluster",
                       g->name);
    }
    for (unsigned i = 0; i < g->n_providers; i++) {
        if (plan_provider(s, g->providers[i], made, n, plan, err) < 0) {
            mem_free(made);
            return err_wrap(err, "group %s", g->name);
        }
    }
    *changes = made;
    return 0;
}
