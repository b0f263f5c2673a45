/* dnsflip/engine/engine_live.c -- the live records of a group, read at start, after every operation
 * and, where others can change them, again and again: against what the journal says. */
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/switcher.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/provider.h"

/* What the journal says against what is so, and the way out. */
static void alarm_diverged(struct engine *e, const struct engine_group *g)
{
    const char *name = e->deps.settings->groups[g->index].name;
    const struct live *live = &g->live;
    char text[REASON_TEXT_BYTES];

    if (live->err.text[0] != '\0')
        str_format(text, sizeof(text),
                   "the journal says %s is active, but %s: nothing moves until dnsflip adopt %s "
                   "--active CLUSTER",
                   engine_cluster_name(e, g, engine_decide_active(e, g)), live->err.text, name);
    else
        str_format(text, sizeof(text), "the journal says %s is active, the live records say %s",
                   engine_cluster_name(e, g, engine_decide_active(e, g)),
                   live->status == LIVE_ONE ? engine_cluster_name(e, g, live->place) : "nobody");
    engine_record_alarm(e, name, "diverged", text);
}

/* Somebody else changed records that were as the journal says. */
static void alarm_reverted(struct engine *e, const struct engine_group *g, const struct live *was)
{
    int8_t active = engine_decide_active(e, g);
    bool was_ours = was->status == LIVE_ONE && was->place == active;
    bool is_ours = g->live.status == LIVE_ONE && g->live.place == active;

    if (was_ours && !is_ours && g->live.status != LIVE_UNREADABLE && g->switcher == NULL)
        engine_record_alarm(e, e->deps.settings->groups[g->index].name, "reverted",
                            g->live.err.text);
}

static bool live_same(const struct live *a, const struct live *b)
{
    return a->status == b->status && a->place == b->place &&
           strcmp(a->err.text, b->err.text) == 0 && strcmp(a->foreign, b->foreign) == 0;
}

static void on_live(void *arg, const struct live *live)
{
    struct engine_group *g = arg;
    struct engine *e = g->engine;
    const char *name = e->deps.settings->groups[g->index].name;
    struct live was = g->live;
    bool was_read = g->is_read;
    bool holds[GUARD_RULES];

    g->read = NULL;
    /* What it saw is of before a move that has begun since; the move's end reads anew. */
    if (g->switcher != NULL && switcher_holds_lock(g->switcher))
        return;
    g->is_read = true;
    g->read_at = loop_now(e->deps.loop).mono;
    g->live = *live;
    engine_decide_mark(e, g->index);
    /* Looked at again, and nothing is new. */
    if (was_read && live_same(&was, live))
        return;
    if (was_read)
        alarm_reverted(e, g, &was);
    engine_decide_holds(e, g, holds);
    if (holds[GUARD_DIVERGED])
        alarm_diverged(e, g);
    if (live->status == LIVE_MIXED)
        engine_record_alarm(e, name, "partial", live->err.text);
    if (live->foreign[0] != '\0')
        engine_record_alarm(e, name, "foreign-owner", live->foreign);
    if (live->status == LIVE_UNREADABLE)
        engine_record_alarm(e, name, "unreadable", live->err.text);
}

void engine_read_live(struct engine *e, struct engine_group *g)
{
    const struct group_cfg *cfg = &e->deps.settings->groups[g->index];
    struct provider *p = e->deps.providers[cfg->providers[0]];

    if (p == NULL || (g->switcher != NULL && switcher_holds_lock(g->switcher)))
        return;
    /* What an earlier read saw may be over by now. */
    if (g->read != NULL)
        g->read->ops->cancel(g->read);
    g->read = p->ops->read(p, g->index, engine_decide_active(e, g), on_live, g);
}

/* Records that others can change too are looked at again and again. */
void engine_live_refresh(struct engine *e, struct engine_group *g, struct mono now)
{
    const struct settings *s = e->deps.settings;
    const struct provider_cfg *cfg = &s->providers[s->groups[g->index].providers[0]];
    const struct provider_ops *ops = provider_find(cfg->kind);

    if (g->read == NULL && g->is_read && ops->refresh_ms != NULL &&
        mono_since(now, g->read_at) >= ops->refresh_ms(cfg))
        engine_read_live(e, g);
}
