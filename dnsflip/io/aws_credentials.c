#include "dnsflip/io/aws_credentials.h"

#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_env.h"
#include "dnsflip/io/aws_fetch.h"
#include "dnsflip/io/aws_profile.h"
#include "dnsflip/io/aws_refresh.h"
#include "dnsflip/io/loop.h"

/* What a call waits for. */
enum stage { STAGE_NEW = 0, STAGE_SOURCE, STAGE_KEYS, STAGE_ERR };

struct aws_chain_call {
    struct aws_chain *chain; /* borrowed */
    aws_chain_done *done;
    void *arg;
    enum stage stage;
    struct aws_chain_call *prev, *next;
};

struct aws_chain {
    const struct aws_cfg *cfg; /* borrowed, as loop and web */
    struct loop *loop;
    struct web *web;
    struct aws_env env;
    struct aws_refresh_state state;
    struct aws_keys keys; /* if the state has them */
    char source[AWS_SOURCE_BYTES];
    struct err err;                      /* of the last try that failed */
    struct aws_fetch *fetch;             /* owned; in flight, or NULL */
    struct aws_chain_call *first, *last; /* in the order they came */
    struct loop_timer *soon;             /* owned */
};

static void call_free(struct aws_chain_call *call)
{
    struct aws_chain *chain = call->chain;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        chain->first = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    else
        chain->last = call->prev;
    mem_free(call);
}

/* Answers every call that is to be answered.  A callback may ask again, or cancel others. */
static void deliver(struct aws_chain *chain)
{
    struct aws_chain_call *call = chain->first;
    while (call != NULL) {
        if (call->stage != STAGE_KEYS && call->stage != STAGE_ERR) {
            call = call->next;
            continue;
        }
        bool has_keys = call->stage == STAGE_KEYS;
        aws_chain_done *done = call->done;
        void *arg = call->arg;
        call_free(call);
        struct aws_credentials credentials = { .secret_key = chain->keys.secret_key,
                                               .session_token = chain->keys.session_token,
                                               .expires = chain->keys.expires,
                                               .source = chain->source };
        str_copy(credentials.access_key_id, sizeof credentials.access_key_id,
                 chain->keys.access_key_id);
        done(arg, has_keys ? &credentials : NULL, &chain->err);
        call = chain->first;
    }
}

static void move_calls(struct aws_chain *chain, enum stage from, enum stage to)
{
    for (struct aws_chain_call *call = chain->first; call != NULL; call = call->next) {
        if (call->stage == from)
            call->stage = to;
    }
}

/* The source gave nothing: what is known is used until it expires. */
static void failed(struct aws_chain *chain, const struct err *err)
{
    struct instant now = loop_now(chain->loop);
    chain->err = *err;
    chain->err.retry = true;
    chain->state = aws_refresh_failed(chain->state, now);
    move_calls(chain, STAGE_SOURCE,
               aws_refresh_is_usable(&chain->state, now) ? STAGE_KEYS : STAGE_ERR);
}

static void on_fetched(void *arg, struct aws_keys *keys, const char *source, const struct err *err)
{
    struct aws_chain *chain = arg;
    chain->fetch = NULL;
    if (keys == NULL) {
        failed(chain, err);
    } else {
        aws_keys_fini(&chain->keys);
        chain->keys = *keys;
        chain->state = aws_refresh_found(keys->expires);
        str_copy(chain->source, sizeof chain->source, source);
        move_calls(chain, STAGE_SOURCE, STAGE_KEYS);
    }
    deliver(chain);
}

/* Files are read each time: keys that were rotated there count from now on. */
static void ask(struct aws_chain *chain)
{
    struct aws_profiles *profiles = NULL;
    struct aws_plan *plan = NULL;
    struct err err = { 0 };
    if (chain->fetch != NULL)
        return;
    int rc = aws_env_profiles(&chain->env, &profiles, &err);
    if (rc == 0)
        rc = aws_plan_new(chain->cfg, &chain->env, profiles, &plan, &err);
    aws_profiles_free(profiles);
    if (rc == 0)
        chain->fetch = aws_fetch_start(chain->cfg, &chain->env, chain->loop, chain->web, plan,
                                       on_fetched, chain);
    else
        failed(chain, &err);
}

static void on_soon(void *arg)
{
    struct aws_chain *chain = arg;
    switch (aws_refresh_decide(&chain->state, loop_now(chain->loop))) {
    case AWS_REFRESH_USE:
        move_calls(chain, STAGE_NEW, STAGE_KEYS);
        break;
    case AWS_REFRESH_USE_AND_ASK:
        move_calls(chain, STAGE_NEW, STAGE_KEYS);
        ask(chain);
        break;
    case AWS_REFRESH_WAIT:
        move_calls(chain, STAGE_NEW, STAGE_SOURCE);
        ask(chain);
        break;
    case AWS_REFRESH_FAIL:
        move_calls(chain, STAGE_NEW, STAGE_ERR);
        break;
    }
    deliver(chain);
}

int aws_chain_new(const struct aws_cfg *cfg, struct loop *loop, struct web *web,
                  struct aws_chain **out, struct err *err)
{
    (void)err; /* nothing that can fail is done before the first call */
    struct aws_chain *chain = mem_zalloc(sizeof *chain);
    *chain = (struct aws_chain){ .cfg = cfg, .loop = loop, .web = web };
    aws_env_init(&chain->env, environ);
    chain->soon = loop_timer_new(loop, on_soon, chain);
    *out = chain;
    return 0;
}

void aws_chain_free(struct aws_chain *chain)
{
    if (chain == NULL)
        return;
    while (chain->first != NULL)
        call_free(chain->first);
    aws_fetch_cancel(chain->fetch);
    loop_timer_free(chain->soon);
    aws_keys_fini(&chain->keys);
    aws_env_fini(&chain->env);
    mem_free(chain);
}

struct aws_chain_call *aws_chain_get(struct aws_chain *chain, aws_chain_done *done, void *arg)
{
    struct aws_chain_call *call = mem_zalloc(sizeof *call);
    *call =
        (struct aws_chain_call){ .chain = chain, .done = done, .arg = arg, .prev = chain->last };
    if (chain->last != NULL)
        chain->last->next = call;
    else
        chain->first = call;
    chain->last = call;
    loop_timer_set(chain->soon, loop_now(chain->loop).mono);
    return call;
}

void aws_chain_cancel(struct aws_chain_call *call)
{
    call_free(call);
}

void aws_chain_refused(struct aws_chain *chain)
{
    chain->state.is_refused = true;
}
