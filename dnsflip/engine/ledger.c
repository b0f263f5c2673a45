#include "dnsflip/engine/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/engine/ledger_store.h"

#define HOUR_MS INT64_C(3600000)

struct ledger *ledger_new(void)
{
    struct ledger *l = mem_zalloc(sizeof(*l));

    l->requests = mem_array(LEDGER_REQUESTS_MAX, sizeof(*l->requests));
    l->request_heads = mem_array(LEDGER_REQUESTS_MAX, sizeof(*l->request_heads));
    l->request_next = mem_array(LEDGER_REQUESTS_MAX, sizeof(*l->request_next));
    l->history = mem_array(LEDGER_HISTORY_MAX, sizeof(*l->history));
    return l;
}

void ledger_free(struct ledger *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n_groups; i++)
        mem_free(l->groups[i]);
    mem_free(l->groups);
    mem_free(l->requests);
    mem_free(l->request_heads);
    mem_free(l->request_next);
    mem_free(l->history);
    mem_free(l);
}

const struct ledger_group *ledger_find(const struct ledger *l, const char *group)
{
    return ledger_store_find(l, group);
}

bool ledger_is_fenced(const struct ledger_group *g, const char *cluster)
{
    for (size_t i = 0; i < g->n_fenced; i++) {
        if (strcmp(g->fenced[i], cluster) == 0)
            return true;
    }
    return false;
}

static bool is_before(struct wall now, struct wall until)
{
    return until.ms == 0 || now.ms < until.ms;
}

bool ledger_is_held(const struct ledger_group *g, struct wall now)
{
    return g->is_held && is_before(now, g->hold_until);
}

bool ledger_is_paused(const struct ledger *l, struct wall now)
{
    return l->is_paused && is_before(now, l->pause_until);
}

bool ledger_is_blocked(const struct ledger_group *g, int64_t block_ms, struct wall now)
{
    if (g->flip_ended.ms == 0 || g->is_block_lifted)
        return false;
    /* A clock that stepped back blocks longer, never shorter. */
    return now.ms - g->flip_ended.ms < block_ms;
}

bool ledger_is_braked(const struct ledger *l, const char *cluster, uint32_t per_hour,
                      struct wall now)
{
    uint32_t count = 0;

    for (size_t i = 0; i < l->n_outages; i++) {
        const struct ledger_outage *o = &l->outages[i];

        if (o->last.ms <= l->acked.ms || now.ms - o->last.ms >= HOUR_MS)
            continue;
        if (strcmp(o->cluster, cluster) == 0 &&
            llabs(now.ms - o->last.ms) < LEDGER_OUTAGE_WINDOW_MS)
            return false;
        count++;
    }
    return count >= per_hour;
}

uint32_t ledger_next_epoch(const struct ledger *l, uint32_t floor)
{
    uint32_t next = l->epoch + 1;

    if (l->epoch == 0 && floor != 0)
        return floor;
    if (floor != 0 && ledger_epoch_is_newer(floor, next))
        next = floor;
    return next != 0 ? next : 1;
}

const struct operation *ledger_find_operation(const struct ledger *l, const char *id)
{
    for (size_t i = 0; i < l->n_groups; i++) {
        const struct operation *op = &l->groups[i]->op;

        if (op->state != OP_NONE && strcmp(op->id, id) == 0)
            return op;
    }
    for (size_t i = l->n_history; i > 0; i--) {
        const struct operation *op = &l->history[(l->first_history + i - 1) % LEDGER_HISTORY_MAX];

        if (strcmp(op->id, id) == 0)
            return op;
    }
    return NULL;
}

/* Of the group's newest operation. */
static bool awaits_in(const struct operation *op, const struct journal_entry *e)
{
    if (op_state_is_ended(op->state))
        return false;
    if (e->kind == ENTRY_STEP)
        return e->state > op->state || e->step > op->step;
    if (e->kind == ENTRY_MOVED)
        return !op->is_changed;
    if (e->kind == ENTRY_SETTLED)
        return op->settled.ms == 0;
    return e->kind == ENTRY_OUTCOME || e->kind == ENTRY_REFUSED;
}

bool ledger_awaits(const struct ledger *l, const struct journal_entry *e)
{
    const struct ledger_group *g = ledger_store_find(l, e->group);

    if (g == NULL || !g->is_adopted || e->operation[0] == '\0')
        return false;
    if (g->op.state != OP_NONE && strcmp(g->op.id, e->operation) == 0)
        return awaits_in(&g->op, e);
    return e->kind != ENTRY_REFUSED && ledger_epoch_is_newer(e->epoch, ledger_group_epoch(g));
}
