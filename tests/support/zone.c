/* tests/support/zone.c -- settings by hand, rendered. */
#include "tests/support/zone.h"

#include <stddef.h>
#include <unistd.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/render/render.h"

#define TTL_S 30
#define SERIAL 1000

static struct target target(const char *ip)
{
    struct target t = { .n_a = 1 };

    (void)inet_parse_ip(ip, &t.a[0]);
    return t;
}

static void fill_provider(struct provider_cfg *p)
{
    struct local_cfg *l = &p->local;

    (void)str_copy(p->name, sizeof(p->name), "dns");
    (void)str_copy(p->kind, sizeof(p->kind), "local");
    (void)str_copy(l->zone, sizeof(l->zone), ZONE_NAME);
    l->n_listen = (uint8_t)inet_parse_addr("127.0.0.1:53", 0, &l->listen[0]);
    (void)str_copy(l->nameservers[0].name, sizeof(l->nameservers[0].name), "ns1." ZONE_NAME);
    l->nameservers[0].n_ips = (uint8_t)inet_parse_ip("127.0.0.1", &l->nameservers[0].ips[0]);
    l->n_nameservers = 1;
    (void)str_copy(l->soa.contact, sizeof(l->soa.contact), "hostmaster@" ZONE_NAME);
    l->soa.refresh_s = 30;
    l->soa.retry_s = 10;
    l->soa.expire_s = 86400;
    l->soa.minimum_s = 5;
    l->soa.ttl_s = TTL_S;
    l->ns_ttl_s = 3600;
    l->secondaries.n_allow_transfer =
        (uint8_t)inet_parse_net("127.0.0.0/8", &l->secondaries.allow_transfer[0]);
}

static void fill_group(struct group_cfg *g, struct target both[2])
{
    (void)str_copy(g->name, sizeof(g->name), "prod");
    g->clusters[1] = 1;
    g->n_clusters = 2;
    g->n_providers = 2;
    g->providers[1] = 1;
    g->ttl_s = TTL_S;
    for (size_t i = 0; i < g->n_hostnames; i++) {
        struct hostname_cfg *h = &g->hostnames[i];
        (void)str_format(h->name, sizeof(h->name), "n%zu." ZONE_NAME, i);
        h->targets = both;
    }
}

int zone_pair(uint64_t generation, unsigned names, uint8_t index, int fds[static 2],
              struct page **page, struct err *err)
{
    struct target both[2] = { target(ZONE_FIRST_CLUSTER), target(ZONE_SECOND_CLUSTER) };
    struct settings *s = mem_zalloc(sizeof(*s));
    struct cluster_cfg *clusters = mem_array(2, sizeof(*clusters));
    struct provider_cfg *provider = mem_array(2, sizeof(*provider));
    struct group_cfg *group = mem_zalloc(sizeof(*group));

    s->clusters = clusters;
    s->n_clusters = 2;
    (void)str_copy(clusters[0].name, sizeof(clusters[0].name), "one");
    (void)str_copy(clusters[1].name, sizeof(clusters[1].name), "two");
    s->providers = provider;
    s->n_providers = 2;
    fill_provider(provider);
    (void)str_copy(provider[1].kind, sizeof(provider[1].kind), "beacon");
    s->groups = group;
    s->n_groups = 1;
    group->hostnames = mem_array(names, sizeof(*group->hostnames));
    group->n_hostnames = names;
    fill_group(group, both);

    fds[0] = render_view(s, generation, SERIAL, err);
    fds[1] = fds[0] < 0 ? -1 : page_new(1, generation, page, err);
    if (fds[1] >= 0)
        page_set(*page, 0, (struct page_word){ .index = index, .epoch = SERIAL });
    else if (fds[0] >= 0)
        (void)close(fds[0]);
    mem_free(group->hostnames);
    mem_free(group);
    mem_free(provider);
    mem_free(clusters);
    mem_free(s);
    return fds[1] >= 0 ? 0 : -1;
}
