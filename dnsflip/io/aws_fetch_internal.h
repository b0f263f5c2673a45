/* dnsflip/io/aws_fetch_internal.h -- what the sources of io/aws_fetch share; nobody else includes
 * it. */
#ifndef DNSFLIP_IO_AWS_FETCH_INTERNAL_H
#define DNSFLIP_IO_AWS_FETCH_INTERNAL_H

#include "dnsflip/io/aws_fetch.h"
#include "dnsflip/io/web.h"

#define AWS_IMDS_ROLE_BYTES 129

struct exec;
struct loop_timer;

enum aws_step {
    AWS_STEP_KEYS = 0,
    AWS_STEP_PROCESS,
    AWS_STEP_IMDS_TOKEN,
    AWS_STEP_IMDS_ROLE,
    AWS_STEP_IMDS_KEYS,
    AWS_STEP_CONTAINER,
    AWS_STEP_WEB_IDENTITY,
    AWS_STEP_ROLE,
};

/* What an answer leads to. */
enum aws_verdict {
    AWS_VERDICT_NEXT = 0, /* the step is done */
    AWS_VERDICT_RETRY,    /* if a try is left */
    AWS_VERDICT_FAIL,
};

struct aws_fetch {
    const struct aws_cfg *cfg; /* borrowed, as env, loop and web */
    const struct aws_env *env;
    struct loop *loop;
    struct web *web;
    struct aws_plan *plan; /* owned */
    aws_fetch_done *done;
    void *arg;
    enum aws_step step;
    uint64_t n_tries;         /* of this step */
    struct loop_timer *timer; /* owned: the next try */
    struct web_call *call;    /* or NULL */
    struct exec *exec;        /* or NULL */
    struct aws_keys keys;     /* found so far */
    size_t n_assumed;         /* roles */
    int64_t skew_ms;          /* STS's clock is that far ahead, as it said when it refused */
    struct secret *imds_token;
    char imds_role[AWS_IMDS_ROLE_BYTES];
    struct err err; /* of the last try */
};

/* io/aws_fetch_web.c: the steps that are HTTP requests.  ERR_CONFIG and the like: no further try.
 */
__attribute__((warn_unused_result)) int aws_fetch_send(struct aws_fetch *f, web_done *done,
                                                       struct err *err);
enum aws_verdict aws_fetch_judge(struct aws_fetch *f, const struct web_answer *answer);

#endif
