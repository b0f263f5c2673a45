/* tests/sim/kills.c -- kill -9 at every moment of an operation:
 *   kills FILE auto|switch|failover|reload
 * The operation is begun, and the judge killed right after its k-th event, or right after the k-th
 * entry is durable and before anybody knows; for every k until it ends before the kill.  The next
 * judge starts at once, is killed a second time, or starts only after the plan's life. */
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/story.h"

#define BEGIN_MS 60000  /* everything has been seen by then */
#define END_MS 3000000  /* long after, but within the block */
#define DEAD_MS 1200000 /* longer than any plan lives */
#define KILLS_MAX 5000  /* far more than an operation has events */
#define ADOPTED_MS 20   /* ... and when the face has it */
#define SECOND_KILL_EVENTS                                                                         \
    17 /* a second one within so many events of the new judge's operation                          \
        */

enum way { AFTER_EVENT = 0, TWICE, AFTER_ENTRY, DEAD_FOR_LONG };
#define WAYS 4

static void ignore(void *arg, const struct command_result *result)
{
    (void)arg;
    (void)result;
}

static const struct operation *operation_of(struct story *s)
{
    return &s->ledger->groups[0]->op;
}

/* What an accepted reload brings: the story's file, retargeted. */
static const char *reload_file(const struct story *s)
{
    return s->settings->n_groups == 1 ? "small_retargeted.yaml" : "groups_retargeted.yaml";
}

static void begin(struct story *s, const char *how)
{
    struct command c = { .kind = COMMAND_MOVE, .group = "prod", .reason = "test", .actor = "test" };

    world_loop_until(world.loop, mono_add(s->zero, BEGIN_MS));
    if (strcmp(how, "auto") == 0) {
        world.clusters[0].net = NET_REFUSE;
    } else if (strcmp(how, "reload") == 0) {
        (void)story_accept_begin(s, reload_file(s), ADOPTED_MS);
    } else {
        c.verb = strcmp(how, "switch") == 0 ? VERB_SWITCH : VERB_FAILOVER;
        engine_command(s->engine, &c, ignore, NULL);
    }
    while (operation_of(s)->state == OP_NONE)
        world_loop_step(world.loop);
}

/* Until the kill or the end of the operation; true if it came to the kill. */
static bool run_to_kill(struct story *s)
{
    while (!world.is_killed && !op_state_is_ended(operation_of(s)->state))
        world_loop_step(world.loop);
    return world.is_killed;
}

static bool is_durable(enum entry_kind kind)
{
    for (size_t i = 0; i < world.n_entries; i++) {
        if (world.entries[i].kind == kind)
            return true;
    }
    return false;
}

/* Who is active stays; which targets he has changed once, or never. */
static bool check_reload(struct story *s, bool must_move)
{
    const struct ledger *l = s->ledger;
    bool is_new = strcmp(s->settings->digest, l->digest) == 0;
    unsigned moves = 0, intents = 0;

    for (size_t i = 0; i < world.n_entries; i++) {
        moves += world.entries[i].kind == ENTRY_MOVED;
        intents += world.entries[i].kind == ENTRY_INTENT;
    }
    for (size_t i = 0; i < l->n_groups; i++) {
        const struct ledger_group *g = l->groups[i];

        if (!op_state_is_ended(g->op.state))
            return story_fail(s, "operation %s is %s", g->op.id, op_state_name(g->op.state));
        if (strcmp(g->active, "use1") != 0)
            return story_fail(s, "%s is active", g->active);
    }
    if (moves != (is_new ? l->n_groups : 0))
        return story_fail(s, "%u moves, and the %s settings are in use", moves,
                          is_new ? "new" : "old");
    if (must_move && !is_new && intents == l->n_groups)
        return story_fail(s, "all intents were durable, their plan alive, and nothing moved: %s",
                          l->groups[0]->op.detail);
    return true;
}

static bool check(struct story *s, bool must_move)
{
    const struct ledger_group *g = s->ledger->groups[0];
    struct page_word word = page_get(world.page, 0);
    unsigned moves = 0;
    bool is_moved = strcmp(g->active, "usw2") == 0;

    for (size_t i = 0; i < world.n_entries; i++)
        moves += world.entries[i].kind == ENTRY_MOVED;
    if (!op_state_is_ended(g->op.state))
        return story_fail(s, "operation %s is %s", g->op.id, op_state_name(g->op.state));
    if (word.index != (is_moved ? 2 : 1) || word.epoch != g->epoch)
        return story_fail(s, "the journal says %s epoch %u, the page %u epoch %u", g->active,
                          g->epoch, word.index, word.epoch);
    if (moves != is_moved)
        return story_fail(s, "%u moves, and %s is active", moves, g->active);
    if (must_move && !is_moved)
        return story_fail(s, "an intent was durable, its plan alive, and nothing moved: %s",
                          g->op.detail);
    if (world.needless_promotes > 0)
        return story_fail(s, "promoted twice");
    return true;
}

/* False when the operation ended before the k-th moment, or something was wrong. */
static bool kill_at(struct story *s, char *const words[], enum way way, unsigned k)
{
    bool is_auto = strcmp(words[2], "auto") == 0, must_move;

    if (!story_begin(s, words[1]))
        return false;
    begin(s, words[2]);
    if (way == AFTER_ENTRY)
        world.kill_at_entry = world.n_entries + k;
    else
        world.kill_at_timer = world.timers_fired + k;
    if (!run_to_kill(s))
        return false;
    must_move = way != DEAD_FOR_LONG && (is_auto || is_durable(ENTRY_INTENT));
    story_restart(s, way == DEAD_FOR_LONG ? DEAD_MS : 0);
    if (way == TWICE) {
        world.kill_at_timer = world.timers_fired + 1 + k * 7 % SECOND_KILL_EVENTS;
        if (run_to_kill(s))
            story_restart(s, 0);
        world.kill_at_timer = 0;
    }
    world_loop_until(world.loop, mono_add(s->zero, END_MS));
    story_check_always(s);
    if (s->error[0] != '\0')
        return false;
    return strcmp(words[2], "reload") == 0 ? check_reload(s, must_move) : check(s, must_move);
}

bool kills_play(struct story *s, char *const words[], int n)
{
    if (n != 3)
        return story_fail(s, "a line is: kills FILE auto|switch|failover|reload");
    for (int way = 0; way < WAYS; way++) {
        for (unsigned k = 1; k < KILLS_MAX; k++) {
            struct story t = { .path = s->path };
            bool goes_on = kill_at(&t, words, (enum way)way, k);

            story_end(&t);
            if (t.error[0] != '\0')
                return story_fail(s, "way %d, moment %u: %.400s", way, k, t.error);
            if (!goes_on && k < 5)
                return story_fail(s, "way %d: only %u moments to be killed at", way, k);
            if (!goes_on)
                break;
        }
    }
    return true;
}
