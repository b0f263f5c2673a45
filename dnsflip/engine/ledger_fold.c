#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/engine/ledger_head.h"
#include "dnsflip/engine/ledger_store.h"

#define COPY(to, from) ((void)str_copy((to), sizeof(to), (from)))

static int refuse(const struct journal_entry *e, struct err *err, const char *why)
{
    return err_set(err, ERR_REMOTE, "entry %llu, %s%s%s: %s", (unsigned long long)e->seq,
                   entry_kind_name(e->kind), e->group[0] != '\0' ? " of group " : "", e->group,
                   why);
}

/* ---- groups --------------------------------------------------------------------------------- */

/* The group that an entry about operations, fences or releases must name; NULL with err set. */
static struct ledger_group *adopted_group(struct ledger *l, const struct journal_entry *e,
                                          struct err *err)
{
    struct ledger_group *g = ledger_store_find(l, e->group);

    if (g == NULL || !g->is_adopted) {
        (void)refuse(e, err, "the group was never adopted");
        return NULL;
    }
    return g;
}

/* Node-wide epochs only rise. */
static void note_epoch(struct ledger *l, uint32_t epoch)
{
    if (l->epoch == 0 || ledger_epoch_is_newer(epoch, l->epoch))
        l->epoch = epoch;
}

static void fold_configuration(struct ledger *l, const struct journal_entry *e)
{
    COPY(l->digest, e->reason);
    if (e->serial != 0)
        l->serial = e->serial;
}

static int fold_init(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (l->is_initialised)
        return refuse(e, err, "the journal began before it already");
    l->is_initialised = true;
    l->initialised = e->time;
    l->epoch = e->epoch;
    return 0;
}

static int fold_adopt(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (e->group[0] == '\0' || e->to[0] == '\0')
        return refuse(e, err, "without a group or a cluster");
    struct ledger_group *g = ledger_store_group(l, e->group);
    if (g == NULL)
        return refuse(e, err, "the journal tells of too many groups");
    g->is_adopted = true;
    COPY(g->active, e->to);
    g->active_since = e->time;
    if (e->epoch != 0) {
        g->epoch = e->epoch;
        note_epoch(l, e->epoch);
    }
    return 0;
}

/* False if the group has no room for it. */
static bool fence(struct ledger_group *g, const char *cluster)
{
    if (ledger_is_fenced(g, cluster))
        return true;
    if (g->n_fenced == CLUSTERS_MAX)
        return false;
    COPY(g->fenced[g->n_fenced], cluster);
    g->n_fenced++;
    return true;
}

static int fold_fence(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    struct ledger_group *g = adopted_group(l, e, err);

    if (g == NULL)
        return -1;
    if (e->to[0] == '\0')
        return refuse(e, err, "without a cluster");
    if (!fence(g, e->to))
        return refuse(e, err, "more clusters are fenced than a group can have");
    return 0;
}

static void unfence(struct ledger_group *g, const char *cluster)
{
    uint8_t kept = 0;

    for (uint8_t i = 0; i < g->n_fenced; i++) {
        if (strcmp(g->fenced[i], cluster) == 0)
            continue;
        if (kept != i)
            memcpy(g->fenced[kept], g->fenced[i], NAME_BYTES);
        kept++;
    }
    g->n_fenced = kept;
}

static int fold_rejoin(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (e->to[0] == '\0')
        return refuse(e, err, "without a cluster");
    if (e->group[0] == '\0') {
        for (size_t i = 0; i < l->n_groups; i++)
            unfence(l->groups[i], e->to);
        return 0;
    }
    struct ledger_group *g = adopted_group(l, e, err);
    if (g == NULL)
        return -1;
    unfence(g, e->to);
    return 0;
}

/* A group may be held before it is adopted. */
static int fold_hold(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    struct ledger_group *g = e->group[0] != '\0' ? ledger_store_group(l, e->group) : NULL;

    if (g == NULL)
        return refuse(e, err, "without a group, or the journal tells of too many");
    g->is_held = true;
    COPY(g->hold_owner, e->actor);
    COPY(g->hold_reason, e->reason);
    g->hold_until = e->until;
    return 0;
}

static int fold_release(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    struct ledger_group *g = ledger_store_find(l, e->group);

    if (g == NULL)
        return refuse(e, err, "the journal does not know the group");
    g->is_held = false;
    g->hold_owner[0] = '\0';
    g->hold_reason[0] = '\0';
    g->hold_until = (struct wall){ 0 };
    return 0;
}

static int fold_ack(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (e->group[0] == '\0') {
        l->acked = e->time;
        return 0;
    }
    struct ledger_group *g = ledger_store_find(l, e->group);
    if (g == NULL)
        return refuse(e, err, "the journal does not know the group");
    g->is_block_lifted = true;
    return 0;
}

static int fold_pause(struct ledger *l, const struct journal_entry *e)
{
    l->is_paused = true;
    COPY(l->pause_owner, e->actor);
    COPY(l->pause_reason, e->reason);
    l->pause_until = e->until;
    return 0;
}

static int fold_resume(struct ledger *l)
{
    l->is_paused = false;
    l->pause_owner[0] = '\0';
    l->pause_reason[0] = '\0';
    l->pause_until = (struct wall){ 0 };
    return 0;
}

/* ---- operations ----------------------------------------------------------------------------- */

static bool is_running(const struct operation *op)
{
    return !op_state_is_ended(op->state);
}

static void end_operation(struct ledger *l, struct operation *op, enum op_state state,
                          struct wall time)
{
    op->state = state;
    op->ended = time;
    ledger_store_history(l, op);
}

static void begin_operation(struct ledger *l, struct ledger_group *g, const struct journal_entry *e)
{
    if (is_running(&g->op)) {
        COPY(g->op.detail, "its outcome was lost: a later operation followed it");
        end_operation(l, &g->op, OP_ATTENTION, e->time);
    }
    g->op = (struct operation){
        .verb = e->verb,
        .state = OP_RECORDING,
        .epoch = e->epoch,
        .n_names = e->names,
        .n_steps = (uint8_t)(e->kind == ENTRY_INTENT && e->step < UINT8_MAX ? e->step : 0),
        .has_fence = e->has_fence,
        .has_hook = e->has_hook,
        .has_proof = e->has_proof,
        .is_forced = e->is_forced,
        .overrides = e->overrides,
        .started = e->time,
        .expires = e->until,
    };
    COPY(g->op.id, e->operation);
    COPY(g->op.group, e->group);
    COPY(g->op.from, e->from[0] != '\0' ? e->from : g->active);
    COPY(g->op.to, e->to);
    COPY(g->op.actor, e->actor);
    COPY(g->op.reason, e->reason);
    COPY(g->op.request_id, e->request_id);
    if (e->verb == VERB_RELOAD)
        COPY(g->op.configuration, e->configuration);
    note_epoch(l, e->epoch);
}

static int fold_intent(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    struct ledger_group *g = adopted_group(l, e, err);

    if (g == NULL)
        return -1;
    if (e->operation[0] == '\0' || e->from[0] == '\0' || e->to[0] == '\0')
        return refuse(e, err, "without an operation, a source or a destination");
    if (strcmp(e->from, e->to) == 0 && e->verb != VERB_RELOAD)
        return refuse(e, err, "source and destination are the same cluster");
    if (e->verb == VERB_RELOAD && (strcmp(e->from, e->to) != 0 || e->configuration[0] == '\0'))
        return refuse(e, err, "a reload that moves to another cluster, or brings no configuration");
    if (g->op.state != OP_NONE && strcmp(g->op.id, e->operation) == 0)
        return refuse(e, err, "the operation had begun already");
    /* One that was made without the journal comes late: others may have moved meanwhile. */
    if (!ledger_epoch_is_newer(e->epoch, e->is_forced ? ledger_group_epoch(g) : l->epoch))
        return refuse(e, err, "its epoch is not newer than all before it");
    begin_operation(l, g, e);
    COPY(g->active, e->from);
    return 0;
}

/* The running operation that the entry tells of, NULL with err set.  A forced one has no durable
 * intent: its first entry begins it. */
static struct ledger_group *group_of_running(struct ledger *l, const struct journal_entry *e,
                                             struct err *err)
{
    struct ledger_group *g = adopted_group(l, e, err);

    if (g == NULL)
        return NULL;
    bool is_known = g->op.state != OP_NONE && strcmp(g->op.id, e->operation) == 0;
    if (is_known && is_running(&g->op))
        return g;
    if (is_known) {
        (void)refuse(e, err, "the operation had ended already");
        return NULL;
    }
    if (!e->is_forced || e->operation[0] == '\0' || e->to[0] == '\0') {
        (void)refuse(e, err, "there is no intent of that operation");
        return NULL;
    }
    begin_operation(l, g, e);
    return g;
}

static int fold_refused(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    struct ledger_group *g = ledger_store_find(l, e->group);

    /* Its intent was lost with the disk: nothing to take back. */
    if (g == NULL || g->op.state == OP_NONE || strcmp(g->op.id, e->operation) != 0)
        return 0;
    if (!is_running(&g->op))
        return refuse(e, err, "the operation had ended already");
    if (g->op.is_changed)
        return refuse(e, err, "the operation had changed records already");
    COPY(g->op.detail, e->detail);
    end_operation(l, &g->op, OP_REFUSED, e->time);
    return 0;
}

static int fold_step(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (op_state_is_ended(e->state))
        return refuse(e, err, "its state is not one of a running operation");
    struct ledger_group *g = group_of_running(l, e, err);
    if (g == NULL)
        return -1;
    g->op.state = e->state;
    g->op.step = (uint8_t)(e->step < UINT8_MAX ? e->step : UINT8_MAX);
    if (e->state == OP_FENCING || e->state == OP_PROMOTING)
        g->op.is_hook_begun = true;
    if (e->token[0] != '\0')
        COPY(g->op.token, e->token);
    return 0;
}

/* The first acknowledged change; does nothing if it was noted before. */
static void move_group(struct ledger *l, struct ledger_group *g, struct wall time)
{
    if (g->op.is_changed)
        return;
    g->op.is_changed = true;
    g->op.changed = time;
    if (g->op.epoch != 0)
        g->epoch = g->op.epoch;
    if (g->op.verb == VERB_RELOAD) {
        if (g->op.configuration[0] == '\0')
            return;
        COPY(l->digest, g->op.configuration);
        l->reload_epoch = g->op.epoch;
        return;
    }
    COPY(g->active, g->op.to);
    g->active_since = time;
    if (g->op.verb == VERB_AUTO)
        ledger_store_outage(l, g->op.from, time);
    /* Its own FENCE entry may be what a failing disk lost. */
    if (g->op.verb == VERB_AUTO || g->op.verb == VERB_FAILOVER)
        (void)fence(g, g->op.from);
}

static int fold_moved(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    struct ledger_group *g = group_of_running(l, e, err);

    if (g == NULL)
        return -1;
    if (strcmp(e->to, g->op.to) != 0)
        return refuse(e, err, "it moved to another cluster than its intent said");
    if (e->epoch != g->op.epoch)
        return refuse(e, err, "it moved with another epoch than its intent said");
    if (g->op.state < OP_SUBMITTING)
        g->op.state = OP_SUBMITTING;
    if (e->step > g->op.step && e->step < UINT8_MAX)
        g->op.step = (uint8_t)e->step;
    COPY(g->op.token, e->token);
    move_group(l, g, e->time);
    return 0;
}

/* The block counts from here.  A reload leaves no cluster: nothing is to be sat out behind it. */
static void flip_ended(struct ledger_group *g, struct wall time)
{
    if (g->op.verb == VERB_RELOAD)
        return;
    g->flip_ended = time;
    g->is_block_lifted = false;
}

static int fold_settled(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    struct ledger_group *g = group_of_running(l, e, err);

    if (g == NULL)
        return -1;
    if (g->op.settled.ms != 0)
        return refuse(e, err, "it had settled already");
    move_group(l, g, e->time);
    g->op.state = OP_VERIFYING;
    g->op.settled = e->time;
    flip_ended(g, e->time);
    return 0;
}

static int fold_outcome(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    if (e->state != OP_PARTIAL && (e->state == OP_NONE || !op_state_is_ended(e->state)))
        return refuse(e, err, "its state is not one of an ended operation");
    struct ledger_group *g = group_of_running(l, e, err);
    if (g == NULL)
        return -1;
    if (e->state == OP_DONE || e->state == OP_NOT_CONVERGED)
        move_group(l, g, e->time);
    if (e->state == OP_ATTENTION)
        flip_ended(g, e->time);
    g->op.asked = e->names;
    g->op.verified = e->step;
    COPY(g->op.detail, e->detail);
    if (e->state == OP_PARTIAL)
        g->op.state = OP_PARTIAL;
    else
        end_operation(l, &g->op, e->state, e->time);
    return 0;
}

/* ---- the only way in ------------------------------------------------------------------------ */

static int fold_kind(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    switch (e->kind) {
    case ENTRY_INIT:
        return fold_init(l, e, err);
    case ENTRY_ADOPT:
        return fold_adopt(l, e, err);
    case ENTRY_INTENT:
        return fold_intent(l, e, err);
    case ENTRY_REFUSED:
        return fold_refused(l, e, err);
    case ENTRY_STEP:
        return fold_step(l, e, err);
    case ENTRY_MOVED:
        return fold_moved(l, e, err);
    case ENTRY_SETTLED:
        return fold_settled(l, e, err);
    case ENTRY_OUTCOME:
        return fold_outcome(l, e, err);
    case ENTRY_FENCE:
        return fold_fence(l, e, err);
    case ENTRY_REJOIN:
        return fold_rejoin(l, e, err);
    case ENTRY_HOLD:
        return fold_hold(l, e, err);
    case ENTRY_RELEASE:
        return fold_release(l, e, err);
    case ENTRY_ACK:
        return fold_ack(l, e, err);
    case ENTRY_PAUSE:
        return fold_pause(l, e);
    case ENTRY_RESUME:
        return fold_resume(l);
    case ENTRY_START:
        fold_configuration(l, e);
        return 0;
    case ENTRY_RELOAD:
        if (e->detail[0] == '\0')
            fold_configuration(l, e);
        return 0;
    case ENTRY_STOP:
    case ENTRY_VERDICT:
    case ENTRY_DECISION:
    case ENTRY_ALARM:
        return 0;
    case ENTRY_ROTATED:
    case ENTRY_KEPT_PAUSE:
    case ENTRY_KEPT_GROUP:
    case ENTRY_KEPT_FENCE:
    case ENTRY_KEPT_OPERATION:
    case ENTRY_KEPT_ENDED:
    case ENTRY_KEPT_OUTAGE:
    case ENTRY_KEPT_REQUEST:
    case ENTRY_OVERFLOW:
        break;
    }
    return refuse(e, err, "of an unknown kind");
}

int ledger_fold(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    bool is_head = entry_kind_is_head(e->kind) || l->head_left > 0;

    if (!l->is_initialised && e->kind != ENTRY_INIT && e->kind != ENTRY_ROTATED)
        return refuse(e, err, "the journal does not begin with init");
    if ((is_head ? ledger_head_fold(l, e, err) : fold_kind(l, e, err)) != 0)
        return -1;
    if (!is_head)
        ledger_store_request(l, e);
    if (e->seq > l->seq)
        l->seq = e->seq;
    return 0;
}
