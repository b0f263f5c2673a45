/* dnsflip/providers/route53_set.h -- the record sets of one hosted zone, as they were read: sorted
 * by name, type and set id, and bounded; PURE. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_SET_H
#define DNSFLIP_PROVIDERS_ROUTE53_SET_H

#include "dnsflip/base/err.h"
#include "dnsflip/model/route53_record.h"

#define ROUTE53_RECORDS_MAX 100000 /* record sets of one zone */

/* All zero = empty.  A record stays where it is until the set ends. */
struct route53_set {
    struct route53_record **records; /* owned, each too; n in use */
    size_t n, cap;
    size_t n_left_out; /* names too long for dnsflip, so surely not managed ones: not kept */
};

void route53_set_fini(struct route53_set *set);

/* Takes over what *r owns, and *r is empty after it, on failure too: ERR_LIMIT. */
__attribute__((warn_unused_result)) int route53_set_add(struct route53_set *set,
                                                        struct route53_record *r, struct err *err);

/* To be called once after the last add, before any look-up.  Fails if two records are the same set:
 * the list was changed while it was read (ERR_CONFLICT, retry). */
__attribute__((warn_unused_result)) int route53_set_sort(struct route53_set *set, struct err *err);

/* NULL if there is none. */
struct route53_record *route53_set_find(const struct route53_set *set, const char *name,
                                        const char *type, const char *set_id);

/* The index of the first record of that name, and how many there are (0: *first means nothing). */
size_t route53_set_name(const struct route53_set *set, const char *name, size_t *first);

#endif
