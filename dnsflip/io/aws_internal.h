/* dnsflip/io/aws_internal.h -- what the sources of io/aws share; nobody else includes it. */
#ifndef DNSFLIP_IO_AWS_INTERNAL_H
#define DNSFLIP_IO_AWS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/io/aws.h"
#include "dnsflip/io/aws_budget.h"
#include "dnsflip/io/aws_retry.h"

struct aws_chain;
struct aws_chain_call;
struct aws_credentials;
struct loop;
struct loop_timer;
struct web;
struct web_answer;
struct web_call;

#define AWS_LANES 2
#define AWS_TEXTS_MAX (8 + 2 * AWS_PARAMS_MAX) /* of one request */
#define AWS_FLIGHT_MAX 32        /* requests on their way at once; the web has room for others */
#define AWS_REFRESH_FLIGHT_MAX 8 /* refreshes that hang leave room for flips */
#define AWS_READ_TRY_MS 10000    /* a read that hangs is tried anew after that */
#define AWS_TIMEOUT_MS_MAX 3600000

/* Where a call is; each has a list of its own in struct aws. */
enum aws_stage {
    AWS_STAGE_WAITS = 0, /* for its turn, in the list of its lane; the timer is its deadline */
    AWS_STAGE_BACKS_OFF, /* until the timer, which is before its deadline */
    AWS_STAGE_FLIES,     /* web is set; the web keeps the time */
    AWS_STAGE_ENDS,      /* answer is final, told when the timer fires */
};

struct aws_list {
    struct aws_call *first, *last;
};

struct aws_call {
    struct aws *aws; /* borrowed */
    struct aws_call *prev, *next;
    enum aws_stage stage;
    struct aws_request request; /* its texts are in texts */
    char *texts[AWS_TEXTS_MAX]; /* owned */
    size_t n_texts;
    aws_done *done;
    void *arg;
    struct mono started, deadline;
    struct loop_timer *timer; /* owned */
    struct web_call *web;     /* AWS_STAGE_FLIES */
    struct aws_retry retry;
    uint32_t generation;      /* of the credentials it was signed with */
    int64_t skew_ms;          /* that it was signed with */
    struct aws_answer answer; /* of the last try, without its body */
};

struct aws {
    const struct aws_cfg *cfg;     /* borrowed */
    struct loop *loop;             /* borrowed */
    struct web *web;               /* borrowed */
    struct aws_chain *chain;       /* owned */
    struct aws_chain_call *asking; /* for the credentials of whoever is first when they come */
    struct aws_list waiting[AWS_LANES], others;
    uint32_t n_waiting, n_backing_off, n_flying;
    struct aws_budget budget;
    struct loop_timer *turn; /* owned; when the next may leave */
    uint32_t generation;     /* of credentials: counts those that were refused */
    int64_t skew_ms;
    uint64_t sent, throttled;
};

/* aws.c: the stages of a call. */

/* Into the list of a stage; a call that waits comes before those that wait already. */
void aws_call_move(struct aws_call *call, enum aws_stage stage);
/* Tells the caller and frees the call: the last thing that is done with it. */
void aws_call_finish(struct aws_call *call, const struct aws_answer *answer);
/* Again: at once or later, as next says. */
void aws_call_again(struct aws_call *call, int64_t wait_ms);
int64_t aws_call_left_ms(const struct aws_call *call);

/* aws_try.c: one try. */

/* Signs and sends. */
void aws_try_send(struct aws_call *call, const struct aws_credentials *credentials);
/* The try ended before anything was sent; err says why. */
void aws_try_not_sent(struct aws_call *call, const struct err *err);

#endif
