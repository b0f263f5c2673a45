/* dnsflip/model/route53_record.h -- one resource record set as Route 53 has it. */
#ifndef DNSFLIP_MODEL_ROUTE53_RECORD_H
#define DNSFLIP_MODEL_ROUTE53_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/model/limits.h"

#define ROUTE53_ZONE_ID_BYTES 33
#define ROUTE53_SET_ID_BYTES 129
#define ROUTE53_HEALTH_CHECK_BYTES 65
#define ROUTE53_TYPE_BYTES 12
#define ROUTE53_VALUES_MAX 400 /* of one set: the service's own limit */
#define ROUTE53_TTL_NONE UINT32_MAX

enum route53_failover { ROUTE53_FAILOVER_NONE = 0, ROUTE53_PRIMARY, ROUTE53_SECONDARY };

/* values and what they point to are owned (route53_record_fini); everything else is a plain value.
 * What dnsflip does not know of (geolocation, CIDR, traffic policies ...) is only told to be there:
 * such a set is never changed, since it could not be written back exactly. */
struct route53_record {
    char name[HOSTNAME_BYTES]; /* lower case, escapes undone, no last dot */
    char type[ROUTE53_TYPE_BYTES];
    char set_id[ROUTE53_SET_ID_BYTES]; /* "" = a simple record */
    int32_t weight;                    /* -1 = none */
    enum route53_failover failover;
    uint32_t ttl_s; /* ROUTE53_TTL_NONE beside an alias */
    char **values;  /* presentation form as the API gives it; n_values */
    size_t n_values;
    char alias_zone[ROUTE53_ZONE_ID_BYTES]; /* "" = not an alias */
    char alias_name[HOSTNAME_BYTES];
    bool alias_evaluates_health;
    char health_check[ROUTE53_HEALTH_CHECK_BYTES]; /* "" = none */
    bool has_more;                                 /* elements that dnsflip does not know */
};

/* An empty record: no TTL, no weight. */
void route53_record_init(struct route53_record *r);
void route53_record_fini(struct route53_record *r);

/* out is not initialised before; it owns copies of the values. */
void route53_record_copy(struct route53_record *out, const struct route53_record *r);

/* Everything is the same, down to the text and the order of the values. */
bool route53_record_equal(const struct route53_record *a, const struct route53_record *b);

/* Appends a copy of text, n bytes.  False if there are ROUTE53_VALUES_MAX values already. */
bool route53_record_add_value(struct route53_record *r, const char *text, size_t n);

/* Name, type and set id: what makes two sets the same one.  As strcmp. */
int route53_record_compare(const struct route53_record *a, const struct route53_record *b);

#endif
