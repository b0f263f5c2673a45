/* dnsflip/engine/engine_status.c -- what the engine knows, for status, explain and metrics. */
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/switcher.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/secondaries.h"

const struct settings *engine_settings(const struct engine *e)
{
    return e->deps.settings;
}

const struct ledger *engine_ledger(const struct engine *e)
{
    return e->deps.ledger;
}

struct instant engine_now(const struct engine *e)
{
    return loop_now(e->deps.loop);
}

static void count_references(const struct engine *e, struct node_status *out)
{
    for (unsigned i = 0; i < e->n_references; i++) {
        const struct engine_reference *r = &e->references[i];

        if (r->is_known && r->outcome == OUTCOME_PASS)
            out->references_up++;
        else if (r->is_known && r->outcome == OUTCOME_FAIL)
            out->references_down++;
        else
            out->references_unknown++;
    }
}

void engine_node_status(const struct engine *e, struct node_status *out)
{
    struct mono now = loop_now(e->deps.loop).mono;

    *out = (struct node_status){
        .started = e->started,
        .is_tilted = now.ms < e->tilted_until.ms,
        .tilted_until = e->tilted_until,
        .is_isolated = engine_reference_is_isolated(e, now),
        .may_move = e->may_move,
        .checks = e->checks,
        .in_flight = e->in_flight,
    };
    count_references(e, out);
    if (e->deps.journal != NULL)
        journal_backlog(e->deps.journal, &out->journal_backlog, &out->journal_backlog_ms);
    str_copy(out->alarm, sizeof(out->alarm), e->alarm);
    /* A disk that hangs reports nothing. */
    if (out->journal_backlog_ms > OP_DURABLE_MS && out->alarm[0] == '\0')
        str_format(out->alarm, sizeof(out->alarm),
                   "journal: nothing has become durable for %lld ms, %llu entries wait",
                   (long long)out->journal_backlog_ms, (unsigned long long)out->journal_backlog);
}

static void say_diverged(const struct engine *e, const struct engine_group *g,
                         struct group_status *out)
{
    const char *why = g->live.err.text;

    /* What our own operation has left half done is that operation's to tell. */
    if (g->switcher != NULL && switcher_operation(g->switcher)->state == OP_PARTIAL)
        return;
    if (out->holds[GUARD_PARTIAL])
        str_format(out->diverged, sizeof(out->diverged), "live records are mixed%s%s",
                   g->live.status == LIVE_MIXED && why[0] != '\0' ? ": " : "",
                   g->live.status == LIVE_MIXED ? why : "");
    else if (out->holds[GUARD_DIVERGED] && g->live.status == LIVE_OVERTAKEN)
        str_copy(out->diverged, sizeof(out->diverged), why);
    else if (out->holds[GUARD_DIVERGED] && g->live.status == LIVE_ONE)
        str_format(out->diverged, sizeof(out->diverged), "live records say %s%s%s",
                   engine_cluster_name(e, g, g->live.place), why[0] != '\0' ? ": " : "", why);
    else if (out->holds[GUARD_DIVERGED])
        str_format(out->diverged, sizeof(out->diverged), "there are no live records");
}

static const struct operation *operation_of(const struct engine_group *g,
                                            const struct ledger_group *known)
{
    if (g->switcher != NULL)
        return switcher_operation(g->switcher);
    return known == NULL || known->op.id[0] == '\0' ? NULL : &known->op;
}

void engine_group_status(const struct engine *e, uint32_t group, struct group_status *out)
{
    const struct engine_group *g = &e->groups[group];
    const struct group_cfg *cfg = &e->deps.settings->groups[group];

    *out = (struct group_status){
        .cfg = cfg,
        .ledger = ledger_find(e->deps.ledger, cfg->name),
        .active = engine_decide_active(e, g),
        .moving_to = -1,
        .n_clusters = cfg->n_clusters,
        .decision = g->decision,
    };
    if (g->switcher != NULL && switcher_holds_lock(g->switcher))
        out->moving_to = (int8_t)engine_cluster_place(e, g, switcher_operation(g->switcher)->to);
    for (unsigned i = 0; i < cfg->n_clusters; i++) {
        struct cluster_status *c = &out->clusters[i];

        c->name = engine_cluster_name(e, g, (int)i);
        c->as_active = g->views[i][PROFILE_ACTIVE].view;
        c->as_standby = g->views[i][PROFILE_STANDBY].view;
        c->as_active_since = g->views[i][PROFILE_ACTIVE].since;
        c->as_standby_since = g->views[i][PROFILE_STANDBY].since;
        c->is_fenced = out->ledger != NULL && ledger_is_fenced(out->ledger, c->name);
    }
    out->operation = operation_of(g, out->ledger);
    engine_decide_holds(e, g, out->holds);
    say_diverged(e, g, out);
}

size_t engine_probes(const struct engine *e)
{
    return e->n_probes;
}

void engine_probe_status(const struct engine *e, size_t probe, struct probe_status *out)
{
    const struct engine_probe *p = &e->probes[probe];

    *out = (struct probe_status){ .group = p->group,
                                  .endpoint = p->endpoint,
                                  .place = p->place,
                                  .family = p->family,
                                  .seen = p->seen,
                                  .seen_at = p->seen_at,
                                  .runs = p->runs,
                                  .fails = p->fails };
    memcpy(out->health, p->health, sizeof(out->health));
}

size_t engine_secondaries(const struct engine *e)
{
    return secondaries_count(e->deps.secondaries);
}

void engine_secondary_status(const struct engine *e, size_t i, struct secondary_status *out)
{
    secondaries_status(e->deps.secondaries, i, out);
}
