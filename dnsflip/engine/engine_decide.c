/* dnsflip/engine/engine_decide.c -- stages 3 and 4: healths become verdicts, verdicts a decision.
 */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/switcher.h"
#include "dnsflip/io/loop.h"
#include "policies/explain.h"
#include "policies/health.h"
#include "policies/quorum.h"

const char *engine_cluster_name(const struct engine *e, const struct engine_group *g, int place)
{
    const struct settings *s = e->deps.settings;

    if (place < 0 || place >= s->groups[g->index].n_clusters)
        return "";
    return s->clusters[s->groups[g->index].clusters[place]].name;
}

int engine_cluster_place(const struct engine *e, const struct engine_group *g, const char *name)
{
    for (int i = 0; i < e->deps.settings->groups[g->index].n_clusters; i++) {
        if (strcmp(engine_cluster_name(e, g, i), name) == 0)
            return i;
    }
    return -1;
}

int8_t engine_decide_active(const struct engine *e, const struct engine_group *g)
{
    const struct ledger_group *known =
        ledger_find(e->deps.ledger, e->deps.settings->groups[g->index].name);

    if (known == NULL || !known->is_adopted)
        return -1;
    return (int8_t)engine_cluster_place(e, g, known->active);
}

void engine_decide_mark(struct engine *e, uint32_t group)
{
    e->groups[group].is_dirty = true;
}

void engine_decide_mark_place(struct engine *e, uint32_t group, unsigned place)
{
    e->groups[group].is_viewed[place] = false;
    engine_decide_mark(e, group);
}

/* ---- verdicts ---------------------------------------------------------------------------------
 */

/* The healths of a place's endpoints under one profile: probes of one endpoint (its address
 * families) lie side by side. */
static size_t gather(const struct engine *e, const struct engine_group *g, unsigned place,
                     enum profile profile, struct endpoint_health out[])
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    uint32_t end = g->first_probe[place + 1];
    size_t n = 0;

    for (uint32_t i = g->first_probe[place]; i < end;) {
        const struct endpoint_cfg *endpoint = &cfg->endpoints[e->probes[i].endpoint];
        enum health_status status[2];
        size_t families = 0;

        for (uint32_t first = i;
             i < end && families < 2 && e->probes[i].endpoint == e->probes[first].endpoint; i++)
            status[families++] = e->probes[i].health[profile].status;
        out[n++] = (struct endpoint_health){ .class = endpoint->class,
                                             .is_critical = endpoint->is_critical,
                                             .status = health_join(status, families) };
    }
    return n;
}

static void tell_verdict(struct engine *e, struct engine_group *g, unsigned place,
                         enum profile profile)
{
    const struct cluster_view *view = &g->views[place][profile].view;
    struct journal_entry entry = { .kind = ENTRY_VERDICT };
    char words[EXPLAIN_BYTES];

    str_copy(entry.group, sizeof(entry.group), e->deps.settings->groups[g->index].name);
    str_copy(entry.to, sizeof(entry.to), engine_cluster_name(e, g, (int)place));
    str_format(entry.detail, sizeof(entry.detail), "%s as %s", verdict_name(view->verdict),
               profile_name(profile));
    str_format(entry.reason, sizeof(entry.reason), "%.*s", (int)sizeof(entry.reason) - 1,
               explain_view(view, words));
    engine_record(e, &entry, true, NULL, NULL);
}

/* Verdicts under the profile of the role that the cluster holds are told; the other is kept ready
 * for the moment the roles change. */
static void view_place(struct engine *e, struct engine_group *g, unsigned place)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    const struct policy_cfg *policy = &e->deps.settings->policies[cfg->policy];
    struct endpoint_health *healths = mem_array(cfg->n_endpoints, sizeof(*healths));
    bool is_active = engine_decide_active(e, g) == (int8_t)place;
    enum profile role = is_active ? PROFILE_ACTIVE : PROFILE_STANDBY;

    for (unsigned profile = 0; profile < PROFILES; profile++) {
        struct engine_view *view = &g->views[place][profile];
        enum verdict before = view->view.verdict;
        size_t n = gather(e, g, place, (enum profile)profile, healths);

        view->view = quorum_verdict(policy->down_if, healths, n);
        if (view->view.verdict == before)
            continue;
        view->since = loop_now(e->deps.loop).wall;
        if (profile == role)
            tell_verdict(e, g, place, role);
    }
    mem_free(healths);
    g->is_viewed[place] = true;
}

/* Only what has changed: with 100,000 endpoints a look at all of them takes longer than a flip
 * may. */
static void view_group(struct engine *e, struct engine_group *g)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];

    for (unsigned place = 0; place < cfg->n_clusters; place++) {
        if (!g->is_viewed[place])
            view_place(e, g, place);
    }
}

/* ---- guards' conditions -------------------------------------------------------------------------
 */

static bool is_diverged(const struct engine *e, const struct engine_group *g)
{
    if (!g->is_read ||
        (g->switcher != NULL && switcher_operation(g->switcher)->state != OP_VERIFYING))
        return false;
    return g->live.status == LIVE_OVERTAKEN ||
           ((g->live.status == LIVE_ONE || g->live.status == LIVE_ABSENT) &&
            g->live.place != engine_decide_active(e, g));
}

bool engine_decide_is_locked(const struct engine_group *g)
{
    return g->is_adopting || switcher_ending_locks(g) ||
           (g->switcher != NULL && switcher_holds_lock(g->switcher));
}

bool engine_decide_is_only_ending(const struct engine_group *g)
{
    return !g->is_adopting && (g->switcher == NULL || !switcher_holds_lock(g->switcher));
}

/* Automatic evacuations of other clusters that are on their way count like those that were done:
 * two clusters that go down together are more likely one fault of ours. */
static bool is_braked(const struct engine *e, const char *active, struct wall now)
{
    uint32_t allowed = e->deps.settings->node.evacuations_per_hour;
    const char *counted[CLUSTERS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < e->n_groups && n < CLUSTERS_MAX; i++) {
        const struct switcher *s = e->groups[i].switcher;
        const struct operation *op = s == NULL ? NULL : switcher_operation(s);
        bool is_new = op != NULL && op->verb == VERB_AUTO && !op->is_changed;

        if (is_new && strcmp(op->from, active) == 0)
            return false;
        for (size_t k = 0; is_new && k < n; k++)
            is_new = strcmp(op->from, counted[k]) != 0;
        if (is_new)
            counted[n++] = op->from;
    }
    return ledger_is_braked(e->deps.ledger, active, allowed > n ? allowed - (uint32_t)n : 0, now);
}

void engine_decide_holds(const struct engine *e, const struct engine_group *g,
                         bool holds[static GUARD_RULES])
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    const struct policy_cfg *policy = &e->deps.settings->policies[cfg->policy];
    const struct ledger_group *known = ledger_find(e->deps.ledger, cfg->name);
    struct instant now = loop_now(e->deps.loop);
    int8_t active = engine_decide_active(e, g);

    memset(holds, 0, GUARD_RULES * sizeof(holds[0]));
    holds[GUARD_OPERATION_RUNNING] = engine_decide_is_locked(g);
    holds[GUARD_UNADOPTED] = active < 0;
    holds[GUARD_AUTOMATION_PAUSED] = ledger_is_paused(e->deps.ledger, now.wall);
    /* A monitor moves nothing and reads nothing, but tells what it would do. */
    holds[GUARD_STARTUP_HOLD] =
        !g->has_started || (e->deps.journal != NULL &&
                            (!e->may_move || !g->is_read || g->live.status == LIVE_UNREADABLE));
    holds[GUARD_TILT] = now.mono.ms < e->tilted_until.ms;
    holds[GUARD_ISOLATED] = engine_reference_is_isolated(e, now.mono);
    holds[GUARD_PARTIAL] =
        (g->is_read && g->live.status == LIVE_MIXED) ||
        (g->switcher != NULL && switcher_operation(g->switcher)->state == OP_PARTIAL);
    holds[GUARD_DIVERGED] = known != NULL && known->is_adopted && is_diverged(e, g);
    if (known == NULL || active < 0)
        return;
    holds[GUARD_FOREIGN_OWNER] = g->is_read && g->live.foreign[0] != '\0';
    holds[GUARD_OPERATOR_HOLD] = ledger_is_held(known, now.wall);
    holds[GUARD_BLOCK] = ledger_is_blocked(known, policy->block_after_flip_ms, now.wall) ||
                         now.mono.ms < g->retry_at.ms;
    holds[GUARD_BRAKE] = is_braked(e, engine_cluster_name(e, g, active), now.wall);
    for (unsigned place = 0; place < cfg->n_clusters; place++)
        holds[GUARD_EARLY_PROOF] |= g->has_early_proof[place] && (int8_t)place != active;
}

void engine_decide_input(const struct engine *e, const struct engine_group *g,
                         struct failover_input *in)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    const struct ledger_group *known = ledger_find(e->deps.ledger, cfg->name);

    *in = (struct failover_input){ .n_clusters = cfg->n_clusters,
                                   .active = engine_decide_active(e, g) };
    for (unsigned place = 0; place < cfg->n_clusters; place++) {
        in->clusters[place] = (struct failover_candidate){
            .as_active = g->views[place][PROFILE_ACTIVE].view.verdict,
            .as_standby = g->views[place][PROFILE_STANDBY].view.verdict,
            .is_fenced =
                known != NULL && ledger_is_fenced(known, engine_cluster_name(e, g, (int)place)),
        };
    }
    engine_decide_holds(e, g, in->holds);
}

/* ---- decisions
 * ------------------------------------------------------------------------------------ */

/* All reasons in one text, cut at its size. */
static void explain_all(const struct engine *e, const struct engine_group *g,
                        const struct decision *d, char *out, size_t cap)
{
    const char *names[CLUSTERS_MAX];
    char words[EXPLAIN_BYTES];
    size_t len = 0;

    for (int i = 0; i < CLUSTERS_MAX; i++)
        names[i] = engine_cluster_name(e, g, i);
    out[0] = '\0';
    for (unsigned i = 0; i < d->n_reasons && len + 1 < cap; i++) {
        str_format(out + len, cap - len, "%s%u. %s", i == 0 ? "" : "; ", i + 1,
                   explain_reason(&d->reasons[i], names, words));
        len += strlen(out + len);
    }
}

static void tell_decision(struct engine *e, struct engine_group *g)
{
    const struct decision *d = &g->decision;
    struct journal_entry entry = { .kind = ENTRY_DECISION };
    const char *names[CLUSTERS_MAX];
    char words[EXPLAIN_BYTES];
    size_t len;

    for (int i = 0; i < CLUSTERS_MAX; i++)
        names[i] = engine_cluster_name(e, g, i);
    str_copy(entry.group, sizeof(entry.group), e->deps.settings->groups[g->index].name);
    str_copy(entry.from, sizeof(entry.from), engine_cluster_name(e, g, d->from));
    if (d->kind == DECISION_MOVE || d->would_move)
        str_copy(entry.to, sizeof(entry.to), engine_cluster_name(e, g, d->to));
    str_format(entry.detail, sizeof(entry.detail), "%s: ", explain_decision(d, names, words));
    len = strlen(entry.detail);
    explain_all(e, g, d, entry.detail + len, sizeof(entry.detail) - len);
    engine_record(e, &entry, true, NULL, NULL);
}

static void start_automatic(struct engine *e, struct engine_group *g)
{
    struct switcher_order order = { .verb = VERB_AUTO,
                                    .from = g->decision.from,
                                    .to = g->decision.to };
    struct err err;

    str_copy(order.actor, sizeof(order.actor), "dnsflip");
    explain_all(e, g, &g->decision, order.reason, sizeof(order.reason));
    if (switcher_start(e, g, &order, NULL, NULL, &err) < 0) {
        g->retry_at = mono_add(loop_now(e->deps.loop).mono, ENGINE_RETRY_MS);
        engine_record_alarm(e, e->deps.settings->groups[g->index].name, "no-plan", err.text);
    }
}

static void decide_group(struct engine *e, struct engine_group *g)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    const struct policy_cfg *policy = &e->deps.settings->policies[cfg->policy];
    struct failover_cfg rules = { .min_outage_ms = policy->min_outage_ms, .mode = cfg->mode };
    struct decision before = g->decision;
    struct failover_input in;

    g->is_dirty = false;
    view_group(e, g);
    engine_decide_input(e, g, &in);
    failover_step(&rules, &g->failover, &in, loop_now(e->deps.loop), &g->failover, &g->decision);
    due_set(&e->group_due, g->index, g->decision.next_due);
    /* Until an operation has settled it speaks for itself. */
    if (engine_decide_is_locked(g)) {
        g->is_decided = false;
        return;
    }
    if (!g->is_decided || !decision_same(&before, &g->decision))
        tell_decision(e, g);
    g->is_decided = true;
    if (g->decision.kind == DECISION_MOVE && e->deps.journal != NULL)
        start_automatic(e, g);
}

void engine_decide_dirty(struct engine *e)
{
    for (size_t i = 0; i < e->n_groups; i++) {
        if (e->groups[i].is_dirty)
            decide_group(e, &e->groups[i]);
    }
}
