#include "policies/failover.h"

#include <assert.h>

#include "policies/guard.h"

#define NONE (-1)

static_assert(3 + CLUSTERS_MAX + GUARD_RULES + 1 <= WHYS_MAX, "every reason has a place");

static const struct mono never = { .ms = INT64_MAX };

static void add(struct decision *d, struct decision_reason reason)
{
    d->reasons[d->n_reasons++] = reason;
}

struct failover_state failover_start(struct mono now)
{
    return (struct failover_state){ .active = NONE, .verdict = VERDICT_UNKNOWN, .at = now };
}

/* What the clock goes by: a node that is cut off sees everything down and knows nothing. */
static enum verdict known_verdict(const struct failover_input *in)
{
    enum verdict verdict = in->clusters[in->active].as_active;

    if (verdict == VERDICT_DOWN && in->holds[GUARD_ISOLATED])
        return VERDICT_UNKNOWN;
    return verdict;
}

/* Time counts as long as the verdict was down.  The time before it became unknown does not if this
 * process was frozen in it: then nobody watched. */
static struct failover_state clock_step(struct failover_state s, const struct failover_input *in,
                                        struct mono now)
{
    enum verdict verdict = known_verdict(in);
    bool was_watched = verdict == VERDICT_DOWN || !in->holds[GUARD_TILT];

    if (s.active != in->active)
        s = (struct failover_state){ .active = in->active, .verdict = VERDICT_UNKNOWN };
    if (s.verdict == VERDICT_DOWN && was_watched)
        s.down_ms += mono_since(now, s.at);
    if (verdict == VERDICT_UP)
        s.down_ms = 0;
    s.verdict = verdict;
    s.at = now;
    return s;
}

/* Why candidate c at place i is chosen or passed over. */
static struct decision_reason judged(const struct failover_candidate *c, int8_t i)
{
    struct decision_reason r = { .why = WHY_CANDIDATE_FENCED, .cluster = i };

    if (c->is_fenced)
        return r;
    switch (c->as_standby) {
    case VERDICT_UP:
        r.why = WHY_CANDIDATE_CHOSEN;
        break;
    case VERDICT_DOWN:
        r.why = WHY_CANDIDATE_DOWN;
        break;
    case VERDICT_UNKNOWN:
        r.why = WHY_CANDIDATE_UNKNOWN;
        break;
    }
    return r;
}

/* The first cluster in order that is up as standby and not fenced, or NONE; says of each one
 * before it why it was passed over. */
static int8_t choose(const struct failover_input *in, struct decision *d)
{
    bool some_down = false;
    bool all_down = true; /* of those that are not fenced */

    for (int8_t i = 0; i < in->n_clusters; i++) {
        if (i == in->active)
            continue;

        struct decision_reason r = judged(&in->clusters[i], i);

        add(d, r);
        if (r.why == WHY_CANDIDATE_CHOSEN)
            return i;
        some_down = some_down || r.why == WHY_CANDIDATE_DOWN;
        all_down = all_down && r.why != WHY_CANDIDATE_UNKNOWN;
    }
    add(d, (struct decision_reason){
               .why = some_down && all_down ? WHY_BOTH_DOWN : WHY_NO_DESTINATION,
               .cluster = NONE,
           });
    return NONE;
}

/* Adds every guard that vetoes an automatic move; false if there is one.  The destination was
 * chosen by its verdict and its fence, so these two are not asked about again. */
static bool guards_pass(const struct failover_input *in, struct decision *d)
{
    struct guard_input asked = { .source = VERDICT_DOWN, .destination = VERDICT_UP };
    struct guard_result results[GUARD_RULES];
    bool pass = true;

    for (int i = 0; i < GUARD_RULES; i++)
        asked.holds[i] = in->holds[i] && i != GUARD_DESTINATION_FENCED;
    guard_ask(&asked, VERB_AUTO, 0, results);
    for (int i = 0; i < GUARD_RULES; i++) {
        if (results[i].effect != GUARD_VETO)
            continue;
        pass = false;
        add(d, (struct decision_reason){
                   .why = WHY_GUARD, .cluster = NONE, .guard = results[i].rule });
    }
    return pass;
}

/* All but the mode speaks for a move to place to. */
static void move(enum group_mode mode, int8_t to, struct decision *d)
{
    d->to = to;
    d->would_move = mode != MODE_AUTO;
    switch (mode) {
    case MODE_AUTO:
        d->kind = DECISION_MOVE;
        break;
    case MODE_ADVISE:
        add(d, (struct decision_reason){ .why = WHY_MODE_ADVISE, .cluster = NONE });
        break;
    case MODE_OBSERVE:
        add(d, (struct decision_reason){ .why = WHY_MODE_OBSERVE, .cluster = NONE });
        break;
    }
}

/* The active cluster is down.  Everything is looked at, even if the first answer says stay:
 * whoever reads the reasons during an outage wants to see what else is in the way. */
static void decide_down(const struct failover_cfg *cfg, const struct failover_input *in,
                        const struct failover_state *s, struct decision *d)
{
    int64_t missing = cfg->min_outage_ms - s->down_ms;
    struct decision_reason length = { .why = WHY_OUTAGE_LONG_ENOUGH,
                                      .cluster = in->active,
                                      .value = s->down_ms };

    add(d, (struct decision_reason){
               .why = WHY_ACTIVE_DOWN, .cluster = in->active, .value = s->down_ms });
    if (missing > 0) {
        length.why = WHY_MIN_OUTAGE;
        length.value = missing;
        if (s->verdict == VERDICT_DOWN)
            d->next_due = mono_add(s->at, missing);
    }
    add(d, length);

    int8_t to = choose(in, d);
    bool pass = guards_pass(in, d);

    if (missing <= 0 && to != NONE && pass)
        move(cfg->mode, to, d);
}

void failover_step(const struct failover_cfg *cfg, const struct failover_state *state,
                   const struct failover_input *in, struct instant now, struct failover_state *next,
                   struct decision *out)
{
    *out = (struct decision){ .from = in->active, .to = NONE, .next_due = never };
    if (in->active == NONE) {
        *next = failover_start(now.mono);
        add(out, (struct decision_reason){ .why = WHY_NOT_ADOPTED, .cluster = NONE });
        return;
    }

    *next = clock_step(*state, in, now.mono);
    switch (in->clusters[in->active].as_active) {
    case VERDICT_UP:
        add(out, (struct decision_reason){ .why = WHY_ACTIVE_UP, .cluster = in->active });
        break;
    case VERDICT_UNKNOWN:
        add(out, (struct decision_reason){ .why = WHY_ACTIVE_UNKNOWN, .cluster = in->active });
        break;
    case VERDICT_DOWN:
        decide_down(cfg, in, next, out);
        break;
    }
}

static int first_standby(const struct failover_input *in, enum verdict verdict)
{
    for (int i = 0; i < in->n_clusters; i++) {
        const struct failover_candidate *c = &in->clusters[i];

        if (i != in->active && !c->is_fenced && c->as_standby == verdict)
            return i;
    }
    return NONE;
}

int failover_destination(const struct failover_input *in, enum verb verb)
{
    int up = first_standby(in, VERDICT_UP);

    switch (verb) {
    case VERB_AUTO:
    case VERB_SWITCH:
        break;
    case VERB_FAILOVER:
        return up != NONE ? up : first_standby(in, VERDICT_UNKNOWN);
    case VERB_FAILBACK:
        return in->active != 0 ? 0 : NONE;
    case VERB_RELOAD:
        return in->active;
    }
    return up;
}
