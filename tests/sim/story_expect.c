/* tests/sim/story_expect.c -- what a story expects:
 *   active GROUP CLUSTER|nobody     answers GROUP CLUSTER|nobody    (journal; page)
 *   verdict GROUP CLUSTER active|standby up|down|unknown
 *   decision GROUP stay|move|would  why GROUP REASON    no why GROUP REASON   guard GROUP RULE
 *   operation GROUP STATE           moves N             intents N             hooks N
 *   alarm NAME | no alarm NAME      fenced GROUP CLUSTER | no fenced GROUP CLUSTER
 *   plan GROUP CLUSTER | no plan GROUP CLUSTER              node isolated|tilted|alarmed|well
 *   references UP DOWN              entries KIND N                  result same (the last do
 * repeated an earlier one)         secondary ..., notified ...: see story_secondary.c */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "tests/sim/story.h"

static bool status_of(struct story *s, const char *group, struct group_status *out)
{
    int i = settings_find_group(s->settings, group);

    if (i < 0)
        return story_fail(s, "there is no group %s", group);
    engine_group_status(s->engine, (uint32_t)i, out);
    return true;
}

static bool same(struct story *s, const char *what, const char *expected, const char *is)
{
    if (is != NULL && strcmp(expected, is) == 0)
        return true;
    return story_fail(s, "%s is %s, not %s", what, is == NULL ? "nothing" : is, expected);
}

static bool expect_active(struct story *s, const char *group, const char *cluster)
{
    struct group_status g = { .active = -1 };

    if (!status_of(s, group, &g))
        return false;
    return same(s, "active", cluster, g.active < 0 ? "nobody" : g.clusters[g.active].name);
}

static bool expect_answers(struct story *s, const char *group, const char *cluster)
{
    int i = settings_find_group(s->settings, group);
    struct group_status g = { .active = -1 };

    if (!status_of(s, group, &g))
        return false;
    struct page_word word = page_get(world.page, (uint32_t)i);
    return same(s, "the answer", cluster,
                word.index == 0 ? "nobody" : g.clusters[word.index - 1].name);
}

static bool expect_verdict(struct story *s, char *const w[])
{
    struct group_status g = { .active = -1 };

    if (!status_of(s, w[1], &g))
        return false;
    for (unsigned i = 0; i < g.n_clusters; i++) {
        const struct cluster_view *view =
            strcmp(w[3], "active") == 0 ? &g.clusters[i].as_active : &g.clusters[i].as_standby;

        if (strcmp(g.clusters[i].name, w[2]) == 0)
            return same(s, "the verdict", w[4], verdict_name(view->verdict));
    }
    return story_fail(s, "there is no cluster %s", w[2]);
}

static bool expect_decision(struct story *s, const char *group, const char *kind)
{
    struct group_status g = { .active = -1 };

    if (!status_of(s, group, &g))
        return false;
    return same(s, "the decision", kind,
                g.decision.kind == DECISION_MOVE ? "move"
                : g.decision.would_move          ? "would"
                                                 : "stay");
}

static bool expect_why(struct story *s, const char *group, const char *why, bool wanted)
{
    struct group_status g = { .active = -1 };
    bool has = false;

    if (!status_of(s, group, &g))
        return false;
    for (unsigned i = 0; i < g.decision.n_reasons; i++)
        has |= strcmp(why_name(g.decision.reasons[i].why), why) == 0;
    if (has != wanted)
        return story_fail(s, "the decision %s the reason %s", has ? "has" : "has not", why);
    return true;
}

static bool expect_guard(struct story *s, const char *group, const char *rule)
{
    struct group_status g = { .active = -1 };
    int number = guard_rule_find(rule);

    if (!status_of(s, group, &g))
        return false;
    for (unsigned i = 0; i < g.decision.n_reasons; i++) {
        if (g.decision.reasons[i].why == WHY_GUARD && (int)g.decision.reasons[i].guard == number)
            return true;
    }
    return story_fail(s, "guard %s does not veto", rule);
}

static bool expect_operation(struct story *s, const char *group, const char *state)
{
    struct group_status g = { .active = -1 };

    if (!status_of(s, group, &g))
        return false;
    return same(s, "the operation", state,
                g.operation == NULL ? "none" : op_state_name(g.operation->state));
}

static uint64_t count(enum entry_kind kind, const char *detail)
{
    uint64_t n = 0;

    for (size_t i = 0; i < world.n_entries; i++)
        n += world.entries[i].kind == kind &&
             (detail == NULL || strcmp(world.entries[i].detail, detail) == 0);
    return n;
}

static bool expect_count(struct story *s, const char *what, const char *expected, uint64_t is)
{
    uint64_t wanted;

    if (!str_parse_u64(expected, UINT32_MAX, &wanted))
        return story_fail(s, "%s is no number", expected);
    if (wanted != is)
        return story_fail(s, "%llu %s, not %s", (unsigned long long)is, what, expected);
    return true;
}

static bool expect_alarm(struct story *s, const char *name, bool wanted)
{
    bool has = count(ENTRY_ALARM, name) > 0;

    if (has != wanted)
        return story_fail(s, "%s alarm %s", has ? "an" : "no", name);
    return true;
}

static bool expect_fenced(struct story *s, const char *group, const char *cluster, bool wanted)
{
    const struct ledger_group *g = ledger_find(s->ledger, group);
    bool is = g != NULL && ledger_is_fenced(g, cluster);

    if (is != wanted)
        return story_fail(s, "%s is %sfenced", cluster, is ? "" : "not ");
    return true;
}

static bool expect_kind(struct story *s, const char *kind, const char *expected)
{
    for (int k = 0; k < ENTRY_KINDS; k++) {
        if (strcmp(entry_kind_name((enum entry_kind)k), kind) == 0)
            return expect_count(s, kind, expected, count((enum entry_kind)k, NULL));
    }
    return story_fail(s, "there is no entry kind %s", kind);
}

static bool expect_plan(struct story *s, const char *group, const char *to, bool wanted)
{
    struct target_change *changes = NULL;
    struct plan plan;
    struct err err;
    bool is = engine_plan(s->engine, group, to, VERB_SWITCH, 0, &plan, &changes, &err) == 0;

    mem_free(changes);
    if (is != wanted)
        return story_fail(s, "there is %s plan: %s", is ? "a" : "no", is ? "" : err.text);
    return !is || plan.n_steps == 1 || story_fail(s, "it has %u steps", plan.n_steps);
}

static bool expect_node(struct story *s, const char *how)
{
    struct node_status node = { .is_tilted = false };

    engine_node_status(s->engine, &node);
    return same(s, "the node", how,
                node.alarm[0] != '\0' ? "alarmed"
                : node.is_tilted      ? "tilted"
                : node.is_isolated    ? "isolated"
                                      : "well");
}

static bool expect_references(struct story *s, const char *up, const char *down)
{
    struct node_status node = { .references_up = 0 };

    engine_node_status(s->engine, &node);
    return expect_count(s, "references up", up, node.references_up) &&
           expect_count(s, "references down", down, node.references_down);
}

static bool expect_three(struct story *s, char *const w[], bool wanted)
{
    if (strcmp(w[0], "why") == 0)
        return expect_why(s, w[1], w[2], wanted);
    if (strcmp(w[0], "fenced") == 0)
        return expect_fenced(s, w[1], w[2], wanted);
    if (strcmp(w[0], "plan") == 0)
        return expect_plan(s, w[1], w[2], wanted);
    if (!wanted)
        return story_fail(s, "no such expectation");
    if (strcmp(w[0], "secondary") == 0 || strcmp(w[0], "notified") == 0)
        return story_expect_secondary(s, w);
    if (strcmp(w[0], "references") == 0)
        return expect_references(s, w[1], w[2]);
    if (strcmp(w[0], "active") == 0)
        return expect_active(s, w[1], w[2]);
    if (strcmp(w[0], "answers") == 0)
        return expect_answers(s, w[1], w[2]);
    if (strcmp(w[0], "decision") == 0)
        return expect_decision(s, w[1], w[2]);
    if (strcmp(w[0], "guard") == 0)
        return expect_guard(s, w[1], w[2]);
    if (strcmp(w[0], "operation") == 0)
        return expect_operation(s, w[1], w[2]);
    if (strcmp(w[0], "entries") == 0)
        return expect_kind(s, w[1], w[2]);
    return story_fail(s, "no such expectation: %s", w[0]);
}

bool story_expect(struct story *s, char *const words[], int n)
{
    bool wanted = n == 0 || strcmp(words[0], "no") != 0;
    char *const *w = wanted ? words : words + 1;

    n -= wanted ? 0 : 1;
    if (n == 5 && wanted && strcmp(w[0], "verdict") == 0)
        return expect_verdict(s, w);
    if (n == 3)
        return expect_three(s, w, wanted);
    if (n == 2 && strcmp(w[0], "alarm") == 0)
        return expect_alarm(s, w[1], wanted);
    if (n == 2 && strcmp(w[0], "node") == 0)
        return expect_node(s, w[1]);
    if (n == 2 && strcmp(w[0], "moves") == 0)
        return expect_count(s, "moves", w[1], count(ENTRY_MOVED, NULL));
    if (n == 2 && strcmp(w[0], "intents") == 0)
        return expect_count(s, "intents", w[1], count(ENTRY_INTENT, NULL));
    if (n == 2 && strcmp(w[0], "hooks") == 0)
        return expect_count(s, "hooks", w[1], world.hooks_run);
    if (n == 2 && strcmp(w[0], "result") == 0)
        return s->result.is_repeat || story_fail(s, "the last act was not a repeat");
    return story_fail(s, "no such expectation");
}
