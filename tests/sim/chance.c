/* tests/sim/chance.c -- stories of chance: whatever happens, in whatever order, some things hold.
 *   chance FILE OTHER-FILE STORIES EVENTS [FIRST]
 * Each story has its own seed, so that one that fails can be played alone: chance A B 1 EVENTS
 * SEED. After its events the world heals, and everything must have come to rest. */
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/story.h"

#define REST_MS 3600000     /* long enough for every deadline, shorter than nothing at all */
#define PAUSE_MAX_MS 900000 /* between two events */
#define HOLD_MAX_MS 1200000 /* holds and pauses end by themselves */
#define HEALED_MS 120000    /* a cluster that was bad so short a time ago may still be left */

struct chance {
    struct story *story;
    const char *files[2];
    uint64_t random;
    int64_t bad_until[2]; /* when use1, usw2 were last really bad */
    uint32_t epoch;       /* newest that the page had */
    uint32_t asked, answered;
    bool is_wrong;
};

static uint32_t draw(struct chance *c, uint32_t n)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (uint32_t)(c->random >> 11) % n;
}

/* ---- what must hold ---------------------------------------------------------------------------
 */

static bool is_bad(const struct world_cluster *w)
{
    return w->net == NET_REFUSE || w->net == NET_HANG || w->app == APP_SICK || w->flap_ms > 0 ||
           w->broken > 0 || (w->app == APP_WAITING && !w->is_promoted);
}

static int number_of(const char *cluster)
{
    return strcmp(cluster, "use1") == 0 ? 0 : 1;
}

static void note_health(struct chance *c)
{
    for (size_t i = 0; i < world.settings->n_clusters; i++) {
        if (is_bad(&world.clusters[i]))
            c->bad_until[number_of(world.settings->clusters[i].name)] =
                loop_now(world.loop).mono.ms;
    }
}

/* An automatic move away from a cluster that was well is the one thing that must never happen. */
static void on_event(void *arg, const struct journal_entry *entry)
{
    struct chance *c = arg;
    int from = settings_find_cluster(world.settings, entry->from);

    if (entry->kind != ENTRY_INTENT || entry->verb != VERB_AUTO || from < 0)
        return;
    if (is_bad(&world.clusters[from]) ||
        loop_now(world.loop).mono.ms - c->bad_until[number_of(entry->from)] < HEALED_MS)
        return;
    c->is_wrong = true;
    story_fail(c->story, "an automatic move away from %s, which was well", entry->from);
}

/* Two automatic moves of the group within the block of an hour, nobody having lifted it. */
static bool blocks_hold(struct story *s)
{
    int64_t last = INT64_MIN / 2;

    for (size_t i = 0; i < world.n_entries; i++) {
        const struct journal_entry *e = &world.entries[i];

        if (e->kind == ENTRY_ACK)
            last = INT64_MIN / 2;
        if (e->kind != ENTRY_MOVED || e->verb != VERB_AUTO)
            continue;
        if (e->time.ms - last < 3600000)
            return story_fail(s, "two automatic moves within %lld ms",
                              (long long)(e->time.ms - last));
        last = e->time.ms;
    }
    return true;
}

static bool page_agrees(struct chance *c)
{
    struct story *s = c->story;
    struct page_word word = page_get(world.page, 0);
    struct group_status g;

    engine_group_status(s->engine, 0, &g);
    if (word.index == 0)
        return story_fail(s, "the names are not answered any more");
    if (word.epoch < c->epoch)
        return story_fail(s, "the epoch went back from %u to %u", c->epoch, word.epoch);
    c->epoch = word.epoch;
    if (engine_busy(s->engine) != NULL || g.holds[GUARD_DIVERGED] || g.holds[GUARD_STARTUP_HOLD])
        return true;
    if (g.active + 1 != word.index || g.ledger->epoch != word.epoch)
        return story_fail(s, "the journal says %s epoch %u, the page %u epoch %u", g.ledger->active,
                          g.ledger->epoch, word.index, word.epoch);
    return true;
}

static bool check(struct chance *c)
{
    story_check_always(c->story);
    if (c->is_wrong || c->story->error[0] != '\0')
        return false;
    return blocks_hold(c->story) && page_agrees(c);
}

/* ---- what happens ------------------------------------------------------------------------------
 */

static void on_answer(void *arg, const struct command_result *result)
{
    struct chance *c = arg;

    (void)result;
    c->answered++;
}

static void ask(struct chance *c)
{
    static const enum command_kind kinds[] = { COMMAND_MOVE,   COMMAND_MOVE,    COMMAND_MOVE,
                                               COMMAND_HOLD,   COMMAND_RELEASE, COMMAND_ACK,
                                               COMMAND_REJOIN, COMMAND_REJOIN,  COMMAND_ADOPT,
                                               COMMAND_PAUSE,  COMMAND_RESUME,  COMMAND_CANCEL,
                                               COMMAND_RETRY };
    struct command command = { .kind = kinds[draw(c, sizeof(kinds) / sizeof(kinds[0]))],
                               .verb = (enum verb)(1 + draw(c, 3)),
                               .actor = "chance",
                               .reason = "chance",
                               .is_promoted = draw(c, 4) == 0 };
    struct group_status g;

    engine_group_status(c->story->engine, 0, &g);
    str_copy(command.cluster, sizeof(command.cluster), draw(c, 2) == 0 ? "use1" : "usw2");
    if (command.kind != COMMAND_REJOIN && command.kind != COMMAND_PAUSE &&
        command.kind != COMMAND_RESUME && draw(c, 10) > 0)
        str_copy(command.group, sizeof(command.group), "prod");
    if (command.kind == COMMAND_CANCEL || command.kind == COMMAND_RETRY) {
        command.group[0] = '\0';
        str_copy(command.operation, sizeof(command.operation),
                 g.operation == NULL ? "none" : g.operation->id);
    }
    if (command.kind == COMMAND_HOLD || command.kind == COMMAND_PAUSE)
        command.until.ms = loop_now(world.loop).wall.ms + draw(c, HOLD_MAX_MS);
    if (draw(c, 3) == 0)
        command.overrides = OVERRIDE_RULE(draw(c, GUARD_RULES));
    if (draw(c, 8) == 0)
        command.overrides |= OVERRIDE_PROMOTION;
    if (draw(c, 4) == 0)
        command.overrides |= OVERRIDE_DURABILITY;
    c->asked++;
    engine_command(c->story->engine, &command, on_answer, c);
}

static void restart(struct chance *c)
{
    story_restart(c->story, draw(c, 4) == 0 ? draw(c, 1200000) : 0);
    c->answered = c->asked; /* those that waited are gone with the judge */
    engine_on_event(c->story->engine, on_event, c);
}

static void change_cluster(struct chance *c)
{
    struct world_cluster *w = &world.clusters[draw(c, 2)];

    switch (draw(c, 5)) {
    case 0:
        w->net = (enum world_net)draw(c, 4);
        break;
    case 1:
        w->app = draw(c, 2) == 0 ? APP_SICK : APP_SERVING;
        break;
    case 2:
        w->flap_ms = draw(c, 2) == 0 ? 0 : 1000 + (int64_t)draw(c, 60000);
        break;
    case 3:
        w->broken = draw(c, 3);
        w->is_stale = draw(c, 2) == 0;
        break;
    default:
        w->net = NET_OK;
        w->app = APP_SERVING;
        break;
    }
}

static void change_our_side(struct chance *c)
{
    switch (draw(c, 11)) {
    case 8:
        world.is_dns_silent = draw(c, 2) == 0;
        break;
    case 9:
        world.is_spent = draw(c, 3) == 0;
        break;
    case 10:
        story_set_face(c->story, draw(c, 2) == 0);
        break;
    case 0:
        world.is_uplink_down = draw(c, 2) == 0;
        break;
    case 1:
        world.disk = (enum world_disk)draw(c, 3);
        world.overflow_disk = draw(c, 3) == 0 ? (enum world_disk)draw(c, 3) : DISK_OK;
        break;
    case 2:
        world.disk = DISK_OK;
        world.disk_ms = draw(c, 4) == 0 ? 2500 : 2;
        break;
    case 3:
        world.promote = (enum world_hook)draw(c, 3);
        world.fence = (enum world_hook)draw(c, 3);
        break;
    case 4:
        world.is_proof_broken = draw(c, 4) == 0;
        break;
    case 5:
        world_loop_freeze(world.loop, draw(c, 60000));
        break;
    case 6:
        world_loop_step_wall(world.loop, (int64_t)draw(c, 60000));
        break;
    default:
        world.clusters[draw(c, 2)].is_promoted = draw(c, 2) == 0;
        break;
    }
}

static void happen(struct chance *c)
{
    switch (draw(c, 8)) {
    case 0:
    case 1:
        change_cluster(c);
        break;
    case 2:
        change_our_side(c);
        break;
    case 3:
    case 4:
    case 5:
        ask(c);
        break;
    case 6:
        restart(c);
        break;
    default:
        if (engine_busy(c->story->engine) == NULL && !c->story->is_handing_over)
            (void)story_reload(c->story, c->files[draw(c, 2)], draw(c, 30000));
        break;
    }
}

/* Mostly short pauses, some long ones. */
static int64_t pause_ms(struct chance *c)
{
    return draw(c, 3) == 0 ? draw(c, PAUSE_MAX_MS) : draw(c, 1U << draw(c, 18));
}

static void pass(struct chance *c, int64_t ms)
{
    note_health(c);
    world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, ms));
    note_health(c);
}

static void heal(void)
{
    world.disk = world.overflow_disk = DISK_OK;
    world.disk_ms = 2;
    world.is_uplink_down = world.is_proof_broken = false;
    world.is_dns_silent = world.is_spent = false;
    world.fence = world.promote = HOOK_WORKS;
    for (int i = 0; i < 2; i++)
        world.clusters[i] = (struct world_cluster){ .app = APP_SERVING };
}

static bool has_come_to_rest(struct chance *c)
{
    struct story *s = c->story;
    struct group_status g;

    if (!check(c))
        return false;
    engine_group_status(s->engine, 0, &g);
    if (engine_busy(s->engine) != NULL)
        return story_fail(s, "an operation still runs: %s", g.operation->id);
    if (g.operation != NULL && !op_state_is_ended(g.operation->state))
        return story_fail(s, "operation %s is %s", g.operation->id,
                          op_state_name(g.operation->state));
    if (g.clusters[g.active].as_active.verdict != VERDICT_UP)
        return story_fail(s, "the active cluster is well and not up");
    if (g.decision.kind != DECISION_STAY)
        return story_fail(s, "everything is well and the decision is to move");
    if (c->asked != c->answered)
        return story_fail(s, "%u commands, %u answers", c->asked, c->answered);
    return true;
}

static bool play(struct story *s, const char *const files[2], uint64_t seed, uint64_t events)
{
    struct chance c = { .story = s,
                        .files = { files[0], files[1] },
                        .random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1 };

    if (!story_begin(s, files[0]))
        return false;
    engine_on_event(s->engine, on_event, &c);
    pass(&c, 60000);
    for (uint64_t i = 0; i < events; i++) {
        happen(&c);
        pass(&c, pause_ms(&c));
        if (!check(&c))
            return false;
    }
    heal();
    story_set_face(s, true);
    pass(&c, REST_MS);
    return has_come_to_rest(&c);
}

bool chance_play(struct story *s, char *const words[], int n)
{
    const char *const files[2] = { words[1], n > 2 ? words[2] : "" };
    uint64_t stories, events, first = 1;

    if (n < 5 || !str_parse_u64(words[3], 1000000, &stories) ||
        !str_parse_u64(words[4], 1000000, &events) ||
        (n > 5 && !str_parse_u64(words[5], UINT32_MAX, &first)))
        return story_fail(s, "a line is: chance FILE OTHER-FILE STORIES EVENTS [FIRST]");
    for (uint64_t seed = first; seed < first + stories; seed++) {
        struct story t = { .path = s->path };
        bool ok = play(&t, files, seed, events) && t.error[0] == '\0';

        story_end(&t);
        if (!ok)
            return story_fail(s, "seed %llu: %.400s", (unsigned long long)seed, t.error);
    }
    return true;
}
