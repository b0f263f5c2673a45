/* dnsflip/providers/route53_records.h -- what the targets of a managed name mean as record sets,
 * under each routing, and which cluster the live ones belong to; PURE. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_RECORDS_H
#define DNSFLIP_PROVIDERS_ROUTE53_RECORDS_H

#include "dnsflip/base/err.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/providers/route53_set.h"

#define ROUTE53_WEIGHT_ACTIVE 100
#define ROUTE53_KINDS_MAX 3 /* of one name: A, AAAA, HTTPS; a CNAME is alone */
#define ROUTE53_WANTED_MAX (ROUTE53_KINDS_MAX * CLUSTERS_MAX)
#define ROUTE53_FORMAT_BYTES 200

enum route53_kind { ROUTE53_A = 0, ROUTE53_AAAA, ROUTE53_CNAME, ROUTE53_HTTPS };
#define ROUTE53_KINDS 4
const char *route53_kind_name(enum route53_kind kind); /* "AAAA" */

/* A group as its records show it.  Everything is borrowed from the settings. */
struct route53_group {
    const char *name;
    const char *clusters[CLUSTERS_MAX]; /* in the group's order */
    unsigned n_clusters;
    enum route53_routing routing;
    uint32_t ttl_s;
};
void route53_group_init(struct route53_group *out, const struct settings *settings,
                        const struct route53_cfg *cfg, uint32_t group);

/* 0 if the records of a name can be kept under the group's routing; else what is wrong with the
 * configuration: a failover pair of three, a CNAME of one cluster beside addresses of another ...
 */
__attribute__((warn_unused_result)) int route53_records_check(const struct route53_group *group,
                                                              const struct hostname_cfg *host,
                                                              struct err *err);

/* One record set that should be there.  Borrowed from group and host. */
struct route53_wanted {
    enum route53_kind kind;
    const char *set_id;
    int32_t weight;
    enum route53_failover failover;
    uint32_t ttl_s;
    const struct target *target;
};

/* The sets of a name whose active cluster is at place.  A kind that the active cluster lacks is
 * there for none: the others' would be answered in its stead.  An alias stands for A and AAAA;
 * where all targets are aliases its AAAA are left out unless has_aaaa (see
 * route53_records_have_aaaa). Returns how many. */
size_t route53_records_wanted(const struct route53_group *group, const struct hostname_cfg *host,
                              unsigned place, bool has_aaaa,
                              struct route53_wanted out[static ROUTE53_WANTED_MAX]);

/* Has the name any AAAA set in the zone? */
bool route53_records_have_aaaa(const struct route53_set *zone, const char *name);

/* Is the live set the wanted one?  Values as a set, TTL, alias, weight, failover; a health check is
 * nobody's business here, settings that dnsflip does not know are a difference. */
bool route53_records_met(const struct route53_wanted *want, const struct route53_record *live);

/* The set as it is created; health_check: the id that the set it takes the place of had, or "". */
void route53_records_make(const struct route53_wanted *want, const char *name,
                          const char *health_check, struct route53_record *out);

/* Does a live set belong to what moves with a name: A, AAAA, CNAME, HTTPS or SVCB? */
bool route53_records_concern(const struct route53_record *live);

enum route53_at {
    ROUTE53_AT_PLACE = 0, /* exactly the records of the clusters in places */
    ROUTE53_AT_NOTHING,   /* no records of that name */
    ROUTE53_AT_MIXED,     /* each set is some cluster's, together they are no one's */
    ROUTE53_AT_STRANGE,   /* records that no cluster has */
};

struct route53_where {
    enum route53_at at;
    uint16_t places;           /* a bit for each place; several if their targets are the same */
    char text[ERR_TEXT_BYTES]; /* the first record that is not as at the expected place: what was
                                  expected and what is there; "" = it is there */
};

/* expected: a place, for the text; zone: sorted. */
void route53_records_where(const struct route53_group *group, const struct hostname_cfg *host,
                           const struct route53_set *zone, unsigned expected,
                           struct route53_where *out);

/* For people: "198.51.100.10 TTL 60 weight 100", cut if too long.  Both return out. */
const char *route53_records_format(const struct route53_record *r,
                                   char out[static ROUTE53_FORMAT_BYTES]);
const char *route53_records_format_wanted(const struct route53_wanted *want,
                                          char out[static ROUTE53_FORMAT_BYTES]);

#endif
