/* dnsflip/engine/due.h -- which of n numbered things is due next: an indexed heap.  The scheduler
 * keeps probes in one and the engine its groups in another. */
#ifndef DNSFLIP_ENGINE_DUE_H
#define DNSFLIP_ENGINE_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/mono.h"

#define DUE_NEVER ((struct mono){ .ms = INT64_MAX })

struct due {
    struct mono *at; /* owned; per thing, DUE_NEVER = not in the heap */
    uint32_t *heap;  /* owned; things in heap order, n_heap of them */
    uint32_t *place; /* owned; per thing: where it is in heap */
    size_t n, n_heap;
};

/* n things, none of them due. */
void due_init(struct due *d, size_t n);
void due_fini(struct due *d);

/* Moves thing to at (DUE_NEVER takes it out).  O(log n). */
void due_set(struct due *d, uint32_t thing, struct mono at);

static inline struct mono due_get(const struct due *d, uint32_t thing)
{
    return d->at[thing];
}

/* When the first one is due; DUE_NEVER if none is. */
struct mono due_next(const struct due *d);

/* Takes out the first thing that is due at now; false if none is.  Of things due at the same time
 * any may come first. */
bool due_take(struct due *d, struct mono now, uint32_t *thing);

#endif
