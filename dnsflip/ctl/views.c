#include "dnsflip/ctl/views.h"

#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/ctl/judge_ops.h"
#include "dnsflip/ctl/proto.h"
#include "policies/explain.h"

/* ---- groups --------------------------------------------------------------------------------- */

static void add_verdict(cJSON *object, const char *name, const struct cluster_view *v,
                        struct wall since)
{
    char text[EXPLAIN_BYTES];
    cJSON *view = cJSON_AddObjectToObject(object, name);

    (void)cJSON_AddStringToObject(view, "verdict", verdict_name(v->verdict));
    views_add_wall(view, "since", since);
    (void)cJSON_AddStringToObject(view, "text", explain_view(v, text));
    cJSON *classes = cJSON_AddObjectToObject(view, "classes");
    for (int c = 0; c < ENDPOINT_CLASSES; c++) {
        const struct class_count *count = &v->classes[c];

        if (count->n == 0)
            continue;
        cJSON *one = cJSON_AddObjectToObject(classes, endpoint_class_name((enum endpoint_class)c));
        (void)cJSON_AddNumberToObject(one, "n", count->n);
        (void)cJSON_AddNumberToObject(one, "up", count->up);
        (void)cJSON_AddNumberToObject(one, "down", count->down);
        (void)cJSON_AddNumberToObject(one, "unknown", count->unknown);
        (void)cJSON_AddNumberToObject(one, "limit", count->threshold);
    }
}

static void add_clusters(cJSON *view, const struct settings *s, const struct group_status *g)
{
    cJSON *clusters = cJSON_AddArrayToObject(view, "clusters");

    for (unsigned k = 0; k < g->n_clusters; k++) {
        const struct cluster_status *c = &g->clusters[k];
        cJSON *one = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(one, "name", c->name);
        views_add_text(one, "region", s->clusters[g->cfg->clusters[k]].region);
        (void)cJSON_AddStringToObject(one, "role", (int)k == g->active ? "active" : "standby");
        (void)cJSON_AddBoolToObject(one, "fenced", c->is_fenced);
        /* A flip moves all names of a group in one store. */
        (void)cJSON_AddNumberToObject(one, "names",
                                      (int)k == g->active ? (double)g->cfg->n_hostnames : 0);
        add_verdict(one, "as_active", &c->as_active, c->as_active_since);
        add_verdict(one, "as_standby", &c->as_standby, c->as_standby_since);
        (void)cJSON_AddItemToArray(clusters, one);
    }
}

static void add_place(cJSON *object, const char *name, const struct group_status *g, int place)
{
    views_add_text(object, name, place >= 0 ? g->clusters[place].name : NULL);
}

static void add_decision(cJSON *view, const struct group_status *g)
{
    const char *names[CLUSTERS_MAX] = { NULL };
    const struct decision *d = &g->decision;
    char text[EXPLAIN_BYTES];

    for (unsigned k = 0; k < g->n_clusters; k++)
        names[k] = g->clusters[k].name;
    cJSON *decision = cJSON_AddObjectToObject(view, "decision");
    (void)cJSON_AddStringToObject(decision, "kind", d->kind == DECISION_MOVE ? "move" : "stay");
    (void)cJSON_AddBoolToObject(decision, "would_move", d->would_move);
    add_place(decision, "from", g, d->from);
    add_place(decision, "to", g, d->to);
    (void)cJSON_AddStringToObject(decision, "text", explain_decision(d, names, text));
    cJSON *reasons = cJSON_AddArrayToObject(decision, "reasons");
    for (unsigned i = 0; i < d->n_reasons; i++) {
        const struct decision_reason *r = &d->reasons[i];
        cJSON *one = cJSON_CreateObject();

        (void)cJSON_AddNumberToObject(one, "n", i + 1);
        (void)cJSON_AddStringToObject(one, "why", why_name(r->why));
        add_place(one, "cluster", g, r->cluster);
        if (r->why == WHY_GUARD)
            (void)cJSON_AddStringToObject(one, "guard", guard_rule_info(r->guard)->name);
        (void)cJSON_AddStringToObject(one, "text", explain_reason(r, names, text));
        (void)cJSON_AddItemToArray(reasons, one);
    }
}

static void add_freeze(cJSON *view, const char *name, bool is_on, const char *owner,
                       const char *reason, struct wall until)
{
    if (!is_on) {
        (void)cJSON_AddNullToObject(view, name);
        return;
    }
    cJSON *one = cJSON_AddObjectToObject(view, name);
    (void)cJSON_AddStringToObject(one, "owner", owner);
    (void)cJSON_AddStringToObject(one, "reason", reason);
    views_add_wall(one, "until", until);
}

static void add_ledger(cJSON *view, const struct settings *s, const struct group_status *g,
                       struct wall now)
{
    const struct ledger_group *l = g->ledger;
    int64_t block_ms = s->policies[g->cfg->policy].block_after_flip_ms;
    bool is_blocked = l != NULL && ledger_is_blocked(l, block_ms, now);

    if (l == NULL) {
        (void)cJSON_AddNullToObject(view, "epoch");
        (void)cJSON_AddNullToObject(view, "active_since");
        (void)cJSON_AddNullToObject(view, "hold");
    } else {
        (void)cJSON_AddNumberToObject(view, "epoch", l->epoch);
        views_add_wall(view, "active_since", l->active_since);
        add_freeze(view, "hold", ledger_is_held(l, now), l->hold_owner, l->hold_reason,
                   l->hold_until);
    }
    views_add_wall(view, "blocked_until",
                   (struct wall){ .ms = is_blocked ? l->flip_ended.ms + block_ms : 0 });
}

cJSON *views_group(const struct engine *e, uint32_t group)
{
    const struct settings *s = engine_settings(e);
    struct group_status g;
    cJSON *view = cJSON_CreateObject();

    engine_group_status(e, group, &g);
    (void)cJSON_AddStringToObject(view, "name", g.cfg->name);
    (void)cJSON_AddStringToObject(view, "mode", group_mode_name(g.cfg->mode));
    (void)cJSON_AddBoolToObject(view, "adopted", g.active >= 0);
    add_place(view, "active", &g, g.active);
    add_place(view, "moving_to", &g, g.moving_to);
    (void)cJSON_AddNumberToObject(view, "names", (double)g.cfg->n_hostnames);
    (void)cJSON_AddNumberToObject(view, "endpoints_n", (double)g.cfg->n_endpoints);
    add_ledger(view, s, &g, engine_now(e).wall);
    views_add_text(view, "diverged", g.diverged);
    cJSON *conditions = cJSON_AddArrayToObject(view, "conditions");
    for (int r = 0; r < GUARD_RULES; r++) {
        if (g.holds[r])
            (void)cJSON_AddItemToArray(
                conditions, cJSON_CreateString(guard_rule_info((enum guard_rule)r)->name));
    }
    add_clusters(view, s, &g);
    add_decision(view, &g);
    if (g.operation == NULL || g.operation->state == OP_NONE)
        (void)cJSON_AddNullToObject(view, "operation");
    else
        (void)cJSON_AddItemToObject(view, "operation", views_operation(g.operation));
    return view;
}

/* ---- the node ------------------------------------------------------------------------------- */

static cJSON *node_view(const struct engine *e)
{
    const struct settings *s = engine_settings(e);
    const struct ledger *l = engine_ledger(e);
    struct instant now = engine_now(e);
    struct node_status n;
    cJSON *view = cJSON_CreateObject();

    engine_node_status(e, &n);
    (void)cJSON_AddStringToObject(view, "name", s->node.name);
    (void)cJSON_AddStringToObject(view, "version", DNSFLIP_VERSION);
    (void)cJSON_AddNumberToObject(view, "protocol", PROTO_VERSION);
    (void)cJSON_AddNumberToObject(view, "pid", (double)getpid());
    views_add_wall(view, "time", now.wall);
    views_add_wall(view, "started", n.started);
    (void)cJSON_AddStringToObject(view, "config", s->path);
    (void)cJSON_AddStringToObject(view, "config_digest", s->digest);
    (void)cJSON_AddNumberToObject(view, "epoch", l->epoch);
    (void)cJSON_AddBoolToObject(view, "may_move", n.may_move);
    (void)cJSON_AddBoolToObject(view, "tilted", n.is_tilted);
    (void)cJSON_AddBoolToObject(view, "isolated", n.is_isolated);
    add_freeze(view, "paused", ledger_is_paused(l, now.wall), l->pause_owner, l->pause_reason,
               l->pause_until);
    cJSON *references = cJSON_AddObjectToObject(view, "references");
    (void)cJSON_AddNumberToObject(references, "up", n.references_up);
    (void)cJSON_AddNumberToObject(references, "down", n.references_down);
    (void)cJSON_AddNumberToObject(references, "unknown", n.references_unknown);
    (void)cJSON_AddNumberToObject(view, "checks", (double)n.checks);
    (void)cJSON_AddNumberToObject(view, "checks_in_flight", n.in_flight);
    cJSON *journal = cJSON_AddObjectToObject(view, "journal");
    (void)cJSON_AddNumberToObject(journal, "waiting", (double)n.journal_backlog);
    (void)cJSON_AddNumberToObject(journal, "oldest_ms", (double)n.journal_backlog_ms);
    views_add_text(view, "alarm", n.alarm);
    return view;
}

static cJSON *face_view(const struct judge_ops *judge)
{
    struct judge_face f = { .is_running = false };
    cJSON *view = cJSON_CreateObject();

    judge->face(judge->judge, &f);
    (void)cJSON_AddBoolToObject(view, "running", f.is_running);
    (void)cJSON_AddBoolToObject(view, "ready", f.is_ready);
    (void)cJSON_AddNumberToObject(view, "generation", (double)f.generation);
    views_add_wall(view, "started", f.started);
    (void)cJSON_AddNumberToObject(view, "heartbeat_age_ms", (double)f.heartbeat_age_ms);
    cJSON *counts = cJSON_AddObjectToObject(view, "counts");
    for (size_t i = 0; i < f.n_counts; i++)
        (void)cJSON_AddNumberToObject(counts, f.counts[i].name, (double)f.counts[i].value);
    return view;
}

static cJSON *reload_view(const struct judge_ops *judge)
{
    const struct reload_report *r = judge->last_reload(judge->judge);

    if (r == NULL || r->time.ms == 0)
        return cJSON_CreateNull();
    cJSON *view = cJSON_CreateObject();
    views_add_wall(view, "time", r->time);
    (void)cJSON_AddBoolToObject(view, "ok", r->ok);
    (void)cJSON_AddNumberToObject(view, "generation", (double)r->generation);
    views_add_text(view, "text", r->text);
    views_add_text(view, "accept", r->accept);
    (void)cJSON_AddBoolToObject(view, "pending", r->is_pending);
    return view;
}

cJSON *views_status(const struct engine *e, const struct judge_ops *judge, uint32_t group,
                    bool with_endpoints)
{
    size_t n_groups = engine_settings(e)->n_groups;
    cJSON *view = cJSON_CreateObject();

    (void)cJSON_AddItemToObject(view, "node", node_view(e));
    (void)cJSON_AddItemToObject(view, "face",
                                judge != NULL ? face_view(judge) : cJSON_CreateNull());
    (void)cJSON_AddItemToObject(view, "reload",
                                judge != NULL ? reload_view(judge) : cJSON_CreateNull());
    views_add_secondaries(e, view);
    cJSON *groups = cJSON_AddArrayToObject(view, "groups");
    for (uint32_t i = 0; i < n_groups; i++) {
        if (group == VIEWS_ALL || group == i)
            (void)cJSON_AddItemToArray(groups, views_group(e, i));
    }
    if (with_endpoints)
        views_add_endpoints(e, group, groups);
    return view;
}
