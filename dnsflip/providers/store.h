/* dnsflip/providers/store.h -- the part that providers share whose flip is one store of one word of
 * the page: where that is, the face's counters, and most of the vtable. */
#ifndef DNSFLIP_PROVIDERS_STORE_H
#define DNSFLIP_PROVIDERS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/providers/provider.h"

struct page;
struct counters;
struct secondaries;

/* A provider with these ops, whose members are the functions below or do more than they do. */
struct provider *store_new(const struct provider_ops *ops, struct io *io);
void store_close(struct provider *p);

/* Is p one of them?  NULL is not. */
bool store_is(const struct provider *p);

/* The vtable's functions of these names: see provider.h. */
struct provider_call *store_read(struct provider *p, uint32_t group, int8_t believed,
                                 provider_read_done *done, void *arg);
struct provider_call *store_submit(struct provider *p, const struct step *step,
                                   provider_submit_done *done, void *arg);
struct provider_call *store_settle(struct provider *p, const struct step *step, const char *token,
                                   provider_settle_done *done, void *arg);
struct provider_call *store_find(struct provider *p, const struct step *step,
                                 provider_find_done *done, void *arg);
void store_cancel(struct provider_call *call);

/* The pages a flip writes: page (of the settings the provider was opened with), borrowed, NULL =
 * no flip is possible yet.  While a reload hands a new pair over, the face may be on either, so the
 * other page gets every flip too: group other_groups[group] there (UINT32_MAX = none) with index
 * other_index[group * CLUSTERS_MAX + place] (0 = none).  Borrowed; other NULL = no hand-over. */
struct store_pages {
    struct page *page;
    struct page *other;
    const uint32_t *other_groups;
    const uint8_t *other_index;
    uint32_t serial, other_serial;   /* of the views: the floor of each page's serials */
    struct secondaries *secondaries; /* told of every flip; borrowed, NULL = nobody */
};
void store_set_pages(struct provider *p, const struct store_pages *pages);

/* The face's counters; NULL while no face has said hello.  Borrowed. */
void store_set_counters(struct provider *p, const struct counters *counters);

#endif
