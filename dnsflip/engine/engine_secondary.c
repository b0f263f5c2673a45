/* dnsflip/engine/engine_secondary.c -- a secondary that is ahead of us is an alarm, and a reason to
 * read the live records again. */
#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/providers/secondaries.h"

static bool has_names_in(const struct group_cfg *group, unsigned provider)
{
    for (size_t i = 0; i < group->n_hostnames; i++) {
        if (group->hostnames[i].provider == provider)
            return true;
    }
    return false;
}

static void read_groups(struct engine *e, unsigned provider)
{
    if (!e->may_move)
        return; /* they are read when it may */
    for (size_t i = 0; i < e->n_groups; i++) {
        if (has_names_in(&e->deps.settings->groups[i], provider))
            engine_read_live(e, &e->groups[i]);
    }
}

static void alarm_ahead(struct engine *e, const struct secondary_status *s)
{
    char text[REASON_TEXT_BYTES], addr[INET_TEXT_BYTES];

    str_format(text, sizeof(text),
               "secondary %s of zone %.100s has serial %u, which is newer than ours (%u): somebody "
               "else wrote the zone, or this journal is an old one",
               inet_format_addr(&s->addr, addr), s->zone, s->serial, s->ours);
    engine_record_alarm(e, "", "secondary-ahead", text);
}

static void on_event(void *arg, unsigned provider, const struct secondary_status *now,
                     enum secondary_state was)
{
    struct engine *e = arg;
    bool is_ahead = now != NULL && now->state == SECONDARY_AHEAD;

    /* What we say next must be newer than what it has. */
    if (is_ahead)
        engine_raise_epoch(e, now->serial);
    if (is_ahead && was != SECONDARY_AHEAD)
        alarm_ahead(e, now);
    if (now == NULL || is_ahead || was == SECONDARY_AHEAD)
        read_groups(e, provider);
}

void engine_secondary_watch(struct engine *e)
{
    if (e->deps.secondaries != NULL)
        secondaries_on_event(e->deps.secondaries, on_event, e);
}
