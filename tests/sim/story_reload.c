/* tests/sim/story_reload.c -- a reload as dnsflip/judge_reload.c does it: the next pair is made and
 * filled, flips go to both pages until the face has taken it, then the engine follows. */
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/secondaries.h"
#include "dnsflip/providers/store.h"
#include "tests/sim/story.h"

#define LOOK_MS 50

/* The place of a group's cluster in other settings, or -1. */
static int place_in(const struct settings *s, const struct group_cfg *g, unsigned place,
                    const struct settings *other, int group)
{
    int cluster = settings_find_cluster(other, s->clusters[g->clusters[place]].name);

    return cluster < 0 ? -1 : group_find_cluster(&other->groups[group], (unsigned)cluster);
}

static void map(struct story *s)
{
    for (uint32_t i = 0; i < s->settings->n_groups; i++) {
        const struct group_cfg *g = &s->settings->groups[i];
        int at = settings_find_group(s->next.settings, g->name);
        struct page_word word = page_get(world.page, i);

        s->next.groups[i] = at < 0 ? UINT32_MAX : (uint32_t)at;
        for (unsigned c = 0; at >= 0 && c < g->n_clusters; c++)
            s->next.index[i * CLUSTERS_MAX + c] =
                (uint8_t)(place_in(s->settings, g, c, s->next.settings, at) + 1);
        if (at >= 0 && word.index != 0) {
            word.index = s->next.index[i * CLUSTERS_MAX + word.index - 1];
            page_set(s->next.page, (uint32_t)at, word);
        }
    }
}

/* The world's clusters lie in the order of the settings. */
static void reorder_clusters(const struct settings *before, const struct settings *after)
{
    struct world_cluster old[CLUSTERS_MAX];

    memcpy(old, world.clusters, sizeof(old));
    for (size_t i = 0; i < after->n_clusters; i++) {
        int at = settings_find_cluster(before, after->clusters[i].name);

        world.clusters[i] = at < 0 ? (struct world_cluster){ .app = APP_WAITING } : old[at];
    }
}

static void set_pages(struct provider *const providers[], const struct settings *settings,
                      const struct store_pages *pages)
{
    for (unsigned i = 0; i < settings->n_providers; i++)
        store_set_pages(providers[i], pages);
}

static void follow(void *arg)
{
    struct story *s = arg;
    struct store_pages pages = { .page = s->next.page, .secondaries = s->secondaries };

    if (!s->is_handing_over)
        return;
    if (engine_busy(s->engine) != NULL) {
        loop_timer_set(s->follow, mono_add(loop_now(world.loop).mono, LOOK_MS));
        return;
    }
    set_pages(s->next.providers, s->next.settings, &pages);
    /* The one before stays: its calls may still end, and its settings lie in a story's hands. */
    reorder_clusters(s->settings, s->next.settings);
    world.settings = s->next.settings;
    world.page = s->next.page;
    engine_replace(s->engine, s->next.settings, s->next.providers);
    secondaries_use(s->secondaries, s->next.settings, world.page, world.serial);
    s->settings = s->next.settings;
    s->providers = s->next.providers;
    s->page_fd = s->next.page_fd;
    s->is_handing_over = false;
}

/* The face has the new pair: what moves by it has moved. */
static void on_adopted(void *arg)
{
    struct story *s = arg;

    if (s->is_handing_over && !s->is_adopted) {
        s->is_adopted = true;
        engine_retarget_done(s->engine, NULL);
    }
    follow(s);
}

bool story_reload(struct story *s, const char *config, int64_t adopted_ms)
{
    if (s->is_handing_over || engine_busy(s->engine) != NULL)
        return story_fail(s, "a reload is refused now");
    return story_load(s, config, &s->next.settings) && story_hand_over(s, adopted_ms);
}

bool story_hand_over(struct story *s, int64_t adopted_ms)
{
    struct store_pages none = { 0 }, both;
    struct err err;

    s->next.page_fd = page_new((uint32_t)s->next.settings->n_groups, world.page->generation + 1,
                               &s->next.page, &err);
    if (s->next.page_fd < 0)
        return story_fail(s, "%s", err.text);
    if (!story_open_providers(s, s->next.settings, &s->next.providers, &none))
        return false;
    map(s);
    both = (struct store_pages){ .page = world.page,
                                 .other = s->next.page,
                                 .other_groups = s->next.groups,
                                 .other_index = s->next.index,
                                 .secondaries = s->secondaries };
    set_pages(s->providers, s->settings, &both);
    s->is_handing_over = true;
    s->is_adopted = false;
    if (s->follow == NULL)
        s->follow = loop_timer_new(world.loop, on_adopted, s);
    loop_timer_set(s->follow, mono_add(loop_now(world.loop).mono, adopted_ms));
    return true;
}
