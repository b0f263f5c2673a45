/* dnsflip/providers/local.h -- what the judge tells the local provider beside the vtable: where
 * its page is, and the face's counters. */
#ifndef DNSFLIP_PROVIDERS_LOCAL_H
#define DNSFLIP_PROVIDERS_LOCAL_H

#include <stdint.h>

#include "dnsflip/providers/provider.h"

struct page;
struct counters;

/* The pages a flip writes: page (of the settings the provider was opened with), borrowed, NULL =
 * no flip is possible yet.  And the page still in use by the face while a reload hands a new pair
 * over (NULL = none): a flip there goes to group old_groups[group] (UINT32_MAX = it was not
 * there) with index old_index[group * CLUSTERS_MAX + place] (0 = not there).  Borrowed. */
struct local_pages {
    struct page *page;
    struct page *old_page;
    const uint32_t *old_groups;
    const uint8_t *old_index;
};
void local_set_pages(struct provider *p, const struct local_pages *pages);

/* The face's counters; NULL while no face has said hello.  Borrowed. */
void local_set_counters(struct provider *p, const struct counters *counters);

#endif
