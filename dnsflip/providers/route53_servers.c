/* dnsflip/providers/route53_servers.c -- whom verification asks: the name servers that Route 53
 * gave each public zone, by their addresses. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/io.h"
#include "dnsflip/providers/route53_job.h"
#include "dnsflip/providers/route53_servers.h"

#define DNS_PORT 53
#define RESOLVE_MS INT64_C(5000)
#define SERVERS_MAX (ROUTE53_ZONES_MAX * ROUTE53_SERVERS_MAX)

struct server {
    struct route53_servers *all;
    char name[HOSTNAME_BYTES];
    uint8_t zone; /* index into zones */
    uint8_t family;
    struct dns_ask *ask; /* in flight, NULL = none */
    struct inet_addr addr;
    bool is_known;
};

struct route53_servers {
    struct io *io; /* borrowed */
    char zones[ROUTE53_ZONES_MAX][HOSTNAME_BYTES];
    size_t n_zones;
    struct server servers[SERVERS_MAX];
    size_t n;
};

struct route53_servers *route53_servers_new(struct io *io)
{
    struct route53_servers *all = mem_zalloc(sizeof(*all));

    all->io = io;
    return all;
}

static void forget(struct route53_servers *all)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->servers[i].ask != NULL)
            dns_client_cancel(all->servers[i].ask);
        all->servers[i].ask = NULL;
    }
}

void route53_servers_free(struct route53_servers *all)
{
    if (all == NULL)
        return;
    forget(all);
    mem_free(all);
}

static void resolve(struct server *server);

/* An address that was known stays if the resolver is down: when it matters, it often is. */
static void on_resolved(void *arg, const struct dns_answer *answer)
{
    struct server *server = arg;

    server->ask = NULL;
    if (answer->status == DNS_ASK_ANSWERED && answer->n_ips > 0) {
        server->addr = (struct inet_addr){ .ip = answer->ips[0], .port = DNS_PORT };
        server->is_known = true;
        return;
    }
    if (server->family == 4 && !server->is_known) {
        server->family = 6;
        resolve(server);
    }
}

static void resolve(struct server *server)
{
    server->ask = dns_client_resolve(server->all->io->dns_client, server->name, server->family,
                                     RESOLVE_MS, on_resolved, server);
}

static const struct server *find(const struct route53_servers *all, const char *zone,
                                 const char *name)
{
    for (size_t i = 0; i < all->n; i++) {
        if (strcmp(all->servers[i].name, name) == 0 &&
            strcmp(all->zones[all->servers[i].zone], zone) == 0)
            return &all->servers[i];
    }
    return NULL;
}

static bool is_same(const struct route53_servers *all, const struct route53_zones *zones)
{
    size_t n = 0;

    for (size_t z = 0; z < zones->n; z++) {
        for (size_t i = 0; i < zones->facts[z].n_servers; i++) {
            n++;
            if (find(all, zones->zones[z].name, zones->facts[z].servers[i]) == NULL)
                return false;
        }
    }
    return n == all->n && zones->n == all->n_zones;
}

void route53_servers_learn(struct route53_servers *all, const struct route53_zones *zones)
{
    if (!is_same(all, zones)) {
        forget(all);
        all->n = 0;
        all->n_zones = zones->n;
        for (size_t z = 0; z < zones->n; z++) {
            (void)str_copy(all->zones[z], sizeof(all->zones[z]), zones->zones[z].name);
            for (size_t i = 0; i < zones->facts[z].n_servers; i++) {
                struct server *server = &all->servers[all->n++];

                *server = (struct server){ .all = all, .zone = (uint8_t)z, .family = 4 };
                (void)str_copy(server->name, sizeof(server->name), zones->facts[z].servers[i]);
            }
        }
    }
    for (size_t i = 0; i < all->n; i++) {
        if (all->servers[i].ask == NULL)
            resolve(&all->servers[i]);
    }
}

/* Of zones that hold the name, the longest: as it is planned. */
static size_t longest_zone(const struct route53_servers *all, const char *name)
{
    size_t longest = 0;

    for (size_t z = 0; z < all->n_zones; z++) {
        size_t n = strlen(all->zones[z]);

        if (n > longest && route53_name_is_in(name, all->zones[z]))
            longest = n;
    }
    return longest;
}

size_t route53_servers_of(const struct route53_servers *all, const char *name,
                          struct inet_addr out[static PROVIDER_SERVERS_MAX])
{
    size_t longest = longest_zone(all, name), n = 0;

    for (size_t i = 0; i < all->n && n < PROVIDER_SERVERS_MAX; i++) {
        const struct server *server = &all->servers[i];
        const char *zone = all->zones[server->zone];

        if (server->is_known && strlen(zone) == longest && route53_name_is_in(name, zone))
            out[n++] = server->addr;
    }
    return n;
}
