/* dnsflip/model/target.h -- what a hostname resolves to in one cluster. */
#ifndef DNSFLIP_MODEL_TARGET_H
#define DNSFLIP_MODEL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/route53_record.h"

/* Either addresses (at least one) or a name (a CNAME or a Route 53 alias), never both; with an
 * https text only beside addresses.  A plain value. */
struct target {
    struct inet_ip a[ADDRESSES_MAX];    /* in the order of the file; n_a in use */
    struct inet_ip aaaa[ADDRESSES_MAX]; /* n_aaaa in use */
    uint8_t n_a;
    uint8_t n_aaaa;
    char cname[HOSTNAME_BYTES]; /* absolute, no last dot, lower case; "" = none */
    char
        alias_zone[ROUTE53_ZONE_ID_BYTES]; /* not "": cname is the name of an alias, in this zone */
    bool alias_evaluates_health;           /* EvaluateTargetHealth of the alias */
    char https[REASON_TEXT_BYTES]; /* rdata of an HTTPS record in presentation form; "" = none */
    uint32_t ttl_s;                /* of this cluster's records; 0 = the group's */
};

static inline bool target_is_set(const struct target *t)
{
    return t->n_a > 0 || t->n_aaaa > 0 || t->cname[0] != '\0';
}

/* Same records in the same order, TTL included. */
bool target_equal(const struct target *a, const struct target *b);

#endif
