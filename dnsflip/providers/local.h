/* dnsflip/providers/local.h -- what the judge tells the local provider beside the vtable: where
 * its page is, and the face's counters. */
#ifndef DNSFLIP_PROVIDERS_LOCAL_H
#define DNSFLIP_PROVIDERS_LOCAL_H

#include <stdint.h>

#include "dnsflip/providers/provider.h"

struct page;
struct counters;
struct secondaries;

/* The pages a flip writes: page (of the settings the provider was opened with), borrowed, NULL =
 * no flip is possible yet.  While a reload hands a new pair over, the face may be on either, so the
 * other page gets every flip too: group other_groups[group] there (UINT32_MAX = none) with index
 * other_index[group * CLUSTERS_MAX + place] (0 = none).  Borrowed; other NULL = no hand-over. */
struct local_pages {
    struct page *page;
    struct page *other;
    const uint32_t *other_groups;
    const uint8_t *other_index;
    uint32_t serial, other_serial;   /* of the views: the floor of each page's serials */
    struct secondaries *secondaries; /* told of every flip; borrowed, NULL = nobody */
};
void local_set_pages(struct provider *p, const struct local_pages *pages);

/* The face's counters; NULL while no face has said hello.  Borrowed. */
void local_set_counters(struct provider *p, const struct counters *counters);

#endif
