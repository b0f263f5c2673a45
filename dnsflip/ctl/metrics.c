#include "dnsflip/ctl/metrics.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/ctl/judge_ops.h"
#include "dnsflip/ctl/metrics_text.h"
#include "dnsflip/ctl/proto.h"

#define SECONDS(ms) ((double)(ms) / 1000)
#define HEALTHS 3
#define VERDICTS 3

/* Sums over the probes of one cluster of one group. */
struct probe_sums {
    double runs[ENDPOINT_CLASSES], fails[ENDPOINT_CLASSES];
    uint32_t healths[PROFILES][ENDPOINT_CLASSES][HEALTHS];
    uint32_t reasons[REASON_CODES]; /* last results, under the profile of the role held */
};

struct scrape {
    const struct engine *engine;
    const struct settings *settings;
    struct buf *out;
    struct probe_sums *sums;     /* owned; group x CLUSTERS_MAX */
    struct group_status *groups; /* owned */
};

static struct probe_sums *sums_of(const struct scrape *s, size_t group, unsigned place)
{
    return &s->sums[group * CLUSTERS_MAX + place];
}

static void collect(struct scrape *s)
{
    for (uint32_t i = 0; i < s->settings->n_groups; i++)
        engine_group_status(s->engine, i, &s->groups[i]);
    for (size_t i = 0; i < engine_probes(s->engine); i++) {
        struct probe_status p;

        engine_probe_status(s->engine, i, &p);
        const struct group_cfg *g = &s->settings->groups[p.group];
        struct probe_sums *sums = sums_of(s, p.group, p.place);
        enum endpoint_class class = g->endpoints[p.endpoint].class;
        bool is_active = s->groups[p.group].active == (int)p.place;

        sums->runs[class] += (double)p.runs;
        sums->fails[class] += (double)p.fails;
        for (int profile = 0; profile < PROFILES; profile++)
            sums->healths[profile][class][p.health[profile].status]++;
        if (p.seen_at.ms != 0)
            sums->reasons[p.seen.reason[is_active ? PROFILE_ACTIVE : PROFILE_STANDBY]]++;
    }
}

static void one(const struct scrape *s, const char *name, const char *type, const char *help,
                double value)
{
    metrics_family(s->out, name, type, help);
    metrics_sample(s->out, name, NULL, value);
}

static void write_node(const struct scrape *s)
{
    struct node_status n;
    const struct ledger *l = engine_ledger(s->engine);
    struct instant now = engine_now(s->engine);
    const struct metrics_label build[] = { { "version", DNSFLIP_VERSION }, { NULL, NULL } };

    engine_node_status(s->engine, &n);
    metrics_family(s->out, "dnsflip_build_info", "gauge", "The version that runs.");
    metrics_sample(s->out, "dnsflip_build_info", build, 1);
    one(s, "dnsflip_start_time_seconds", "gauge", "When the judge started.", SECONDS(n.started.ms));
    one(s, "dnsflip_may_move", "gauge", "1 if moves are possible: the face has the pair.",
        n.may_move);
    one(s, "dnsflip_tilted", "gauge", "1 while a freeze or clock step suspends automatic moves.",
        n.is_tilted);
    one(s, "dnsflip_isolated", "gauge", "1 while the references say that this node is alone.",
        n.is_isolated);
    one(s, "dnsflip_paused", "gauge", "1 while automation is paused.",
        ledger_is_paused(l, now.wall));
    one(s, "dnsflip_alarm", "gauge", "1 while the node has a standing alarm.", n.alarm[0] != '\0');
    one(s, "dnsflip_checks_total", "counter", "Probe runs so far.", (double)n.checks);
    one(s, "dnsflip_checks_in_flight", "gauge", "Probe runs under way.", n.in_flight);
    one(s, "dnsflip_epoch", "gauge", "Newest epoch of the node.", l->epoch);
    one(s, "dnsflip_journal_backlog_entries", "gauge", "Entries that are not durable yet.",
        (double)n.journal_backlog);
    one(s, "dnsflip_journal_backlog_seconds", "gauge", "How long the oldest of them has waited.",
        SECONDS(n.journal_backlog_ms));
    metrics_family(s->out, "dnsflip_references", "gauge", "Reference targets by their state.");
    const struct {
        const char *state;
        uint8_t n;
    } references[] = { { "up", n.references_up },
                       { "down", n.references_down },
                       { "unknown", n.references_unknown } };
    for (unsigned i = 0; i < 3; i++) {
        const struct metrics_label labels[] = { { "state", references[i].state }, { NULL, NULL } };

        metrics_sample(s->out, "dnsflip_references", labels, references[i].n);
    }
}

static void write_face(const struct scrape *s, const struct judge_ops *judge)
{
    struct judge_face f = { .is_running = false };
    const struct reload_report *r = judge->last_reload(judge->judge);

    judge->face(judge->judge, &f);
    one(s, "dnsflip_face_running", "gauge", "1 while a face runs.", f.is_running);
    one(s, "dnsflip_face_ready", "gauge", "1 if all of it serves the judge's pair.", f.is_ready);
    one(s, "dnsflip_face_generation", "gauge", "Generation of the pair it serves.",
        (double)f.generation);
    one(s, "dnsflip_face_start_time_seconds", "gauge", "When the face started.",
        SECONDS(f.started.ms));
    one(s, "dnsflip_face_heartbeat_age_seconds", "gauge", "Since the face last showed life.",
        SECONDS(f.heartbeat_age_ms));
    for (size_t i = 0; i < f.n_counts; i++) {
        const char *counted = f.counts[i].name;
        char name[NAME_BYTES + 32];

        (void)str_format(name, sizeof(name), "dnsflip_%s%s_total",
                         str_starts(counted, "beacon_") ? "" : "dns_", counted);
        one(s, name, "counter", "Counted by the face since it started.", (double)f.counts[i].value);
    }
    one(s, "dnsflip_reload_ok", "gauge", "0 if the last reload was refused.",
        r == NULL || r->time.ms == 0 || r->ok);
    one(s, "dnsflip_retarget_pending", "gauge",
        "1 if the file would move names since the last start, and they answer as before.",
        r != NULL && r->is_pending);
    one(s, "dnsflip_view_kept", "gauge", "1 if state_dir/view holds what is answered now.",
        r != NULL && r->is_kept);
    one(s, "dnsflip_reload_time_seconds", "gauge", "When a reload was last asked for; 0 = never.",
        r == NULL ? 0 : SECONDS(r->time.ms));
}

/* ---- groups --------------------------------------------------------------------------------- */

/* A gauge with one value for each group. */
typedef double group_value(const struct scrape *s, const struct group_status *g);

static double is_adopted(const struct scrape *s, const struct group_status *g)
{
    (void)s;
    return g->active >= 0;
}

static double epoch_of(const struct scrape *s, const struct group_status *g)
{
    (void)s;
    return g->ledger != NULL ? g->ledger->epoch : 0;
}

static double would_move(const struct scrape *s, const struct group_status *g)
{
    (void)s;
    return g->decision.kind == DECISION_MOVE || g->decision.would_move;
}

static double is_held(const struct scrape *s, const struct group_status *g)
{
    return g->ledger != NULL && ledger_is_held(g->ledger, engine_now(s->engine).wall);
}

static double is_blocked(const struct scrape *s, const struct group_status *g)
{
    return g->ledger != NULL &&
           ledger_is_blocked(g->ledger, s->settings->policies[g->cfg->policy].block_after_flip_ms,
                             engine_now(s->engine).wall);
}

static double is_diverged(const struct scrape *s, const struct group_status *g)
{
    (void)s;
    return g->diverged[0] != '\0';
}

static double names_of(const struct scrape *s, const struct group_status *g)
{
    (void)s;
    return (double)g->cfg->n_hostnames;
}

static double asked_of(const struct scrape *s, const struct group_status *g)
{
    (void)s;
    return g->operation != NULL ? g->operation->asked : 0;
}

static double verified_of(const struct scrape *s, const struct group_status *g)
{
    (void)s;
    return g->operation != NULL ? g->operation->verified : 0;
}

static const struct {
    const char *name, *help;
    group_value *value;
} group_gauges[] = {
    { "dnsflip_group_adopted", "1 if the journal knows which cluster is active.", is_adopted },
    { "dnsflip_group_epoch", "Epoch of the group's last change.", epoch_of },
    { "dnsflip_group_names", "Managed names.", names_of },
    { "dnsflip_group_would_move", "1 if the policy says move, whatever the mode.", would_move },
    { "dnsflip_group_held", "1 while an operator holds it.", is_held },
    { "dnsflip_group_blocked", "1 while the block after a flip is on.", is_blocked },
    { "dnsflip_group_diverged", "1 if live records are not what the journal says.", is_diverged },
    { "dnsflip_operation_asked", "Answers asked for by the newest operation's verification.",
      asked_of },
    { "dnsflip_operation_verified", "Those of them that are the plan's.", verified_of },
};

static void write_groups(const struct scrape *s)
{
    for (size_t m = 0; m < sizeof(group_gauges) / sizeof(group_gauges[0]); m++) {
        metrics_family(s->out, group_gauges[m].name, "gauge", group_gauges[m].help);
        for (size_t i = 0; i < s->settings->n_groups; i++) {
            const struct metrics_label labels[] = { { "group", s->settings->groups[i].name },
                                                    { NULL, NULL } };

            metrics_sample(s->out, group_gauges[m].name, labels,
                           group_gauges[m].value(s, &s->groups[i]));
        }
    }
    metrics_family(s->out, "dnsflip_operation_state", "gauge",
                   "1 for the state of the group's newest operation.");
    for (size_t i = 0; i < s->settings->n_groups; i++) {
        const struct operation *op = s->groups[i].operation;
        const struct metrics_label labels[] = {
            { "group", s->settings->groups[i].name },
            { "state", op_state_name(op != NULL ? op->state : OP_NONE) },
            { NULL, NULL },
        };

        metrics_sample(s->out, "dnsflip_operation_state", labels, 1);
    }
}

/* ---- clusters of groups --------------------------------------------------------------------- */

struct place {
    const struct scrape *s;
    const struct group_status *group;
    const struct cluster_status *cluster;
    const struct probe_sums *sums;
    bool is_active;
    struct metrics_label labels[METRICS_LABELS_MAX]; /* group, cluster; the rest is the writer's */
};

static void put(struct place *p, const char *name, double value)
{
    metrics_sample(p->s->out, name, p->labels, value);
}

static void label(struct place *p, unsigned i, const char *name, const char *value)
{
    p->labels[i] = (struct metrics_label){ name, value };
}

static void write_active(struct place *p, const char *name)
{
    put(p, name, p->is_active);
}

static void write_fenced(struct place *p, const char *name)
{
    put(p, name, p->cluster->is_fenced);
}

static void write_verdict(struct place *p, const char *name)
{
    for (int profile = 0; profile < PROFILES; profile++) {
        const struct cluster_view *v =
            profile == PROFILE_ACTIVE ? &p->cluster->as_active : &p->cluster->as_standby;

        label(p, 2, "as", profile_name((enum profile)profile));
        for (int verdict = 0; verdict < VERDICTS; verdict++) {
            label(p, 3, "verdict", verdict_name((enum verdict)verdict));
            put(p, name, (int)v->verdict == verdict);
        }
    }
}

static bool has_class(const struct place *p, int class)
{
    const uint32_t *n = p->sums->healths[PROFILE_ACTIVE][class];

    return n[HEALTH_UNKNOWN] + n[HEALTH_UP] + n[HEALTH_DOWN] > 0;
}

static void write_runs(struct place *p, const char *name)
{
    for (int c = 0; c < ENDPOINT_CLASSES; c++) {
        label(p, 2, "class", endpoint_class_name((enum endpoint_class)c));
        if (has_class(p, c))
            put(p, name, p->sums->runs[c]);
    }
}

static void write_fails(struct place *p, const char *name)
{
    for (int c = 0; c < ENDPOINT_CLASSES; c++) {
        label(p, 2, "class", endpoint_class_name((enum endpoint_class)c));
        if (has_class(p, c))
            put(p, name, p->sums->fails[c]);
    }
}

static void write_healths(struct place *p, const char *name)
{
    for (int c = 0; c < ENDPOINT_CLASSES; c++) {
        label(p, 2, "class", endpoint_class_name((enum endpoint_class)c));
        for (int profile = 0; has_class(p, c) && profile < PROFILES; profile++) {
            label(p, 3, "as", profile_name((enum profile)profile));
            for (int h = 0; h < HEALTHS; h++) {
                label(p, 4, "health", health_status_name((enum health_status)h));
                put(p, name, p->sums->healths[profile][c][h]);
            }
        }
    }
}

static void write_reasons(struct place *p, const char *name)
{
    for (int r = 0; r < REASON_CODES; r++) {
        const struct reason_code_info *info = reason_code_info((enum reason_code)r);

        label(p, 2, "outcome", outcome_name(info->outcome));
        label(p, 3, "reason", info->name);
        if (p->sums->reasons[r] > 0)
            put(p, name, p->sums->reasons[r]);
    }
}

static const struct {
    const char *name, *type, *help;
    void (*write)(struct place *p, const char *name);
} cluster_families[] = {
    { "dnsflip_cluster_active", "gauge", "1 for the cluster that the group's names answer with.",
      write_active },
    { "dnsflip_cluster_fenced", "gauge", "1 if a failover left it and nobody said rejoin.",
      write_fenced },
    { "dnsflip_cluster_verdict", "gauge", "1 for the verdict that holds.", write_verdict },
    { "dnsflip_probe_runs_total", "counter", "Probe runs by class of endpoint.", write_runs },
    { "dnsflip_probe_fails_total", "counter", "Those that failed under the role held then.",
      write_fails },
    { "dnsflip_probes", "gauge", "Probes by their health under each profile.", write_healths },
    { "dnsflip_probe_results", "gauge", "Probes by the reason of their last result.",
      write_reasons },
};

static void write_clusters(const struct scrape *s)
{
    for (size_t f = 0; f < sizeof(cluster_families) / sizeof(cluster_families[0]); f++) {
        const char *name = cluster_families[f].name;

        metrics_family(s->out, name, cluster_families[f].type, cluster_families[f].help);
        for (size_t i = 0; i < s->settings->n_groups; i++) {
            for (unsigned k = 0; k < s->groups[i].n_clusters; k++) {
                struct place p = {
                    .s = s,
                    .group = &s->groups[i],
                    .cluster = &s->groups[i].clusters[k],
                    .sums = sums_of(s, i, k),
                    .is_active = s->groups[i].active == (int)k,
                    .labels = { { "group", s->settings->groups[i].name },
                                { "cluster", s->groups[i].clusters[k].name } },
                };

                cluster_families[f].write(&p, name);
            }
        }
    }
}

void metrics_write(const struct engine *e, const struct judge_ops *judge, struct buf *out)
{
    struct scrape s = { .engine = e, .settings = engine_settings(e), .out = out };

    s.sums = mem_array(s.settings->n_groups * CLUSTERS_MAX + 1, sizeof(*s.sums));
    s.groups = mem_array(s.settings->n_groups + 1, sizeof(*s.groups));
    collect(&s);
    write_node(&s);
    write_face(&s, judge);
    write_groups(&s);
    write_clusters(&s);
    metrics_write_secondaries(e, out);
    mem_free(s.groups);
    mem_free(s.sums);
}
