/* dnsflip/engine/switcher_reload.c -- moves by reload: an operation for each group whose names get
 * other answers, and one hand-over for all of them. */
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/switcher_state.h"

int engine_retarget_check(const struct engine *e, const struct retarget_order *order,
                          struct command_result *refusal)
{
    for (size_t i = 0; i < order->n; i++) {
        const struct engine_group *g = &e->groups[order->parties[i].group];
        struct failover_input in;

        engine_decide_input(e, g, &in);
        if (engine_move_is_vetoed(e, g, &in, in.active, VERB_RELOAD, order->overrides, refusal))
            return -1;
    }
    return 0;
}

/* ---- all or none ------------------------------------------------------------------------------
 */

/* The operations that wait for the hand-over get its outcome. */
static void tell_ready(struct engine *e, enum op_event event, const char *detail)
{
    for (size_t i = 0; i < e->n_groups; i++) {
        struct switcher *s = e->groups[i].switcher;

        if (s == NULL || !s->is_ready)
            continue;
        s->is_ready = false;
        switcher_event(s, event, detail);
    }
}

static void fail(struct engine *e, const char *why)
{
    struct engine_retarget *r = &e->retarget;

    if (r->is_failed || r->is_begun)
        return;
    r->is_failed = true;
    str_copy(r->why, sizeof(r->why), why);
    e->deps.hand_over_dropped(e->deps.hand_over_arg, r->why);
    tell_ready(e, OP_EVENT_SUBMIT_FAILED, r->why);
}

void engine_retarget_start(struct engine *e, const struct retarget_order *order)
{
    e->retarget = (struct engine_retarget){ .n_waiting = (uint32_t)order->n };
    for (size_t i = 0; i < order->n; i++) {
        const struct retarget_party *party = &order->parties[i];
        struct engine_group *g = &e->groups[party->group];
        int8_t active = engine_decide_active(e, g);
        struct switcher_order one = { .verb = VERB_RELOAD,
                                      .from = active,
                                      .to = active,
                                      .overrides = order->overrides,
                                      .n_names = party->n_names,
                                      .configuration = order->configuration };
        struct err err;

        str_copy(one.actor, sizeof(one.actor), order->actor);
        str_copy(one.reason, sizeof(one.reason), order->reason);
        str_copy(one.request_id, sizeof(one.request_id), party->request_id);
        str_copy(one.request_digest, sizeof(one.request_digest), order->request_digest);
        if (switcher_start(e, g, &one, party->done, party->arg, &err) == 0)
            continue;
        e->retarget.n_waiting--;
        fail(e, err.text);
        engine_reply(party->done, party->arg, EXIT_ERROR, "%s", err.text);
    }
}

void engine_retarget_submit(struct switcher *s)
{
    struct engine *e = s->engine;
    struct engine_retarget *r = &e->retarget;

    r->n_waiting--;
    if (r->is_failed) {
        switcher_event(s, OP_EVENT_SUBMIT_FAILED, r->why);
        return;
    }
    s->is_ready = true;
    if (r->n_waiting > 0)
        return;
    r->is_begun = true;
    e->deps.hand_over(e->deps.hand_over_arg, s->op.configuration);
}

void engine_retarget_left(struct switcher *s)
{
    struct engine_retarget *r = &s->engine->retarget;
    char why[REASON_TEXT_BYTES];

    if (s->op.verb != VERB_RELOAD || s->op.is_changed || r->is_begun)
        return;
    if (!s->is_ready && r->n_waiting > 0)
        r->n_waiting--;
    s->is_ready = false;
    str_format(why, sizeof(why), "group %s: %s", s->op.group,
               s->op.detail[0] != '\0' ? s->op.detail : op_state_name(s->op.state));
    fail(s->engine, why);
}

void engine_retarget_done(struct engine *e, const struct err *err)
{
    if (!e->retarget.is_begun)
        return;
    e->retarget.is_begun = false;
    tell_ready(e, err == NULL ? OP_EVENT_SUBMITTED : OP_EVENT_SUBMIT_FAILED,
               err == NULL ? NULL : err->text);
}

/* ---- after a restart --------------------------------------------------------------------------
 */

void engine_retarget_resume(struct engine *e)
{
    e->retarget = (struct engine_retarget){ .n_waiting = 0 };
    for (size_t i = 0; i < e->n_groups; i++) {
        const struct ledger_group *known =
            ledger_find(e->deps.ledger, e->deps.settings->groups[i].name);

        if (known != NULL && known->op.verb == VERB_RELOAD && known->op.settled.ms == 0 &&
            !op_state_is_ended(known->op.state))
            e->retarget.n_waiting++;
    }
}

void engine_retarget_applied(struct engine *e)
{
    if (e->retarget.n_waiting > 0)
        e->retarget.n_waiting--;
}
