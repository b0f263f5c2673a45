#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/print.h"
#include "dnsflip/config/value.h"

#define ACME_PREFIX "_acme-challenge."
#define PROBE_TEXT_BYTES (64U << 10)

/* One entry of endpoints:, before {deployment} is expanded. */
struct stanza {
    const struct yaml_node *map, *hostname, *base_path, *acme;
    struct endpoint_cfg endpoint; /* what all its expansions share */
    struct target targets[CLUSTERS_MAX];
    bool is_refused; /* something its expansions need is wrong: do not report it once more for each
                      */
};

/* Reading one group's endpoints. */
struct reading {
    struct loader *l;
    struct group_cfg *g;
    size_t group; /* its index */
    struct deployments deployments;
    struct name_map probes; /* text of a probe -> index into g->probes */
    struct name_map checks; /* what is checked already */
    size_t hostnames_cap;
};

/* The targets of a stanza: its own, else each cluster's. */
static void read_targets(struct reading *r, struct stanza *st)
{
    const struct yaml_node *map = yaml_tree_find(st->map, "target");
    const struct settings *s = r->l->s;

    if (map != NULL && !loader_is_map(r->l, map, SIZE_MAX))
        map = NULL;
    for (const struct yaml_node *c = map == NULL ? NULL : map->child; c != NULL; c = c->next) {
        int cluster = settings_find_cluster(s, c->key);
        int at = cluster < 0 ? -1 : group_find_cluster(r->g, (unsigned)cluster);

        if (at < 0)
            loader_key_error(r->l, c,
                             "is not a cluster of this group: a target here is a map from "
                             "the group's clusters to their targets");
        else
            load_target(r->l, c, &st->targets[at]);
    }
    for (uint8_t i = 0; i < r->g->n_clusters; i++) {
        const struct cluster_cfg *cluster = &s->clusters[r->g->clusters[i]];

        if (yaml_tree_find(map, cluster->name) != NULL)
            continue;
        st->targets[i] = cluster->target;
        /* A target that is written but empty has been reported where it stands. */
        if (!target_is_set(&st->targets[i]) &&
            yaml_tree_find(r->l->clusters[r->g->clusters[i]], "target") == NULL)
            loader_error(r->l, st->map,
                         "no target in cluster %s: give clusters.%s.target, or target: { %s: ... } "
                         "here",
                         cluster->name, cluster->name, cluster->name);
    }
}

/* Endpoints with equal probes share one, so that 100,000 of them cost little. */
static struct probe_cfg *intern_probe(struct reading *r, const struct probe_cfg *probe)
{
    struct buf text;
    uint64_t at = r->g->n_probes;

    buf_init(&text, PROBE_TEXT_BYTES);
    print_probe(probe, &text);
    if (name_map_add(&r->probes, buf_text(&text), at)) {
        struct group_cfg *g = r->g;

        if ((g->n_probes & (g->n_probes - 1)) == 0)
            g->probes = mem_resize(g->probes, g->n_probes == 0 ? 1 : 2 * g->n_probes,
                                   sizeof(struct probe_cfg *));
        g->probes[g->n_probes] = mem_zalloc(sizeof(*probe));
        *g->probes[g->n_probes++] = *probe;
    } else {
        name_map_get(&r->probes, buf_text(&text), &at);
    }
    buf_fini(&text);
    return r->g->probes[at];
}

static bool has_text(struct reading *r, const struct yaml_node *node)
{
    return node != NULL && loader_is_value(r->l, node);
}

static void read_stanza(struct reading *r, const struct yaml_node *group,
                        const struct yaml_node *map, struct stanza *st)
{
    const struct policy_cfg *policy = &r->l->s->policies[r->g->policy];
    const struct yaml_node *policy_map = r->l->policies[r->g->policy];
    const struct yaml_node *levels[PROBE_LEVELS] = { yaml_tree_find(map, "probe"),
                                                     yaml_tree_find(group, "probe"),
                                                     yaml_tree_find(policy_map, "probe") };
    struct probe_cfg *probe = mem_zalloc(sizeof(*probe));

    st->map = map;
    if (loader_section(r->l, map, schema_keys(SCHEMA_ENDPOINT), &st->endpoint)) {
        st->hostname = yaml_tree_find(map, "hostname");
        st->base_path = yaml_tree_find(map, "base_path");
        st->acme = yaml_tree_find(map, "acme");
        if (st->acme == NULL)
            st->acme = yaml_tree_find(group, "acme");
        st->is_refused = !has_text(r, st->hostname) || (st->acme != NULL && !has_text(r, st->acme));
        if (st->base_path != NULL && st->base_path->kind != YAML_TREE_SCALAR)
            st->is_refused = !has_text(r, st->base_path);
        read_targets(r, st);
        load_probe(r->l, levels[0] == NULL ? map : levels[0], levels, policy, st->endpoint.class,
                   probe);
        st->endpoint.probe = intern_probe(r, probe);
    } else {
        st->is_refused = true;
    }
    mem_free(probe);
}

static bool targets_equal(const struct reading *r, const struct target *a, const struct target *b)
{
    for (uint8_t i = 0; i < r->g->n_clusters; i++) {
        if (!target_equal(&a[i], &b[i]))
            return false;
    }
    return true;
}

/* Where certificates' DNS challenges of hostname are answered. */
static bool expand_acme(struct reading *r, const struct stanza *st, const char *name,
                        char out[static HOSTNAME_BYTES])
{
    char text[HOSTNAME_BYTES];
    const char *problem = NULL;

    out[0] = '\0';
    if (st->acme == NULL)
        return true;
    if (!loader_expand(r->l, st->acme, "hostname", name, text, sizeof(text)))
        return false;
    problem = value_hostname_problem(text, true);
    if (problem == NULL && strlen(ACME_PREFIX) + strlen(name) >= HOSTNAME_BYTES - 2)
        problem = "with _acme-challenge. in front the name is longer than 253 characters";
    if (problem != NULL) {
        loader_error(r->l, st->acme, "'%.253s': %s", text, problem);
        return false;
    }
    value_copy_hostname(out, HOSTNAME_BYTES, text);
    return true;
}

static bool add_hostname(struct reading *r, struct stanza *st, const char *name)
{
    struct group_cfg *g = r->g;
    struct hostname_cfg *h = NULL;

    if (g->n_hostnames == r->hostnames_cap) {
        r->hostnames_cap = r->hostnames_cap == 0 ? 16 : 2 * r->hostnames_cap;
        g->hostnames = mem_resize(g->hostnames, r->hostnames_cap, sizeof(g->hostnames[0]));
    }
    h = &g->hostnames[g->n_hostnames++];
    *h = (struct hostname_cfg){ 0 };
    str_copy(h->name, sizeof(h->name), name);
    h->targets = mem_array(g->n_clusters + 1U, sizeof(h->targets[0]));
    memcpy(h->targets, st->targets, g->n_clusters * sizeof(h->targets[0]));
    return expand_acme(r, st, name, h->acme) && load_hostname(r->l, st->hostname, g, h);
}

/* The index of name among the group's hostnames, added if new; -1 and reported if it cannot be. */
static int64_t find_or_add(struct reading *r, struct stanza *st, const char *name)
{
    uint64_t found = 0;
    struct group_cfg *g = r->g;
    uint64_t value = (uint64_t)r->group << 32 | g->n_hostnames;
    char acme[HOSTNAME_BYTES];

    if (!name_map_get(&r->l->hostnames, name, &found)) {
        if (r->l->hostnames.n == HOSTNAMES_MAX) {
            loader_error(r->l, st->map, "the file has more than %d host names", HOSTNAMES_MAX);
            return -1;
        }
        name_map_add(&r->l->hostnames, name, value);
        return add_hostname(r, st, name) ? (int64_t)g->n_hostnames - 1 : -1;
    }
    if (found >> 32 != r->group) {
        loader_error(r->l, st->hostname, "%s is in group %s already: a name moves with one group",
                     name, r->l->s->groups[found >> 32].name);
        return -1;
    }

    const struct hostname_cfg *h = &g->hostnames[(uint32_t)found];

    if (!targets_equal(r, h->targets, st->targets)) {
        loader_error(r->l, st->map,
                     "%s has other targets in an endpoint above: the record is made once", name);
        return -1;
    }
    if (!expand_acme(r, st, name, acme))
        return -1;
    if (strcmp(acme, h->acme) != 0) {
        loader_error(r->l, st->map, "%s has another acme in an endpoint above", name);
        return -1;
    }
    return (int64_t)(uint32_t)found;
}

static bool expand_base_path(struct reading *r, const struct stanza *st, const char *deployment,
                             struct endpoint_cfg *e)
{
    const struct key_spec row = {
        .name = "base_path", .type = KEY_URL_PATH, .offset = 0, .size = sizeof(e->base_path)
    };
    char text[sizeof(e->base_path)];
    struct err err;

    if (st->base_path == NULL || st->base_path->text[0] == '\0')
        return true;
    if (!loader_expand(r->l, st->base_path, "deployment", deployment, text, sizeof(text)))
        return false;
    if (value_parse(&row, text, "", e->base_path, &err) != 0) {
        loader_error(r->l, st->base_path, "%s", err.text);
        return false;
    }
    for (size_t n = strlen(e->base_path); n > 0 && e->base_path[n - 1] == '/'; n--)
        e->base_path[n - 1] = '\0';
    return true;
}

/* The same front checked twice in the same way would count twice in the quorum. */
static void check_twice(struct reading *r, const struct stanza *st, const struct endpoint_cfg *e)
{
    char text[HOSTNAME_BYTES + 256];

    (void)str_format(text, sizeof(text), "%u %d %p %s", e->hostname, (int)e->class,
                     (const void *)e->probe, e->base_path);
    if (!name_map_add(&r->checks, text, 0))
        loader_error(r->l, st->map,
                     "%s%s is checked in the same way by an endpoint above: it would count twice",
                     r->g->hostnames[e->hostname].name, e->base_path);
}

static bool expand(struct reading *r, struct stanza *st, const char *deployment,
                   struct endpoint_cfg *out)
{
    char text[HOSTNAME_BYTES + DEPLOYMENT_BYTES];
    char name[HOSTNAME_BYTES];
    const char *problem = NULL;

    if (!loader_expand(r->l, st->hostname, "deployment", deployment, text, sizeof(text)))
        return false;
    problem = value_hostname_problem(text, false);
    if (problem != NULL) {
        loader_error(r->l, st->hostname, "'%.253s': %s", text, problem);
        return false;
    }
    value_copy_hostname(name, sizeof(name), text);

    int64_t at = find_or_add(r, st, name);

    if (at < 0)
        return false;
    *out = st->endpoint;
    out->hostname = (uint32_t)at;
    if (!expand_base_path(r, st, deployment, out))
        return false;
    check_twice(r, st, out);
    return true;
}

static bool mentions_deployment(const struct yaml_node *node)
{
    return node != NULL && node->kind == YAML_TREE_SCALAR && node->text != NULL &&
           strstr(node->text, "{deployment}") != NULL;
}

static void expand_all(struct reading *r, struct stanza *st)
{
    struct group_cfg *g = r->g;
    bool is_many = mentions_deployment(st->hostname) || mentions_deployment(st->base_path);
    size_t n = is_many ? r->deployments.n : 1;

    if (st->is_refused || (is_many && r->deployments.is_refused))
        return;
    if (is_many && n == 0) {
        loader_error(r->l, st->hostname,
                     "{deployment} stands for nothing: the group has no "
                     "deployments");
        return;
    }
    r->l->n_endpoints += n;
    if (r->l->n_endpoints > ENDPOINTS_MAX) {
        loader_error(r->l, st->map, "the file has more than %d endpoints", ENDPOINTS_MAX);
        return;
    }
    g->endpoints = mem_resize(g->endpoints, g->n_endpoints + n, sizeof(g->endpoints[0]));
    for (size_t i = 0; i < n; i++) {
        struct endpoint_cfg e = { 0 };

        /* A mistake of the template shows at its first expansion; once is enough. */
        if (!expand(r, st, is_many ? r->deployments.names[i] : "", &e))
            break;
        g->endpoints[g->n_endpoints++] = e;
    }
}

void load_endpoints(struct loader *l, const struct yaml_node *group, struct group_cfg *g)
{
    const struct yaml_node *list = yaml_tree_find(group, "endpoints");
    struct reading r = { .l = l, .g = g, .group = (size_t)(g - l->s->groups) };

    name_map_init(&r.probes);
    name_map_init(&r.checks);
    load_deployments(l, yaml_tree_find(group, "deployments"), &r.deployments);
    if (list != NULL && loader_is_list(l, list, ENDPOINTS_MAX)) {
        if (list->child == NULL)
            loader_error(l, list, "is empty, at least one endpoint is needed");
        for (const struct yaml_node *c = list->child; c != NULL; c = c->next) {
            struct stanza *st = mem_zalloc(sizeof(*st));

            read_stanza(&r, group, c, st);
            expand_all(&r, st);
            mem_free(st);
        }
    }
    loader_free_deployments(&r.deployments);
    name_map_fini(&r.probes);
    name_map_fini(&r.checks);
}
