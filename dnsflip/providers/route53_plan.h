/* dnsflip/providers/route53_plan.h -- what the files that make a plan share; route53_* only. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_PLAN_H
#define DNSFLIP_PROVIDERS_ROUTE53_PLAN_H

#include "dnsflip/providers/route53_batch.h"
#include "dnsflip/providers/route53_ownership.h"

/* The changes of one name in one zone, before they are packed: a range of draft changes. */
struct route53_bundle {
    size_t first, n;
    uint32_t elements, characters;
    uint32_t bin; /* which batch of the zone */
};

/* Everything known while a plan is made. */
struct route53_draft {
    const struct route53_move *move;
    const struct route53_zone *zones;
    size_t n_zones;
    struct route53_plan *plan;
    struct route53_claims claims[ROUTE53_ZONES_MAX];
    /* Of the zone being planned. */
    struct route53_change *changes; /* owned */
    size_t n_changes, cap_changes;
    struct route53_bundle *bundles; /* owned; room for every name */
    size_t n_bundles;
    /* The first obstacle, and how many there are. */
    struct err *err;
    size_t n_obstacles;
};

/* Keeps the first obstacle's text. */
void route53_draft_refuse(struct route53_draft *d, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a change; a created record's contents are taken over by the plan. */
void route53_draft_delete(struct route53_draft *d, const struct route53_record *live);
void route53_draft_create(struct route53_draft *d, struct route53_record *r);
const struct route53_record *route53_plan_keep(struct route53_plan *plan, struct route53_record *r);

uint32_t route53_record_elements(const struct route53_record *r);
uint32_t route53_record_characters(const struct route53_record *r);

/* The bundles of the zone into as few batches as first-fit-decreasing finds, with the ownership
 * record in each.  Needs no name to move if the move adopts. */
void route53_pack_zone(struct route53_draft *d, size_t zone);

#endif
