/* dnsflip/judge_survey.c -- before this judge answers: what do the secondaries say?  One whose
 * serial is newer than all that journal and surviving pair know of has the zone as it was after
 * them (a restored back-up, a lost disk).  Serving the journal's answers under a newer serial would
 * flip every name back; so what it answers is served, or the serial stays behind its. */
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/serial.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/dns_wire.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/providers/secondaries.h"
#include "dnsflip/providers/survey.h"

/* A start waits no longer for serials; names are asked only of one that is ahead. */
#define SERIAL_MS INT64_C(1500)

struct survey_zone {
    unsigned provider;
    bool is_heard;
    bool is_empty;   /* one says that it has no zone yet, or no longer: it serves nobody */
    bool is_current; /* the newest serial is not older than all we know of */
    bool is_read;    /* ... and groups says what it answers */
    struct inet_addr newest;
    uint32_t serial;             /* the newest */
    struct survey *survey;       /* in flight */
    struct survey_group *groups; /* owned */
    size_t n_groups;
    struct judge_survey *all;
};

struct survey_ask {
    struct survey_zone *zone;
    const struct inet_addr *addr;
};

struct judge_survey {
    const struct settings *settings;
    struct io io; /* of its own: the judge's loop does not run yet */
    uint32_t known;
    bool has_kept;
    size_t n_waiting;
    struct survey_zone zones[PROVIDERS_MAX];
    size_t n_zones;
};

/* ---- asking ---------------------------------------------------------------------------------- */

static void arrived(struct judge_survey *v)
{
    if (--v->n_waiting == 0)
        loop_stop(v->io.loop);
}

static void on_serial(void *arg, const struct dns_answer *answer)
{
    struct survey_ask *ask = arg;
    struct survey_zone *zone = ask->zone;

    if (answer->status == DNS_ASK_ANSWERED && answer->rcode == DNS_RCODE_NOERROR &&
        answer->authoritative && answer->has_serial &&
        (!zone->is_heard || serial_is_newer(answer->serial, zone->serial))) {
        zone->is_heard = true;
        zone->serial = answer->serial;
        zone->newest = *ask->addr;
    }
    zone->is_empty |= answer->status == DNS_ASK_ANSWERED && answer->rcode == DNS_RCODE_SERVFAIL;
    arrived(zone->all);
    mem_free(ask);
}

static void ask_serials(struct judge_survey *v)
{
    const struct settings *s = v->settings;

    for (unsigned p = 0; p < s->n_providers; p++) {
        const struct local_cfg *local = &s->providers[p].local;
        struct survey_zone *zone = &v->zones[v->n_zones];

        if (local->secondaries.n_notify == 0)
            continue;
        *zone = (struct survey_zone){ .provider = p, .all = v };
        v->n_zones++;
        for (unsigned k = 0; k < local->secondaries.n_notify; k++) {
            struct survey_ask *ask = mem_zalloc(sizeof(*ask));

            *ask = (struct survey_ask){ zone, &local->secondaries.notify[k] };
            (void)dns_client_ask(v->io.dns_client, ask->addr, local->zone, DNS_TYPE_SOA, false,
                                 SERIAL_MS, on_serial, ask);
            v->n_waiting++;
        }
    }
    if (v->n_waiting > 0)
        loop_run(v->io.loop);
}

static void on_names(void *arg, const struct survey_group groups[], size_t n)
{
    struct survey_zone *zone = arg;

    zone->survey = NULL;
    zone->groups = mem_array(n + 1, sizeof(*groups));
    memcpy(zone->groups, groups, n * sizeof(*groups));
    zone->n_groups = n;
    zone->is_read = true;
    for (size_t i = 0; i < n; i++)
        zone->is_read = zone->is_read && groups[i].unread < groups[i].asked;
    arrived(zone->all);
}

static void ask_names(struct judge_survey *v)
{
    for (size_t i = 0; i < v->n_zones; i++) {
        struct survey_zone *zone = &v->zones[i];

        /* The same serial says the same only if nobody else gave it away. */
        zone->is_current = zone->is_heard && !serial_is_newer(v->known, zone->serial);
        if (!zone->is_current)
            continue;
        zone->survey =
            survey_start(&v->io, v->settings, zone->provider, &zone->newest, on_names, zone);
        v->n_waiting++;
    }
    if (v->n_waiting > 0)
        loop_run(v->io.loop);
}

/* The newest serial that could ever have been served by what we know. */
static uint32_t known_serial(const struct ledger *ledger, const struct judge_pair *kept)
{
    uint32_t known = ledger->epoch;

    if (ledger->serial != 0)
        known = serial_newest(known, ledger->serial);
    if (kept->view == NULL)
        return known;
    known = serial_newest(known, kept->serial);
    for (uint32_t i = 0; i < kept->words->groups; i++) {
        struct page_word word = page_get(kept->words, i);

        if (word.index != 0)
            known = serial_newest(known, page_word_serial(word));
    }
    return known;
}

/* ---- what follows from it -------------------------------------------------------------------- */

static bool is_at(const struct survey_group *g, int place)
{
    return place >= 0 && (g->places & UINT32_C(1) << place) != 0;
}

/* The place that the journal says is active, -1 = the group is unadopted. */
static int journalled_place(const struct judge *j, uint32_t group)
{
    const struct settings *s = j->site.settings;
    const struct ledger_group *known = ledger_find(j->ledger, s->groups[group].name);
    int cluster =
        known == NULL || !known->is_adopted ? -1 : settings_find_cluster(s, known->active);

    return cluster < 0 ? -1 : group_find_cluster(&s->groups[group], (unsigned)cluster);
}

/* What the group answers there is not the journal's, and we cannot answer likewise. */
static bool is_rival(const struct judge *j, const struct survey_zone *zone,
                     const struct survey_group *g)
{
    int place = journalled_place(j, g->group);

    return place >= 0 && g->asked > g->unread + g->absent && !is_at(g, place) &&
           (g->places == 0 || zone->all->has_kept);
}

/* Our next serial may not pass this zone's newest. */
static bool is_behind(const struct judge *j, const struct survey_zone *zone)
{
    if (!zone->is_heard || (zone->is_current && !zone->is_read))
        return true;
    for (size_t i = 0; zone->is_current && i < zone->n_groups; i++) {
        if (is_rival(j, zone, &zone->groups[i]))
            return true;
    }
    return false;
}

static void tell(const struct judge_survey *v, const struct survey_zone *zone)
{
    const char *name = v->settings->providers[zone->provider].local.zone;
    char addr[INET_TEXT_BYTES];

    if (!zone->is_heard)
        log_warn("judge", "no secondary of zone %s tells its serial", name);
    else if (serial_is_newer(zone->serial, v->known))
        log_warn("judge",
                 "secondary %s of zone %s has serial %u, newer than all that the journal knows of "
                 "(%u)",
                 inet_format_addr(&zone->newest, addr), name, zone->serial, v->known);
}

static void judge_serials(struct judge *j, struct judge_pair *kept)
{
    const struct judge_survey *v = j->survey;
    bool is_pinned = false;

    for (size_t i = 0; i < v->n_zones; i++) {
        tell(v, &v->zones[i]);
        is_pinned |= is_behind(j, &v->zones[i]);
    }
    kept->pinned = is_pinned ? v->known : 0;
    for (size_t i = 0; !is_pinned && i < v->n_zones; i++) {
        if (v->zones[i].is_heard)
            kept->serial = kept->serial == 0 ? v->zones[i].serial
                                             : serial_newest(kept->serial, v->zones[i].serial);
    }
}

int judge_survey(struct judge *j, struct judge_pair *kept, struct err *err)
{
    struct judge_survey *v = mem_zalloc(sizeof(*v));

    j->survey = v;
    *v = (struct judge_survey){ .settings = j->site.settings,
                                .known = known_serial(j->ledger, kept),
                                .has_kept = kept->view != NULL };
    if (loop_new(&v->io.loop, err) < 0)
        return -1;
    if (dns_client_new(v->io.loop, &v->io.dns_client, err) < 0)
        return -1;
    ask_serials(v);
    ask_names(v);
    dns_client_free(v->io.dns_client);
    loop_free(v->io.loop);
    judge_serials(j, kept);
    return 0;
}

/* The group is served as the newest secondary answers it; the engine finds it diverged. */
static void serve_theirs(struct judge *j, const struct survey_zone *zone,
                         const struct survey_group *g)
{
    const struct group_cfg *cfg = &j->site.settings->groups[g->group];
    int place = __builtin_ctz(g->places);
    struct page_word word = { .index = (uint8_t)(place + 1), .epoch = zone->serial };
    struct live live = { .status = LIVE_ONE, .place = (int8_t)place, .epoch = word.epoch };
    char addr[INET_TEXT_BYTES], words[REASON_TEXT_BYTES / 2];

    survey_words(j->site.settings, g, words, sizeof(words));
    err_set(&live.err, ERR_CONFLICT, "secondary %s, serial %u, %s",
            inet_format_addr(&zone->newest, addr), zone->serial, words);
    log_error("judge",
              "group %s: the journal is older than that, so its names are served alike: %s",
              cfg->name, live.err.text);
    page_set(j->site.pair.page, g->group, word);
    secondaries_note(j->secondaries, g->group, word, &live);
}

/* Whether the journal is right is not known at all. */
static bool is_vetoed(const struct survey_zone *zone)
{
    bool is_known = zone->is_heard ? !zone->is_current || zone->is_read : zone->is_empty;

    return !is_known && !zone->all->has_kept;
}

static void apply_zone(struct judge *j, const struct survey_zone *zone)
{
    if (zone->is_heard)
        engine_raise_epoch(j->engine, zone->serial);
    if (is_behind(j, zone))
        secondaries_unheard(j->secondaries, zone->provider, is_vetoed(zone));
    for (size_t i = 0; zone->is_read && i < zone->n_groups; i++) {
        const struct survey_group *g = &zone->groups[i];
        int place = journalled_place(j, g->group);

        if (place >= 0 && g->places != 0 && !is_at(g, place) && !zone->all->has_kept)
            serve_theirs(j, zone, g);
    }
}

void judge_survey_apply(struct judge *j)
{
    struct judge_survey *v = j->survey;

    for (size_t i = 0; i < v->n_zones; i++) {
        apply_zone(j, &v->zones[i]);
        mem_free(v->zones[i].groups);
    }
    mem_free(v);
    j->survey = NULL;
}
