/* dnsflip/providers/route53_batch.h -- stage 5 of 7 for Route 53: live record sets and the wanted
 * move -> change batches; PURE.
 *
 * A batch is all or nothing: it deletes exactly what was read and creates what takes its place, so
 * that a second writer makes it fail.  All sets of a name are in one batch, and the ownership
 * record is rewritten in each.  What is moved already is left out: planning again after a crash
 * gives what is left, planning again after the end gives nothing. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_BATCH_H
#define DNSFLIP_PROVIDERS_ROUTE53_BATCH_H

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/providers/route53_records.h"

/* Of one request, by the service's quotas.  DELETE and CREATE both count; an alias, which has no
 * ResourceRecord, is counted as one all the same. */
#define ROUTE53_ELEMENTS_MAX 1000
#define ROUTE53_CHARACTERS_MAX 32000 /* of all values, before XML escapes them */
#define ROUTE53_COMMENT_MAX 256
#define ROUTE53_BODY_BYTES (4U << 20)
#define ROUTE53_ANYWHERE (-1)

/* A hosted zone as it was read. */
struct route53_zone {
    char id[ROUTE53_ZONE_ID_BYTES];
    char name[HOSTNAME_BYTES]; /* lower case, no last dot */
    bool is_private;
    struct route53_set records; /* owned, sorted */
};
void route53_zone_fini(struct route53_zone *zone);

/* The zones that a name lies in: the longest name among zones[0..n) that it ends with, and its
 * twins (a public and a private zone of one name).  A bit for each; 0 = none. */
uint32_t route53_zones_of(const struct route53_zone zones[], size_t n, const char *name);

struct route53_move {
    const struct route53_group *group;
    const struct hostname_cfg *const *hosts; /* n_hosts in use, those of this provider */
    size_t n_hosts;
    int from; /* place where each name has to be unless it is at to already; ROUTE53_ANYWHERE = at
                 any one place, or mixed from several: for what an incomplete operation left */
    unsigned to;
    uint32_t epoch;
    bool is_adopt;      /* ownership records are created where there are none, and rewritten at
                           another epoch; names need not move */
    bool takes_foreign; /* a person said that names claimed by ExternalDNS, or an ownership record
                           of another group, may be taken; a higher epoch never is */
};

struct route53_change {
    bool is_create;
    const struct route53_record *record; /* DELETE: borrowed from the zones; CREATE: owned by the
                                            plan */
};

struct route53_batch {
    uint8_t zone;        /* index into zones */
    uint32_t number, of; /* in its zone, from 1 */
    size_t first, n;     /* in plan.changes */
    uint32_t elements, characters, n_names;
};

/* Batches of one zone follow each other and are to be sent in that order, each after the one before
 * was accepted: the second deletes the ownership record that the first created. */
struct route53_plan {
    struct route53_batch *batches; /* owned */
    size_t n_batches;
    size_t n_batches_least; /* no way of filling batches takes fewer: the limits' own bound */
    struct route53_change *changes; /* owned */
    size_t n_changes, cap_changes;
    struct route53_record **created; /* owned, each too */
    size_t n_created, cap_created;
    size_t n_moved, n_there; /* names x zones that move; that are at the destination already */
};

/* zones: 1..ROUTE53_ZONES_MAX, their records sorted, borrowed as long as out lives; host names as
 * in the settings.  On failure *out is empty and nothing may be sent; the text names the first
 * obstacle and counts the others:
 *   ERR_CONFLICT  the records are not what the move is about: what was expected, what is there
 *   ERR_DENIED    they are somebody else's: ExternalDNS, another group, a newer epoch, or no
 *                 ownership record is there
 *   ERR_CONFIG    targets that cannot be written as records
 *   ERR_LIMIT     one name alone is more than a batch holds */
__attribute__((warn_unused_result)) int route53_plan_init(struct route53_plan *out,
                                                          const struct route53_move *move,
                                                          const struct route53_zone zones[],
                                                          size_t n_zones, struct err *err);
void route53_plan_fini(struct route53_plan *plan);

/* The body of the ChangeResourceRecordSets request for a batch, into out (made with
 * ROUTE53_BODY_BYTES).  plan_id names the operation in the Comment.  ERR_LIMIT if it does not fit.
 */
__attribute__((warn_unused_result)) int route53_batch_write(const struct route53_plan *plan,
                                                            size_t batch, const char *group,
                                                            const char *plan_id, uint32_t epoch,
                                                            struct buf *out, struct err *err);

#endif
