/* tests/support/route53_zone.h -- a hosted zone in memory that applies change batches as the
 * service does, and zones, records and targets made from words. */
#ifndef TESTS_SUPPORT_ROUTE53_ZONE_H
#define TESTS_SUPPORT_ROUTE53_ZONE_H

#include "dnsflip/base/buf.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/providers/route53_set.h"

/* Adds and sorts.  text: NAME TYPE, then in any order set=ID ttl=N weight=N primary secondary
 * check=ID alias=ZONE/NAME health more, and values; a value that holds spaces is the rest of the
 * text, behind a '|'. */
void route53_zone_put(struct route53_set *zone, const char *text);

/* addresses, cname=NAME, alias=ZONE/NAME, health, ttl=N, https=RDATA (the rest). */
void route53_zone_target(struct target *out, const char *text);

/* A host of as many targets as texts there are, NULL last.  Ended by route53_zone_host_free. */
struct hostname_cfg *route53_zone_host(const char *name, ...) __attribute__((sentinel));
void route53_zone_host_free(struct hostname_cfg *host);

/* What a batch took of the service's quotas. */
struct route53_taken {
    unsigned elements, characters, changes;
};

/* All of the batch or nothing, as the service: a DELETE names exactly what is there, a CREATE
 * nothing that is there, no CNAME beside other records, one routing policy a name and type, one
 * PRIMARY, and that with a health check.  NULL, or why it is refused (static). */
const char *route53_zone_apply(struct route53_set *zone, const char *body,
                               struct route53_taken *taken);

/* All of it in one text, to be compared. */
void route53_zone_dump(const struct route53_set *zone, struct buf *out);

#endif
