#include "dnsflip/engine/switcher.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/engine/planning.h"
#include "dnsflip/engine/switcher_state.h"
#include "dnsflip/engine/verify.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "policies/operation.h"

const struct group_cfg *switcher_group_cfg(const struct switcher *s)
{
    return &s->engine->deps.settings->groups[s->group->index];
}

struct instant switcher_now(const struct switcher *s)
{
    return loop_now(s->engine->deps.loop);
}

/* ---- telling whoever asked ------------------------------------------------------------------ */

static void answer(struct switcher *s, int exit)
{
    static const char forced[] =
        " without the journal: the overflow file keeps it until the journal can be written";
    struct command_result result = { .exit = exit, .epoch = s->op.epoch, .state = s->op.state };
    command_done *done = s->done;

    if (done == NULL)
        return;
    s->done = NULL;
    str_copy(result.operation, sizeof(result.operation), s->op.id);
    if (exit == 0 && s->op.verb == VERB_RELOAD)
        str_format(result.text, sizeof(result.text),
                   "reload %s: other answers of %s for %u name%s: accepted%s", s->op.group,
                   s->op.to, s->op.n_names, s->op.n_names == 1 ? "" : "s",
                   s->op.is_forced ? forced : "");
    else if (exit == 0)
        str_format(result.text, sizeof(result.text), "%s %s: %s -> %s accepted%s",
                   verb_name(s->op.verb), s->op.group, s->op.from, s->op.to,
                   s->op.is_forced ? forced : "");
    else
        str_copy(result.text, sizeof(result.text), s->op.detail);
    done(s->done_arg, &result);
}

/* ---- one step of the machine ------------------------------------------------------------------
 */

static void arm(struct switcher *s)
{
    if (s->op.deadline.ms == INT64_MAX)
        loop_timer_clear(s->deadline);
    else
        loop_timer_set(s->deadline, s->op.deadline);
}

static void drop_calls(struct switcher *s)
{
    if (s->call != NULL)
        s->call->ops->cancel(s->call);
    s->call = NULL;
    s->n_settled = 0;
    verify_cancel(s->verify);
    s->verify = NULL;
    loop_timer_clear(s->retry);
}

/* Everything in flight was for the state that was left. */
static void drop_effects(struct switcher *s)
{
    drop_calls(s);
    if (s->engine->deps.hooks != NULL && s->has_hook_running)
        hooks_cancel(s->engine->deps.hooks, s->op.id);
    s->has_hook_running = false;
}

void switcher_finish(struct switcher *s)
{
    struct engine *e = s->engine;
    struct engine_group *g = s->group;
    bool is_hook_trouble = s->op.state == OP_FAILED || s->op.state == OP_ATTENTION;

    switcher_record_outcome(s);
    if (s->op.verb == VERB_AUTO && is_hook_trouble)
        g->retry_at = mono_add(switcher_now(s).mono, ENGINE_RETRY_MS);
    if (s->op.verb == VERB_AUTO && s->op.state == OP_REFUSED)
        g->retry_at = mono_add(switcher_now(s).mono, ENGINE_RETRY_REFUSED_MS);
    answer(s, s->op.state == OP_DONE ? 0 : 1);
    engine_retarget_left(s);
    g->switcher = NULL;
    /* What was read before it is no longer what is live. */
    g->is_read = false;
    engine_read_live(e, g);
    engine_decide_mark(e, g->index);
    switcher_free(s);
}

/* The journal did not take the intent in time, but somebody said by name that the move is to be
 * made all the same: true while the overflow file is asked. */
static bool asks_overflow(struct switcher *s, enum op_event event)
{
    if (s->op.state != OP_RECORDING || (s->op.overrides & OVERRIDE_DURABILITY) == 0)
        return false;
    if (s->forced == NULL && !s->has_tried_overflow &&
        (event == OP_EVENT_NOT_DURABLE || event == OP_EVENT_DEADLINE)) {
        s->op.deadline = mono_add(switcher_now(s).mono, OP_DURABLE_MS);
        arm(s);
        switcher_record_overflow(s);
        return true;
    }
    /* It hangs too. */
    if (event == OP_EVENT_DEADLINE)
        s->op.overrides &= ~OVERRIDE_DURABILITY;
    /* The journal says no while the overflow file has not said yes yet. */
    return event == OP_EVENT_NOT_DURABLE && s->forced != NULL;
}

void switcher_event(struct switcher *s, enum op_event event, const char *detail)
{
    struct operation before = s->op;
    struct operation_result next;

    if (asks_overflow(s, event))
        return;
    next = operation_step(s->op, event, switcher_now(s));
    s->op = next.op;
    if (detail != NULL && detail[0] != '\0' &&
        (op_state_is_ended(s->op.state) || s->op.state != before.state))
        switcher_add_detail(s, detail);
    if (s->op.state != before.state)
        drop_effects(s);
    arm(s);
    if (s->op.is_forced && !before.is_forced)
        engine_record_alarm(s->engine, s->op.group, "without-journal",
                            "an operation goes on though the journal cannot be written: the "
                            "overflow file keeps it");
    switcher_record_progress(s, &before);
    engine_decide_mark(s->engine, s->group->index);
    if (before.state == OP_RECORDING && !op_state_is_ended(s->op.state))
        answer(s, 0);
    switcher_effect(s, next.effect);
}

static void on_deadline(void *arg)
{
    struct switcher *s = arg;

    switcher_event(s, OP_EVENT_DEADLINE, s->op.state == OP_VERIFYING ? s->laggards : NULL);
}

/* ---- life
 * ----------------------------------------------------------------------------------------- */

static struct switcher *switcher_new(struct engine *e, struct engine_group *g)
{
    struct switcher *s = mem_zalloc(sizeof(*s));

    s->engine = e;
    s->group = g;
    s->deadline = loop_timer_new(e->deps.loop, on_deadline, s);
    s->retry = loop_timer_new(e->deps.loop, switcher_effect_retry, s);
    return s;
}

void switcher_free(struct switcher *s)
{
    if (s == NULL)
        return;
    /* A hook that runs goes on, as it would if we were killed: the next judge waits for its lock.
     */
    drop_calls(s);
    if (s->wait != NULL)
        s->wait->switcher = NULL;
    if (s->intent != NULL)
        s->intent->switcher = NULL;
    if (s->forced != NULL)
        s->forced->switcher = NULL;
    loop_timer_free(s->deadline);
    loop_timer_free(s->retry);
    mem_free(s->changes);
    loop_defer_free(s->engine->deps.loop, s);
}

static int make_plan(struct switcher *s, enum verb verb, int from, int to, struct err *err)
{
    if (planning_make(s->engine->deps.settings, s->group->index, verb, (unsigned)from, (unsigned)to,
                      &s->plan, &s->changes, err) < 0)
        return -1;
    for (unsigned i = 0; i < s->plan.n_steps; i++)
        s->plan.steps[i].epoch = s->op.epoch;
    return 0;
}

static void fill_operation(struct switcher *s, const struct switcher_order *order)
{
    const struct promotion_cfg *promotion = &switcher_group_cfg(s)->promotion;
    struct operation *op = &s->op;
    bool promotes = promotion->is_set && (order->overrides & OVERRIDE_PROMOTION) == 0 &&
                    order->verb != VERB_RELOAD;
    int64_t life_ms = OP_PLAN_OPERATOR_MS;

    str_format(op->id, sizeof(op->id), "op-%u", op->epoch);
    str_copy(op->group, sizeof(op->group), switcher_group_cfg(s)->name);
    str_copy(op->from, sizeof(op->from), engine_cluster_name(s->engine, s->group, order->from));
    str_copy(op->to, sizeof(op->to), engine_cluster_name(s->engine, s->group, order->to));
    op->verb = order->verb;
    op->overrides = order->overrides;
    op->has_fence = promotes && promotion->fence.n_argv > 0 && !order->is_promoted;
    op->has_hook = promotes && promotion->command.n_argv > 0 && !order->is_promoted;
    op->has_proof = promotes && promotion->proof.kind[0] != '\0';
    op->hook_timeout_ms = promotion->timeout_ms;
    if (order->verb == VERB_AUTO)
        life_ms =
            OP_PLAN_AUTO_MS + op->hook_timeout_ms * (op->has_fence + op->has_hook + op->has_proof);
    op->expires.ms = switcher_now(s).wall.ms + life_ms;
    str_copy(op->actor, sizeof(op->actor), order->actor);
    str_copy(op->reason, sizeof(op->reason), order->reason);
    str_copy(op->request_id, sizeof(op->request_id), order->request_id);
    if (order->configuration != NULL)
        str_copy(op->configuration, sizeof(op->configuration), order->configuration);
    op->n_names = order->n_names;
}

static void take_plan(struct switcher *s)
{
    /* One hand-over is a reload's only step, whatever the group's providers. */
    s->op.n_steps = s->op.verb == VERB_RELOAD ? 1 : s->plan.n_steps;
    if (s->op.verb != VERB_RELOAD)
        s->op.n_names = s->plan.n_names;
    s->op.submit_ms = OP_SUBMIT_MS;
    s->op.settle_ms = 0;
    for (unsigned i = 0; i < s->plan.n_steps; i++) {
        const struct provider_ops *ops = s->engine->deps.providers[s->plan.steps[i].provider]->ops;

        s->plan.steps[i].takes_foreign = (s->op.overrides & OVERRIDE_FOREIGN_OWNER) != 0;
        if (ops->submit_ms > s->op.submit_ms)
            s->op.submit_ms = ops->submit_ms;
        if (ops->settle_ms > s->op.settle_ms)
            s->op.settle_ms = ops->settle_ms;
    }
}

int switcher_start(struct engine *e, struct engine_group *g, const struct switcher_order *order,
                   command_done *done, void *arg, struct err *err)
{
    struct switcher *s = switcher_new(e, g);

    s->op.epoch = engine_next_epoch(e);
    if (make_plan(s, order->verb, order->from, order->to, err) < 0) {
        switcher_free(s);
        return -1;
    }
    if (g->switcher != NULL)
        switcher_event(g->switcher, OP_EVENT_SUPERSEDE, NULL);
    assert(g->switcher == NULL);
    g->switcher = s;
    fill_operation(s, order);
    take_plan(s);
    s->done = done;
    s->done_arg = arg;
    s->op = operation_start(s->op, switcher_now(s)).op;
    arm(s);
    switcher_record_intent(s, order->request_digest);
    return 0;
}

/* What the operation still has to do with a promotion that the configuration no longer has. */
static bool lacks_promotion(const struct switcher *s)
{
    const struct promotion_cfg *promotion = &switcher_group_cfg(s)->promotion;

    return !s->op.is_changed && ((s->op.has_fence && promotion->fence.n_argv == 0) ||
                                 (s->op.has_hook && promotion->command.n_argv == 0) ||
                                 (s->op.has_proof && promotion->proof.kind[0] == '\0'));
}

void switcher_resume(struct engine *e, struct engine_group *g, const struct operation *op)
{
    int from = engine_cluster_place(e, g, op->from), to = engine_cluster_place(e, g, op->to);
    struct switcher *s = switcher_new(e, g);
    struct operation_result next;
    struct err err;
    int result;

    s->op = *op;
    /* One that came from the overflow file goes on there. */
    s->is_intent_durable = !op->is_forced;
    s->is_forced_durable = op->is_forced;
    g->switcher = s;
    s->op.hook_timeout_ms = switcher_group_cfg(s)->promotion.timeout_ms;
    if (from < 0 || to < 0)
        result =
            err_set(&err, ERR_CONFLICT, "the configuration no longer has cluster %s in the group",
                    from < 0 ? op->from : op->to);
    else if (lacks_promotion(s))
        result = err_set(&err, ERR_CONFLICT,
                         "the configuration no longer has the promotion that it began with");
    else
        result = make_plan(s, op->verb, from, to, &err);
    if (result < 0) {
        s->op.state = OP_ATTENTION;
        s->op.ended = switcher_now(s).wall;
        str_copy(s->op.detail, sizeof(s->op.detail), err.text);
        switcher_finish(s);
        return;
    }
    take_plan(s);
    s->is_followed = s->op.settled.ms != 0;
    next = operation_resume(s->op, switcher_now(s));
    s->op = next.op;
    arm(s);
    switcher_effect(s, next.effect);
}

void switcher_rebind(struct switcher *s, struct engine_group *g)
{
    struct engine *e = s->engine;
    int from = engine_cluster_place(e, g, s->op.from), to = engine_cluster_place(e, g, s->op.to);
    struct err err = { .text = "a reload took a cluster out of the group" };

    assert(s->op.state == OP_VERIFYING);
    s->group = g;
    s->is_followed = true;
    g->switcher = s;
    drop_effects(s);
    mem_free(s->changes);
    s->changes = NULL;
    if (from < 0 || to < 0 || make_plan(s, s->op.verb, from, to, &err) < 0) {
        switcher_event(s, OP_EVENT_DEADLINE, err.text);
        return;
    }
    switcher_effect(s, OP_EFFECT_VERIFY);
}

void switcher_orphan(struct switcher *s)
{
    assert(s->op.state == OP_VERIFYING);
    /* A reload that was to take it away has done so. */
    switcher_event(s, s->op.verb == VERB_RELOAD ? OP_EVENT_VERIFIED : OP_EVENT_DEADLINE,
                   "a reload took the group out of the configuration");
}

int switcher_cancel(struct switcher *s, const char *actor, struct err *err)
{
    char detail[REASON_TEXT_BYTES];

    if (s->op.state == OP_VERIFYING)
        return err_set(err, ERR_CONFLICT,
                       "operation %s has settled: nothing is left to cancel; move the group back "
                       "with another operation",
                       s->op.id);
    str_format(detail, sizeof(detail), "by %s", actor);
    switcher_event(s, OP_EVENT_CANCEL, detail);
    return 0;
}

int switcher_retry(struct switcher *s, struct err *err)
{
    if (s->op.state != OP_PARTIAL)
        return err_set(err, ERR_CONFLICT, "operation %s is %s, not partial: nothing to resume",
                       s->op.id, op_state_name(s->op.state));
    loop_timer_set(s->retry, switcher_now(s).mono);
    return 0;
}

bool switcher_holds_lock(const struct switcher *s)
{
    return op_state_holds_lock(s->op.state);
}

const struct operation *switcher_operation(const struct switcher *s)
{
    return &s->op;
}
