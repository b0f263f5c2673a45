/* dnsflip/io/aws.h -- signed requests to AWS services: credentials, signature, clock skew, request
 * budget (io/aws_budget.h has its rules), and patience with throttling. */
#ifndef DNSFLIP_IO_AWS_H
#define DNSFLIP_IO_AWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/model/aws_cfg.h"

struct io;
struct aws;
struct aws_call;

#define AWS_PARAMS_MAX 8
#define AWS_CODE_BYTES 96
#define AWS_QUEUE_MAX 4096      /* calls that wait for their turn; one more is refused */
#define AWS_WRITE_LEAST_MS 1000 /* a write is not sent with less time left for its answer */
#define AWS_FLIP_PER_S 5
#define AWS_FLIP_BURST 20
#define AWS_REFRESH_PER_S 2

/* Who goes first when the budget is spent: a waiting flip always does. */
enum aws_lane { AWS_LANE_FLIP = 0, AWS_LANE_REFRESH };

struct aws_param {
    const char *name, *value; /* not encoded yet */
};

struct aws_request {
    const char *service; /* of the scope: "route53", "route53-recovery-cluster", ... */
    const char *region;  /* of the scope */
    const char *url;     /* scheme and authority only: "https://route53.amazonaws.com" */
    const char *method, *path;
    struct aws_param params[AWS_PARAMS_MAX];
    size_t n_params;
    const char *content_type; /* "" = no body */
    const char *target;       /* X-Amz-Target; "" = none */
    const char *body;         /* NULL = none */
    size_t body_bytes;
    enum aws_lane lane;
    bool is_write;      /* an unknown outcome is the caller's to look into: never sent twice */
    int64_t timeout_ms; /* from aws_start to the end, all waiting and trying again included; of a
                           write at least 2 * AWS_WRITE_LEAST_MS */
    size_t answer_max_bytes;
};

enum aws_outcome {
    AWS_OK = 0,  /* 2xx */
    AWS_REFUSED, /* the service said no: code and err say why; nothing was done */
    AWS_FAILED,  /* it surely had no effect: not sent, no credentials, budget, throttled to the end
                  */
    AWS_UNKNOWN, /* a write that may have had its effect: no answer, or a 5xx */
};

/* Borrowed by done while it runs. */
struct aws_answer {
    enum aws_outcome outcome;
    int32_t status;
    const char *body;
    size_t body_bytes;
    char code[AWS_CODE_BYTES]; /* of the service's error: "InvalidChangeBatch"; "" = none */
    struct err err;            /* not AWS_OK; retry set if asking again later may help */
};

typedef void aws_done(void *arg, const struct aws_answer *answer);

/* cfg and io are borrowed until aws_free.  One aws per credentials: its budget is theirs. */
__attribute__((warn_unused_result)) int aws_new(const struct aws_cfg *cfg, struct io *io,
                                                struct aws **out, struct err *err);
/* Ends all calls without callbacks.  NULL does nothing; not from inside a done. */
void aws_free(struct aws *aws);

/* request is copied.  done runs exactly once, never before this returned, unless cancelled.  A
 * call that was cancelled after it was sent may have had its effect. */
struct aws_call *aws_start(struct aws *aws, const struct aws_request *request, aws_done *done,
                           void *arg);
void aws_cancel(struct aws_call *call);

/* scheme and authority, region and service of the scope for the Route 53 API under cfg. */
struct aws_scope {
    char url[AWS_URL_BYTES];
    char region[AWS_REGION_BYTES];
};
void aws_route53_scope(const struct aws_cfg *cfg, struct aws_scope *out);

/* What is wrong with cfg: an endpoint of another form, FIPS where AWS has none.  NULL = nothing. */
const char *aws_cfg_problem(const struct aws_cfg *cfg);

/* Where "HOST" or "HOST:PORT" begins in a URL of scheme and authority alone; NULL if it is another
 * text. */
const char *aws_authority(const char *url);

/* For people and metrics: what the budget allows now, and how far the service's clock is ahead. */
struct aws_state {
    uint32_t flip_tokens, refresh_tokens, n_waiting;
    int64_t skew_ms;
    uint64_t sent, throttled;
};
void aws_state(const struct aws *aws, struct aws_state *out);

#endif
