/* dnsflip/providers/secondaries_truth.c -- the live records as the secondaries have them: one whose
 * serial is newer than ours took the zone from somebody who knew more, or was written to. */
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/serial.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/secondaries_state.h"
#include "dnsflip/providers/survey.h"

/* ---- one that is ahead ----------------------------------------------------------------------- */

/* What the group answers there is not what it answers here. */
static bool differs(const struct survey_group *g, struct page_word word)
{
    if (word.index == 0 || g->asked == g->unread + g->absent)
        return false;
    return (g->places & UINT32_C(1) << (word.index - 1)) == 0;
}

static void heard(struct secondary *x)
{
    struct secondary_zone *zone = x->zone;

    if (!zone->is_unheard)
        return;
    zone->is_unheard = false;
    if (x->all->event != NULL)
        x->all->event(x->all->event_arg, zone->provider, NULL, x->status.state);
}

/* Some group that brought no answer at all keeps the whole from being known. */
static bool is_complete(const struct survey_group groups[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (groups[i].unread > 0 && groups[i].unread == groups[i].asked)
            return false;
    }
    return true;
}

static void on_surveyed(void *arg, const struct survey_group groups[], size_t n)
{
    struct secondary *x = arg;
    enum secondary_state was = x->status.state;

    x->survey = NULL;
    if (!is_complete(groups, n) || x->view_serial != x->status.serial) {
        secondary_judge(x); /* asked again with the next look at its serial */
        return;
    }
    x->view = mem_array(n + 1, sizeof(*x->view));
    memcpy(x->view, groups, n * sizeof(*groups));
    x->n_view = n;
    for (size_t i = 0; i < n; i++)
        x->is_rival |= differs(&groups[i], page_get(x->all->page, groups[i].group));
    secondary_judge(x);
    heard(x);
    if (was == SECONDARY_AHEAD && x->status.state == was)
        secondary_tell(x, was);
}

bool secondary_survey(struct secondary *x)
{
    uint32_t theirs = x->status.serial, ours = x->zone->serial;
    bool is_asked = x->view != NULL && x->view_serial == theirs;

    if (x->survey != NULL)
        return true;
    /* An equal serial is no proof as long as nobody knows what was served before. */
    if (!is_asked && (serial_is_newer(theirs, ours) || (theirs == ours && x->zone->is_unheard))) {
        secondary_survey_drop(x);
        x->view_serial = theirs;
        x->survey = survey_start(x->all->io, x->all->settings, x->zone->provider, &x->status.addr,
                                 on_surveyed, x);
        return true;
    }
    x->is_rival = x->is_rival && is_asked;
    heard(x);
    return false;
}

void secondary_survey_drop(struct secondary *x)
{
    survey_cancel(x->survey);
    x->survey = NULL;
    mem_free(x->view);
    x->view = NULL;
    x->n_view = 0;
    x->is_rival = false;
}

/* ---- zones that nobody has told of ----------------------------------------------------------- */

static void on_belief(void *arg)
{
    struct secondaries *s = arg;

    s->is_vetoed = false;
    for (size_t i = 0; i < s->n_zones; i++) {
        if (!s->zones[i].is_unheard)
            continue;
        log_warn("secondary",
                 "no secondary of zone %s has told its serial since the start: the journal is "
                 "believed from now on",
                 s->zones[i].name);
        if (s->event != NULL)
            s->event(s->event_arg, s->zones[i].provider, NULL, SECONDARY_UNKNOWN);
    }
}

void secondaries_unheard(struct secondaries *s, unsigned provider, bool is_vetoed)
{
    for (size_t i = 0; i < s->n_zones; i++) {
        if (s->zones[i].provider == provider)
            s->zones[i].is_unheard = true;
    }
    if (!is_vetoed)
        return;
    s->is_vetoed = true;
    if (s->belief_timer == NULL)
        s->belief_timer = loop_timer_new(s->io->loop, on_belief, s);
    loop_timer_set(s->belief_timer, mono_add(loop_now(s->io->loop).mono, SECONDARIES_BELIEF_MS));
}

bool secondaries_are_unheard(const struct secondaries *s)
{
    for (size_t i = 0; i < s->n_zones; i++) {
        if (s->zones[i].is_unheard)
            return true;
    }
    return false;
}

void secondaries_note(struct secondaries *s, uint32_t group, struct page_word word,
                      const struct live *live)
{
    s->notes = mem_resize(s->notes, s->n_notes + 1, sizeof(*s->notes));
    s->notes[s->n_notes++] = (struct secondary_note){ .group = group, .word = word, .live = *live };
}

void secondaries_truth_fini(struct secondaries *s)
{
    loop_timer_free(s->belief_timer);
    mem_free(s->notes);
}

/* ---- what is live ---------------------------------------------------------------------------- */

static bool has_group(const struct secondary_zone *zone, uint32_t group)
{
    for (uint32_t i = 0; i < zone->n_groups; i++) {
        if (zone->groups[i] == group)
            return true;
    }
    return false;
}

static bool is_unreadable(const struct secondaries *s, uint32_t group, struct live *live)
{
    for (size_t i = 0; s->is_vetoed && i < s->n_zones; i++) {
        if (!s->zones[i].is_unheard || !has_group(&s->zones[i], group))
            continue;
        live->status = LIVE_UNREADABLE;
        err_set(&live->err, ERR_SYS,
                "no secondary of zone %s has told its serial since the start: the journal is "
                "believed, automatic moves wait for one, 10 min at most",
                s->zones[i].name);
        return true;
    }
    return false;
}

static const struct survey_group *view_of(const struct secondary *x, uint32_t group)
{
    for (size_t i = 0; i < x->n_view; i++) {
        if (x->view[i].group == group)
            return &x->view[i];
    }
    return NULL;
}

static bool is_overtaken(const struct secondaries *s, uint32_t group, struct page_word word,
                         struct live *live)
{
    const struct secondary *newest = NULL;
    const struct survey_group *view = NULL;
    char addr[INET_TEXT_BYTES], words[REASON_TEXT_BYTES / 2];

    for (size_t i = 0; i < s->n; i++) {
        const struct secondary *x = &s->list[i];
        const struct survey_group *seen = view_of(x, group);

        if (seen == NULL || !differs(seen, word) ||
            serial_is_newer(x->zone->serial, x->view_serial) ||
            (newest != NULL && !serial_is_newer(x->view_serial, newest->view_serial)))
            continue;
        newest = x;
        view = seen;
    }
    if (newest == NULL)
        return false;
    survey_words(s->settings, view, words, sizeof(words));
    live->status = view->places != 0 ? LIVE_OVERTAKEN : LIVE_MIXED;
    live->strange = view->strange;
    memcpy(live->names, view->names, sizeof(live->names));
    err_set(&live->err, ERR_CONFLICT, "secondary %s is ahead (serial %u, ours %u) and %s",
            inet_format_addr(&newest->status.addr, addr), newest->view_serial, newest->zone->serial,
            words);
    return true;
}

void secondaries_live(const struct secondaries *s, uint32_t group, struct page_word word,
                      struct live *live)
{
    if (s == NULL || s->settings == NULL || is_unreadable(s, group, live) ||
        is_overtaken(s, group, word, live))
        return;
    for (size_t i = 0; i < s->n_notes; i++) {
        const struct secondary_note *note = &s->notes[i];

        if (note->group == group && note->word.index == word.index &&
            note->word.epoch == word.epoch)
            *live = note->live;
    }
}

bool secondaries_obstacle(const struct secondaries *s, struct err *why)
{
    for (uint32_t g = 0; g < s->settings->n_groups; g++) {
        struct live live = { .status = LIVE_ONE };

        secondaries_live(s, g, page_get(s->page, g), &live);
        if (live.status != LIVE_OVERTAKEN && live.status != LIVE_MIXED)
            continue;
        err_set(why, ERR_CONFLICT,
                "group %s: %s; a new version of the zone would take that back: say first which "
                "cluster is active (dnsflip adopt %s --active CLUSTER)",
                s->settings->groups[g].name, live.err.text, s->settings->groups[g].name);
        return true;
    }
    return false;
}
