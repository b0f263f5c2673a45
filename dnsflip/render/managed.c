#include "dnsflip/render/managed.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/render/wire.h"

#define ACME_LABEL "_acme-challenge."
#define SOA_NUMBERS_BYTES 20

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* The serial stays 0 here: it is put in when a query is answered. */
static void add_soa(struct names *ns, unsigned zone)
{
    const struct local_cfg *cfg = ns->zones[zone].cfg;
    uint8_t rdata[2 * WIRE_NAME_BYTES + SOA_NUMBERS_BYTES];
    size_t mname = 0;
    size_t rname;

    if (cfg->n_nameservers > 0)
        mname = wire_name_parse(cfg->nameservers[0].name, rdata);
    if (mname == 0) {
        names_problem(ns, zone, 0, "zone %s: it needs a name server", cfg->zone);
        return;
    }
    rname = wire_mailbox_parse(cfg->soa.contact, rdata + mname);
    if (rname == 0) {
        names_problem(ns, zone, 0, "soa contact \"%s\": not a mail address", cfg->soa.contact);
        return;
    }
    put32(rdata + mname + rname, 0);
    put32(rdata + mname + rname + 4, cfg->soa.refresh_s);
    put32(rdata + mname + rname + 8, cfg->soa.retry_s);
    put32(rdata + mname + rname + 12, cfg->soa.expire_s);
    put32(rdata + mname + rname + 16, cfg->soa.minimum_s);
    names_add_record(ns, ns->zones[zone].top, WIRE_SOA, cfg->soa.ttl_s, 0, rdata,
                     mname + rname + SOA_NUMBERS_BYTES);
}

static void add_addresses(struct names *ns, struct names_name *name, uint32_t ttl_s,
                          const struct inet_ip *ips, uint8_t n)
{
    for (uint8_t i = 0; i < n; i++)
        names_add_record(ns, name, ips[i].family == 4 ? WIRE_A : WIRE_AAAA, ttl_s, 0, ips[i].bytes,
                         ips[i].family == 4 ? 4 : 16);
}

static void add_nameservers(struct names *ns, unsigned zone)
{
    const struct names_zone *z = &ns->zones[zone];

    for (uint8_t i = 0; i < z->cfg->n_nameservers; i++) {
        const struct nameserver_cfg *server = &z->cfg->nameservers[i];
        uint8_t wire[WIRE_NAME_BYTES];
        size_t len = wire_name_parse(server->name, wire);

        if (len == 0) {
            names_problem(ns, zone, 0, "name server \"%s\": not a name", server->name);
            continue;
        }
        names_add_record(ns, z->top, WIRE_NS, z->cfg->ns_ttl_s, 0, wire, len);
        if (names_is_in(z, wire, len))
            add_addresses(ns, names_add(ns, zone, wire, len), z->cfg->ns_ttl_s, server->ips,
                          server->n_ips);
    }
}

static void open_zone(struct names *ns, const struct local_cfg *cfg)
{
    unsigned zone = ns->n_zones;
    struct names_zone *z = &ns->zones[zone];
    uint8_t wire[WIRE_NAME_BYTES];
    size_t len = wire_name_parse(cfg->zone, wire);

    z->cfg = cfg;
    if (len <= 1) {
        names_problem(ns, zone, 0, "zone \"%s\": not a name of a zone", cfg->zone);
        return;
    }
    for (unsigned i = 0; i < ns->n_zones; i++) {
        if (ns->zones[i].apex_len == len && memcmp(ns->zones[i].apex, wire, len) == 0) {
            names_problem(ns, zone, 0, "zone %s: two providers have it", cfg->zone);
            return;
        }
    }
    ns->n_zones++;
    memcpy(z->apex, wire, len);
    z->apex_len = len;
    names_add(ns, zone, wire, len);
    add_soa(ns, zone);
    add_nameservers(ns, zone);
}

void managed_open_zones(struct names *ns)
{
    for (size_t i = 0; i < ns->settings->n_providers; i++) {
        if (str_equal_nocase(ns->settings->providers[i].kind, "local"))
            open_zone(ns, &ns->settings->providers[i].local);
    }
}

/* The zone of a managed name, -1 if no local provider has it. */
static int zone_of_host(struct names *ns, uint32_t group, const struct hostname_cfg *host,
                        const uint8_t *wire, size_t len)
{
    const struct settings *s = ns->settings;
    int zone = names_zone_of(ns, wire, len);
    const struct local_cfg *cfg;

    if (host->provider >= s->n_providers ||
        !str_equal_nocase(s->providers[host->provider].kind, "local"))
        return -1;
    cfg = &s->providers[host->provider].local;
    if (zone >= 0 && ns->zones[zone].cfg == cfg)
        return zone;
    if (ns->n_zones == 0)
        return -1;
    if (zone < 0)
        names_problem(ns, 0, 0, "group %s: hostname %s lies outside zone %s of provider %s",
                      s->groups[group].name, host->name, cfg->zone,
                      s->providers[host->provider].name);
    else
        names_problem(ns, (unsigned)zone, 0,
                      "group %s: hostname %s lies in zone %s, not in that of provider %s",
                      s->groups[group].name, host->name, ns->zones[zone].cfg->zone,
                      s->providers[host->provider].name);
    return -1;
}

static void add_host(struct names *ns, uint32_t group, const struct hostname_cfg *host)
{
    const struct settings *s = ns->settings;
    uint8_t wire[WIRE_NAME_BYTES];
    size_t len = wire_name_parse(host->name, wire);
    struct names_name *name;
    int zone;

    if (len == 0 || (wire[0] == 1 && wire[1] == '*')) {
        if (ns->n_zones > 0)
            names_problem(ns, 0, 0, "group %s: \"%s\" is no name of a host", s->groups[group].name,
                          host->name);
        return;
    }
    zone = zone_of_host(ns, group, host, wire, len);
    if (zone < 0)
        return;
    name = names_add(ns, (unsigned)zone, wire, len);
    if (name->host != NULL) {
        names_problem(ns, (unsigned)zone, 0, "hostname %s is in group %s and in group %s",
                      host->name, s->groups[name->group].name, s->groups[group].name);
        return;
    }
    name->host = host;
    name->group = group;
}

/* LABELS.HOST on the wire; 0 if that is too long. */
static size_t join(const char *labels, const struct hostname_cfg *host,
                   uint8_t wire[static WIRE_NAME_BYTES])
{
    char text[HOSTNAME_BYTES + NAME_BYTES];

    if (!str_format(text, sizeof(text), "%s%s", labels, host->name))
        return 0;
    return wire_name_parse(text, wire);
}

static void add_acme(struct names *ns, unsigned zone, uint32_t group,
                     const struct hostname_cfg *host)
{
    uint8_t wire[WIRE_NAME_BYTES];
    uint8_t target[WIRE_NAME_BYTES];
    size_t len = join(ACME_LABEL, host, wire);
    size_t target_len = wire_name_parse(host->acme, target);

    if (len == 0 || target_len == 0)
        names_problem(ns, zone, 0, "group %s: acme of %s: \"%s\" is no name, or %s%s is too long",
                      ns->settings->groups[group].name, host->name, host->acme, ACME_LABEL,
                      host->name);
    else
        names_add_record(ns, names_add(ns, zone, wire, len), WIRE_CNAME,
                         ns->settings->groups[group].ttl_s, 0, target, target_len);
}

/* CLUSTER.HOST, for cluster number k of the group. */
static void add_cluster_name(struct names *ns, unsigned zone, uint32_t group,
                             const struct hostname_cfg *host, uint8_t k)
{
    const struct group_cfg *g = &ns->settings->groups[group];
    const char *cluster = ns->settings->clusters[g->clusters[k]].name;
    char labels[NAME_BYTES + 1];
    uint8_t wire[WIRE_NAME_BYTES];
    struct names_name *name;
    size_t len;

    str_format(labels, sizeof(labels), "%s.", cluster);
    len = join(labels, host, wire);
    if (len == 0) {
        names_note(ns, zone, "%s.%s is too long a name: it is left out", cluster, host->name);
        return;
    }
    name = names_find(ns, zone, wire, len);
    if (name != NULL && (name->host != NULL || name->rrsets != NULL)) {
        names_note(ns, zone, "%s.%s has records of its own: it does not stand for cluster %s",
                   cluster, host->name, cluster);
        return;
    }
    name = names_add(ns, zone, wire, len);
    name->host = host;
    name->group = group;
    name->cluster = (uint8_t)(k + 1);
}

/* Calls f for each managed name that is in a zone. */
typedef void each_host(struct names *ns, struct names_name *name);

static void add_clusters(struct names *ns, struct names_name *name)
{
    const struct group_cfg *g = &ns->settings->groups[name->group];

    for (uint8_t k = 0; k < g->n_clusters; k++)
        add_cluster_name(ns, name->zone, name->group, name->host, k);
}

static void add_challenge(struct names *ns, struct names_name *name)
{
    if (name->host->acme[0] != '\0')
        add_acme(ns, name->zone, name->group, name->host);
}

static void for_each_host(struct names *ns, each_host *f)
{
    struct names_name *last = ns->last;

    for (struct names_name *name = ns->first; name != NULL; name = name->next) {
        if (name->host != NULL && name->cluster == 0)
            f(ns, name);
        if (name == last)
            break;
    }
}

void managed_add_names(struct names *ns)
{
    const struct settings *s = ns->settings;

    for (size_t g = 0; g < s->n_groups; g++) {
        for (size_t h = 0; h < s->groups[g].n_hostnames; h++)
            add_host(ns, (uint32_t)g, &s->groups[g].hostnames[h]);
    }
    for_each_host(ns, add_challenge);
    for_each_host(ns, add_clusters);
}
