#include "dnsflip/engine/due.h"

#include <assert.h>

#include "dnsflip/base/mem.h"

void due_init(struct due *d, size_t n)
{
    *d = (struct due){ .n = n };
    d->at = mem_array(n, sizeof(*d->at));
    d->heap = mem_array(n, sizeof(*d->heap));
    d->place = mem_array(n, sizeof(*d->place));
    for (size_t i = 0; i < n; i++)
        d->at[i] = DUE_NEVER;
}

void due_fini(struct due *d)
{
    mem_free(d->at);
    mem_free(d->heap);
    mem_free(d->place);
    *d = (struct due){ 0 };
}

static void put(struct due *d, size_t i, uint32_t thing)
{
    d->heap[i] = thing;
    d->place[thing] = (uint32_t)i;
}

static bool is_before(const struct due *d, uint32_t a, uint32_t b)
{
    return d->at[a].ms < d->at[b].ms;
}

static void sift_up(struct due *d, size_t i)
{
    uint32_t thing = d->heap[i];

    while (i > 0 && is_before(d, thing, d->heap[(i - 1) / 2])) {
        put(d, i, d->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(d, i, thing);
}

static void sift_down(struct due *d, size_t i)
{
    uint32_t thing = d->heap[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= d->n_heap)
            break;
        if (child + 1 < d->n_heap && is_before(d, d->heap[child + 1], d->heap[child]))
            child++;
        if (!is_before(d, d->heap[child], thing))
            break;
        put(d, i, d->heap[child]);
        i = child;
    }
    put(d, i, thing);
}

static void take_out(struct due *d, size_t i)
{
    uint32_t last = d->heap[--d->n_heap];

    if (i == d->n_heap)
        return;
    put(d, i, last);
    sift_up(d, i);
    sift_down(d, d->place[last]);
}

void due_set(struct due *d, uint32_t thing, struct mono at)
{
    assert(thing < d->n);
    bool was_in = d->at[thing].ms != INT64_MAX;

    if (at.ms == INT64_MAX) {
        if (was_in)
            take_out(d, d->place[thing]);
        d->at[thing] = at;
        return;
    }
    d->at[thing] = at;
    if (!was_in) {
        d->n_heap++;
        put(d, d->n_heap - 1, thing);
    }
    sift_up(d, d->place[thing]);
    sift_down(d, d->place[thing]);
}

struct mono due_next(const struct due *d)
{
    return d->n_heap == 0 ? DUE_NEVER : d->at[d->heap[0]];
}

bool due_take(struct due *d, struct mono now, uint32_t *thing)
{
    if (d->n_heap == 0 || d->at[d->heap[0]].ms > now.ms)
        return false;
    *thing = d->heap[0];
    take_out(d, 0);
    d->at[*thing] = DUE_NEVER;
    return true;
}
