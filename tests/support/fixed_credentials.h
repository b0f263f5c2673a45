/* tests/support/fixed_credentials.h -- a chain of credentials that gives what a test says: linked
 * instead of dnsflip/io/aws_credentials.c. */
#ifndef TESTS_SUPPORT_FIXED_CREDENTIALS_H
#define TESTS_SUPPORT_FIXED_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

struct fixed_credentials {
    struct {
        const char *id, *secret, *token;
    } sets[2];            /* the first; the second once it was refused */
    bool is_none;         /* there are none */
    bool may_retry;       /* is_none: but perhaps later */
    bool is_mute;         /* nothing is ever answered */
    uint32_t n_none_left; /* with is_none: so many answers, then there are some; 0 = for ever */
    uint32_t n_asked, n_refused; /* what the test reads */
};

extern struct fixed_credentials fixed_credentials;

#endif
