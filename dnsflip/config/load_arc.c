#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/arc_message.h"

#define DNS_PORT 53

static void load_url(struct loader *l, const struct yaml_node *node, struct arc_endpoint *out)
{
    char authority[AWS_URL_BYTES], path[AWS_URL_BYTES];
    const char *problem = NULL;

    loader_name(l, node, out->region);
    if (!loader_is_value(l, node))
        return;
    problem = arc_message_url(node->text, authority, sizeof(authority), path, sizeof(path));
    if (problem != NULL || !str_copy(out->url, sizeof(out->url), node->text))
        loader_error(l, node,
                     "'%.100s' %s: write the URL of a cluster endpoint like "
                     "https://HOST.route53-recovery-cluster.us-east-1.amazonaws.com/v1",
                     node->text, problem != NULL ? problem : "is too long");
}

static bool is_arn(const char *text)
{
    static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                ":./_-";

    return str_starts(text, "arn:") && strstr(text, "/routingcontrol/") != NULL &&
           text[strspn(text, known)] == '\0' && strlen(text) < ARC_ARN_BYTES;
}

static void load_control(struct loader *l, const struct yaml_node *node, struct arc_cfg *out)
{
    struct arc_control *control = &out->controls[out->n_controls];

    loader_name(l, node, control->cluster);
    if (control->cluster[0] != '\0' && settings_find_cluster(l->s, control->cluster) < 0)
        loader_key_error(l, node, "there is no cluster '%s'", control->cluster);
    if (!loader_is_value(l, node))
        return;
    if (!is_arn(node->text)) {
        loader_error(l, node,
                     "'%.100s' is not the ARN of a routing control "
                     "(arn:aws:route53-recovery-control::ACCOUNT:controlpanel/ID/"
                     "routingcontrol/ID, at most %d characters)",
                     node->text, ARC_ARN_BYTES - 1);
        return;
    }
    str_copy(control->arn, sizeof(control->arn), node->text);
    for (uint8_t i = 0; i < out->n_controls; i++) {
        if (strcmp(out->controls[i].arn, control->arn) == 0)
            loader_error(l, node, "is the routing control of cluster %s too: each has its own",
                         out->controls[i].cluster);
    }
}

void load_arc(struct loader *l, const struct yaml_node *map, struct arc_cfg *out)
{
    if (!loader_section(l, map, schema_keys(SCHEMA_ARC), out))
        return;

    const struct yaml_node *endpoints = yaml_tree_find(map, "endpoints");
    const struct yaml_node *controls = yaml_tree_find(map, "controls");

    if (endpoints != NULL && loader_is_map(l, endpoints, ARC_ENDPOINTS_MAX)) {
        for (const struct yaml_node *c = endpoints->child; c != NULL; c = c->next)
            load_url(l, c, &out->endpoints[out->n_endpoints++]);
        if (endpoints->n_children == 0)
            loader_error(l, endpoints, "is empty, an ARC cluster has five endpoints");
    }
    load_authority(l, yaml_tree_find(map, "proxy"), false, out->aws.proxy);
    out->n_nameservers = loader_addrs(l, yaml_tree_find(map, "nameservers"), DNS_PORT,
                                      SECONDARIES_MAX, out->nameservers);
    if (controls == NULL || !loader_is_map(l, controls, CLUSTERS_MAX))
        return;
    for (const struct yaml_node *c = controls->child; c != NULL; c = c->next) {
        load_control(l, c, out);
        out->n_controls++;
    }
}

static bool has_control(const struct arc_cfg *arc, const char *cluster)
{
    for (uint8_t i = 0; i < arc->n_controls; i++) {
        if (strcmp(arc->controls[i].cluster, cluster) == 0)
            return true;
    }
    return false;
}

/* The controls of provider are those of the clusters of one group, no more and no less: turning
 * them moves all that hangs on them. */
static void check_group(struct loader *l, size_t provider, const struct group_cfg *g)
{
    const struct settings *s = l->s;
    const struct arc_cfg *arc = &s->providers[provider].arc;
    const struct yaml_node *node = yaml_tree_find(l->providers[provider], "controls");

    if (node == NULL)
        return;
    for (uint8_t i = 0; i < g->n_clusters; i++) {
        const char *cluster = s->clusters[g->clusters[i]].name;

        if (!has_control(arc, cluster))
            loader_error(l, node, "has no routing control for cluster %s of group %s", cluster,
                         g->name);
    }
    for (uint8_t i = 0; i < arc->n_controls; i++) {
        int cluster = settings_find_cluster(s, arc->controls[i].cluster);

        if (cluster >= 0 && group_find_cluster(g, (unsigned)cluster) < 0)
            loader_error(l, node, "has a routing control for cluster %s, which is not in group %s",
                         arc->controls[i].cluster, g->name);
    }
}

/* Adopting, reading and settling are one provider's for a group. */
static void check_alone(struct loader *l, size_t group)
{
    const struct settings *s = l->s;
    const struct group_cfg *g = &s->groups[group];
    bool has_arc = false;

    for (uint8_t i = 0; i < g->n_providers; i++)
        has_arc = has_arc || strcmp(s->providers[g->providers[i]].kind, "arc") == 0;
    if (has_arc && g->n_providers > 1)
        loader_error(l, yaml_tree_find(l->groups[group], "provider"),
                     "a provider of kind arc beside another: make a group of the names in each, "
                     "and move them together with dnsflip evacuate");
}

void load_arc_groups(struct loader *l)
{
    const struct settings *s = l->s;

    for (size_t i = 0; i < s->n_groups; i++)
        check_alone(l, i);

    for (size_t p = 0; p < s->n_providers; p++) {
        const struct group_cfg *first = NULL;

        if (strcmp(s->providers[p].kind, "arc") != 0)
            continue;
        for (size_t i = 0; i < s->n_groups; i++) {
            const struct group_cfg *g = &s->groups[i];

            if (memchr(g->providers, (int)p, g->n_providers) == NULL)
                continue;
            if (first != NULL)
                loader_error(l, l->groups[i],
                             "its provider %s is group %s's already: routing controls move all "
                             "that hangs on them, so each group has controls of its own",
                             s->providers[p].name, first->name);
            else
                check_group(l, p, g);
            first = first != NULL ? first : g;
        }
    }
}
