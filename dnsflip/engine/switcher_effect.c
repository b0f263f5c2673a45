/* dnsflip/engine/switcher_effect.c -- what the operation machine asks for, done: each effect's
 * outcome comes back as an event. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/engine/switcher_state.h"
#include "dnsflip/engine/verify.h"
#include "dnsflip/io/loop.h"

/* A partial operation submits or settles again so often. */
#define PARTIAL_RETRY_MS INT64_C(5000)

static struct provider *provider_of(const struct switcher *s)
{
    return s->engine->deps.providers[s->plan.steps[s->op.step].provider];
}

static void on_found(void *arg, enum found found, const char *detail)
{
    struct switcher *s = arg;

    s->call = NULL;
    switch (found) {
    case FOUND_APPLIED:
        if (!s->op.is_changed && s->op.has_hook && !s->op.is_promote_interrupted)
            engine_record_alarm(s->engine, s->op.group, "flipped-unpromoted",
                                "the records are changed, though the promote hook had not begun");
        switcher_event(s, OP_EVENT_FOUND_APPLIED, NULL);
        return;
    case FOUND_PARTIAL:
        switcher_event(s, OP_EVENT_FOUND_PARTIAL, NULL);
        return;
    case FOUND_NOT_APPLIED:
        switcher_event(s, OP_EVENT_FOUND_NOT_APPLIED, NULL);
        return;
    case FOUND_OTHER:
        switcher_event(s, OP_EVENT_FOUND_OTHER, detail);
        return;
    case FOUND_UNREADABLE:
        loop_timer_set(s->retry, mono_add(switcher_now(s).mono, PARTIAL_RETRY_MS));
        return;
    }
}

/* A reload is applied where its settings are those in use. */
static void find_reload(struct switcher *s)
{
    if (strcmp(s->engine->deps.settings->digest, s->op.configuration) != 0) {
        switcher_event(s, OP_EVENT_FOUND_NOT_APPLIED, NULL);
        return;
    }
    s->is_followed = true;
    engine_retarget_applied(s->engine);
    switcher_event(s, OP_EVENT_FOUND_APPLIED, NULL);
}

static void find(struct switcher *s)
{
    struct provider *p = provider_of(s);

    if (s->op.verb == VERB_RELOAD) {
        find_reload(s);
        return;
    }
    s->call = p->ops->find(p, &s->plan.steps[s->op.step], on_found, s);
}

/* What was changed before counts as long as there is room to remember it. */
static void add_token(struct switcher *s, const char *token)
{
    char *all = s->op.token;
    size_t n = strlen(all);

    if (token[0] == '\0')
        return;
    if (n + 1 + strlen(token) < sizeof(s->op.token))
        str_format(all + n, sizeof(s->op.token) - n, "%s%s", n > 0 ? " " : "", token);
    else
        str_copy(all, sizeof(s->op.token), token);
}

static void on_submitted(void *arg, const char *token, const struct err *err)
{
    struct switcher *s = arg;
    enum op_event event = OP_EVENT_SUBMIT_FAILED;

    s->call = NULL;
    if (token != NULL)
        add_token(s, token);
    if (err == NULL) {
        switcher_event(s, OP_EVENT_SUBMITTED, NULL);
        return;
    }
    if (token != NULL)
        event = OP_EVENT_SUBMIT_PARTIAL;
    else if (err->code == ERR_DENIED)
        event = OP_EVENT_SUBMIT_DENIED;
    else if (err->code == ERR_CONFLICT)
        event = OP_EVENT_SUBMIT_CONFLICT;
    switcher_event(s, event, err->text);
    if (s->op.state == OP_PARTIAL && s->call == NULL)
        loop_timer_set(s->retry, mono_add(switcher_now(s).mono, PARTIAL_RETRY_MS));
}

static void submit(struct switcher *s)
{
    struct provider *p = provider_of(s);

    if (s->op.verb == VERB_RELOAD) {
        engine_retarget_submit(s);
        return;
    }
    s->call = p->ops->submit(p, &s->plan.steps[s->op.step], on_submitted, s);
}

static void settle(struct switcher *s);

static void on_settled(void *arg, const struct err *err)
{
    struct switcher *s = arg;

    s->call = NULL;
    if (err != NULL) {
        str_copy(s->op.detail, sizeof(s->op.detail), err->text);
        loop_timer_set(s->retry, mono_add(switcher_now(s).mono, PARTIAL_RETRY_MS));
        return;
    }
    s->n_settled++;
    if (s->n_settled < s->plan.n_steps)
        settle(s);
    else
        switcher_event(s, OP_EVENT_SETTLED, NULL);
}

/* One step after the other. */
static void settle(struct switcher *s)
{
    const struct step *step = &s->plan.steps[s->n_settled];
    struct provider *p = s->engine->deps.providers[step->provider];

    s->call = p->ops->settle(p, step, s->op.token, on_settled, s);
}

static void on_verified(void *arg, uint32_t verified, uint32_t asked, bool is_done,
                        const char *laggards)
{
    struct switcher *s = arg;
    struct journal_entry entry = { .kind = ENTRY_STEP, .state = OP_VERIFYING };
    char words[REASON_TEXT_BYTES];

    s->op.verified = verified;
    s->op.asked = asked;
    str_copy(s->laggards, sizeof(s->laggards), laggards);
    str_copy(entry.group, sizeof(entry.group), s->op.group);
    str_copy(entry.operation, sizeof(entry.operation), s->op.id);
    entry.time = switcher_now(s).wall;
    entry.names = asked;
    entry.step = verified;
    engine_record_tell(s->engine, &entry);
    if (!is_done)
        return;
    str_format(words, sizeof(words), "%u of %u answers are the plan's, %lld ms after the change%s",
               verified, asked, (long long)(switcher_now(s).wall.ms - s->op.changed.ms),
               asked == 0 ? ": no name server was asked, none is known" : "");
    switcher_event(s, OP_EVENT_VERIFIED, words);
}

static void on_hook(void *arg, bool ok, const char *detail)
{
    struct switcher *s = arg;

    s->has_hook_running = false;
    switcher_event(s, ok ? OP_EVENT_HOOK_OK : OP_EVENT_HOOK_FAILED, ok ? NULL : detail);
}

static void on_proof(void *arg, bool ok, const char *detail)
{
    struct switcher *s = arg;

    s->has_hook_running = false;
    switcher_event(s, ok ? OP_EVENT_PROOF_OK : OP_EVENT_PROOF_FAILED, ok ? NULL : detail);
}

/* Not knowing whether a hook runs is no leave to run another one. */
static void on_hook_lock(void *arg, bool ok, const char *detail)
{
    struct switcher *s = arg;

    s->has_hook_running = false;
    if (ok) {
        switcher_event(s, OP_EVENT_HOOK_LOCK_FREE, NULL);
        return;
    }
    str_copy(s->op.detail, sizeof(s->op.detail), detail);
    loop_timer_set(s->retry, mono_add(switcher_now(s).mono, PARTIAL_RETRY_MS));
}

static void wait_for_lock(struct switcher *s)
{
    s->has_hook_running = true;
    hooks_wait_lock(s->engine->deps.hooks, &switcher_group_cfg(s)->promotion, &s->op, on_hook_lock,
                    s);
}

/* A hook starts only when the journal says that it has begun: a restart must know. */
static void on_hook_recorded(void *arg, bool ok, const struct err *err)
{
    struct switcher_wait *wait = arg;
    struct switcher *s = wait->switcher;
    enum op_state state = wait->state;

    mem_free(wait);
    if (s == NULL)
        return;
    s->wait = NULL;
    loop_timer_clear(s->retry);
    if (s->op.state != state)
        return;
    if (!ok) {
        switcher_event(s, OP_EVENT_HOOK_FAILED, err->text);
        return;
    }
    s->has_hook_running = true;
    hooks_run(s->engine->deps.hooks, state == OP_FENCING ? HOOK_FENCE : HOOK_PROMOTE,
              &switcher_group_cfg(s)->promotion, &s->op, on_hook, s);
}

static void run_hook(struct switcher *s)
{
    s->wait = mem_zalloc(sizeof(*s->wait));
    *s->wait = (struct switcher_wait){ .switcher = s, .state = s->op.state };
    switcher_record_step(s, "the hook begins", on_hook_recorded, s->wait);
    loop_timer_set(s->retry, mono_add(switcher_now(s).mono, OP_DURABLE_MS));
}

/* A hook that begins when the disk comes back, perhaps an hour later, is not what was asked for. */
static void hook_unrecorded(struct switcher *s)
{
    s->wait->switcher = NULL;
    s->wait = NULL;
    switcher_event(s, OP_EVENT_HOOK_FAILED,
                   "the journal could not make its begin durable in time: it did not run");
}

/* What was read before the flip is no longer live, and verification may last. */
static void read_again(struct switcher *s)
{
    s->group->is_read = false;
    engine_read_live(s->engine, s->group);
}

void switcher_effect(struct switcher *s, enum op_effect effect)
{
    const struct promotion_cfg *promotion = &switcher_group_cfg(s)->promotion;

    switch (effect) {
    case OP_EFFECT_NONE:
        return;
    case OP_EFFECT_FIND:
        find(s);
        return;
    case OP_EFFECT_WAIT_HOOK:
        wait_for_lock(s);
        return;
    case OP_EFFECT_FENCE:
    case OP_EFFECT_PROMOTE:
        run_hook(s);
        return;
    case OP_EFFECT_PROVE:
        s->has_hook_running = true;
        hooks_prove(s->engine->deps.hooks, promotion, &s->op,
                    s->op.is_promote_interrupted ? 0 : promotion->timeout_ms, on_proof, s);
        return;
    case OP_EFFECT_SUBMIT:
        submit(s);
        return;
    case OP_EFFECT_SETTLE:
        settle(s);
        return;
    case OP_EFFECT_VERIFY:
        /* What a reload must answer is not known here before the engine follows it. */
        if (s->op.verb == VERB_RELOAD && !s->is_followed)
            return;
        read_again(s);
        s->verify =
            verify_start(s->engine->deps.io, s->engine->deps.settings, &s->plan, s->changes,
                         s->engine->deps.providers, s->engine->deps.secondaries, on_verified, s);
        return;
    case OP_EFFECT_END:
        switcher_finish(s);
        return;
    }
}

void switcher_effect_retry(void *arg)
{
    struct switcher *s = arg;

    if (s->call != NULL)
        return;
    if (s->wait != NULL)
        hook_unrecorded(s);
    else if (s->op.state == OP_WAITING)
        wait_for_lock(s);
    else if (s->op.state == OP_FINDING)
        find(s);
    else if (s->op.step < s->op.n_steps)
        submit(s);
    else
        settle(s);
}
