/* tests/sim/story.c -- the judge of a story: made as dnsflip/judge.c makes it, on fakes. */
#include "tests/sim/story.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/load.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/secondaries.h"
#include "dnsflip/providers/store.h"

#define START_MONO_MS INT64_C(5000000)
#define START_WALL_MS INT64_C(1800000000000)
#define FIRST_EPOCH 1800000000U

struct world world;

/* A face with one thread that is quiet for ever: what is stored is answered. */
static const struct counters quiet_face = { .threads = 1 };

bool story_fail(struct story *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(s->error, sizeof(s->error), fmt, ap);
    va_end(ap);
    return false;
}

/* What `dnsflip init` would have written: the first cluster of every group is active. */
static void init_journal(const struct settings *settings)
{
    struct journal_entry init = { .kind = ENTRY_INIT, .epoch = FIRST_EPOCH };

    init.time = loop_now(world.loop).wall;
    world_journal_keep(&init);
    for (size_t i = 0; i < settings->n_groups; i++) {
        struct journal_entry adopt = { .kind = ENTRY_ADOPT, .time = init.time };

        if (str_ends(settings->groups[i].name, "unadopted"))
            continue;
        adopt.epoch = FIRST_EPOCH + 1 + (uint32_t)i;
        str_copy(adopt.group, sizeof(adopt.group), settings->groups[i].name);
        str_copy(adopt.to, sizeof(adopt.to),
                 settings->clusters[settings->groups[i].clusters[0]].name);
        world_journal_keep(&adopt);
        page_set(world.page, (uint32_t)i, (struct page_word){ .index = 1, .epoch = adopt.epoch });
    }
}

bool story_open_providers(struct story *s, const struct settings *settings, struct provider ***out,
                          const struct store_pages *pages)
{
    struct err err;

    *out = mem_array(PROVIDERS_MAX, sizeof(struct provider *));
    for (unsigned i = 0; i < settings->n_providers; i++) {
        if (provider_local.open(settings, i, &s->io, &(*out)[i], &err) < 0)
            return story_fail(s, "%s", err.text);
        store_set_pages((*out)[i], pages);
        store_set_counters((*out)[i], &quiet_face);
    }
    return true;
}

static bool start_judge(struct story *s)
{
    struct engine_deps deps = { .loop = world.loop, .io = &s->io, .settings = s->settings };
    struct store_pages pages = { .page = world.page };
    struct err err;

    s->io = (struct io){ .loop = world.loop };
    pages.secondaries = s->secondaries = secondaries_new(&s->io);
    secondaries_use(s->secondaries, s->settings, world.page, world.serial);
    s->ledger = ledger_new();
    if (world.disk == DISK_OK)
        world_journal_merge();
    for (size_t i = 0; i < world.n_entries; i++) {
        if (ledger_fold(s->ledger, &world.entries[i], &err) < 0)
            return story_fail(s, "the journal does not replay: %s", err.text);
    }
    for (size_t i = 0; i < world.n_overflow; i++) {
        if (ledger_awaits(s->ledger, &world.overflow[i]) &&
            ledger_fold(s->ledger, &world.overflow[i], &err) < 0)
            return story_fail(s, "the overflow file does not replay: %s", err.text);
    }
    if (!story_open_providers(s, s->settings, &s->providers, &pages))
        return false;
    if (hooks_new(&s->io, "", &s->hooks, &err) < 0)
        return story_fail(s, "%s", err.text);
    deps.journal = world_journal();
    deps.ledger = s->ledger;
    deps.hooks = s->hooks;
    deps.providers = s->providers;
    deps.secondaries = s->secondaries;
    deps.hand_over = story_accept_hand_over;
    deps.hand_over_dropped = story_accept_dropped;
    deps.hand_over_arg = s;
    if (engine_new(&deps, &s->engine, &err) < 0)
        return story_fail(s, "%s", err.text);
    engine_start(s->engine);
    engine_allow_moves(s->engine, true);
    secondaries_serve(s->secondaries);
    return true;
}

static void stop_judge(struct story *s)
{
    world_journal_kill();
    engine_free(s->engine);
    hooks_free(s->hooks);
    for (unsigned i = 0; i < s->settings->n_providers; i++)
        s->providers[i]->ops->close(s->providers[i]);
    mem_free(s->providers);
    secondaries_free(s->secondaries);
    ledger_free(s->ledger);
    world_loop_forget(world.loop);
}

bool story_load(struct story *s, const char *config, struct settings **out)
{
    struct config_report report;
    struct buf text;
    char path[512];
    const char *slash = strrchr(s->path, '/');
    bool ok;

    str_format(path, sizeof(path), "%.*s/%s", (int)(slash - s->path), s->path, config);
    config_report_init(&report);
    buf_init(&text, sizeof(s->error));
    ok = config_load(path, out, &report) == 0;
    if (!ok) {
        config_report_print(&report, &text);
        story_fail(s, "%s", buf_text(&text));
    }
    config_report_fini(&report);
    buf_fini(&text);
    return ok;
}

bool story_begin(struct story *s, const char *config)
{
    struct err err;

    if (!story_load(s, config, &s->settings))
        return false;
    world = (struct world){ .settings = s->settings, .disk_ms = 2, .serial = FIRST_EPOCH };
    s->zero = (struct mono){ START_MONO_MS };
    world.loop = world_loop_new(s->zero, (struct wall){ START_WALL_MS });
    for (size_t i = 1; i < s->settings->n_clusters; i++)
        world.clusters[i].app = APP_WAITING;
    s->page_fd = page_new((uint32_t)s->settings->n_groups, 1, &world.page, &err);
    if (s->page_fd < 0)
        return story_fail(s, "%s", err.text);
    init_journal(s->settings);
    return start_judge(s);
}

/* What the face answers with when a judge dies in a hand-over. */
static void take_surviving(struct story *s)
{
    if (s->is_handing_over && s->is_adopted) {
        world.settings = s->settings = s->next.settings;
        world.page = s->next.page;
        s->page_fd = s->next.page_fd;
    }
    s->is_handing_over = s->is_adopted = false;
    s->accepted[0] = '\0';
}

void story_restart(struct story *s, int64_t dead_ms)
{
    world.is_killed = false;
    world.kill_at_timer = world.kill_at_entry = 0;
    world.probes_run = 0;
    stop_judge(s);
    take_surviving(s);
    world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, dead_ms));
    (void)start_judge(s);
}

void story_set_face(struct story *s, bool is_alive)
{
    for (unsigned i = 0; i < s->settings->n_providers; i++)
        store_set_counters(s->providers[i], is_alive ? &quiet_face : NULL);
}

bool story_restart_with(struct story *s, const char *config)
{
    struct settings *settings;

    if (!story_load(s, config, &settings))
        return false;
    stop_judge(s);
    world.settings = s->settings = settings;
    return start_judge(s);
}

void story_end(struct story *s)
{
    if (s->engine == NULL)
        return;
    stop_judge(s);
    loop_timer_free(s->follow);
    loop_timer_free(s->hand);
    page_unmap(world.page);
    close(s->page_fd);
    mem_free(world.entries);
    mem_free(world.overflow);
    mem_free(world.loop);
    settings_free(s->settings);
}

/* No name without an owner in its order, and the journal never behind what is served: where a
 * group's word says a cluster, the entries so far (durable or folded) know its epoch.  The rate of
 * checks is kept. */
void story_check_always(struct story *s)
{
    if (world.hurried_checks > 0)
        story_fail(s, "more checks in a second than max_checks_per_second");
    for (uint32_t i = 0; s->engine != NULL && i < s->settings->n_groups; i++) {
        const struct group_cfg *g = &s->settings->groups[i];
        const struct ledger_group *known = ledger_find(s->ledger, g->name);
        struct page_word word = page_get(world.page, i);
        bool has_intent = false;

        if (word.index > g->n_clusters)
            story_fail(s, "group %s answers with place %u of %u", g->name, word.index,
                       g->n_clusters);
        if (known == NULL || word.index == 0 || word.epoch <= FIRST_EPOCH + s->settings->n_groups)
            continue;
        for (size_t k = 0; k < world.n_entries; k++)
            has_intent |=
                (world.entries[k].kind == ENTRY_INTENT || world.entries[k].kind == ENTRY_ADOPT) &&
                world.entries[k].epoch == word.epoch;
        for (size_t k = 0; k < world.n_overflow; k++)
            has_intent |=
                world.overflow[k].kind == ENTRY_INTENT && world.overflow[k].epoch == word.epoch;
        if (!has_intent)
            story_fail(s, "group %s answers with epoch %u, which no durable intent announced",
                       g->name, word.epoch);
    }
}
