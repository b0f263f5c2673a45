/* dnsflip/providers/route53_ownership.h -- who says that records of a zone are his: dnsflip's own
 * TXT record, and those of ExternalDNS; PURE. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_OWNERSHIP_H
#define DNSFLIP_PROVIDERS_ROUTE53_OWNERSHIP_H

#include "dnsflip/base/err.h"
#include "dnsflip/providers/route53_set.h"

#define ROUTE53_OWNERSHIP_BYTES 160 /* of the value, quotes and NUL included */
#define ROUTE53_OWNERSHIP_TTL_S 60
#define ROUTE53_BATCHES_MAX 100000

/* What the TXT record _dnsflip-GROUP.ZONE says. */
struct route53_ownership {
    char group[NAME_BYTES];
    uint32_t epoch;          /* of the newest change of the group's records in the zone */
    uint32_t batch, batches; /* it was the first, second ... of so many; from 1 */
};

/* The record's name.  Fails if the group's name makes a label, or all of it, too long. */
__attribute__((warn_unused_result)) int route53_ownership_name(const char *group, const char *zone,
                                                               char out[static HOSTNAME_BYTES],
                                                               struct err *err);

/* "heritage=dnsflip,group=prod,epoch=1764028800,batch=1/3" in quotes.  Returns out. */
const char *route53_ownership_format(const struct route53_ownership *o,
                                     char out[static ROUTE53_OWNERSHIP_BYTES]);

/* False if value is not exactly what format writes. */
bool route53_ownership_parse(const char *value, struct route53_ownership *out);

/* The ownership record in the zone.  0 with *out NULL: there is none.  Fails if what is there is
 * not one TXT value of dnsflip's alone. */
__attribute__((warn_unused_result)) int route53_ownership_find(const struct route53_set *zone,
                                                               const char *name,
                                                               const struct route53_record **out,
                                                               struct route53_ownership *owner,
                                                               struct err *err);

/* The names that ExternalDNS's TXT registry claims in a zone: its records in the old form (at the
 * name) and in the new (the type in front: "cname-NAME"), with a prefix or a suffix that ends or
 * begins with '-', '_' or '.'.  A record that fits several names of the zone claims the longest.
 * Encrypted registries cannot be told. */
struct route53_claim {
    const char *name; /* of a record in the zone, or of the TXT itself; borrowed */
    const struct route53_record *claim; /* the TXT record; borrowed */
};
struct route53_claims {
    struct route53_claim *claims; /* owned, sorted by name; n in use */
    size_t n;
};
void route53_claims_init(struct route53_claims *claims, const struct route53_set *zone);
void route53_claims_fini(struct route53_claims *claims);

/* The TXT record that claims the name, or NULL. */
const struct route53_record *route53_claims_find(const struct route53_claims *claims,
                                                 const char *name);

/* The owner id in a TXT record of ExternalDNS, for people: "default".  Returns out. */
const char *route53_claims_owner(const struct route53_record *claim, char out[static NAME_BYTES]);

#endif
