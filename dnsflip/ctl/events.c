#include "dnsflip/ctl/events.h"

#include <stdbool.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/ctl/views.h"

struct ctl_events {
    struct journal_entry *ring; /* owned */
    size_t first, n;
};

struct ctl_events *events_new(void)
{
    struct ctl_events *events = mem_zalloc(sizeof(*events));

    events->ring = mem_array(EVENTS_KEPT_MAX, sizeof(*events->ring));
    return events;
}

void events_free(struct ctl_events *events)
{
    if (events == NULL)
        return;
    mem_free(events->ring);
    mem_free(events);
}

void events_add(struct ctl_events *events, const struct journal_entry *entry)
{
    if (entry->seq == 0)
        return;
    events->ring[(events->first + events->n) % EVENTS_KEPT_MAX] = *entry;
    if (events->n < EVENTS_KEPT_MAX)
        events->n++;
    else
        events->first = (events->first + 1) % EVENTS_KEPT_MAX;
}

static const struct journal_entry *at(const struct ctl_events *events, size_t i)
{
    return &events->ring[(events->first + i) % EVENTS_KEPT_MAX];
}

static bool is_wanted(const struct journal_entry *e, const char *group, uint64_t after)
{
    return e->seq > after && (group[0] == '\0' || strcmp(e->group, group) == 0);
}

cJSON *events_view(const struct ctl_events *events, const char *group, uint64_t after,
                   unsigned limit)
{
    cJSON *view = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(view, "events");
    size_t start = 0;

    if (after == 0) {
        unsigned found = 0;

        for (start = events->n; start > 0 && found < limit; start--)
            found += is_wanted(at(events, start - 1), group, 0) ? 1 : 0;
    }
    for (size_t i = start; i < events->n && limit > 0; i++) {
        if (!is_wanted(at(events, i), group, after))
            continue;
        (void)cJSON_AddItemToArray(list, views_entry(at(events, i)));
        limit--;
    }
    (void)cJSON_AddNumberToObject(view, "first_kept",
                                  events->n > 0 ? (double)at(events, 0)->seq : 0);
    (void)cJSON_AddNumberToObject(view, "last",
                                  events->n > 0 ? (double)at(events, events->n - 1)->seq : 0);
    return view;
}
