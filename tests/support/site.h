/* tests/support/site.h -- settings for tests of rendering and answering: clusters use1 and usw2,
 * the local zone dr.example.com with the name servers ns1 (in it) and ns.example.net, group prod.
 */
#ifndef TESTS_SUPPORT_SITE_H
#define TESTS_SUPPORT_SITE_H

#include "dnsflip/model/settings.h"

#define SITE_PROD 0

/* records: text of the zone's static records, copied; NULL = none.  The caller's, for
 * settings_free. */
struct settings *site_new(const char *records);

/* One more group of the same clusters, in the other order.  Returns its index. */
unsigned site_add_group(struct settings *s, const char *name);

/* One more local zone with the name server ns.example.net. */
void site_add_zone(struct settings *s, const char *zone, const char *records);

/* Gives the group a beacon as one more provider. */
void site_add_beacon(struct settings *s, unsigned group);

/* One more hostname; a target per cluster of the group, as words: addresses, "cname=NAME",
 * "https=RDATA" (the rest of the text), "ttl=SECONDS".  It belongs to the provider whose zone it
 * ends in. */
struct hostname_cfg *site_add_host(struct settings *s, unsigned group, const char *name,
                                   const char *first, const char *second);

#endif
