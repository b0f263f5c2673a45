#include "dnsflip/providers/route53_set.h"

#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"

#define FIRST_CAP 256

void route53_set_fini(struct route53_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        route53_record_fini(set->records[i]);
        mem_free(set->records[i]);
    }
    mem_free(set->records);
    *set = (struct route53_set){ .n = 0 };
}

int route53_set_add(struct route53_set *set, struct route53_record *r, struct err *err)
{
    if (set->n == ROUTE53_RECORDS_MAX) {
        route53_record_fini(r);
        return err_set(err, ERR_LIMIT, "the zone has more than %d record sets",
                       ROUTE53_RECORDS_MAX);
    }
    if (set->n == set->cap) {
        set->cap = set->cap == 0 ? FIRST_CAP : 2 * set->cap;
        set->records = mem_resize(set->records, set->cap, sizeof(struct route53_record *));
    }
    set->records[set->n] = mem_zalloc(sizeof(*r));
    *set->records[set->n++] = *r;
    route53_record_init(r);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return route53_record_compare(*(struct route53_record *const *)a,
                                  *(struct route53_record *const *)b);
}

int route53_set_sort(struct route53_set *set, struct err *err)
{
    if (set->n > 1)
        qsort(set->records, set->n, sizeof(struct route53_record *), compare);
    for (size_t i = 1; i < set->n; i++) {
        const struct route53_record *r = set->records[i];

        if (route53_record_compare(set->records[i - 1], r) == 0) {
            (void)err_set(err, ERR_CONFLICT,
                          "the zone's list has %.200s %s twice: it was changed while it was read",
                          r->name, r->type);
            err->retry = true;
            return -1;
        }
    }
    return 0;
}

/* The first record whose name is not before name. */
static size_t lower_bound(const struct route53_set *set, const char *name)
{
    size_t low = 0, high = set->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(set->records[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t route53_set_name(const struct route53_set *set, const char *name, size_t *first)
{
    size_t n = 0;

    *first = lower_bound(set, name);
    while (*first + n < set->n && strcmp(set->records[*first + n]->name, name) == 0)
        n++;
    return n;
}

struct route53_record *route53_set_find(const struct route53_set *set, const char *name,
                                        const char *type, const char *set_id)
{
    size_t first;
    size_t n = route53_set_name(set, name, &first);

    for (size_t i = first; i < first + n; i++) {
        if (strcmp(set->records[i]->type, type) == 0 &&
            strcmp(set->records[i]->set_id, set_id) == 0)
            return set->records[i];
    }
    return NULL;
}
