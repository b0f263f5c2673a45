/* dnsflip/io/aws_retry.h -- what to do after a try of a request to AWS, pure: try again, and when,
 * or end, and with what outcome.
 *
 * A write is sent again only if it surely had no effect: no byte of it left, or the service refused
 * it.  Whatever else befell it, its outcome is unknown and it is never sent again here. */
#ifndef DNSFLIP_IO_AWS_RETRY_H
#define DNSFLIP_IO_AWS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/io/aws.h"

#define AWS_BACKOFF_BASE_MS 250 /* the longest first wait */
#define AWS_BACKOFF_CAP_MS 5000 /* the longest of all */
#define AWS_TRIES_MAX 100       /* of one call, the first included */
#define AWS_SKEW_STEP_MS 30000  /* a clock complaint is believed if the clocks differ so much */
#define AWS_SKEW_MAX_MS                                                                            \
    240000 /* more than this is corrected without a complaint: AWS bears 5 min */

/* How one try went. */
enum aws_fate {
    AWS_FATE_OK = 0,      /* 2xx */
    AWS_FATE_NOT_SENT,    /* no byte left us */
    AWS_FATE_NO_ANSWER,   /* sent in part or whole, no complete answer */
    AWS_FATE_SERVER,      /* 5xx */
    AWS_FATE_THROTTLED,   /* refused: too many requests of the account */
    AWS_FATE_BUSY,        /* refused: an earlier change of the zone is still worked on */
    AWS_FATE_CREDENTIALS, /* refused: they have expired or are not known */
    AWS_FATE_CLOCK,       /* refused: the signature or its time */
    AWS_FATE_REFUSED,     /* refused for what it asks, or a redirect */
};

/* Of an answer with this status and code ("" = none). */
enum aws_fate aws_retry_fate(int32_t status, const char *code);

/* The skew to go on with, after an answer whose Date was measured_ms ahead of our clock. */
int64_t aws_retry_skew_ms(int64_t skew_ms, int64_t measured_ms, enum aws_fate fate);

/* Of one call; zero at its start. */
struct aws_retry {
    uint32_t n_tries;
    bool has_renewed;  /* credentials were fetched anew for it */
    bool has_resigned; /* it was signed again with another skew */
};

enum aws_next_kind {
    AWS_NEXT_END = 0,
    AWS_NEXT_TRY,   /* after wait_ms */
    AWS_NEXT_RENEW, /* at once, with other credentials */
};

struct aws_next {
    enum aws_next_kind kind;
    int64_t wait_ms;          /* AWS_NEXT_TRY */
    enum aws_outcome outcome; /* AWS_NEXT_END */
    bool may_retry;           /* AWS_NEXT_END: asking again later may help */
};

/* Counts the try and says what is next.  left_ms: of the call's time; a wait that it does not cover
 * (for a write: with AWS_WRITE_LEAST_MS besides) is not begun.  has_new_skew: the answer changed
 * the skew by AWS_SKEW_STEP_MS or more. random: any 64 bits; the wait is a fraction of
 * AWS_BACKOFF_BASE_MS doubled for each try (full jitter). */
struct aws_next aws_retry_step(struct aws_retry *retry, enum aws_fate fate, bool is_write,
                               bool has_new_skew, int64_t left_ms, uint64_t random);

#endif
