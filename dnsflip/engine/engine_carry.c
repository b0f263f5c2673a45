/* dnsflip/engine/engine_carry.c -- a reload: what is checked as before keeps its health and its
 * place in the schedule. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/engine/engine_state.h"

/* One side of the comparison: settings and a probe of theirs. */
struct side {
    const struct settings *settings;
    const struct engine_probe *probe;
};

static const struct group_cfg *group_of(struct side s)
{
    return &s.settings->groups[s.probe->group];
}

static const struct endpoint_cfg *endpoint_of(struct side s)
{
    return &group_of(s)->endpoints[s.probe->endpoint];
}

static const char *hostname_of(struct side s)
{
    return group_of(s)->hostnames[endpoint_of(s)->hostname].name;
}

static const char *cluster_of(struct side s)
{
    return s.settings->clusters[group_of(s)->clusters[s.probe->place]].name;
}

/* What is published beside the addresses does not change where a probe goes. */
static struct target destination_of(struct side s)
{
    const struct endpoint_cfg *endpoint = endpoint_of(s);
    struct target t = endpoint->targets != NULL
                          ? endpoint->targets[s.probe->place]
                          : group_of(s)->hostnames[endpoint->hostname].targets[s.probe->place];

    t.ttl_s = 0;
    t.https[0] = '\0';
    return t;
}

static bool is_same(struct side a, struct side b)
{
    const struct endpoint_cfg *x = endpoint_of(a), *y = endpoint_of(b);
    struct target u, v;

    if (a.probe->family != b.probe->family || x->class != y->class ||
        strcmp(group_of(a)->name, group_of(b)->name) != 0 ||
        strcmp(cluster_of(a), cluster_of(b)) != 0 || strcmp(hostname_of(a), hostname_of(b)) != 0 ||
        strcmp(x->base_path, y->base_path) != 0 || !probe_cfg_equal(x->probe, y->probe))
        return false;
    u = destination_of(a);
    v = destination_of(b);
    return target_equal(&u, &v);
}

/* ---- old probes by hostname, base path and cluster ---------------------------------------------
 */

struct table {
    uint32_t *heads, *next; /* owned; number + 1 of the first, of the one behind; 0 = none */
    size_t n_heads;         /* a power of two */
};

/* FNV-1a. */
static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
    return hash;
}

static size_t bucket_of(const struct table *t, struct side s)
{
    uint32_t hash = hash_text(UINT32_C(2166136261), hostname_of(s));

    hash = hash_text(hash, endpoint_of(s)->base_path);
    return hash_text(hash, cluster_of(s)) & (t->n_heads - 1);
}

static struct table table_of(const struct settings *settings, const struct engine_probe probes[],
                             size_t n)
{
    struct table t = { .n_heads = 1 };

    while (t.n_heads < n)
        t.n_heads *= 2;
    t.heads = mem_array(t.n_heads, sizeof(*t.heads));
    t.next = mem_array(n + 1, sizeof(*t.next));
    for (size_t i = n; i > 0; i--) {
        size_t bucket =
            bucket_of(&t, (struct side){ .settings = settings, .probe = &probes[i - 1] });

        t.next[i] = t.heads[bucket];
        t.heads[bucket] = (uint32_t)i;
    }
    return t;
}

void engine_probe_carry(struct engine *e, const struct settings *before,
                        const struct engine_probe old[], const struct scheduler *schedule, size_t n)
{
    struct table t = table_of(before, old, n);

    scheduler_carry_rate(&e->scheduler, schedule);
    for (uint32_t i = 0; i < e->n_probes; i++) {
        struct engine_probe *p = &e->probes[i];
        struct side new = { .settings = e->deps.settings, .probe = p };
        uint32_t at = t.heads[bucket_of(&t, new)];

        while (at != 0 && !is_same(new, (struct side){ .settings = before, .probe = &old[at - 1] }))
            at = t.next[at];
        if (at == 0)
            continue;
        memcpy(p->health, old[at - 1].health, sizeof(p->health));
        p->seen = old[at - 1].seen;
        p->seen_at = old[at - 1].seen_at;
        p->runs = old[at - 1].runs;
        p->fails = old[at - 1].fails;
        scheduler_carry(&e->scheduler, i, schedule, at - 1);
    }
    mem_free(t.heads);
    mem_free(t.next);
}
