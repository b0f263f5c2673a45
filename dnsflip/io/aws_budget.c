#include "dnsflip/io/aws_budget.h"

#define TOKEN INT64_C(1000)

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t refilled(int64_t thousandths, int64_t passed_ms, int64_t per_s, int64_t burst)
{
    /* Full after at most this long, so a long sleep does not overflow the product. */
    const int64_t ms = at_most(passed_ms, burst * TOKEN / per_s);

    return at_most(thousandths + ms * per_s, burst * TOKEN);
}

static struct aws_budget budget_at(struct aws_budget b, struct mono now)
{
    const int64_t passed_ms = mono_since(now, b.at);

    if (passed_ms <= 0)
        return b;
    return (struct aws_budget){
        .account_thousandths =
            refilled(b.account_thousandths, passed_ms, AWS_FLIP_PER_S, AWS_FLIP_BURST),
        .refresh_thousandths =
            refilled(b.refresh_thousandths, passed_ms, AWS_REFRESH_PER_S, AWS_REFRESH_BURST),
        .at = now,
    };
}

/* What the account's bucket must hold for a request of lane to leave. */
static int64_t account_needed(enum aws_lane lane)
{
    return (lane == AWS_LANE_REFRESH ? AWS_REFRESH_RESERVE + 1 : 1) * TOKEN;
}

static int64_t refresh_needed(enum aws_lane lane)
{
    return lane == AWS_LANE_REFRESH ? TOKEN : 0;
}

void aws_budget_init(struct aws_budget *budget, struct mono now)
{
    *budget = (struct aws_budget){ .account_thousandths = AWS_FLIP_BURST * TOKEN,
                                   .refresh_thousandths = AWS_REFRESH_BURST * TOKEN,
                                   .at = now };
}

bool aws_budget_take(struct aws_budget *budget, enum aws_lane lane, bool does_flip_wait,
                     struct mono now)
{
    struct aws_budget b = budget_at(*budget, now);

    if ((lane == AWS_LANE_REFRESH && does_flip_wait) ||
        b.account_thousandths < account_needed(lane) ||
        b.refresh_thousandths < refresh_needed(lane))
        return false;
    b.account_thousandths -= TOKEN;
    b.refresh_thousandths -= refresh_needed(lane);
    *budget = b;
    return true;
}

int64_t aws_budget_wait_ms(const struct aws_budget *budget, enum aws_lane lane, struct mono now)
{
    const struct aws_budget b = budget_at(*budget, now);
    const int64_t account = at_least(account_needed(lane) - b.account_thousandths, 0);
    const int64_t refresh = at_least(refresh_needed(lane) - b.refresh_thousandths, 0);

    return at_least((account + AWS_FLIP_PER_S - 1) / AWS_FLIP_PER_S,
                    (refresh + AWS_REFRESH_PER_S - 1) / AWS_REFRESH_PER_S);
}

void aws_budget_drain(struct aws_budget *budget, struct mono now)
{
    *budget = budget_at(*budget, now);
    budget->account_thousandths = 0;
    budget->refresh_thousandths = 0;
}

uint32_t aws_budget_tokens(const struct aws_budget *budget, enum aws_lane lane, struct mono now)
{
    const struct aws_budget b = budget_at(*budget, now);
    const int64_t account = b.account_thousandths;

    if (lane == AWS_LANE_FLIP)
        return (uint32_t)(account / TOKEN);
    return (uint32_t)(at_most(at_least(account - AWS_REFRESH_RESERVE * TOKEN, 0),
                              b.refresh_thousandths) /
                      TOKEN);
}
