#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_plan.h"

/* The ownership record of the zone being packed. */
struct owner {
    char name[HOSTNAME_BYTES];
    const struct route53_record *live; /* NULL = none: it is adopted */
    uint32_t characters;               /* what it takes of a batch at most */
    uint32_t elements;
};

struct bin {
    uint32_t elements, characters; /* in use, the ownership record's included */
    uint32_t n_names;
    size_t n_changes;
};

static bool owner_find(struct route53_draft *d, size_t zone, struct owner *owner, bool *is_ours_now)
{
    const struct route53_move *move = d->move;
    struct route53_ownership is = { .epoch = 0 };
    struct err err;

    *is_ours_now = false;
    if (route53_ownership_name(move->group->name, d->zones[zone].name, owner->name, &err) != 0 ||
        route53_ownership_find(&d->zones[zone].records, owner->name, &owner->live, &is, &err) !=
            0) {
        route53_draft_refuse(d, err.code, "zone %s: %s", d->zones[zone].id, err.text);
        return false;
    }
    if (owner->live == NULL) {
        if (!move->is_adopt)
            route53_draft_refuse(
                d, ERR_DENIED,
                "zone %s has no ownership record %.200s: 'dnsflip adopt' says that "
                "the group's records there are dnsflip's to move",
                d->zones[zone].id, owner->name);
        return move->is_adopt;
    }
    if (strcmp(is.group, move->group->name) != 0 && !move->takes_foreign) {
        route53_draft_refuse(d, ERR_DENIED,
                             "zone %s: %.200s says that the records are those of group %s, not %s",
                             d->zones[zone].id, owner->name, is.group, move->group->name);
        return false;
    }
    if (is.epoch > move->epoch) {
        route53_draft_refuse(d, ERR_DENIED,
                             "zone %s: %.200s says that a dnsflip moved the records at epoch %u, "
                             "which is newer than %u",
                             d->zones[zone].id, owner->name, (unsigned)is.epoch,
                             (unsigned)move->epoch);
        return false;
    }
    *is_ours_now = is.epoch == move->epoch && strcmp(is.group, move->group->name) == 0;
    return true;
}

static void owner_record(const struct route53_draft *d, const struct owner *owner, uint32_t number,
                         uint32_t of, struct route53_record *out)
{
    struct route53_ownership o = { .epoch = d->move->epoch, .batch = number, .batches = of };
    char value[ROUTE53_OWNERSHIP_BYTES];

    str_copy(o.group, sizeof(o.group), d->move->group->name);
    route53_ownership_format(&o, value);
    route53_record_init(out);
    str_copy(out->name, sizeof(out->name), owner->name);
    str_copy(out->type, sizeof(out->type), "TXT");
    out->ttl_s = owner->live != NULL ? owner->live->ttl_s : ROUTE53_OWNERSHIP_TTL_S;
    (void)route53_record_add_value(out, value, strlen(value));
}

/* The most that the record takes of any of so many batches. */
static void owner_measure(const struct route53_draft *d, struct owner *owner, size_t batches)
{
    struct route53_record r;
    uint32_t created, deleted;

    owner_record(d, owner, (uint32_t)batches, (uint32_t)batches, &r);
    created = route53_record_characters(&r);
    deleted = owner->live == NULL ? 0 : route53_record_characters(owner->live);
    owner->characters = created + (deleted > created ? deleted : created);
    owner->elements = 2;
    route53_record_fini(&r);
}

/* The biggest first, by the scarcer of the two; equal ones in the order of the names. */
struct rank {
    const struct route53_bundle *bundle;
    uint32_t share; /* in 1/32,000 of a batch */
    size_t index;
};

static int compare(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;

    if (x->share != y->share)
        return x->share < y->share ? 1 : -1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static size_t fill(struct route53_draft *d, const struct owner *owner, struct rank *ranks,
                   struct bin *bins)
{
    size_t n_bins = 0;

    for (size_t i = 0; i < d->n_bundles; i++) {
        struct route53_bundle *b = &d->bundles[ranks[i].index];
        size_t at = 0;

        while (at < n_bins && (bins[at].elements + b->elements > ROUTE53_ELEMENTS_MAX ||
                               bins[at].characters + b->characters > ROUTE53_CHARACTERS_MAX))
            at++;
        if (at == n_bins)
            bins[n_bins++] =
                (struct bin){ .elements = owner->elements, .characters = owner->characters };
        bins[at].elements += b->elements;
        bins[at].characters += b->characters;
        bins[at].n_changes += b->n;
        bins[at].n_names++;
        b->bin = (uint32_t)at;
    }
    return n_bins;
}

static size_t divide_up(uint64_t a, uint64_t b)
{
    return (size_t)((a + b - 1) / b);
}

/* False if a name does not fit a batch of its own. */
static bool rank_all(struct route53_draft *d, const struct owner *owner, struct rank *ranks)
{
    uint64_t elements = 0, characters = 0;
    uint32_t room_elements = ROUTE53_ELEMENTS_MAX - owner->elements;
    uint32_t room_characters = ROUTE53_CHARACTERS_MAX - owner->characters;

    for (size_t i = 0; i < d->n_bundles; i++) {
        const struct route53_bundle *b = &d->bundles[i];
        uint32_t by_elements = b->elements * (ROUTE53_CHARACTERS_MAX / ROUTE53_ELEMENTS_MAX);

        if (b->elements > room_elements || b->characters > room_characters) {
            route53_draft_refuse(d, ERR_LIMIT,
                                 "%.200s alone takes %u values of %u characters, and a batch holds "
                                 "%d of %d",
                                 d->changes[b->first].record->name, (unsigned)b->elements,
                                 (unsigned)b->characters, ROUTE53_ELEMENTS_MAX,
                                 ROUTE53_CHARACTERS_MAX);
            return false;
        }
        elements += b->elements;
        characters += b->characters;
        ranks[i] = (struct rank){ .bundle = b, .index = i };
        ranks[i].share = by_elements > b->characters ? by_elements : b->characters;
    }
    qsort(ranks, d->n_bundles, sizeof(ranks[0]), compare);
    {
        size_t least = divide_up(elements, room_elements);
        size_t other = divide_up(characters, room_characters);

        d->plan->n_batches_least += least > other ? least : other;
    }
    return true;
}

static void emit_change(struct route53_plan *plan, struct route53_batch *batch,
                        struct route53_change change)
{
    plan->changes[plan->n_changes++] = change;
    batch->n++;
    batch->elements += route53_record_elements(change.record);
    batch->characters += route53_record_characters(change.record);
}

static void reserve(struct route53_plan *plan, size_t n_batches, size_t n_changes)
{
    plan->batches =
        mem_resize(plan->batches, plan->n_batches + n_batches, sizeof(plan->batches[0]));
    plan->changes =
        mem_resize(plan->changes, plan->n_changes + n_changes, sizeof(plan->changes[0]));
}

/* The ownership record first: who is not the owner any more is told so by the first change. */
static void emit_batch(struct route53_draft *d, struct owner *owner, struct route53_batch *batch,
                       const size_t bundles[], size_t n)
{
    struct route53_plan *plan = d->plan;
    struct route53_record r;

    owner_record(d, owner, batch->number, batch->of, &r);
    if (owner->live != NULL)
        emit_change(plan, batch, (struct route53_change){ .record = owner->live });
    owner->live = route53_plan_keep(plan, &r);
    emit_change(plan, batch, (struct route53_change){ .is_create = true, .record = owner->live });
    for (size_t i = 0; i < n; i++) {
        const struct route53_bundle *b = &d->bundles[bundles[i]];

        for (size_t j = 0; j < b->n; j++)
            emit_change(plan, batch, d->changes[b->first + j]);
    }
    batch->n_names = (uint32_t)n;
    assert(batch->elements <= ROUTE53_ELEMENTS_MAX && batch->characters <= ROUTE53_CHARACTERS_MAX);
}

/* The bundles by bin, those of one bin in the order of the names: order[start[k]..start[k+1]). */
static void emit(struct route53_draft *d, size_t zone, struct owner *owner, const struct bin bins[],
                 size_t n_bins)
{
    size_t n_batches = n_bins == 0 ? 1 : n_bins;
    size_t *order = mem_array(d->n_bundles + 1, sizeof(order[0]));
    size_t *start = mem_array(n_batches + 1, sizeof(start[0]));
    size_t *next = mem_array(n_batches + 1, sizeof(next[0]));

    for (size_t k = 0; k < n_bins; k++)
        start[k + 1] = start[k] + bins[k].n_names;
    memcpy(next, start, (n_batches + 1) * sizeof(next[0]));
    for (size_t i = 0; i < d->n_bundles; i++)
        order[next[d->bundles[i].bin]++] = i;
    reserve(d->plan, n_batches, d->n_changes + 2 * n_batches);
    for (size_t k = 0; k < n_batches; k++) {
        struct route53_batch *batch = &d->plan->batches[d->plan->n_batches++];

        *batch = (struct route53_batch){ .zone = (uint8_t)zone,
                                         .number = (uint32_t)k + 1,
                                         .of = (uint32_t)n_batches,
                                         .first = d->plan->n_changes };
        emit_batch(d, owner, batch, order + start[k], start[k + 1] - start[k]);
    }
    mem_free(next);
    mem_free(start);
    mem_free(order);
}

void route53_pack_zone(struct route53_draft *d, size_t zone)
{
    struct owner owner = { .live = NULL };
    struct rank *ranks;
    struct bin *bins;
    size_t n_bins;
    bool is_ours_now;

    if (d->n_bundles == 0 && !d->move->is_adopt)
        return;
    if (!owner_find(d, zone, &owner, &is_ours_now) || (d->n_bundles == 0 && is_ours_now))
        return;
    owner_measure(d, &owner, d->n_bundles + 1);
    if (d->n_bundles == 0) {
        d->plan->n_batches_least++;
        emit(d, zone, &owner, NULL, 0);
        return;
    }
    ranks = mem_array(d->n_bundles, sizeof(ranks[0]));
    bins = mem_array(d->n_bundles, sizeof(bins[0]));
    if (rank_all(d, &owner, ranks)) {
        n_bins = fill(d, &owner, ranks, bins);
        emit(d, zone, &owner, bins, n_bins);
    }
    mem_free(bins);
    mem_free(ranks);
}
