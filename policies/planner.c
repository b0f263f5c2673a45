#include "policies/planner.h"

/* Which families a CNAME ends at is not known here: such a side loses and lacks nothing. */
static bool loses(uint8_t n_before, uint8_t n_after, const struct target *after)
{
    return n_before > 0 && n_after == 0 && after->cname[0] == '\0';
}

size_t planner_targets(const struct group_cfg *group, unsigned from, unsigned to,
                       struct target_change out[])
{
    size_t n = 0;

    for (size_t i = 0; i < group->n_hostnames; i++) {
        const struct target *before = &group->hostnames[i].targets[from];
        const struct target *after = &group->hostnames[i].targets[to];

        if (target_equal(before, after))
            continue;
        out[n++] = (struct target_change){
            .hostname = (uint32_t)i,
            .before = before,
            .after = after,
            .loses_a = loses(before->n_a, after->n_a, after),
            .loses_aaaa = loses(before->n_aaaa, after->n_aaaa, after),
        };
    }
    return n;
}

bool planner_is_complete(const struct target_change changes[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!target_is_set(changes[i].after))
            return false;
    }
    return true;
}
