#include "policies/quorum.h"

#include <stdbool.h>

#define PERCENT 100

uint32_t quorum_threshold(struct down_if rule, uint32_t n)
{
    uint64_t t = rule.value;

    if (n == 0)
        return 0;
    if (rule.is_percent)
        t = (t * n + PERCENT - 1) / PERCENT;
    if (t < 1)
        return 1;
    return t < n ? (uint32_t)t : n;
}

static void count(struct class_count *c, enum health_status status)
{
    c->n++;
    switch (status) {
    case HEALTH_UP:
        c->up++;
        break;
    case HEALTH_DOWN:
        c->down++;
        break;
    case HEALTH_UNKNOWN:
        c->unknown++;
        break;
    }
}

static bool is_down(const struct class_count *c)
{
    return c->n > 0 && c->down >= c->threshold;
}

/* A class without endpoints stands in nobody's way. */
static bool is_up(const struct class_count *c)
{
    return c->n == 0 || c->up > c->n - c->threshold;
}

struct cluster_view quorum_verdict(const struct down_if rules[ENDPOINT_CLASSES],
                                   const struct endpoint_health endpoints[], size_t n)
{
    struct cluster_view v = { .verdict = VERDICT_UNKNOWN };

    for (size_t i = 0; i < n; i++) {
        count(&v.classes[endpoints[i].class], endpoints[i].status);
        if (endpoints[i].is_critical)
            count(&v.critical, endpoints[i].status);
    }
    v.critical.threshold = v.critical.n > 0 ? 1 : 0;

    bool some_down = is_down(&v.critical);
    bool all_up = n > 0 && is_up(&v.critical);

    for (size_t i = 0; i < ENDPOINT_CLASSES; i++) {
        v.classes[i].threshold = quorum_threshold(rules[i], v.classes[i].n);
        some_down = some_down || is_down(&v.classes[i]);
        all_up = all_up && is_up(&v.classes[i]);
    }
    if (some_down)
        v.verdict = VERDICT_DOWN;
    else if (all_up)
        v.verdict = VERDICT_UP;
    return v;
}
