#include "dnsflip/engine/engine.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/engine/planning.h"
#include "dnsflip/engine/switcher.h"
#include "dnsflip/io/loop.h"
#include "policies/failover.h"
#include "policies/guard.h"

static struct instant now_of(const struct engine *e)
{
    return loop_now(e->deps.loop);
}

/* ---- triggers: each ends in advance -----------------------------------------------------------
 */

static void advance(void *arg)
{
    struct engine *e = arg;
    struct mono next;

    if (!e->is_running)
        return;
    engine_decide_dirty(e);
    engine_probe_pump(e);
    next = due_next(&e->group_due);
    if (next.ms == INT64_MAX)
        loop_timer_clear(e->group_timer);
    else
        loop_timer_set(e->group_timer, next);
}

/* The turn in which a timer fires ends in advance, which starts what is due. */
static void on_probe_timer(void *arg)
{
    (void)arg;
}

static void on_group_timer(void *arg)
{
    struct engine *e = arg;
    uint32_t group;

    while (due_take(&e->group_due, now_of(e).mono, &group))
        engine_decide_mark(e, group);
}

static bool is_any_failing(const struct engine *e)
{
    for (size_t i = 0; i < e->n_groups; i++) {
        if (e->groups[i].failover.down_ms > 0)
            return true;
    }
    return false;
}

/* ---- the proof that passes too early ------------------------------------------------------------
 */

struct engine_look {
    struct engine_group *group;
    uint8_t place;
    char operation[OPERATION_ID_BYTES]; /* under which hooks.c knows it */
};

static void on_early_proof(void *arg, bool ok, const char *detail)
{
    struct engine_look *look = arg;
    struct engine_group *g = look->group;
    struct engine *e = g->engine;
    uint8_t place = look->place;
    bool is_early = ok && engine_decide_active(e, g) != (int8_t)place;
    char text[REASON_TEXT_BYTES];

    (void)detail;
    mem_free(look);
    g->looks[place] = NULL;
    /* An operation that began meanwhile may be what it saw. */
    if (is_early == g->has_early_proof[place] || g->switcher != NULL)
        return;
    g->has_early_proof[place] = is_early;
    engine_decide_mark(e, g->index);
    if (!is_early)
        return;
    str_format(text, sizeof(text),
               "the promotion proof of %s passes while it is still standby: promoted without a "
               "flip, or a proof that proves nothing",
               engine_cluster_name(e, g, place));
    engine_record_alarm(e, e->deps.settings->groups[g->index].name, "early-proof", text);
}

static void look_at_proofs(struct engine *e, struct engine_group *g)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    struct mono now = now_of(e).mono;

    if (e->deps.hooks == NULL || !cfg->promotion.is_set || cfg->promotion.proof.kind[0] == '\0' ||
        now.ms < g->proof_at.ms || g->switcher != NULL || engine_decide_active(e, g) < 0)
        return;
    g->proof_at = mono_add(now, ENGINE_EARLY_PROOF_MS);
    for (unsigned place = 0; place < cfg->n_clusters; place++) {
        struct operation op = { .verb = VERB_SWITCH };
        struct engine_look *look;

        if (engine_decide_active(e, g) == (int8_t)place || g->looks[place] != NULL)
            continue;
        look = g->looks[place] = mem_zalloc(sizeof(*look));
        *look = (struct engine_look){ .group = g, .place = (uint8_t)place };
        str_format(look->operation, sizeof(look->operation), "early-%u-%u", g->index, place);
        str_copy(op.id, sizeof(op.id), look->operation);
        str_copy(op.group, sizeof(op.group), cfg->name);
        str_copy(op.to, sizeof(op.to), engine_cluster_name(e, g, (int)place));
        hooks_prove(e->deps.hooks, &cfg->promotion, &op, 0, on_early_proof, look);
    }
}

static void drop_looks(struct engine *e, struct engine_group *g)
{
    for (unsigned place = 0; place < CLUSTERS_MAX; place++) {
        if (g->looks[place] == NULL)
            continue;
        if (e->deps.hooks != NULL)
            hooks_cancel(e->deps.hooks, g->looks[place]->operation);
        mem_free(g->looks[place]);
        g->looks[place] = NULL;
    }
}

/* ---- housekeeping
 * ------------------------------------------------------------------------------------ */

static void on_housekeeping(void *arg)
{
    struct engine *e = arg;
    struct mono now = now_of(e).mono;

    engine_probe_expire(e, now);
    engine_reference_pump(e, is_any_failing(e));
    for (size_t i = 0; i < e->n_groups; i++) {
        struct engine_group *g = &e->groups[i];

        if (!g->has_started && engine_probe_has_rounds(e, g))
            g->has_started = true;
        look_at_proofs(e, g);
        engine_live_refresh(e, g, now);
        /* Guards and clocks move without an observation: ask again. */
        engine_decide_mark(e, (uint32_t)i);
    }
    loop_timer_set(e->housekeeping, mono_add(now, ENGINE_HOUSEKEEPING_MS));
}

static void on_tilt(void *arg, int64_t frozen_ms, int64_t step_ms)
{
    struct engine *e = arg;
    char text[REASON_TEXT_BYTES];

    e->tilted_at = now_of(e).mono;
    e->tilted_until = mono_add(e->tilted_at, ENGINE_TILT_MS);
    if (frozen_ms > 0)
        str_format(text, sizeof(text), "this process did not run for %lld ms",
                   (long long)frozen_ms);
    else
        str_format(text, sizeof(text), "the wall clock stepped by %lld ms", (long long)step_ms);
    engine_record_alarm(e, "", "tilt", text);
    for (uint32_t i = 0; i < e->n_groups; i++)
        engine_decide_mark(e, i);
}

/* ---- life
 * ---------------------------------------------------------------------------------------------- */

static void build_groups(struct engine *e)
{
    struct mono now = now_of(e).mono;

    e->n_groups = e->deps.settings->n_groups;
    e->groups = mem_array(e->n_groups, sizeof(*e->groups));
    due_init(&e->group_due, e->n_groups);
    for (uint32_t i = 0; i < e->n_groups; i++) {
        e->groups[i].engine = e;
        e->groups[i].index = i;
        e->groups[i].failover = failover_start(now);
        e->groups[i].is_dirty = true;
        e->groups[i].proof_at = now;
    }
}

uint32_t engine_next_epoch(struct engine *e)
{
    e->epoch_floor = ledger_next_epoch(e->deps.ledger, e->epoch_floor);
    return e->epoch_floor++;
}

void engine_raise_epoch(struct engine *e, uint32_t serial)
{
    /* RFC 1982: newer is less than half the circle ahead. */
    if (e->epoch_floor == 0 || (int32_t)(serial + 1 - e->epoch_floor) > 0)
        e->epoch_floor = serial + 1;
}

int engine_new(const struct engine_deps *deps, struct engine **out, struct err *err)
{
    struct engine *e = mem_zalloc(sizeof(*e));

    e->deps = *deps;
    e->started = now_of(e).wall;
    build_groups(e);
    engine_probe_build(e);
    if (e->n_probes > PROBES_MAX) {
        size_t n = e->n_probes;

        engine_free(e);
        return err_set(err, ERR_LIMIT, "%zu probes, the limit is %d: use fewer endpoints", n,
                       PROBES_MAX);
    }
    engine_reference_build(e);
    e->probe_timer = loop_timer_new(deps->loop, on_probe_timer, e);
    e->group_timer = loop_timer_new(deps->loop, on_group_timer, e);
    e->housekeeping = loop_timer_new(deps->loop, on_housekeeping, e);
    *out = e;
    return 0;
}

static void drop_groups(struct engine *e, struct engine_group *groups, size_t n)
{
    for (size_t i = 0; groups != NULL && i < n; i++) {
        drop_looks(e, &groups[i]);
        if (groups[i].read != NULL)
            groups[i].read->ops->cancel(groups[i].read);
        switcher_free(groups[i].switcher);
        switcher_ending_drop(&groups[i]);
    }
    mem_free(groups);
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    e->is_running = false;
    /* A promotion that runs is not ours to stop: whoever comes next asks its lock and its proof.
     * hooks_free lets go of it. */
    e->deps.hooks = NULL;
    engine_probe_cancel(e);
    engine_reference_cancel(e);
    drop_groups(e, e->groups, e->n_groups);
    due_fini(&e->group_due);
    scheduler_fini(&e->scheduler);
    mem_free(e->probes);
    loop_timer_free(e->probe_timer);
    loop_timer_free(e->group_timer);
    loop_timer_free(e->housekeeping);
    loop_defer_free(e->deps.loop, e);
}

static void resume_operations(struct engine *e)
{
    engine_retarget_resume(e);
    for (size_t i = 0; i < e->n_groups; i++) {
        const struct ledger_group *known =
            ledger_find(e->deps.ledger, e->deps.settings->groups[i].name);

        if (known != NULL && !op_state_is_ended(known->op.state))
            switcher_resume(e, &e->groups[i], &known->op);
    }
}

void engine_start(struct engine *e)
{
    loop_on_turn(e->deps.loop, advance, e);
    loop_on_tilt(e->deps.loop, on_tilt, e);
    engine_secondary_watch(e);
    e->is_running = true;
    loop_timer_set(e->housekeeping, now_of(e).mono);
    for (size_t i = 0; i < e->n_groups; i++)
        e->groups[i].is_read = e->deps.journal == NULL;
}

void engine_allow_moves(struct engine *e, bool allowed)
{
    bool was = e->may_move;

    e->may_move = allowed;
    if (!allowed || was || e->deps.journal == NULL)
        return;
    resume_operations(e);
    for (size_t i = 0; i < e->n_groups; i++)
        engine_read_live(e, &e->groups[i]);
}

const char *engine_busy(const struct engine *e)
{
    for (size_t i = 0; i < e->n_groups; i++) {
        const struct engine_group *g = &e->groups[i];

        if (g->is_adopting || switcher_ending_locks(g) ||
            (g->switcher != NULL && switcher_operation(g->switcher)->state != OP_VERIFYING))
            return e->deps.settings->groups[i].name;
    }
    return NULL;
}

static struct engine_group *find_old(struct engine_group *old, size_t n,
                                     const struct settings *before, const char *name)
{
    int at = settings_find_group(before, name);

    return at < 0 || (size_t)at >= n ? NULL : &old[at];
}

/* The old place of the cluster that is at place now, or -1. */
static int old_place(const struct engine *e, const struct engine_group *g, int place,
                     const struct group_cfg *was, const struct settings *before)
{
    int cluster = settings_find_cluster(before, engine_cluster_name(e, g, place));

    return cluster < 0 ? -1 : group_find_cluster(was, (unsigned)cluster);
}

/* What a group remembers beside its healths: how long its active cluster is down, which verdicts
 * were reached when, what ran. */
static void carry_group(struct engine *e, struct engine_group *g, const struct engine_group *old,
                        const struct settings *before)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    const struct group_cfg *was = &before->groups[old->index];
    bool is_same_order = cfg->n_clusters == was->n_clusters;

    g->has_started = old->has_started;
    g->retry_at = old->retry_at;
    g->promoted = old->promoted;
    for (int i = 0; i < cfg->n_clusters; i++) {
        int at = old_place(e, g, i, was, before);

        is_same_order = is_same_order && at == i;
        if (at < 0)
            continue;
        memcpy(g->views[i], old->views[at], sizeof(g->views[i]));
        g->has_early_proof[i] = old->has_early_proof[at];
        if (old->failover.active == at) {
            g->failover = old->failover;
            g->failover.active = (int8_t)i;
        }
    }
    /* The reasons tell of places: they would be those of other clusters. */
    if (is_same_order) {
        g->decision = old->decision;
        g->is_decided = old->is_decided;
    }
}

/* An operation that is verified while its group goes: there is nothing left to ask for. */
static void end_orphans(struct engine *e, const struct settings *settings)
{
    for (size_t i = 0; i < e->n_groups; i++) {
        struct switcher *s = e->groups[i].switcher;

        if (s == NULL || settings_find_group(settings, e->deps.settings->groups[i].name) >= 0)
            continue;
        switcher_orphan(s);
    }
}

void engine_replace(struct engine *e, const struct settings *settings,
                    struct provider *const *providers)
{
    const struct settings *before = e->deps.settings;
    struct engine_group *old_groups = e->groups;
    struct engine_probe *old_probes = e->probes;
    struct scheduler schedule = e->scheduler;
    size_t n_groups = e->n_groups, n_probes = e->n_probes;

    assert(engine_busy(e) == NULL);
    end_orphans(e, settings);
    engine_probe_cancel(e);
    engine_reference_cancel(e);
    due_fini(&e->group_due);
    e->deps.settings = settings;
    e->deps.providers = providers;
    build_groups(e);
    engine_probe_build(e);
    engine_probe_carry(e, before, old_probes, &schedule, n_probes);
    scheduler_fini(&schedule);
    engine_reference_build(e);
    for (size_t i = 0; i < e->n_groups; i++) {
        struct engine_group *old = find_old(old_groups, n_groups, before, settings->groups[i].name);

        if (old == NULL)
            continue;
        carry_group(e, &e->groups[i], old, before);
        if (old->switcher != NULL)
            switcher_rebind(old->switcher, &e->groups[i]);
        old->switcher = NULL;
        switcher_ending_rebind(old, &e->groups[i]);
    }
    drop_groups(e, old_groups, n_groups);
    mem_free(old_probes);
    for (size_t i = 0; i < e->n_groups && e->may_move; i++)
        engine_read_live(e, &e->groups[i]);
}

void engine_on_event(struct engine *e, engine_event *fn, void *arg)
{
    assert(e->n_listeners < ENGINE_LISTENERS_MAX);
    e->listeners[e->n_listeners].fn = fn;
    e->listeners[e->n_listeners].arg = arg;
    e->n_listeners++;
}
