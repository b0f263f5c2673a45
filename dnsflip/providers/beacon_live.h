/* dnsflip/providers/beacon_live.h -- do the failover records and health checks that are in Route 53
 * fit a group's beacon? PURE. */
#ifndef DNSFLIP_PROVIDERS_BEACON_LIVE_H
#define DNSFLIP_PROVIDERS_BEACON_LIVE_H

#include "dnsflip/base/err.h"
#include "dnsflip/providers/beacon_setup.h"
#include "dnsflip/providers/route53_batch.h"

#define BEACON_TYPE_BYTES 32
#define BEACON_PATH_BYTES 256   /* of a resource path: 255 */
#define BEACON_SEARCH_BYTES 256 /* of a search string: 255 */
#define BEACON_SLOW_S 60        /* a check that needs longer to change its mind is told of */

/* A health check as GetHealthCheck tells it; "" and 0 = not told. */
struct beacon_health_check {
    char id[ROUTE53_HEALTH_CHECK_BYTES];
    char type[BEACON_TYPE_BYTES];
    char path[BEACON_PATH_BYTES];
    char search[BEACON_SEARCH_BYTES];
    bool is_inverted, is_disabled;
    uint32_t threshold, interval_s;
};
__attribute__((warn_unused_result)) int beacon_live_read_check(const char *body, size_t n,
                                                               struct beacon_health_check *out,
                                                               struct err *err);

/* The ids of the health checks that records of the group's names have, each once: ids[0..max).
 * Returns how many there are, which may be more than max. */
size_t beacon_live_checks(const struct beacon_setup *setup, const struct route53_zone zones[],
                          size_t n_zones, char ids[][ROUTE53_HEALTH_CHECK_BYTES], size_t max);

/* Told once for everything that does not fit. */
typedef void beacon_live_tell(void *arg, const char *text);

/* Compares; checks: of all the ids.  may_move: a layout in which silence leaves an active primary
 * is accepted.  Returns how much was told. */
size_t beacon_live_compare(const struct beacon_setup *setup, const struct route53_zone zones[],
                           size_t n_zones, const struct beacon_health_check checks[],
                           size_t n_checks, bool may_move, beacon_live_tell *tell, void *arg);

#endif
