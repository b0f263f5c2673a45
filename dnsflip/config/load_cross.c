#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/config/value.h"
#include "dnsflip/providers/route53_ownership.h"
#include "dnsflip/providers/route53_records.h"

#define UNSET_TTL UINT32_MAX

static bool is_in_zone(const char *name, const char *zone)
{
    size_t n = strlen(name);
    size_t m = strlen(zone);

    return m > 0 && n >= m && strcmp(name + n - m, zone) == 0 && (n == m || name[n - m - 1] == '.');
}

static bool is_local(const struct provider_cfg *p)
{
    return strcmp(p->kind, "local") == 0;
}

/* The group's local provider whose zone is the longest that holds name, else its first other one
 * (which names its hosted zones hold is only known when they are asked), or -1. */
static int find_provider(const struct settings *s, const struct group_cfg *g, const char *name)
{
    int best = -1;
    size_t longest = 0;

    for (uint8_t i = 0; i < g->n_providers; i++) {
        const struct provider_cfg *p = &s->providers[g->providers[i]];
        const char *zone = p->local.zone;

        if (is_local(p) && is_in_zone(name, zone) && strlen(zone) > longest) {
            best = g->providers[i];
            longest = strlen(zone);
        }
    }
    for (uint8_t i = 0; best < 0 && i < g->n_providers; i++) {
        if (!is_local(&s->providers[g->providers[i]]))
            best = g->providers[i];
    }
    return best;
}

static bool has_cname(const struct group_cfg *g, const struct hostname_cfg *h)
{
    for (uint8_t i = 0; i < g->n_clusters; i++) {
        if (h->targets[i].cname[0] != '\0')
            return true;
    }
    return false;
}

static bool has_alias(const struct group_cfg *g, const struct hostname_cfg *h)
{
    for (uint8_t i = 0; i < g->n_clusters; i++) {
        if (h->targets[i].alias_zone[0] != '\0')
            return true;
    }
    return false;
}

static const char *zone_problem(const struct local_cfg *zone, const struct group_cfg *g,
                                const struct hostname_cfg *h)
{
    if (has_alias(g, h))
        return "has an alias as its target, which exists only under a provider of kind route53: "
               "use A, AAAA or CNAME";
    if (strcmp(h->name, zone->zone) == 0 && has_cname(g, h))
        return "is the zone's own name (its apex), where a CNAME cannot stand beside SOA and NS";
    for (uint8_t i = 0; i < zone->n_nameservers; i++) {
        if (strcmp(h->name, zone->nameservers[i].name) == 0)
            return "is a name server of the zone, which must not move";
    }
    return NULL;
}

static bool has_all_targets(const struct group_cfg *g, const struct hostname_cfg *h)
{
    for (uint8_t i = 0; i < g->n_clusters; i++) {
        if (!target_is_set(&h->targets[i]))
            return false;
    }
    return true;
}

/* What Route 53 would refuse when the name is moved, which is no time to be told so. */
static bool is_hosted_well(struct loader *l, const struct yaml_node *node,
                           const struct provider_cfg *p, const struct group_cfg *g,
                           const struct hostname_cfg *h)
{
    struct route53_group group;
    char owner[HOSTNAME_BYTES];
    struct err err = { .code = ERR_NONE };

    if (h->acme[0] != '\0') {
        loader_error(l, node,
                     "%s has acme, which a provider of kind %s does not publish: make the CNAME of "
                     "_acme-challenge in the hosted zone yourself",
                     h->name, p->kind);
        return false;
    }
    /* What is missing has been reported already. */
    if (strcmp(p->kind, "route53") != 0 || !has_all_targets(g, h))
        return true;
    route53_group_init(&group, l->s, &p->route53, (uint32_t)(g - l->s->groups));
    /* Once a group. */
    if ((h == g->hostnames && route53_ownership_name(g->name, h->name, owner, &err) != 0) ||
        route53_records_check(&group, h, &err) != 0)
        loader_error(l, node, "%s", err.text);
    return err.code == ERR_NONE;
}

/* A provider without a zone, or none at all, has been reported already. */
static bool zones_are_known(const struct settings *s, const struct group_cfg *g)
{
    for (uint8_t i = 0; i < g->n_providers; i++) {
        const struct provider_cfg *p = &s->providers[g->providers[i]];

        if (is_local(p) && p->local.zone[0] == '\0')
            return false;
    }
    return g->n_providers > 0;
}

bool load_hostname(struct loader *l, const struct yaml_node *node, const struct group_cfg *g,
                   struct hostname_cfg *h)
{
    const struct settings *s = l->s;
    int provider = find_provider(s, g, h->name);
    size_t longest = 0;

    for (uint8_t i = 0; i < g->n_clusters; i++) {
        size_t n = strlen(s->clusters[g->clusters[i]].name);

        longest = n > longest ? n : longest;
    }
    if (strlen(h->name) + 1 + longest >= HOSTNAME_BYTES - 2) {
        loader_error(l, node, "%s: with CLUSTER. in front the name is longer than 253 characters",
                     h->name);
        return false;
    }
    if (provider < 0) {
        if (zones_are_known(s, g))
            loader_error(l, node, "%s lies in the zone of no provider of this group (%s%s)",
                         h->name, s->providers[g->providers[0]].local.zone,
                         g->n_providers > 1 ? ", ..." : "");
        return false;
    }
    h->provider = (uint8_t)provider;

    if (!is_local(&s->providers[provider]))
        return is_hosted_well(l, node, &s->providers[provider], g, h);

    const char *problem = zone_problem(&s->providers[provider].local, g, h);

    if (problem != NULL)
        loader_error(l, node, "%s %s", h->name, problem);
    return problem == NULL;
}

/* Is name CLUSTER.OTHER where OTHER is managed and CLUSTER one of its group's?  That name always
 * answers with the cluster. */
static void check_cluster_name(struct loader *l, size_t group, const char *name)
{
    const struct settings *s = l->s;
    const char *dot = strchr(name, '.');
    char label[NAME_BYTES];
    uint64_t found = 0;

    if (dot == NULL || (size_t)(dot - name) >= sizeof(label) ||
        !name_map_get(&l->hostnames, dot + 1, &found))
        return;
    memcpy(label, name, (size_t)(dot - name));
    label[dot - name] = '\0';

    int cluster = settings_find_cluster(s, label);

    if (cluster >= 0 && group_find_cluster(&s->groups[found >> 32], (unsigned)cluster) >= 0)
        loader_error(l, l->groups[group], "%s is what always answers with cluster %s of %s", name,
                     label, dot + 1);
}

/* A CNAME to a managed name would follow that name's flips. */
static void check_cnames(struct loader *l, size_t group, const struct hostname_cfg *h)
{
    const struct group_cfg *g = &l->s->groups[group];
    uint64_t found = 0;

    for (uint8_t i = 0; i < g->n_clusters; i++) {
        const char *cname = h->targets[i].cname;

        if (cname[0] != '\0' && name_map_get(&l->hostnames, cname, &found))
            loader_error(l, l->groups[group],
                         "the target of %s in cluster %s is %s, which is a managed name itself: "
                         "a target does not move",
                         h->name, l->s->clusters[g->clusters[i]].name, cname);
    }
}

static uint32_t smallest_ttl(const struct group_cfg *g, const struct hostname_cfg *h)
{
    uint32_t ttl = g->ttl_s;

    for (uint8_t i = 0; i < g->n_clusters; i++) {
        uint32_t own = h->targets[i].ttl_s;

        if (own > 0 && own < ttl)
            ttl = own;
    }
    return ttl;
}

/* A resolver must not remember longer that a family is missing than that it is there. */
static void check_minimum(struct loader *l, size_t provider, uint32_t smallest)
{
    const struct yaml_node *node = l->providers[provider];
    const struct yaml_node *soa = yaml_tree_find(node, "soa");
    uint32_t minimum = l->s->providers[provider].local.soa.minimum_s;

    if (smallest != UNSET_TTL && minimum > smallest)
        loader_error(l, soa == NULL ? node : soa,
                     "minimum (%us) is longer than the smallest TTL of a managed name (%us)",
                     minimum, smallest);
}

void load_cross_checks(struct loader *l)
{
    const struct settings *s = l->s;
    uint32_t smallest[PROVIDERS_MAX];

    for (size_t i = 0; i < PROVIDERS_MAX; i++)
        smallest[i] = UNSET_TTL;
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group_cfg *g = &s->groups[i];

        for (size_t k = 0; k < g->n_hostnames; k++) {
            uint32_t ttl = smallest_ttl(g, &g->hostnames[k]);
            uint8_t provider = g->hostnames[k].provider;

            check_cluster_name(l, i, g->hostnames[k].name);
            check_cnames(l, i, &g->hostnames[k]);
            if (ttl < smallest[provider])
                smallest[provider] = ttl;
        }
    }
    for (size_t i = 0; i < s->n_providers; i++) {
        if (is_local(&s->providers[i]))
            check_minimum(l, i, smallest[i]);
    }
    load_arc_groups(l);
}
