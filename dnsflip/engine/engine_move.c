/* dnsflip/engine/engine_move.c -- moves that somebody asks for: destination, guards, operation. */
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/planning.h"
#include "dnsflip/engine/switcher.h"
#include "policies/explain.h"
#include "policies/guard.h"

static void fill_veto(const struct guard_result *veto, enum verb verb, struct command_result *out)
{
    const struct guard_rule_info *info = guard_rule_info(veto->rule);
    char words[EXPLAIN_BYTES];

    *out = (struct command_result){ .exit = info->is_lack_of_knowledge ? EXIT_NOT_KNOWN : EXIT_VETO,
                                    .may_override = info->may_override };
    str_copy(out->rule, sizeof(out->rule), info->name);
    str_copy(out->text, sizeof(out->text), explain_guard(veto, verb, words));
}

/* Guards of a move from the group's active cluster to place; the first veto, or -1. */
static int ask_guards(const struct engine_group *g, const struct failover_input *in, int to,
                      enum verb verb, override_set lifted,
                      struct guard_result results[static GUARD_RULES])
{
    struct guard_input ask = { .source = VERDICT_UNKNOWN };

    memcpy(ask.holds, in->holds, sizeof(ask.holds));
    if (in->active >= 0)
        ask.source = in->clusters[in->active].as_active;
    ask.destination = in->clusters[to].as_standby;
    ask.holds[GUARD_DESTINATION_FENCED] = in->clusters[to].is_fenced;
    /* Only this destination's proof matters here. */
    ask.holds[GUARD_EARLY_PROOF] = g->has_early_proof[to];
    /* A refusal that waits for the disk is what this override is for: the newer intent, wherever it
     * is kept, ends that operation too. */
    if ((lifted & OVERRIDE_DURABILITY) != 0 && engine_decide_is_only_ending(g))
        ask.holds[GUARD_OPERATION_RUNNING] = false;
    guard_ask(&ask, verb, lifted, results);
    return guard_first_veto(results);
}

static void refuse_early(struct command_result *out)
{
    *out = (struct command_result){ .exit = EXIT_NOT_KNOWN };
    str_copy(out->text, sizeof(out->text),
             "the face has not taken over the answers yet: try again in a moment");
}

bool engine_move_is_vetoed(const struct engine *e, const struct engine_group *g,
                           const struct failover_input *in, int to, enum verb verb,
                           override_set lifted, struct command_result *refusal)
{
    struct guard_result results[GUARD_RULES];
    int veto = ask_guards(g, in, to, verb, lifted, results);

    if (veto >= 0)
        fill_veto(&results[veto], verb, refusal);
    else if (!e->may_move)
        refuse_early(refusal);
    return veto >= 0 || !e->may_move;
}

/* Where a move without a destination would go if none is ready: the guards then say by name what is
 * in its way. */
static int nearest_destination(const struct failover_input *in)
{
    int first = in->active == 0 ? 1 : 0;

    for (int i = 0; i < in->n_clusters; i++) {
        if (i != in->active && !in->clusters[i].is_fenced)
            return i;
    }
    return first;
}

/* The place that cluster names, or the policy's choice for ""; -1 and *err if there is none. */
static int destination(const struct engine *e, const struct engine_group *g,
                       const struct failover_input *in, const char *cluster, enum verb verb,
                       struct err *err)
{
    int to =
        cluster[0] != '\0' ? engine_cluster_place(e, g, cluster) : failover_destination(in, verb);

    /* There already: the caller says so in its own words. */
    if (cluster[0] == '\0' && verb == VERB_FAILBACK && in->active == 0)
        return 0;
    if (to < 0 && cluster[0] != '\0')
        return err_set(err, ERR_USAGE, "group %s has no cluster %s",
                       e->deps.settings->groups[g->index].name, cluster);
    return to < 0 ? nearest_destination(in) : to;
}

static bool reply_nothing_to_do(const struct engine *e, const struct engine_group *g, int active,
                                int to, command_done *done, void *arg)
{
    struct command_result result = { .is_repeat = true };
    const struct operation *op = g->switcher == NULL ? NULL : switcher_operation(g->switcher);
    bool is_on_its_way = op != NULL && strcmp(op->to, engine_cluster_name(e, g, to)) == 0;

    if (!is_on_its_way && active != to)
        return false;
    if (!is_on_its_way && op != NULL && switcher_holds_lock(g->switcher))
        return false;
    if (is_on_its_way) {
        str_copy(result.operation, sizeof(result.operation), op->id);
        result.epoch = op->epoch;
        result.state = op->state;
    }
    str_format(result.text, sizeof(result.text), "nothing to do: %s %s %s",
               e->deps.settings->groups[g->index].name, active == to ? "is on" : "is moving to",
               engine_cluster_name(e, g, to));
    done(arg, &result);
    return true;
}

static void move(struct engine *e, struct engine_group *g, const struct command *c,
                 command_done *done, void *arg)
{
    struct switcher_order order = { .verb = c->verb,
                                    .overrides = c->overrides,
                                    .is_promoted = c->is_promoted };
    static const struct guard_result diverged = { .rule = GUARD_DIVERGED, .effect = GUARD_VETO };
    struct command_result refusal;
    struct failover_input in;
    struct err err;
    int to;

    engine_decide_input(e, g, &in);
    to = destination(e, g, &in, c->cluster, c->verb, &err);
    if (to < 0) {
        engine_reply(done, arg, EXIT_ERROR, "%s", err.text);
        return;
    }
    /* What the journal says is not what is served: there is no "already there". */
    if (in.holds[GUARD_DIVERGED]) {
        fill_veto(&diverged, c->verb, &refusal);
        done(arg, &refusal);
        return;
    }
    if (reply_nothing_to_do(e, g, in.active, to, done, arg))
        return;
    if (engine_move_is_vetoed(e, g, &in, to, c->verb, c->overrides, &refusal)) {
        done(arg, &refusal);
        return;
    }
    order.from = in.active;
    order.to = (int8_t)to;
    str_copy(order.actor, sizeof(order.actor), c->actor);
    str_copy(order.reason, sizeof(order.reason), c->reason);
    str_copy(order.request_id, sizeof(order.request_id), c->request_id);
    str_copy(order.request_digest, sizeof(order.request_digest), c->request_digest);
    if (switcher_start(e, g, &order, done, arg, &err) < 0)
        engine_reply(done, arg, EXIT_ERROR, "%s", err.text);
}

void engine_move(struct engine *e, struct engine_group *g, const struct command *c,
                 command_done *done, void *arg)
{
    if (c->verb == VERB_FAILOVER && c->reason[0] == '\0')
        engine_reply(done, arg, EXIT_ERROR, "a failover needs a reason: --reason TEXT");
    else if (c->overrides != 0 && c->reason[0] == '\0')
        engine_reply(done, arg, EXIT_ERROR, "an override needs a reason: --reason TEXT");
    else
        move(e, g, c, done, arg);
}

bool engine_preview(const struct engine *e, const struct step *step, struct preview *out,
                    preview_look *each, void *arg)
{
    struct provider *p = e->deps.providers[step->provider];
    struct step now = *step;

    if (p == NULL || p->ops->preview == NULL)
        return false;
    /* The one that an operation would get, which is not taken for a plan. */
    now.epoch = ledger_next_epoch(e->deps.ledger, e->epoch_floor);
    p->ops->preview(p, &now, out, each, arg);
    return true;
}

/* ---- acts -------------------------------------------------------------------------------------
 */

int engine_plan(const struct engine *e, const char *group, const char *to, enum verb verb,
                override_set overrides, struct plan *plan, struct target_change **changes,
                struct err *err)
{
    int index = settings_find_group(e->deps.settings, group);
    const struct engine_group *g = index < 0 ? NULL : &e->groups[index];
    struct failover_input in;
    int place;

    if (g == NULL)
        return err_set(err, ERR_USAGE, "there is no group %s", group);
    engine_decide_input(e, g, &in);
    if (in.active < 0)
        return err_set(err, ERR_USAGE,
                       "group %s is unadopted: say which cluster is active with "
                       "dnsflip adopt %s --active CLUSTER",
                       group, group);
    place = destination(e, g, &in, to, verb, err);
    if (place < 0)
        return -1;
    if (place == in.active)
        return err_set(err, ERR_USAGE, "group %s is already on %s", group,
                       engine_cluster_name(e, g, place));
    if (planning_make(e->deps.settings, (uint32_t)index, verb, (unsigned)in.active, (unsigned)place,
                      plan, changes, err) < 0)
        return -1;
    (void)ask_guards(g, &in, place, verb, overrides, plan->guards);
    return 0;
}
