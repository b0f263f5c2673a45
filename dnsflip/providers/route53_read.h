/* dnsflip/providers/route53_read.h -- answers of the Route 53 API read into values; PURE.  What
 * cannot be understood is refused (ERR_REMOTE), never guessed. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_READ_H
#define DNSFLIP_PROVIDERS_ROUTE53_READ_H

#include "dnsflip/base/err.h"
#include "dnsflip/providers/route53_name.h"
#include "dnsflip/providers/route53_set.h"

#define ROUTE53_ID_BYTES 64          /* of a change: 32 characters today */
#define ROUTE53_SERVERS_MAX 8        /* of a delegation set: 4 today */
#define ROUTE53_ACCELERATED_BYTES 64 /* "ENABLING_HOSTED_ZONE_LOCKED" and the like */

/* Where the list goes on: parameters of the next request, as the service wrote them. */
struct route53_page {
    bool is_truncated;
    char next_name[ROUTE53_NAME_TEXT_BYTES];
    char next_type[ROUTE53_TYPE_BYTES];
    char next_id[ROUTE53_SET_ID_BYTES]; /* "" = none */
};

/* A ListResourceRecordSets answer: its records are added to set, unsorted.  On failure set holds
 * some of them. */
__attribute__((warn_unused_result)) int route53_read_page(const char *body, size_t n,
                                                          struct route53_set *set,
                                                          struct route53_page *page,
                                                          struct err *err);

/* A GetHostedZone answer. */
struct route53_zone_facts {
    char id[ROUTE53_ZONE_ID_BYTES]; /* without "/hostedzone/" */
    char name[HOSTNAME_BYTES];      /* lower case, no last dot */
    bool is_private;
    char accelerated[ROUTE53_ACCELERATED_BYTES]; /* AcceleratedRecoveryStatus; "" = not told */
    char servers[ROUTE53_SERVERS_MAX][HOSTNAME_BYTES]; /* none of a private zone */
    size_t n_servers;
};
__attribute__((warn_unused_result)) int
route53_read_zone(const char *body, size_t n, struct route53_zone_facts *out, struct err *err);

/* The ChangeInfo of a ChangeResourceRecordSets or a GetChange answer. */
struct route53_change_info {
    char id[ROUTE53_ID_BYTES]; /* without "/change/" */
    bool is_insync;            /* on all of the zone's servers */
};
__attribute__((warn_unused_result)) int
route53_read_change(const char *body, size_t n, struct route53_change_info *out, struct err *err);

#endif
