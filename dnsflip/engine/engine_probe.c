/* dnsflip/engine/engine_probe.c -- stages 1 and 2: probes run, outcomes become healths. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/io/loop.h"
#include "policies/health.h"

/* A fresh connection every so many runs, so that what is tested is not yesterday's connection. */
#define FRESH_EVERY 5

static const struct group_cfg *group_of(const struct engine *e, const struct engine_probe *p)
{
    return &e->deps.settings->groups[p->group];
}

static const struct policy_cfg *policy_of(const struct engine *e, const struct engine_probe *p)
{
    return &e->deps.settings->policies[group_of(e, p)->policy];
}

const struct target *engine_probe_target(const struct engine *e, const struct engine_probe *p)
{
    const struct group_cfg *group = group_of(e, p);
    const struct endpoint_cfg *endpoint = &group->endpoints[p->endpoint];

    return endpoint->targets != NULL ? &endpoint->targets[p->place]
                                     : &group->hostnames[endpoint->hostname].targets[p->place];
}

/* ---- building ----------------------------------------------------------------------------- */

/* Fills families with those of a target; returns how many. */
static unsigned families_of(const struct target *t, uint8_t families[static 2])
{
    unsigned n = 0;

    if (t->cname[0] != '\0') {
        families[n++] = 0;
        return n;
    }
    if (t->n_a > 0)
        families[n++] = 4;
    if (t->n_aaaa > 0)
        families[n++] = 6;
    return n;
}

static void add_probe(struct engine *e, uint32_t group, uint32_t endpoint, uint8_t place,
                      uint8_t family, struct mono now)
{
    struct engine_probe *p = &e->probes[e->n_probes++];

    *p = (struct engine_probe){
        .engine = e, .group = group, .endpoint = endpoint, .place = place, .family = family
    };
    for (unsigned profile = 0; profile < PROFILES; profile++)
        p->health[profile] = health_start(now);
}

static size_t count_probes(const struct settings *s)
{
    uint8_t families[2];
    size_t n = 0;

    for (size_t g = 0; g < s->n_groups; g++) {
        for (size_t i = 0; i < s->groups[g].n_endpoints; i++) {
            const struct endpoint_cfg *endpoint = &s->groups[g].endpoints[i];
            const struct target *targets = endpoint->targets != NULL
                                               ? endpoint->targets
                                               : s->groups[g].hostnames[endpoint->hostname].targets;

            for (unsigned c = 0; c < s->groups[g].n_clusters; c++)
                n += families_of(&targets[c], families);
        }
    }
    return n;
}

static void add_place(struct engine *e, uint32_t group, uint8_t place, struct mono now)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[group];
    struct engine_probe p = { .group = group, .place = place };
    uint8_t families[2];

    for (uint32_t i = 0; i < cfg->n_endpoints; i++) {
        p.endpoint = i;
        unsigned n = families_of(engine_probe_target(e, &p), families);

        for (unsigned f = 0; f < n; f++)
            add_probe(e, group, i, place, families[f], now);
    }
}

/* The clusters of a group are interleaved, so that neither is seen later than the other. */
static void spread_group(struct engine *e, const struct engine_group *g, struct mono now)
{
    uint32_t first = g->first_probe[0];
    uint8_t n_clusters = e->deps.settings->groups[g->index].n_clusters;
    uint32_t n = g->first_probe[n_clusters] - first;
    size_t slot = 0;

    for (uint32_t i = 0; slot < n; i++) {
        for (unsigned c = 0; c < n_clusters; c++) {
            if (g->first_probe[c] + i >= g->first_probe[c + 1])
                continue;
            scheduler_spread(
                &e->scheduler, g->first_probe[c] + i, slot, n,
                e->deps.settings->policies[e->deps.settings->groups[g->index].policy].interval_ms,
                now);
            slot++;
        }
    }
}

void engine_probe_build(struct engine *e)
{
    const struct settings *s = e->deps.settings;
    struct mono now = loop_now(e->deps.loop).mono;
    size_t n = count_probes(s);

    e->probes = mem_array(n, sizeof(*e->probes));
    e->n_probes = 0;
    e->expire_at = now;
    scheduler_init(&e->scheduler, n, s->node.max_checks_per_second, now);
    for (uint32_t g = 0; g < s->n_groups; g++) {
        for (uint8_t c = 0; c < s->groups[g].n_clusters; c++) {
            e->groups[g].first_probe[c] = (uint32_t)e->n_probes;
            add_place(e, g, c, now);
        }
        e->groups[g].first_probe[s->groups[g].n_clusters] = (uint32_t)e->n_probes;
        spread_group(e, &e->groups[g], now);
    }
}

/* ---- running -------------------------------------------------------------------------------- */

static enum profile role_of(const struct engine *e, const struct engine_probe *p)
{
    return engine_decide_active(e, &e->groups[p->group]) == (int)p->place ? PROFILE_ACTIVE
                                                                          : PROFILE_STANDBY;
}

/* A new active cluster's scheduler needs time to take over; until then it proves nothing. */
static bool is_in_grace(const struct engine *e, const struct engine_probe *p)
{
    const struct ledger_group *known = ledger_find(e->deps.ledger, group_of(e, p)->name);
    struct wall promoted = e->groups[p->group].promoted;
    int64_t since;

    if (promoted.ms == 0 && known != NULL && strcmp(known->op.to, known->active) == 0)
        promoted = known->op.changed;
    if (promoted.ms == 0)
        return false;
    since = loop_now(e->deps.loop).wall.ms - promoted.ms;
    return since >= 0 && since < policy_of(e, p)->promotion_grace_ms &&
           engine_decide_active(e, &e->groups[p->group]) == (int)p->place;
}

static bool is_isolated(const struct engine *e)
{
    return engine_reference_is_isolated(e, loop_now(e->deps.loop).mono);
}

static enum outcome judge(const struct engine *e, const struct engine_probe *p,
                          const struct observation *seen, enum profile profile)
{
    const struct reason_code_info *info = reason_code_info(seen->reason[profile]);

    /* We were not running while it was: its timeout is ours. */
    if (e->tilted_at.ms != 0 && e->tilted_at.ms >= p->began.ms)
        return OUTCOME_INCONCLUSIVE;
    if (info->is_scheduler && is_in_grace(e, p))
        return OUTCOME_INCONCLUSIVE;
    /* It may be we who are cut off; else what is learned now is believed when we are back. */
    if (info->outcome == OUTCOME_FAIL && is_isolated(e))
        return OUTCOME_INCONCLUSIVE;
    return info->outcome;
}

/* One failure at a cluster makes all its endpoints be looked at now, once per fast_interval. */
static void hasten_siblings(struct engine *e, const struct engine_probe *p, struct mono now)
{
    struct engine_group *g = &e->groups[p->group];
    int64_t fast_ms = policy_of(e, p)->fast_interval_ms;

    engine_reference_pump(e, true);
    if (g->hastened[p->place].ms != 0 && mono_since(now, g->hastened[p->place]) < fast_ms)
        return;
    g->hastened[p->place] = now;
    for (uint32_t i = g->first_probe[p->place]; i < g->first_probe[p->place + 1]; i++)
        scheduler_hasten(&e->scheduler, i, fast_ms, now);
}

static bool is_failure(const struct observation *seen)
{
    return reason_code_info(seen->reason[PROFILE_ACTIVE])->outcome == OUTCOME_FAIL ||
           reason_code_info(seen->reason[PROFILE_STANDBY])->outcome == OUTCOME_FAIL;
}

static void mute_alarm(struct engine *e, const struct engine_probe *p)
{
    const struct group_cfg *group = group_of(e, p);
    char text[REASON_TEXT_BYTES];

    str_format(text, sizeof(text), "%s at %s: %d rounds without a conclusive outcome: %s",
               group->hostnames[group->endpoints[p->endpoint].hostname].name,
               engine_cluster_name(e, &e->groups[p->group], p->place), HEALTH_MUTE_ROUNDS,
               p->seen.detail);
    engine_record_alarm(e, group->name, "mute-probe", text);
}

static void step_healths(struct engine *e, struct engine_probe *p, struct mono now)
{
    const struct policy_cfg *policy = policy_of(e, p);
    enum profile role = role_of(e, p);

    for (unsigned profile = 0; profile < PROFILES; profile++) {
        enum outcome outcome = judge(e, p, &p->seen, (enum profile)profile);
        enum health_status before = p->health[profile].status;

        p->health[profile] = health_step(&policy->health, p->health[profile], outcome, now);
        if (p->health[profile].status != before)
            engine_decide_mark_place(e, p->group, p->place);
        if (profile == role && outcome == OUTCOME_FAIL) {
            p->fails++;
            if (before != HEALTH_DOWN)
                hasten_siblings(e, p, now);
        }
        if (profile == role && p->health[profile].inconclusive == HEALTH_MUTE_ROUNDS &&
            !is_isolated(e))
            mute_alarm(e, p);
    }
}

/* Two clusters behind one address are one cluster asked twice.  Addresses in the configuration are
 * compared when it is read; what CNAME targets lead to shows only here. */
static void look_for_one_address(struct engine *e, const struct engine_probe *p)
{
    struct engine_group *g = &e->groups[p->group];
    const struct group_cfg *cfg = group_of(e, p);
    uint32_t offset = (uint32_t)(p - e->probes) - g->first_probe[p->place];
    char text[REASON_TEXT_BYTES];

    if (g->has_one_address || p->family != 0 || p->seen.address.text[0] == '\0')
        return;
    for (unsigned place = 0; place < cfg->n_clusters; place++) {
        uint32_t number = g->first_probe[place] + offset;
        const struct engine_probe *other = &e->probes[number];

        if (place == p->place || number >= g->first_probe[place + 1] ||
            other->endpoint != p->endpoint ||
            strcmp(other->seen.address.text, p->seen.address.text) != 0)
            continue;
        g->has_one_address = true;
        str_format(text, sizeof(text),
                   "%s and %s both lead to %s for %s: one cluster is asked twice, and a flip would "
                   "move nothing",
                   engine_cluster_name(e, g, p->place), engine_cluster_name(e, g, (int)place),
                   p->seen.address.text, cfg->hostnames[cfg->endpoints[p->endpoint].hostname].name);
        engine_record_alarm(e, cfg->name, "one-address", text);
        return;
    }
}

static void on_observation(void *arg, const struct observation *seen)
{
    struct engine_probe *p = arg;
    struct engine *e = p->engine;
    const struct policy_cfg *policy = policy_of(e, p);
    struct mono now = loop_now(e->deps.loop).mono;
    uint32_t number = (uint32_t)(p - e->probes);

    p->run = NULL;
    e->in_flight--;
    p->seen = *seen;
    p->seen_at = now;
    /* A kept connection that fails says only that it was old. */
    p->is_retry = seen->reused && is_failure(seen);
    if (p->is_retry) {
        scheduler_retry(&e->scheduler, number);
        return;
    }
    p->runs++;
    e->checks++;
    look_for_one_address(e, p);
    step_healths(e, p, now);
    scheduler_again(&e->scheduler, number, health_is_in_doubt(p->health[role_of(e, p)]),
                    policy->interval_ms, policy->fast_interval_ms, now);
}

static void could_not_start(struct engine *e, uint32_t number, const struct err *err)
{
    struct engine_probe *p = &e->probes[number];
    struct observation seen = { .reason = { REASON_LOCAL, REASON_LOCAL } };

    str_copy(seen.detail, sizeof(seen.detail), err->text);
    p->seen = seen;
    p->seen_at = p->began;
    p->runs++;
    step_healths(e, p, p->began);
    scheduler_again(&e->scheduler, number, false, policy_of(e, p)->interval_ms,
                    policy_of(e, p)->fast_interval_ms, p->began);
}

static void run(struct engine *e, uint32_t number)
{
    struct engine_probe *p = &e->probes[number];
    const struct group_cfg *group = group_of(e, p);
    const struct endpoint_cfg *endpoint = &group->endpoints[p->endpoint];
    enum profile role = role_of(e, p);
    p->request = (struct probe_request){
        .cfg = endpoint->probe,
        .hostname = group->hostnames[endpoint->hostname].name,
        .base_path = endpoint->base_path,
        .class = endpoint->class,
        .target = engine_probe_target(e, p),
        .family = p->family,
        .id = number,
        .fresh = p->is_retry || p->runs % FRESH_EVERY == 0 || health_is_in_doubt(p->health[role]),
    };
    struct err err;

    p->began = loop_now(e->deps.loop).mono;
    e->in_flight++;
    if (probe_start(&p->request, e->deps.io, on_observation, p, &p->run, &err) < 0) {
        e->in_flight--;
        could_not_start(e, number, &err);
    }
}

void engine_probe_promoted(struct engine *e, struct engine_group *g, unsigned place)
{
    struct mono now = loop_now(e->deps.loop).mono;

    g->promoted = loop_now(e->deps.loop).wall;
    for (uint32_t i = g->first_probe[place]; i < g->first_probe[place + 1]; i++) {
        struct health *h = &e->probes[i].health[PROFILE_ACTIVE];

        if (h->status == HEALTH_DOWN)
            *h = health_start(now);
        else
            h->fails = 0;
    }
    engine_decide_mark_place(e, g->index, place);
}

void engine_probe_pump(struct engine *e)
{
    struct mono now = loop_now(e->deps.loop).mono;
    uint32_t number;

    while (scheduler_take(&e->scheduler, now, &number))
        run(e, number);
    struct mono next = scheduler_next(&e->scheduler, now);
    if (next.ms == INT64_MAX)
        loop_timer_clear(e->probe_timer);
    else
        loop_timer_set(e->probe_timer, next);
}

void engine_probe_cancel(struct engine *e)
{
    for (size_t i = 0; i < e->n_probes; i++) {
        if (e->probes[i].run != NULL)
            probe_cancel(e->probes[i].run);
        e->probes[i].run = NULL;
    }
    e->in_flight = 0;
}

/* Nothing can go stale before the probe that was heard of longest ago: until then 100,000 probes
 * are not looked at, and nobody waits for that look. */
void engine_probe_expire(struct engine *e, struct mono now)
{
    if (mono_since(e->expire_at, now) > 0)
        return;
    e->expire_at = (struct mono){ INT64_MAX };
    for (size_t i = 0; i < e->n_probes; i++) {
        struct engine_probe *p = &e->probes[i];
        const struct health_cfg *cfg = &policy_of(e, p)->health;

        for (unsigned profile = 0; profile < PROFILES; profile++) {
            enum health_status before = p->health[profile].status;

            p->health[profile] = health_expire(cfg, p->health[profile], now);
            if (p->health[profile].status != before)
                engine_decide_mark_place(e, p->group, p->place);
            /* One that is unknown may be heard of from now on. */
            bool is_known = p->health[profile].status != HEALTH_UNKNOWN;
            struct mono next = mono_add(is_known ? p->health[profile].heard : now, cfg->stale_ms);
            if (next.ms < e->expire_at.ms)
                e->expire_at = next;
        }
    }
}

bool engine_probe_has_rounds(const struct engine *e, const struct engine_group *g)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    uint32_t rounds = e->deps.settings->policies[cfg->policy].startup_rounds;

    for (uint32_t i = g->first_probe[0]; i < g->first_probe[cfg->n_clusters]; i++) {
        if (e->probes[i].runs < rounds)
            return false;
    }
    return true;
}
