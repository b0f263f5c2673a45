#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/value.h"

static void check_https(struct loader *l, const struct yaml_node *map, const struct target *t)
{
    const struct yaml_node *node = yaml_tree_find(map, "HTTPS");

    if (node == NULL || t->https[0] == '\0')
        return;
    if (t->cname[0] != '\0')
        loader_error(l, node, "an HTTPS record beside a CNAME: a CNAME stands alone");
    if (strstr(t->https, "ipv4hint") != NULL || strstr(t->https, "ipv6hint") != NULL)
        loader_error(l, node,
                     "an address hint would outlive a flip: leave ipv4hint and ipv6hint "
                     "out, the addresses are right beside it");
    if (t->https[strspn(t->https, "0123456789")] != ' ')
        loader_error(l, node,
                     "'%.100s' is not an HTTPS record: write PRIORITY TARGET PARAMETERS, "
                     "like 1 . alpn=h2",
                     t->https);
}

/* An address that no client could reach, or that reaches the client itself. */
static void check_addresses(struct loader *l, const struct yaml_node *map, const struct target *t)
{
    for (uint8_t i = 0; i < t->n_a; i++) {
        if (inet_is_any(&t->a[i]) || t->a[i].bytes[0] >= 224)
            loader_error(l, yaml_tree_find(map, "A"), "entry %u is no host's address", i + 1U);
    }
    for (uint8_t i = 0; i < t->n_aaaa; i++) {
        if (inet_is_any(&t->aaaa[i]) || t->aaaa[i].bytes[0] == 0xff)
            loader_error(l, yaml_tree_find(map, "AAAA"), "entry %u is no host's address", i + 1U);
    }
}

#define CLOUDFRONT_ZONE "Z2FDTNDATAQYW2"

static void load_alias(struct loader *l, const struct yaml_node *map, struct target *out)
{
    const struct yaml_node *zone = yaml_tree_find(map, "zone");
    const struct yaml_node *health = yaml_tree_find(map, "evaluate_target_health");

    if (!loader_section(l, map, schema_keys(SCHEMA_ALIAS), out))
        return;
    if (zone != NULL)
        (void)load_zone_id(l, zone, out->alias_zone);
    if (out->ttl_s > 0)
        loader_error(l, map, "an alias beside ttl: the TTL is that of what it stands for");
    if (out->https[0] != '\0')
        loader_error(l, map, "an alias beside HTTPS: those records do not move together");
    if (health != NULL && out->alias_evaluates_health &&
        strcmp(out->alias_zone, CLOUDFRONT_ZONE) == 0)
        loader_error(l, health, "CloudFront has no health that could be evaluated");
}

void load_target(struct loader *l, const struct yaml_node *map, struct target *out)
{
    if (!loader_section(l, map, schema_keys(SCHEMA_TARGET), out))
        return;
    out->n_a = loader_ips(l, yaml_tree_find(map, "A"), 4, ADDRESSES_MAX, out->a);
    out->n_aaaa = loader_ips(l, yaml_tree_find(map, "AAAA"), 6, ADDRESSES_MAX, out->aaaa);
    check_addresses(l, map, out);
    check_https(l, map, out);

    const struct yaml_node *cname = yaml_tree_find(map, "CNAME");
    const struct yaml_node *alias = yaml_tree_find(map, "alias");
    bool has_addresses = yaml_tree_find(map, "A") != NULL || yaml_tree_find(map, "AAAA") != NULL;

    if (cname != NULL && has_addresses)
        loader_error(l, cname, "a CNAME beside addresses: a target has one or the other");
    if (alias != NULL && (has_addresses || cname != NULL))
        loader_error(l, alias, "an alias beside addresses or a CNAME: a target has one of them");
    else if (alias != NULL)
        load_alias(l, alias, out);
    if (cname == NULL && alias == NULL && !has_addresses)
        loader_error(l, map, "a target needs A, AAAA, CNAME or alias");
}

/* The name is a label of CLUSTER.HOSTNAME. */
static void check_label(struct loader *l, const struct yaml_node *node)
{
    if (strpbrk(node->key, "._") != NULL)
        loader_key_error(l, node,
                         "the name of a cluster is part of host names "
                         "(CLUSTER.HOSTNAME): no '.' or '_'");
}

static void load_cluster(struct loader *l, const struct yaml_node *node, struct cluster_cfg *out)
{
    loader_name(l, node, out->name);
    check_label(l, node);
    if (!loader_section(l, node, schema_keys(SCHEMA_CLUSTER), out))
        return;

    const struct yaml_node *target = yaml_tree_find(node, "target");

    if (target != NULL)
        load_target(l, target, &out->target);
}

void load_clusters(struct loader *l, const struct yaml_node *map)
{
    if (!loader_is_map(l, map, CLUSTERS_MAX))
        return;
    if (map->n_children < 2)
        loader_error(l, map, "%u of them, but to move between clusters takes at least 2",
                     map->n_children);
    l->s->clusters = mem_array(map->n_children + 1U, sizeof(l->s->clusters[0]));
    for (const struct yaml_node *c = map->child; c != NULL; c = c->next) {
        l->clusters[l->s->n_clusters] = c;
        load_cluster(l, c, &l->s->clusters[l->s->n_clusters++]);
    }
}
