#include "dnsflip/providers/secondaries.h"

#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/serial.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/secondaries_state.h"

/* ---- states ---------------------------------------------------------------------------------- */

/* A line for who was away or ahead, and who follows; to lag for a moment is what a flip brings. */
static void log_state(const struct secondary *x, enum secondary_state was, int64_t was_ms)
{
    char addr[INET_TEXT_BYTES];

    (void)inet_format_addr(&x->status.addr, addr);
    if (x->status.state == SECONDARY_FOLLOWS)
        log_info("secondary", "follows addr=%s zone=%s serial=%u after_ms=%lld", addr,
                 x->zone->name, x->status.serial, was == SECONDARY_LAGS ? (long long)was_ms : 0LL);
    else if (x->status.state == SECONDARY_AHEAD)
        log_warn("secondary", "AHEAD of us addr=%s zone=%s serial=%u ours=%u", addr, x->zone->name,
                 x->status.serial, x->zone->serial);
    else if (x->status.state == SECONDARY_UNKNOWN)
        log_warn("secondary", "unknown addr=%s zone=%s: %s", addr, x->zone->name,
                 x->status.read_detail);
}

void secondary_set(struct secondary *x, enum secondary_state state)
{
    enum secondary_state was = x->status.state;
    struct wall now = loop_now(x->all->io->loop).wall;
    int64_t was_ms = now.ms - x->status.since.ms;

    x->status.ours = x->zone->serial;
    if (state == was)
        return;
    x->status.state = state;
    x->status.since = now;
    x->is_lag_told = false;
    if (state == SECONDARY_FOLLOWS || state == SECONDARY_LAGS)
        secondary_survey_drop(x); /* one that fell silent may be ahead still */
    log_state(x, was, was_ms);
    secondary_tell(x, was);
}

void secondary_tell(const struct secondary *x, enum secondary_state was)
{
    if (x->all->event != NULL)
        x->all->event(x->all->event_arg, x->zone->provider, &x->status, was);
}

void secondary_judge(struct secondary *x)
{
    uint32_t theirs = x->status.serial, ours = x->zone->serial;

    if (theirs == ours)
        secondary_set(x, x->is_rival ? SECONDARY_AHEAD : SECONDARY_FOLLOWS);
    else
        secondary_set(x, serial_is_newer(theirs, ours) ? SECONDARY_AHEAD : SECONDARY_LAGS);
}

/* ---- what is served -------------------------------------------------------------------------- */

static uint32_t zone_serial(const struct secondaries *s, const struct secondary_zone *zone)
{
    uint32_t serial = s->view_serial;

    for (uint32_t i = 0; i < zone->n_groups; i++) {
        struct page_word word = page_get(s->page, zone->groups[i]);

        if (word.index != 0)
            serial = serial_newest(serial, page_word_serial(word));
    }
    return serial;
}

static void tell(struct secondary *x)
{
    if (x->status.state != SECONDARY_UNKNOWN)
        secondary_judge(x);
    x->status.ours = x->zone->serial;
    if (x->all->is_serving)
        secondary_notify_start(x);
    secondary_read_soon(x);
}

/* Tells the secondaries of every zone whose serial has changed, or all of them. */
static void on_change(void *arg)
{
    struct secondaries *s = arg;
    bool all = s->is_all_told_anew;

    s->is_all_told_anew = false;
    for (size_t i = 0; i < s->n_zones; i++) {
        struct secondary_zone *zone = &s->zones[i];
        uint32_t serial = zone_serial(s, zone);

        if (serial == zone->serial && !all)
            continue;
        zone->serial = serial;
        for (size_t k = 0; k < s->n; k++) {
            if (s->list[k].zone == zone)
                tell(&s->list[k]);
        }
    }
}

void secondaries_changed(struct secondaries *s)
{
    if (s != NULL && s->settings != NULL)
        loop_timer_set(s->change_timer, loop_now(s->io->loop).mono);
}

void secondaries_serve(struct secondaries *s)
{
    if (s->is_serving)
        return;
    s->is_serving = true;
    s->is_all_told_anew = true;
    secondaries_changed(s);
}

/* ---- who they are ---------------------------------------------------------------------------- */

static bool has_names_in(const struct group_cfg *group, unsigned provider)
{
    for (size_t i = 0; i < group->n_hostnames; i++) {
        if (group->hostnames[i].provider == provider)
            return true;
    }
    return false;
}

static void add_zone(struct secondaries *s, unsigned provider)
{
    const struct settings *settings = s->settings;
    struct secondary_zone *zone = &s->zones[s->n_zones++];

    *zone = (struct secondary_zone){ .provider = (uint8_t)provider,
                                     .name = settings->providers[provider].local.zone,
                                     .groups =
                                         mem_array(settings->n_groups + 1, sizeof(*zone->groups)) };
    for (size_t g = 0; g < settings->n_groups; g++) {
        if (has_names_in(&settings->groups[g], provider))
            zone->groups[zone->n_groups++] = (uint32_t)g;
    }
    zone->serial = zone_serial(s, zone);
}

static void add_secondary(struct secondaries *s, struct secondary_zone *zone,
                          const struct inet_addr *addr)
{
    struct secondary *x = &s->list[s->n++];
    const struct local_cfg *cfg = &s->settings->providers[zone->provider].local;

    *x = (struct secondary){ .all = s, .zone = zone };
    x->status.provider = zone->provider;
    x->status.addr = *addr;
    x->status.ours = zone->serial;
    x->status.since = loop_now(s->io->loop).wall;
    (void)str_copy(x->status.zone, sizeof(x->status.zone), zone->name);
    (void)str_copy(x->status.read_detail, sizeof(x->status.read_detail), "not asked yet");
    x->keys = cfg->secondaries.keys;
    x->n_keys = cfg->secondaries.n_keys;
    x->has_source = secondary_source(cfg, &addr->ip, &x->source);
}

static void build(struct secondaries *s)
{
    const struct settings *settings = s->settings;
    size_t n = 0;

    for (size_t i = 0; i < settings->n_providers; i++)
        n += settings->providers[i].local.secondaries.n_notify;
    s->zones = mem_array(settings->n_providers + 1, sizeof(*s->zones));
    s->list = mem_array(n + 1, sizeof(*s->list));
    s->n_zones = s->n = 0;
    for (unsigned i = 0; i < settings->n_providers; i++) {
        const struct secondaries_cfg *cfg = &settings->providers[i].local.secondaries;

        if (cfg->n_notify == 0)
            continue;
        add_zone(s, i);
        for (unsigned k = 0; k < cfg->n_notify; k++)
            add_secondary(s, &s->zones[s->n_zones - 1], &cfg->notify[k]);
    }
}

static void drop(struct secondary_zone *zones, size_t n_zones, struct secondary *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        secondary_read_stop(&list[i]);
        secondary_notify_fini(&list[i]);
        secondary_survey_drop(&list[i]);
    }
    for (size_t i = 0; i < n_zones; i++)
        mem_free(zones[i].groups);
    mem_free(zones);
    mem_free(list);
}

/* What was known of the same server of the same zone. */
static void carry(struct secondary *x, const struct secondary old[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct secondary_status *was = &old[i].status;

        if (!inet_ip_equal(&was->addr.ip, &x->status.addr.ip) ||
            was->addr.port != x->status.addr.port || strcmp(was->zone, x->status.zone) != 0)
            continue;
        uint8_t provider = x->status.provider;

        x->status = *was;
        x->status.provider = provider;
        x->status.is_being_told = false;
        return;
    }
}

void secondaries_use(struct secondaries *s, const struct settings *settings,
                     const struct page *page, uint32_t view_serial)
{
    struct secondary_zone *old_zones = s->zones;
    struct secondary *old = s->list;
    size_t n_old_zones = s->n_zones, n_old = s->n;
    bool is_unheard = secondaries_are_unheard(s);

    s->settings = settings;
    s->page = page;
    s->view_serial = view_serial;
    s->n_notes = 0;
    build(s);
    for (size_t i = 0; i < s->n_zones; i++)
        s->zones[i].is_unheard = is_unheard;
    for (size_t i = 0; i < s->n; i++) {
        carry(&s->list[i], old, n_old);
        secondary_read_start(&s->list[i]);
    }
    drop(old_zones, n_old_zones, old, n_old);
    s->is_all_told_anew = true;
    secondaries_changed(s);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct secondaries *secondaries_new(struct io *io)
{
    struct secondaries *s = mem_zalloc(sizeof(*s));

    s->io = io;
    s->change_timer = loop_timer_new(io->loop, on_change, s);
    return s;
}

void secondaries_free(struct secondaries *s)
{
    if (s == NULL)
        return;
    drop(s->zones, s->n_zones, s->list, s->n);
    loop_timer_free(s->change_timer);
    secondaries_truth_fini(s);
    loop_defer_free(s->io->loop, s);
}

size_t secondaries_count(const struct secondaries *s)
{
    return s == NULL ? 0 : s->n;
}

void secondaries_status(const struct secondaries *s, size_t i, struct secondary_status *out)
{
    *out = s->list[i].status;
}

bool secondaries_have(const struct secondaries *s, unsigned provider, const struct inet_addr *addr,
                      uint32_t group)
{
    for (size_t i = 0; s != NULL && i < s->n; i++) {
        const struct secondary_status *x = &s->list[i].status;

        if (x->provider != provider || x->addr.port != addr->port ||
            !inet_ip_equal(&x->addr.ip, &addr->ip))
            continue;
        return x->state != SECONDARY_UNKNOWN &&
               !serial_is_newer(page_word_serial(page_get(s->page, group)), x->serial);
    }
    return true;
}

void secondaries_on_event(struct secondaries *s, secondaries_event *fn, void *arg)
{
    s->event = fn;
    s->event_arg = arg;
}
