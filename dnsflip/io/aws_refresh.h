/* dnsflip/io/aws_refresh.h -- when credentials are asked for again: pure, no clock. */
#ifndef DNSFLIP_IO_AWS_REFRESH_H
#define DNSFLIP_IO_AWS_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/wall.h"

#define AWS_ADVISORY_MS INT64_C(900000)  /* before expiry the source is asked beside using them */
#define AWS_MANDATORY_MS INT64_C(600000) /* before expiry it is waited for */
#define AWS_PAUSE_FIRST_MS INT64_C(1000) /* after a failed try; doubled with each further one */
#define AWS_PAUSE_MAX_MS INT64_C(60000)
#define AWS_EXTEND_MIN_MS INT64_C(120000) /* jitter of aws_refresh_extend */
#define AWS_EXTEND_MAX_MS INT64_C(600000)
#define AWS_SKEW_MS                                                                                \
    INT64_C(60000) /* a source whose clock is that far off is believed about how long              \
                    * its credentials last, not about when they end */

enum aws_refresh {
    AWS_REFRESH_USE = 0,
    AWS_REFRESH_USE_AND_ASK,
    AWS_REFRESH_WAIT, /* for the source */
    AWS_REFRESH_FAIL, /* with what the last try said */
};

/* A plain value. */
struct aws_refresh_state {
    bool has_keys;
    bool is_refused;      /* the service did not accept them */
    struct wall expires;  /* 0 = never */
    unsigned n_failed;    /* tries in a row */
    struct mono next_try; /* not before, if n_failed > 0 */
};

enum aws_refresh aws_refresh_decide(const struct aws_refresh_state *s, struct instant now);

/* May what is known still be used, though the source gave nothing? */
bool aws_refresh_is_usable(const struct aws_refresh_state *s, struct instant now);

struct aws_refresh_state aws_refresh_failed(struct aws_refresh_state s, struct instant now);
struct aws_refresh_state aws_refresh_found(struct wall expires);

/* The expiry by our clock, of credentials that an answer dated date (0 = unknown) ends at expires.
 */
struct wall aws_refresh_local(struct wall expires, struct wall date, struct wall now);

/* The expiry to go by when instance metadata hands out credentials that (nearly) expired, which it
 * does when its own service is down: they are asked for again jitter_ms after now.  Others keep
 * theirs. */
struct wall aws_refresh_extend(struct wall expires, struct wall now, int64_t jitter_ms);

#endif
