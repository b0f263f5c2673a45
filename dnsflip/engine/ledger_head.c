#include "dnsflip/engine/ledger_head.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger_store.h"

#define COPY(to, from) ((void)str_copy((to), sizeof(to), (from)))
#define DAY_MS INT64_C(86400000)

/* ---- writing -------------------------------------------------------------------------------- */

struct writing {
    const struct ledger *ledger;
    struct wall now;
    ledger_head_take *take; /* NULL = only count */
    void *arg;
    uint32_t n;
};

static int give(struct writing *w, struct journal_entry *e, struct err *err)
{
    e->time = w->now;
    w->n++;
    return w->take != NULL ? w->take(w->arg, e, err) : 0;
}

static int give_pause(struct writing *w, struct err *err)
{
    const struct ledger *l = w->ledger;
    struct journal_entry e = { .kind = ENTRY_KEPT_PAUSE, .until = l->pause_until };

    if (!l->is_paused)
        return 0;
    COPY(e.actor, l->pause_owner);
    COPY(e.reason, l->pause_reason);
    return give(w, &e, err);
}

static int give_operation(struct writing *w, enum entry_kind kind, const struct operation *op,
                          struct err *err)
{
    struct journal_entry e = {
        .kind = kind,
        .verb = op->verb,
        .state = op->state,
        .epoch = op->epoch,
        .names = op->n_names,
        .step = op->step,
        .steps = op->n_steps,
        .has_fence = op->has_fence,
        .has_hook = op->has_hook,
        .has_proof = op->has_proof,
        .is_hook_begun = op->is_hook_begun,
        .is_changed = op->is_changed,
        .is_forced = op->is_forced,
        .overrides = op->overrides,
        .started = op->started,
        .changed = op->changed,
        .settled = op->settled,
        .ended = op->ended,
        .until = op->expires,
        .verified = op->verified,
        .asked = op->asked,
    };

    COPY(e.operation, op->id);
    COPY(e.group, op->group);
    COPY(e.from, op->from);
    COPY(e.to, op->to);
    COPY(e.actor, op->actor);
    COPY(e.reason, op->reason);
    COPY(e.request_id, op->request_id);
    COPY(e.configuration, op->configuration);
    COPY(e.token, op->token);
    COPY(e.detail, op->detail);
    return give(w, &e, err);
}

static int give_group(struct writing *w, const struct ledger_group *g, struct err *err)
{
    struct journal_entry e = {
        .kind = ENTRY_KEPT_GROUP,
        .is_adopted = g->is_adopted,
        .epoch = g->epoch,
        .since = g->active_since,
        .flip_ended = g->flip_ended,
        .is_lifted = g->is_block_lifted,
        .is_held = g->is_held,
        .until = g->hold_until,
    };

    COPY(e.group, g->name);
    COPY(e.to, g->active);
    COPY(e.actor, g->hold_owner);
    COPY(e.reason, g->hold_reason);
    if (give(w, &e, err) != 0)
        return -1;
    for (unsigned i = 0; i < g->n_fenced; i++) {
        struct journal_entry fence = { .kind = ENTRY_KEPT_FENCE };

        COPY(fence.group, g->name);
        COPY(fence.to, g->fenced[i]);
        if (give(w, &fence, err) != 0)
            return -1;
    }
    return g->op.state != OP_NONE ? give_operation(w, ENTRY_KEPT_OPERATION, &g->op, err) : 0;
}

static int give_outages(struct writing *w, struct err *err)
{
    for (unsigned i = 0; i < w->ledger->n_outages; i++) {
        const struct ledger_outage *o = &w->ledger->outages[i];
        struct journal_entry e = { .kind = ENTRY_KEPT_OUTAGE,
                                   .started = o->first,
                                   .ended = o->last };

        COPY(e.to, o->cluster);
        if (give(w, &e, err) != 0)
            return -1;
    }
    return 0;
}

static int give_requests(struct writing *w, struct err *err)
{
    const struct ledger *l = w->ledger;

    for (size_t i = 0; i < l->n_requests; i++) {
        const struct ledger_request *r = &l->requests[(l->first_request + i) % LEDGER_REQUESTS_MAX];
        struct journal_entry e = { .kind = ENTRY_KEPT_REQUEST, .started = r->time };

        if (w->now.ms - r->time.ms >= LEDGER_REQUEST_DAYS * DAY_MS)
            continue;
        COPY(e.request_id, r->id);
        COPY(e.request_digest, r->digest);
        COPY(e.operation, r->operation);
        if (give(w, &e, err) != 0)
            return -1;
    }
    return 0;
}

/* All but the first line. */
static int give_all(struct writing *w, struct err *err)
{
    const struct ledger *l = w->ledger;

    if (give_pause(w, err) != 0)
        return -1;
    for (size_t i = 0; i < l->n_groups; i++) {
        if (give_group(w, l->groups[i], err) != 0)
            return -1;
    }
    for (size_t i = 0; i < l->n_history; i++) {
        size_t place = (l->first_history + i) % LEDGER_HISTORY_MAX;

        if (give_operation(w, ENTRY_KEPT_ENDED, &l->history[place], err) != 0)
            return -1;
    }
    return give_outages(w, err) != 0 ? -1 : give_requests(w, err);
}

int ledger_head_write(const struct ledger *l, const char *follows, struct wall now,
                      ledger_head_take *take, void *arg, struct err *err)
{
    struct writing counting = { .ledger = l, .now = now };
    struct writing writing = { .ledger = l, .now = now, .take = take, .arg = arg };
    struct journal_entry first = {
        .kind = ENTRY_ROTATED,
        .epoch = l->epoch,
        .serial = l->serial,
        .reload_epoch = l->reload_epoch,
        .initialised = l->initialised,
        .acked = l->acked,
    };

    if (give_all(&counting, err) != 0)
        return -1;
    first.names = counting.n;
    COPY(first.detail, follows);
    COPY(first.reason, l->digest);
    return give(&writing, &first, err) != 0 ? -1 : give_all(&writing, err);
}

/* ---- folding -------------------------------------------------------------------------------- */

static int fold_first(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (l->is_initialised)
        return err_set(err, ERR_REMOTE, "entry %llu begins a file, but does not stand first in it",
                       (unsigned long long)e->seq);
    l->is_initialised = true;
    l->initialised = e->initialised;
    l->acked = e->acked;
    l->epoch = e->epoch;
    l->serial = e->serial;
    l->reload_epoch = e->reload_epoch;
    COPY(l->digest, e->reason);
    l->head_left = e->names;
    return 0;
}

static void fold_pause(struct ledger *l, const struct journal_entry *e)
{
    l->is_paused = true;
    COPY(l->pause_owner, e->actor);
    COPY(l->pause_reason, e->reason);
    l->pause_until = e->until;
}

static void fold_group(struct ledger_group *g, const struct journal_entry *e)
{
    g->is_adopted = e->is_adopted;
    COPY(g->active, e->to);
    g->epoch = e->epoch;
    g->active_since = e->since;
    g->flip_ended = e->flip_ended;
    g->is_block_lifted = e->is_lifted;
    g->is_held = e->is_held;
    COPY(g->hold_owner, e->actor);
    COPY(g->hold_reason, e->reason);
    g->hold_until = e->until;
}

static struct operation operation_of(const struct journal_entry *e)
{
    struct operation op = {
        .verb = e->verb,
        .state = e->state,
        .epoch = e->epoch,
        .n_names = e->names,
        .step = (uint8_t)e->step,
        .n_steps = (uint8_t)e->steps,
        .has_fence = e->has_fence,
        .has_hook = e->has_hook,
        .has_proof = e->has_proof,
        .is_hook_begun = e->is_hook_begun,
        .is_changed = e->is_changed,
        .is_forced = e->is_forced,
        .overrides = e->overrides,
        .started = e->started,
        .changed = e->changed,
        .settled = e->settled,
        .ended = e->ended,
        .expires = e->until,
        .verified = e->verified,
        .asked = e->asked,
    };

    COPY(op.id, e->operation);
    COPY(op.group, e->group);
    COPY(op.from, e->from);
    COPY(op.to, e->to);
    COPY(op.actor, e->actor);
    COPY(op.reason, e->reason);
    COPY(op.request_id, e->request_id);
    COPY(op.configuration, e->configuration);
    COPY(op.token, e->token);
    COPY(op.detail, e->detail);
    return op;
}

/* What the ledger would forget, or take for another number, at the next file. */
static int check_operation(const struct journal_entry *e, struct err *err)
{
    if (e->state == OP_NONE || e->operation[0] == '\0')
        return err_set(err, ERR_REMOTE, "entry %llu, %s of group %s: no operation, or no state",
                       (unsigned long long)e->seq, entry_kind_name(e->kind), e->group);
    if (e->step > UINT8_MAX || e->steps > UINT8_MAX)
        return err_set(err, ERR_REMOTE, "entry %llu, %s of group %s: step %u of %u, at most %d",
                       (unsigned long long)e->seq, entry_kind_name(e->kind), e->group, e->step,
                       e->steps, UINT8_MAX);
    return 0;
}

/* A line about one group. */
static int fold_of_group(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (e->kind == ENTRY_KEPT_OPERATION && check_operation(e, err) != 0)
        return -1;
    struct ledger_group *g = e->group[0] != '\0' ? ledger_store_group(l, e->group) : NULL;

    if (g == NULL)
        return err_set(err, ERR_REMOTE, "entry %llu, %s: no group, or more than %d",
                       (unsigned long long)e->seq, entry_kind_name(e->kind), LEDGER_GROUPS_MAX);
    if (e->kind == ENTRY_KEPT_GROUP) {
        fold_group(g, e);
    } else if (e->kind == ENTRY_KEPT_OPERATION) {
        g->op = operation_of(e);
    } else {
        if (g->n_fenced == CLUSTERS_MAX)
            return err_set(err, ERR_REMOTE, "entry %llu, %s of group %s: more than %d",
                           (unsigned long long)e->seq, entry_kind_name(e->kind), e->group,
                           CLUSTERS_MAX);
        COPY(g->fenced[g->n_fenced], e->to);
        g->n_fenced++;
    }
    return 0;
}

static int fold_outage(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (l->n_outages == LEDGER_OUTAGES_MAX)
        return err_set(err, ERR_REMOTE, "entry %llu, %s: more than %d", (unsigned long long)e->seq,
                       entry_kind_name(e->kind), LEDGER_OUTAGES_MAX);
    struct ledger_outage *o = &l->outages[l->n_outages++];
    *o = (struct ledger_outage){ .first = e->started, .last = e->ended };
    COPY(o->cluster, e->to);
    return 0;
}

static void fold_request(struct ledger *l, const struct journal_entry *e)
{
    struct journal_entry then = *e;

    then.time = e->started;
    ledger_store_request(l, &then);
}

/* Behind the first line. */
static int fold_kept(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (e->kind == ENTRY_KEPT_OUTAGE)
        return fold_outage(l, e, err);
    if (e->kind == ENTRY_KEPT_PAUSE) {
        fold_pause(l, e);
    } else if (e->kind == ENTRY_KEPT_REQUEST) {
        fold_request(l, e);
    } else if (e->kind == ENTRY_KEPT_ENDED) {
        if (check_operation(e, err) != 0)
            return -1;
        struct operation op = operation_of(e);

        ledger_store_history(l, &op);
    } else {
        return fold_of_group(l, e, err);
    }
    return 0;
}

int ledger_head_fold(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (e->kind == ENTRY_ROTATED)
        return fold_first(l, e, err);
    if (!entry_kind_is_head(e->kind))
        return err_set(err, ERR_REMOTE, "entry %llu, %s: %u lines of the file's head are missing",
                       (unsigned long long)e->seq, entry_kind_name(e->kind), l->head_left);
    if (l->head_left == 0)
        return err_set(err, ERR_REMOTE, "entry %llu, %s: it belongs into the head of a file",
                       (unsigned long long)e->seq, entry_kind_name(e->kind));
    if (fold_kept(l, e, err) != 0)
        return -1;
    l->head_left--;
    return 0;
}
