#include "dnsflip/engine/ledger_store.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

/* ---- groups --------------------------------------------------------------------------------- */

/* Where name stands or belongs. */
static size_t place_of(const struct ledger *l, const char *name, bool *is_there)
{
    size_t low = 0;
    size_t high = l->n_groups;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(l->groups[middle]->name, name);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct ledger_group *ledger_store_find(const struct ledger *l, const char *name)
{
    bool is_there;
    size_t place = place_of(l, name, &is_there);

    return is_there ? l->groups[place] : NULL;
}

struct ledger_group *ledger_store_group(struct ledger *l, const char *name)
{
    bool is_there;
    size_t place = place_of(l, name, &is_there);
    struct ledger_group *g;

    if (is_there)
        return l->groups[place];
    if (l->n_groups == LEDGER_GROUPS_MAX)
        return NULL;
    /* The room doubles whenever the count reaches a power of two. */
    if ((l->n_groups & (l->n_groups - 1)) == 0)
        l->groups = mem_resize(l->groups, l->n_groups > 0 ? 2 * l->n_groups : 1,
                               sizeof(struct ledger_group *));
    g = mem_zalloc(sizeof(*g));
    (void)str_copy(g->name, sizeof(g->name), name);
    memmove(&l->groups[place + 1], &l->groups[place],
            (l->n_groups - place) * sizeof(struct ledger_group *));
    l->groups[place] = g;
    l->n_groups++;
    return g;
}

/* ---- ended operations and outages ----------------------------------------------------------- */

void ledger_store_history(struct ledger *l, const struct operation *op)
{
    if (l->n_history == LEDGER_HISTORY_MAX) {
        l->first_history = (l->first_history + 1) % LEDGER_HISTORY_MAX;
        l->n_history--;
    }
    l->history[(l->first_history + l->n_history) % LEDGER_HISTORY_MAX] = *op;
    l->n_history++;
}

void ledger_store_outage(struct ledger *l, const char *cluster, struct wall time)
{
    for (size_t i = l->n_outages; i > 0; i--) {
        struct ledger_outage *o = &l->outages[i - 1];

        if (strcmp(o->cluster, cluster) == 0 && time.ms - o->last.ms < LEDGER_OUTAGE_WINDOW_MS) {
            o->last = time;
            return;
        }
    }
    if (l->n_outages == LEDGER_OUTAGES_MAX) {
        memmove(&l->outages[0], &l->outages[1], (LEDGER_OUTAGES_MAX - 1) * sizeof(l->outages[0]));
        l->n_outages--;
    }
    struct ledger_outage *fresh = &l->outages[l->n_outages++];
    *fresh = (struct ledger_outage){ .first = time, .last = time };
    (void)str_copy(fresh->cluster, sizeof(fresh->cluster), cluster);
}

/* ---- request ids ---------------------------------------------------------------------------- */

/* FNV-1a. */
static uint32_t bucket_of(const char *id)
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *id != '\0'; id++)
        hash = (hash ^ (unsigned char)*id) * UINT32_C(16777619);
    return hash % LEDGER_REQUESTS_MAX;
}

/* Its place + 1, or 0 if there is none that still counts. */
static uint32_t find_request(const struct ledger *l, const char *id, struct wall now)
{
    int64_t oldest_ms = now.ms - LEDGER_REQUEST_DAYS * INT64_C(86400000);
    uint32_t at = l->request_heads[bucket_of(id)];

    /* The newest of an id comes first in its chain. */
    while (at != 0 && strcmp(l->requests[at - 1].id, id) != 0)
        at = l->request_next[at - 1];
    return at != 0 && l->requests[at - 1].time.ms > oldest_ms ? at : 0;
}

const struct ledger_request *ledger_find_request(const struct ledger *l, const char *id,
                                                 struct wall now)
{
    uint32_t at = find_request(l, id, now);

    return at != 0 ? &l->requests[at - 1] : NULL;
}

static void drop_oldest_request(struct ledger *l)
{
    uint32_t place = (uint32_t)l->first_request + 1;
    uint32_t *link = &l->request_heads[bucket_of(l->requests[l->first_request].id)];

    while (*link != place) {
        assert(*link != 0);
        link = &l->request_next[*link - 1];
    }
    *link = l->request_next[place - 1];
    l->first_request = (l->first_request + 1) % LEDGER_REQUESTS_MAX;
    l->n_requests--;
}

void ledger_store_request(struct ledger *l, const struct journal_entry *e)
{
    if (e->request_id[0] == '\0')
        return;
    uint32_t known = find_request(l, e->request_id, e->time);
    if (known != 0) {
        struct ledger_request *r = &l->requests[known - 1];

        if (e->operation[0] != '\0')
            (void)str_copy(r->operation, sizeof(r->operation), e->operation);
        return;
    }
    if (l->n_requests == LEDGER_REQUESTS_MAX)
        drop_oldest_request(l);
    size_t place = (l->first_request + l->n_requests) % LEDGER_REQUESTS_MAX;
    uint32_t *head = &l->request_heads[bucket_of(e->request_id)];
    struct ledger_request *r = &l->requests[place];
    *r = (struct ledger_request){ .time = e->time };
    (void)str_copy(r->id, sizeof(r->id), e->request_id);
    (void)str_copy(r->digest, sizeof(r->digest), e->request_digest);
    (void)str_copy(r->operation, sizeof(r->operation), e->operation);
    l->request_next[place] = *head;
    *head = (uint32_t)place + 1;
    l->n_requests++;
}
