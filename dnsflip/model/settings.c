#include "dnsflip/model/settings.h"

#include <string.h>

#include "dnsflip/base/mem.h"

static void free_command(struct command_cfg *c)
{
    for (uint8_t i = 0; i < c->n_argv; i++)
        mem_free(c->argv[i]);
}

static void free_group(struct group_cfg *g)
{
    for (size_t i = 0; i < g->n_hostnames; i++)
        mem_free(g->hostnames[i].targets);
    for (size_t i = 0; i < g->n_endpoints; i++)
        mem_free(g->endpoints[i].targets);
    for (size_t i = 0; i < g->n_probes; i++)
        mem_free(g->probes[i]);
    mem_free(g->hostnames);
    mem_free(g->endpoints);
    mem_free(g->probes);
    free_command(&g->promotion.fence);
    free_command(&g->promotion.command);
}

static void free_keys(struct secondaries_cfg *sec)
{
    if (sec->keys != NULL)
        explicit_bzero(sec->keys, sec->n_keys * sizeof(sec->keys[0]));
    mem_free(sec->keys);
}

void settings_free(struct settings *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_groups; i++)
        free_group(&s->groups[i]);
    for (size_t i = 0; i < s->n_providers; i++) {
        free_keys(&s->providers[i].local.secondaries);
        mem_free(s->providers[i].local.records);
    }
    explicit_bzero(s->node.dns.cookie_secrets, sizeof(s->node.dns.cookie_secrets));
    mem_free(s->groups);
    mem_free(s->policies);
    mem_free(s->providers);
    mem_free(s->clusters);
    mem_free(s);
}

int settings_find_group(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_groups; i++) {
        if (strcmp(s->groups[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

int settings_find_cluster(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_clusters; i++) {
        if (strcmp(s->clusters[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

int group_find_cluster(const struct group_cfg *g, unsigned cluster)
{
    for (int i = 0; i < g->n_clusters; i++) {
        if (g->clusters[i] == cluster)
            return i;
    }
    return -1;
}

const char *group_mode_name(enum group_mode m)
{
    switch (m) {
    case MODE_OBSERVE:
        return "observe";
    case MODE_ADVISE:
        return "advise";
    case MODE_AUTO:
        return "auto";
    }
    return "?";
}
