#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define REFERENCES_MIN_AUTO 2
#define HOSTED_TTL_S                                                                               \
    60 /* what a group's TTL is, if not said, where dnsflip does not answer itself */

/* "did you mean" over the names of an array of structs that begin with char name[NAME_BYTES]. */
static void report_unknown(struct loader *l, const struct yaml_node *node, const char *what,
                           const void *array, size_t n, size_t size)
{
    const char *names[GROUPS_MAX];
    const char *nearest = NULL;

    for (size_t i = 0; i < n && i < GROUPS_MAX; i++)
        names[i] = (const char *)array + i * size;
    nearest = str_nearest(node->text, names, n);
    if (nearest != NULL)
        loader_error(l, node, "there is no %s '%.64s'; did you mean '%s'?", what, node->text,
                     nearest);
    else
        loader_error(l, node, "there is no %s '%.64s'", what, node->text);
}

static int find_name(const char *name, const void *array, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp((const char *)array + i * size, name) == 0)
            return (int)i;
    }
    return -1;
}

static void load_order(struct loader *l, const struct yaml_node *list, struct group_cfg *g)
{
    const struct settings *s = l->s;

    if (list == NULL || !loader_is_list(l, list, CLUSTERS_MAX))
        return;
    for (const struct yaml_node *c = list->child; c != NULL; c = c->next) {
        if (!loader_is_value(l, c))
            continue;

        int at = find_name(c->text, s->clusters, s->n_clusters, sizeof(s->clusters[0]));

        if (at < 0)
            report_unknown(l, c, "cluster", s->clusters, s->n_clusters, sizeof(s->clusters[0]));
        else if (group_find_cluster(g, (unsigned)at) >= 0)
            loader_error(l, c, "the cluster '%s' is there twice", c->text);
        else
            g->clusters[g->n_clusters++] = (uint8_t)at;
    }
    if (list->n_children < 2)
        loader_error(l, list, "%u of them, but to move between clusters takes at least 2",
                     list->n_children);
}

/* Only a policy that the file itself has, and no other, is meant by silence. */
static size_t silent_policy(struct loader *l)
{
    return l->s->n_policies == 1 ? 0 : load_default_policy(l);
}

static void load_policy_name(struct loader *l, const struct yaml_node *node, struct group_cfg *g)
{
    const struct settings *s = l->s;

    if (node == NULL) {
        g->policy = (uint16_t)silent_policy(l);
        return;
    }
    if (!loader_is_value(l, node))
        return;

    int at = find_name(node->text, s->policies, s->n_policies, sizeof(s->policies[0]));

    if (at < 0 && strcmp(node->text, "default") == 0)
        at = (int)load_default_policy(l);
    if (at < 0)
        report_unknown(l, node, "policy", s->policies, s->n_policies, sizeof(s->policies[0]));
    else
        g->policy = (uint16_t)at;
}

static void load_provider_names(struct loader *l, const struct yaml_node *map, struct group_cfg *g)
{
    const struct settings *s = l->s;
    const struct yaml_node *node = yaml_tree_find(map, "provider");

    if (node == NULL && s->n_providers == 1)
        g->providers[g->n_providers++] = 0;
    else if (node == NULL && s->n_providers > 1)
        loader_error(l, map, "the key 'provider' is missing: the file has %zu providers",
                     s->n_providers);
    if (node != NULL && node->kind == YAML_TREE_LIST && !loader_is_list(l, node, PROVIDERS_MAX))
        return;
    for (const struct yaml_node *c = loader_first(node); c != NULL; c = loader_next(node, c)) {
        if (!loader_is_value(l, c))
            continue;

        int at = find_name(c->text, s->providers, s->n_providers, sizeof(s->providers[0]));

        if (at < 0)
            report_unknown(l, c, "provider", s->providers, s->n_providers, sizeof(s->providers[0]));
        else if (memchr(g->providers, at, g->n_providers) != NULL)
            loader_error(l, c, "the provider '%s' is there twice", c->text);
        else
            g->providers[g->n_providers++] = (uint8_t)at;
    }
}

/* Do other people's name servers answer for the group, and none of ours? */
static bool is_hosted(const struct settings *s, const struct group_cfg *g)
{
    for (uint8_t i = 0; i < g->n_providers; i++) {
        if (strcmp(s->providers[g->providers[i]].kind, "local") == 0)
            return false;
    }
    return true;
}

/* Adopting, reading and settling are one provider's for a group: two that hold records of their own
 * would leave the second one's unread. */
static void check_hosted(struct loader *l, const struct yaml_node *map, const struct group_cfg *g)
{
    const struct yaml_node *node = yaml_tree_find(map, "provider");
    unsigned hosted = 0, local = 0;

    for (uint8_t i = 0; i < g->n_providers; i++) {
        hosted += strcmp(l->s->providers[g->providers[i]].kind, "route53") == 0;
        local += strcmp(l->s->providers[g->providers[i]].kind, "local") == 0;
    }
    if (node != NULL && hosted > 0 && hosted + local > 1)
        loader_error(l, node,
                     "a provider of kind route53 beside another that has records: make a group of "
                     "the names in each, and move them together with dnsflip evacuate");
}

static void load_vantage(struct loader *l, const struct yaml_node *node, struct group_cfg *g)
{
    if (node == NULL || !loader_is_value(l, node))
        return;
    g->is_single_vantage_accepted = strcmp(node->text, "accepted") == 0;
    if (!g->is_single_vantage_accepted)
        loader_error(l, node, "'%.64s' is not the word accepted", node->text);
}

/* Automatic moves need proof of promotion and doubt of ourselves. */
static void check_auto(struct loader *l, const struct yaml_node *map, const struct group_cfg *g)
{
    const struct yaml_node *mode = yaml_tree_find(map, "mode");

    if (g->mode != MODE_AUTO || mode == NULL)
        return;
    if (yaml_tree_find(map, "promotion") == NULL)
        loader_error(l, mode, "auto wants promotion: a map, or the words promotion: not-needed");
    if (l->s->n_references < REFERENCES_MIN_AUTO)
        loader_error(l, mode,
                     "auto wants at least %d references at the top of the file, there are %u: "
                     "targets that tell a dead cluster from a dead uplink of our own",
                     REFERENCES_MIN_AUTO, l->s->n_references);
    if (!g->is_single_vantage_accepted)
        loader_error(l, mode,
                     "auto wants the words single_vantage: accepted in this group, as one "
                     "controller alone judges the clusters");
}

static void load_group(struct loader *l, const struct yaml_node *node, struct group_cfg *g)
{
    const struct yaml_node *promotion = yaml_tree_find(node, "promotion");
    const struct yaml_node *probe = yaml_tree_find(node, "probe");

    loader_name(l, node, g->name);
    if (!loader_section(l, node, schema_keys(SCHEMA_GROUP), g))
        return;
    load_order(l, yaml_tree_find(node, "clusters"), g);
    load_policy_name(l, yaml_tree_find(node, "policy"), g);
    load_provider_names(l, node, g);
    check_hosted(l, node, g);
    if (yaml_tree_find(node, "ttl") == NULL && g->n_providers > 0 && is_hosted(l->s, g))
        g->ttl_s = HOSTED_TTL_S;
    load_vantage(l, yaml_tree_find(node, "single_vantage"), g);
    if (promotion != NULL && promotion->kind != YAML_TREE_REFUSED)
        load_promotion(l, promotion, &g->promotion);
    if (probe != NULL)
        load_probe_level(l, probe);
    check_auto(l, node, g);
    load_endpoints(l, node, g);
}

void load_groups(struct loader *l, const struct yaml_node *map)
{
    struct settings *s = l->s;

    if (!loader_is_map(l, map, GROUPS_MAX))
        return;
    if (map->n_children == 0)
        loader_error(l, map, "is empty, at least one group is needed");
    s->groups = mem_array(map->n_children + 1U, sizeof(s->groups[0]));
    l->groups = mem_array(map->n_children + 1U, sizeof(const struct yaml_node *));
    for (const struct yaml_node *c = map->child; c != NULL; c = c->next) {
        l->groups[s->n_groups] = c;
        load_group(l, c, &s->groups[s->n_groups++]);
    }
}
