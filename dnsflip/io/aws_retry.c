#include "dnsflip/io/aws_retry.h"

#include <stddef.h>
#include <string.h>

#define DOUBLINGS_MAX 16 /* far past the cap */

static const struct {
    const char *code;
    enum aws_fate fate;
} known_codes[] = {
    { "Throttling", AWS_FATE_THROTTLED },
    { "ThrottlingException", AWS_FATE_THROTTLED },
    { "ThrottledException", AWS_FATE_THROTTLED },
    { "RequestThrottled", AWS_FATE_THROTTLED },
    { "RequestThrottledException", AWS_FATE_THROTTLED },
    { "RequestLimitExceeded", AWS_FATE_THROTTLED },
    { "TooManyRequestsException", AWS_FATE_THROTTLED },
    { "SlowDown", AWS_FATE_THROTTLED },
    { "PriorRequestNotComplete", AWS_FATE_BUSY },
    { "ExpiredToken", AWS_FATE_CREDENTIALS },
    { "ExpiredTokenException", AWS_FATE_CREDENTIALS },
    { "TokenRefreshRequired", AWS_FATE_CREDENTIALS },
    { "InvalidClientTokenId", AWS_FATE_CREDENTIALS },
    { "UnrecognizedClientException", AWS_FATE_CREDENTIALS },
    { "RequestTimeTooSkewed", AWS_FATE_CLOCK },
    { "RequestExpired", AWS_FATE_CLOCK },
    { "RequestInTheFuture", AWS_FATE_CLOCK },
    { "SignatureDoesNotMatch", AWS_FATE_CLOCK },
    { "InvalidSignatureException", AWS_FATE_CLOCK },
};

enum aws_fate aws_retry_fate(int32_t status, const char *code)
{
    if (status >= 200 && status <= 299)
        return AWS_FATE_OK;
    if (status >= 500)
        return AWS_FATE_SERVER;
    for (size_t i = 0; i < sizeof(known_codes) / sizeof(known_codes[0]); i++) {
        if (strcmp(code, known_codes[i].code) == 0)
            return known_codes[i].fate;
    }
    return status == 429 ? AWS_FATE_THROTTLED : AWS_FATE_REFUSED;
}

int64_t aws_retry_skew_ms(int64_t skew_ms, int64_t measured_ms, enum aws_fate fate)
{
    const int64_t apart = measured_ms > skew_ms ? measured_ms - skew_ms : skew_ms - measured_ms;
    const int64_t borne = fate == AWS_FATE_CLOCK ? AWS_SKEW_STEP_MS : AWS_SKEW_MAX_MS;

    return apart >= borne ? measured_ms : skew_ms;
}

static int64_t backoff_ms(uint32_t n_tries, uint64_t random)
{
    const uint32_t doublings = n_tries - 1 < DOUBLINGS_MAX ? n_tries - 1 : DOUBLINGS_MAX;
    int64_t longest_ms = (int64_t)AWS_BACKOFF_BASE_MS << doublings;

    if (longest_ms > AWS_BACKOFF_CAP_MS)
        longest_ms = AWS_BACKOFF_CAP_MS;
    return (int64_t)(random % ((uint64_t)longest_ms + 1));
}

static struct aws_next end(enum aws_outcome outcome, bool may_retry)
{
    return (struct aws_next){ .kind = AWS_NEXT_END, .outcome = outcome, .may_retry = may_retry };
}

static struct aws_next back_off(const struct aws_retry *retry, bool is_write, int64_t left_ms,
                                uint64_t random)
{
    const int64_t wait_ms = backoff_ms(retry->n_tries, random);
    const int64_t needed_ms = wait_ms + (is_write ? AWS_WRITE_LEAST_MS : 0);

    if (retry->n_tries >= AWS_TRIES_MAX || needed_ms >= left_ms)
        return end(AWS_FAILED, true);
    return (struct aws_next){ .kind = AWS_NEXT_TRY, .wait_ms = wait_ms };
}

struct aws_next aws_retry_step(struct aws_retry *retry, enum aws_fate fate, bool is_write,
                               bool has_new_skew, int64_t left_ms, uint64_t random)
{
    retry->n_tries++;
    switch (fate) {
    case AWS_FATE_OK:
        return end(AWS_OK, false);
    case AWS_FATE_NO_ANSWER:
    case AWS_FATE_SERVER:
        if (is_write)
            return end(AWS_UNKNOWN, true);
        return back_off(retry, is_write, left_ms, random);
    case AWS_FATE_NOT_SENT:
    case AWS_FATE_THROTTLED:
    case AWS_FATE_BUSY:
        return back_off(retry, is_write, left_ms, random);
    case AWS_FATE_CREDENTIALS:
        if (retry->has_renewed || left_ms <= 0)
            return end(AWS_REFUSED, true);
        retry->has_renewed = true;
        return (struct aws_next){ .kind = AWS_NEXT_RENEW };
    case AWS_FATE_CLOCK:
        if (!has_new_skew || retry->has_resigned || left_ms <= 0)
            return end(AWS_REFUSED, false);
        retry->has_resigned = true;
        return (struct aws_next){ .kind = AWS_NEXT_TRY };
    case AWS_FATE_REFUSED:
        return end(AWS_REFUSED, false);
    }
    return end(AWS_REFUSED, false);
}
