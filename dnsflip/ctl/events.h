/* dnsflip/ctl/events.h -- the newest journal entries, kept for clients that ask what happened. */
#ifndef DNSFLIP_CTL_EVENTS_H
#define DNSFLIP_CTL_EVENTS_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "dnsflip/model/journal_entry.h"

#define EVENTS_KEPT_MAX 1024
#define EVENTS_LIMIT 100 /* answered when the client names no limit */

struct ctl_events;

struct ctl_events *events_new(void);
void events_free(struct ctl_events *events); /* NULL does nothing */

/* Keeps a copy; an entry without a seq (progress that is not in the journal) is not kept. */
void events_add(struct ctl_events *events, const struct journal_entry *entry);

/* {events, first_kept, last}: at most limit of those with seq > after and, if group is not "", of
 * that group; the oldest of them first.  after 0: the newest ones. */
cJSON *events_view(const struct ctl_events *events, const char *group, uint64_t after,
                   unsigned limit);

#endif
