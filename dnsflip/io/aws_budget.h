/* dnsflip/io/aws_budget.h -- how many requests may leave, and whose: token buckets, pure.
 *
 * Every request takes a token of the account's bucket (AWS_FLIP_PER_S, AWS_FLIP_BURST): over any w
 * seconds at most AWS_FLIP_BURST + AWS_FLIP_PER_S * w leave.  A flip needs nothing more.  A refresh
 * also needs
 *   - that no flip waits,
 *   - a token of the refresh bucket (AWS_REFRESH_PER_S, AWS_REFRESH_BURST),
 *   - that the account's bucket holds AWS_REFRESH_RESERVE besides: however much is refreshed, a
 *     flip that comes finds at least those tokens, unless flips have just used them.
 * Others use the same account: when the service throttles, both buckets are emptied, so that flips
 * go on at their rate without a burst and refreshes give way until the reserve has come back. */
#ifndef DNSFLIP_IO_AWS_BUDGET_H
#define DNSFLIP_IO_AWS_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/io/aws.h"

#define AWS_REFRESH_BURST 2
#define AWS_REFRESH_RESERVE (AWS_FLIP_BURST - AWS_REFRESH_BURST)

/* A plain value.  One token is 1,000 thousandths; n tokens a second are n thousandths a ms. */
struct aws_budget {
    int64_t account_thousandths; /* 0 .. AWS_FLIP_BURST tokens */
    int64_t refresh_thousandths; /* 0 .. AWS_REFRESH_BURST tokens */
    struct mono at;              /* when they were so many */
};

/* Full buckets. */
void aws_budget_init(struct aws_budget *budget, struct mono now);

/* Takes what one request of lane needs, or takes nothing and returns false.  A time before the last
 * one counts as that one. */
bool aws_budget_take(struct aws_budget *budget, enum aws_lane lane, bool does_flip_wait,
                     struct mono now);

/* How long until a request of lane may leave, if nothing else does and no flip waits; 0 = now. */
int64_t aws_budget_wait_ms(const struct aws_budget *budget, enum aws_lane lane, struct mono now);

/* The service said that there was too much. */
void aws_budget_drain(struct aws_budget *budget, struct mono now);

/* Whole tokens now: what flips, and what refreshes could take at once. */
uint32_t aws_budget_tokens(const struct aws_budget *budget, enum aws_lane lane, struct mono now);

#endif
