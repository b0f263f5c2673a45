#include "tests/support/site.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

static const char *const clusters[] = { "use1", "usw2" };

unsigned site_add_group(struct settings *s, const char *name)
{
    unsigned i = (unsigned)s->n_groups++;
    struct group_cfg *g;

    s->groups = mem_resize(s->groups, s->n_groups, sizeof(*s->groups));
    g = &s->groups[i];
    memset(g, 0, sizeof(*g));
    assert(str_copy(g->name, sizeof(g->name), name));
    g->n_clusters = 2;
    g->clusters[0] = i == SITE_PROD ? 0 : 1;
    g->clusters[1] = i == SITE_PROD ? 1 : 0;
    g->n_providers = 1;
    g->ttl_s = 30;
    return i;
}

void site_add_zone(struct settings *s, const char *zone, const char *records)
{
    struct local_cfg *cfg;

    s->providers = mem_resize(s->providers, s->n_providers + 1, sizeof(*s->providers));
    memset(&s->providers[s->n_providers], 0, sizeof(*s->providers));
    cfg = &s->providers[s->n_providers].local;
    assert(str_copy(s->providers[s->n_providers].name, NAME_BYTES, zone));
    assert(str_copy(s->providers[s->n_providers].kind, PROBE_KIND_BYTES, "local"));
    s->n_providers++;
    assert(str_copy(cfg->zone, sizeof(cfg->zone), zone));
    assert(str_copy(cfg->nameservers[0].name, HOSTNAME_BYTES, "ns.example.net"));
    cfg->n_nameservers = 1;
    assert(str_copy(cfg->soa.contact, sizeof(cfg->soa.contact), "host.master@example.com"));
    cfg->soa.refresh_s = 30;
    cfg->soa.retry_s = 10;
    cfg->soa.expire_s = 1209600;
    cfg->soa.minimum_s = 5;
    cfg->soa.ttl_s = 60;
    cfg->ns_ttl_s = 3600;
    assert(str_copy(cfg->records_path, sizeof(cfg->records_path), "static.zone"));
    cfg->records = records != NULL ? mem_strdup(records) : NULL;
}

void site_add_beacon(struct settings *s, unsigned group)
{
    struct group_cfg *g = &s->groups[group];
    struct provider_cfg *cfg;

    s->providers = mem_resize(s->providers, s->n_providers + 1, sizeof(*s->providers));
    cfg = &s->providers[s->n_providers];
    memset(cfg, 0, sizeof(*cfg));
    assert(str_copy(cfg->name, sizeof(cfg->name), "checks"));
    assert(str_copy(cfg->kind, sizeof(cfg->kind), "beacon"));
    g->providers[g->n_providers++] = (uint8_t)s->n_providers++;
}

struct settings *site_new(const char *records)
{
    struct settings *s = mem_zalloc(sizeof(*s));
    struct local_cfg *cfg;

    s->n_clusters = 2;
    s->clusters = mem_array(s->n_clusters, sizeof(*s->clusters));
    for (size_t i = 0; i < s->n_clusters; i++)
        assert(str_copy(s->clusters[i].name, NAME_BYTES, clusters[i]));
    site_add_zone(s, "dr.example.com", records);
    cfg = &s->providers[0].local;
    cfg->nameservers[1] = cfg->nameservers[0];
    assert(str_copy(cfg->nameservers[0].name, HOSTNAME_BYTES, "ns1.dr.example.com"));
    assert(inet_parse_ip("192.0.2.53", &cfg->nameservers[0].ips[0]));
    cfg->nameservers[0].n_ips = 1;
    cfg->n_nameservers = 2;
    (void)site_add_group(s, "prod");
    return s;
}

static void add_word(struct target *t, const char *word)
{
    struct inet_ip ip;
    uint64_t ttl_s;

    if (str_starts(word, "cname=")) {
        assert(str_copy(t->cname, sizeof(t->cname), word + strlen("cname=")));
    } else if (str_starts(word, "ttl=")) {
        assert(str_parse_u64(word + strlen("ttl="), UINT32_MAX, &ttl_s));
        t->ttl_s = (uint32_t)ttl_s;
    } else {
        assert(inet_parse_ip(word, &ip));
        if (ip.family == 4)
            t->a[t->n_a++] = ip;
        else
            t->aaaa[t->n_aaaa++] = ip;
    }
}

static void set_target(struct target *t, const char *text)
{
    char word[HOSTNAME_BYTES];

    while (*text != '\0') {
        size_t n = strcspn(text, " ");

        if (str_starts(text, "https=")) {
            assert(str_copy(t->https, sizeof(t->https), text + strlen("https=")));
            return;
        }
        assert(n < sizeof(word));
        memcpy(word, text, n);
        word[n] = '\0';
        add_word(t, word);
        text += n;
        text += strspn(text, " ");
    }
}

struct hostname_cfg *site_add_host(struct settings *s, unsigned group, const char *name,
                                   const char *first, const char *second)
{
    struct group_cfg *g = &s->groups[group];
    struct hostname_cfg *h;

    /* Room for many at once: a test with 100,000 of them must not copy each time. */
    if ((g->n_hostnames & (g->n_hostnames - 1)) == 0)
        g->hostnames = mem_resize(g->hostnames, g->n_hostnames == 0 ? 1 : 2 * g->n_hostnames,
                                  sizeof(*g->hostnames));
    h = &g->hostnames[g->n_hostnames++];
    memset(h, 0, sizeof(*h));
    assert(str_copy(h->name, sizeof(h->name), name));
    h->targets = mem_array(2, sizeof(*h->targets));
    set_target(&h->targets[0], first);
    set_target(&h->targets[1], second);
    for (size_t i = 0; i < s->n_providers; i++) {
        if (str_ends(name, s->providers[i].local.zone))
            h->provider = (uint8_t)i;
    }
    return h;
}
