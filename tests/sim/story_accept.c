/* tests/sim/story_accept.c -- a reload that moves names, as dnsflip/judge_accept.c does it: guards,
 * an operation for each adopted group, one hand-over when all intents are durable.  In a story
 * every name of a group moves; what a file changes is judge_accept's concern. */
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/story.h"

#define PARTIES_MAX 16

static void on_done(void *arg, const struct command_result *result)
{
    struct story *s = arg;

    if (s->has_result && s->result.exit != 0)
        return;
    s->result = *result;
    s->has_result = true;
}

/* See check_intents of judge_accept. */
static bool has_all_intents(const struct story *s)
{
    for (size_t i = 0; i < s->settings->n_groups; i++) {
        const struct ledger_group *known = ledger_find(s->ledger, s->settings->groups[i].name);

        if (known != NULL && known->is_adopted &&
            (op_state_is_ended(known->op.state) ||
             strcmp(known->op.configuration, s->accepted) != 0))
            return false;
    }
    return true;
}

/* In a turn of its own, as in the judge. */
static void hand_over(void *arg)
{
    struct story *s = arg;
    struct err err;

    if (s->accepted[0] == '\0' || s->is_handing_over)
        return;
    if (!story_load(s, s->file, &s->next.settings))
        return;
    if (strcmp(s->next.settings->digest, s->accepted) != 0 || !has_all_intents(s)) {
        err_set(&err, ERR_CONFLICT, "the file is no longer the one that was accepted");
        engine_retarget_done(s->engine, &err);
    } else {
        (void)story_hand_over(s, s->adopted_ms);
    }
    s->accepted[0] = '\0';
}

void story_accept_hand_over(void *story, const char *configuration)
{
    struct story *s = story;

    str_copy(s->accepted, sizeof(s->accepted), configuration);
    if (s->hand == NULL)
        s->hand = loop_timer_new(world.loop, hand_over, s);
    loop_timer_set(s->hand, loop_now(world.loop).mono);
}

void story_accept_dropped(void *story, const char *why)
{
    struct story *s = story;

    (void)why;
    s->accepted[0] = '\0';
}

bool story_accept_begin(struct story *s, const char *config, int64_t adopted_ms)
{
    struct retarget_party parties[PARTIES_MAX];
    struct retarget_order order = { .parties = parties, .actor = "uid:0 story" };
    struct settings *next;

    if (!story_load(s, config, &next))
        return false;
    str_copy(s->file, sizeof(s->file), config);
    str_copy(order.configuration, sizeof(order.configuration), next->digest);
    settings_free(next);
    s->adopted_ms = adopted_ms;
    s->has_result = false;
    for (uint32_t i = 0; i < s->settings->n_groups && order.n < PARTIES_MAX; i++) {
        const struct ledger_group *known = ledger_find(s->ledger, s->settings->groups[i].name);

        if (known == NULL || !known->is_adopted)
            continue;
        parties[order.n++] =
            (struct retarget_party){ .group = i,
                                     .n_names = (uint32_t)s->settings->groups[i].n_hostnames,
                                     .done = on_done,
                                     .arg = s };
    }
    if (engine_retarget_check(s->engine, &order, &s->result) < 0)
        s->has_result = true;
    else
        engine_retarget_start(s->engine, &order);
    return true;
}

bool story_accept(struct story *s, const char *config, int64_t adopted_ms, uint64_t exit,
                  const char *rule)
{
    return story_accept_begin(s, config, adopted_ms) && story_answered(s, exit, rule);
}
