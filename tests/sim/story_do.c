/* tests/sim/story_do.c -- what operators do in a story:
 *   do switch|failover|failback GROUP [to CLUSTER] [because WORD] [override RULE]... [promoted]
 *      [id WORD] exits N [by RULE]
 *   do hold|release|ack|pause|resume [GROUP] [because WORD] [for TIME] exits N
 *   do adopt GROUP CLUSTER | rejoin CLUSTER | cancel|retry GROUP exits N */
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/loop.h"
#include "policies/guard.h"
#include "tests/sim/story.h"

/* An answer comes when the act is durable or refused for not being so. */
#define ANSWER_WITHIN_MS 5000
#define ANSWER_LOOK_MS 10

static const struct verb_row {
    const char *name;
    enum command_kind kind;
    enum verb verb;
} verbs[] = {
    { "switch", COMMAND_MOVE, VERB_SWITCH },     { "failover", COMMAND_MOVE, VERB_FAILOVER },
    { "failback", COMMAND_MOVE, VERB_FAILBACK }, { "hold", COMMAND_HOLD, VERB_AUTO },
    { "release", COMMAND_RELEASE, VERB_AUTO },   { "ack", COMMAND_ACK, VERB_AUTO },
    { "adopt", COMMAND_ADOPT, VERB_AUTO },       { "rejoin", COMMAND_REJOIN, VERB_AUTO },
    { "pause", COMMAND_PAUSE, VERB_AUTO },       { "resume", COMMAND_RESUME, VERB_AUTO },
    { "cancel", COMMAND_CANCEL, VERB_AUTO },     { "retry", COMMAND_RETRY, VERB_AUTO },
};

static void on_done(void *arg, const struct command_result *result)
{
    struct story *s = arg;

    s->result = *result;
    s->has_result = true;
}

static bool take_override(struct command *c, const char *name)
{
    int rule = guard_rule_find(name);

    if (strcmp(name, "promotion") == 0)
        c->overrides |= OVERRIDE_PROMOTION;
    else if (strcmp(name, "durability") == 0)
        c->overrides |= OVERRIDE_DURABILITY;
    else if (rule >= 0)
        c->overrides |= OVERRIDE_RULE(rule);
    return rule >= 0 || strcmp(name, "promotion") == 0 || strcmp(name, "durability") == 0;
}

/* A word that takes the next one; true if it was one. */
static bool take_pair(struct story *s, struct command *c, const char *word, const char *next)
{
    int64_t ms;

    if (strcmp(word, "to") == 0)
        return str_copy(c->cluster, sizeof(c->cluster), next);
    if (strcmp(word, "because") == 0)
        return str_copy(c->reason, sizeof(c->reason), next);
    if (strcmp(word, "id") == 0)
        return str_copy(c->request_id, sizeof(c->request_id), next);
    if (strcmp(word, "override") == 0)
        return take_override(c, next);
    if (strcmp(word, "for") == 0 && str_parse_duration(next, &ms)) {
        c->until.ms = loop_now(world.loop).wall.ms + ms;
        return true;
    }
    (void)s;
    return false;
}

static void place_name(struct story *s, struct command *c, const char *word)
{
    struct group_status g;
    int group = settings_find_group(s->settings, word);

    if (group >= 0 && (c->kind == COMMAND_CANCEL || c->kind == COMMAND_RETRY)) {
        engine_group_status(s->engine, (uint32_t)group, &g);
        if (g.operation != NULL)
            str_copy(c->operation, sizeof(c->operation), g.operation->id);
    } else if (group >= 0) {
        str_copy(c->group, sizeof(c->group), word);
    } else {
        str_copy(c->cluster, sizeof(c->cluster), word);
    }
}

static void wait_for_answer(struct story *s)
{
    struct mono end = mono_add(loop_now(world.loop).mono, ANSWER_WITHIN_MS);

    while (!s->has_result && loop_now(world.loop).mono.ms < end.ms)
        world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, ANSWER_LOOK_MS));
}

bool story_answered(struct story *s, uint64_t exit, const char *rule)
{
    wait_for_answer(s);
    if (!s->has_result)
        return story_fail(s, "no answer within %d ms", ANSWER_WITHIN_MS);
    if ((uint64_t)s->result.exit != exit)
        return story_fail(s, "exits %d: %s", s->result.exit, s->result.text);
    if (rule != NULL && strcmp(rule, s->result.rule) != 0)
        return story_fail(s, "refused by %s: %s", s->result.rule, s->result.text);
    return true;
}

bool story_do(struct story *s, char *const words[], int n)
{
    struct command c = { .actor = "uid:0 story" };
    uint64_t exit = UINT64_MAX;
    const char *rule = NULL;
    size_t row = 0;

    while (row < sizeof(verbs) / sizeof(verbs[0]) && strcmp(verbs[row].name, words[0]) != 0)
        row++;
    if (row == sizeof(verbs) / sizeof(verbs[0]))
        return story_fail(s, "there is no verb %s", words[0]);
    c.kind = verbs[row].kind;
    c.verb = verbs[row].verb;
    for (int i = 1; i < n; i++) {
        if (i + 1 < n && strcmp(words[i], "exits") == 0)
            (void)str_parse_u64(words[++i], 255, &exit);
        else if (i + 1 < n && strcmp(words[i], "by") == 0)
            rule = words[++i];
        else if (strcmp(words[i], "promoted") == 0)
            c.is_promoted = true;
        else if (i + 1 < n && take_pair(s, &c, words[i], words[i + 1]))
            i++;
        else
            place_name(s, &c, words[i]);
    }
    str_format(c.request_digest, sizeof(c.request_digest), "%s %s %s", words[0], c.group,
               c.cluster);
    s->has_result = false;
    engine_command(s->engine, &c, on_done, s);
    return story_answered(s, exit, rule);
}
