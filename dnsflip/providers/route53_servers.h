/* dnsflip/providers/route53_servers.h -- whom verification asks: the name servers that Route 53
 * gave each public zone, by their addresses. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_SERVERS_H
#define DNSFLIP_PROVIDERS_ROUTE53_SERVERS_H

#include "dnsflip/providers/provider.h"

struct route53_servers;
struct route53_zones;

/* io is borrowed until free. */
struct route53_servers *route53_servers_new(struct io *io);
void route53_servers_free(struct route53_servers *all); /* NULL does nothing */

/* The zones as they were read: their servers are looked up, those that are known stay known. */
void route53_servers_learn(struct route53_servers *all, const struct route53_zones *zones);

/* Those of the zone that holds name; 0: none is known (yet), or it is private.  Returns how many.
 */
size_t route53_servers_of(const struct route53_servers *all, const char *name,
                          struct inet_addr out[static PROVIDER_SERVERS_MAX]);

#endif
