#include "tests/support/fixed_credentials.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_credentials.h"
#include "dnsflip/io/loop.h"

struct fixed_credentials fixed_credentials;

struct aws_chain_call {
    struct aws_chain *chain;
    struct loop_timer *timer;
    aws_chain_done *done;
    void *arg;
};

struct aws_chain {
    struct loop *loop;
    struct aws_chain_call *call; /* io/aws asks once at a time */
};

int aws_chain_new(const struct aws_cfg *cfg, struct loop *loop, struct web *web,
                  struct aws_chain **out, struct err *err)
{
    (void)cfg;
    (void)web;
    (void)err;
    *out = mem_zalloc(sizeof **out);
    (*out)->loop = loop;
    return 0;
}

void aws_chain_cancel(struct aws_chain_call *call)
{
    call->chain->call = NULL;
    loop_timer_free(call->timer);
    mem_free(call);
}

void aws_chain_free(struct aws_chain *chain)
{
    if (chain->call != NULL)
        aws_chain_cancel(chain->call);
    mem_free(chain);
}

static void answer(void *arg)
{
    const struct aws_chain_call call = *(const struct aws_chain_call *)arg;
    struct fixed_credentials *f = &fixed_credentials;
    const size_t set = f->n_refused > 0 ? 1 : 0;

    aws_chain_cancel(arg);
    if (f->is_none) {
        struct err err = { 0 };

        err_set(&err, ERR_REMOTE, "no source has credentials");
        err.retry = f->may_retry;
        if (f->n_none_left > 0 && --f->n_none_left == 0)
            f->is_none = false;
        call.done(call.arg, NULL, &err);
        return;
    }
    struct secret *secret = secret_new(f->sets[set].secret, strlen(f->sets[set].secret));
    struct secret *token = secret_new(f->sets[set].token, strlen(f->sets[set].token));
    struct aws_credentials credentials = { .secret_key = secret,
                                           .session_token = token,
                                           .source = "a test" };
    (void)str_copy(credentials.access_key_id, sizeof credentials.access_key_id, f->sets[set].id);
    call.done(call.arg, &credentials, NULL);
    secret_free(secret);
    secret_free(token);
}

struct aws_chain_call *aws_chain_get(struct aws_chain *chain, aws_chain_done *done, void *arg)
{
    struct aws_chain_call *call = mem_zalloc(sizeof *call);

    *call = (struct aws_chain_call){ .chain = chain, .done = done, .arg = arg };
    call->timer = loop_timer_new(chain->loop, answer, call);
    if (!fixed_credentials.is_mute)
        loop_timer_set(call->timer, loop_now(chain->loop).mono);
    chain->call = call;
    fixed_credentials.n_asked++;
    return call;
}

void aws_chain_refused(struct aws_chain *chain)
{
    (void)chain;
    fixed_credentials.n_refused++;
}
