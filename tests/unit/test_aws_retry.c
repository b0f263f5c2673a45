/* tests/unit/test_aws_retry.c -- after each fate of a try: again, when, or the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dnsflip/io/aws_retry.h"

#define LONG_MS 3600000
#define MAX_RANDOM UINT64_MAX

static const enum aws_fate all_fates[] = {
    AWS_FATE_OK,   AWS_FATE_NOT_SENT,    AWS_FATE_NO_ANSWER, AWS_FATE_SERVER,  AWS_FATE_THROTTLED,
    AWS_FATE_BUSY, AWS_FATE_CREDENTIALS, AWS_FATE_CLOCK,     AWS_FATE_REFUSED,
};

static void the_fate_of_an_answer_is_its_status_and_code(void **state)
{
    (void)state;
    static const struct {
        int32_t status;
        const char *code;
        enum aws_fate fate;
    } rows[] = {
        { 200, "", AWS_FATE_OK },
        { 204, "Throttling", AWS_FATE_OK },
        { 400, "Throttling", AWS_FATE_THROTTLED },
        { 400, "ThrottlingException", AWS_FATE_THROTTLED },
        { 429, "", AWS_FATE_THROTTLED },
        { 400, "PriorRequestNotComplete", AWS_FATE_BUSY },
        { 403, "ExpiredToken", AWS_FATE_CREDENTIALS },
        { 400, "ExpiredTokenException", AWS_FATE_CREDENTIALS },
        { 403, "InvalidClientTokenId", AWS_FATE_CREDENTIALS },
        { 400, "UnrecognizedClientException", AWS_FATE_CREDENTIALS },
        { 403, "RequestTimeTooSkewed", AWS_FATE_CLOCK },
        { 403, "SignatureDoesNotMatch", AWS_FATE_CLOCK },
        { 400, "InvalidSignatureException", AWS_FATE_CLOCK },
        { 400, "InvalidChangeBatch", AWS_FATE_REFUSED },
        { 404, "NoSuchHostedZone", AWS_FATE_REFUSED },
        { 403, "AccessDenied", AWS_FATE_REFUSED },
        { 302, "", AWS_FATE_REFUSED },
        { 400, "", AWS_FATE_REFUSED },
        /* Behind a 5xx anything may have happened, whatever it is called. */
        { 500, "", AWS_FATE_SERVER },
        { 503, "Throttling", AWS_FATE_SERVER },
        { 599, "ExpiredToken", AWS_FATE_SERVER },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(aws_retry_fate(rows[i].status, rows[i].code), rows[i].fate);
}

static void a_write_whose_outcome_is_unknown_is_never_sent_again(void **state)
{
    (void)state;
    for (uint32_t n_tries = 0; n_tries < AWS_TRIES_MAX + 2; n_tries++) {
        for (size_t i = 0; i < sizeof all_fates / sizeof all_fates[0]; i++) {
            struct aws_retry retry = { .n_tries = n_tries };
            const struct aws_next next =
                aws_retry_step(&retry, all_fates[i], true, true, LONG_MS, n_tries);
            const bool is_unknown =
                all_fates[i] == AWS_FATE_NO_ANSWER || all_fates[i] == AWS_FATE_SERVER;

            if (is_unknown)
                assert_int_equal(next.kind, AWS_NEXT_END);
            if (next.kind == AWS_NEXT_END)
                assert_int_equal(next.outcome == AWS_UNKNOWN, is_unknown);
        }
    }
}

static void a_read_is_never_of_unknown_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all_fates / sizeof all_fates[0]; i++) {
        struct aws_retry retry = { 0 };
        const struct aws_next next = aws_retry_step(&retry, all_fates[i], false, false, 0, 0);

        assert_int_equal(next.kind, AWS_NEXT_END);
        assert_int_not_equal(next.outcome, AWS_UNKNOWN);
        assert_int_equal(next.outcome == AWS_OK, all_fates[i] == AWS_FATE_OK);
    }
}

static void waits_grow_to_a_cap_with_full_jitter(void **state)
{
    (void)state;
    static const int64_t longest_ms[] = { 250, 500, 1000, 2000, 4000, 5000, 5000, 5000 };
    static const enum aws_fate fates[] = { AWS_FATE_NOT_SENT, AWS_FATE_NO_ANSWER, AWS_FATE_SERVER,
                                           AWS_FATE_THROTTLED, AWS_FATE_BUSY };

    for (size_t f = 0; f < sizeof fates / sizeof fates[0]; f++) {
        unsigned short seed[3] = { 1, 2, 3 };
        struct aws_retry retry = { 0 };

        for (size_t i = 0; i < sizeof longest_ms / sizeof longest_ms[0]; i++) {
            int64_t least_ms = INT64_MAX, most_ms = -1;
            struct aws_retry copy = retry;

            for (int n = 0; n < 20000; n++) {
                copy = retry;
                const struct aws_next next =
                    aws_retry_step(&copy, fates[f], false, false, LONG_MS, (uint64_t)nrand48(seed));
                assert_int_equal(next.kind, AWS_NEXT_TRY);
                least_ms = next.wait_ms < least_ms ? next.wait_ms : least_ms;
                most_ms = next.wait_ms > most_ms ? next.wait_ms : most_ms;
            }
            assert_true(least_ms >= 0 && least_ms <= longest_ms[i] / 50);
            assert_true(most_ms <= longest_ms[i] && most_ms >= longest_ms[i] - longest_ms[i] / 50);
            retry = copy;
        }
    }
}

static void a_wait_past_the_time_of_the_call_is_not_begun(void **state)
{
    (void)state;
    for (int is_write = 0; is_write < 2; is_write++) {
        const int64_t needed_ms = 250 + (is_write ? AWS_WRITE_LEAST_MS : 0);
        struct aws_retry retry = { 0 };
        /* 250 is a wait of 250 ms, the longest of the first. */
        struct aws_next next =
            aws_retry_step(&retry, AWS_FATE_THROTTLED, is_write, false, needed_ms + 1, 250);

        assert_int_equal(next.kind, AWS_NEXT_TRY);
        assert_int_equal(next.wait_ms, 250);
        retry = (struct aws_retry){ 0 };
        next = aws_retry_step(&retry, AWS_FATE_THROTTLED, is_write, false, needed_ms, 250);
        assert_int_equal(next.kind, AWS_NEXT_END);
        assert_int_equal(next.outcome, AWS_FAILED);
        assert_true(next.may_retry);
    }
}

static void tries_have_a_limit(void **state)
{
    (void)state;
    struct aws_retry retry = { 0 };
    uint32_t n = 1;

    while (aws_retry_step(&retry, AWS_FATE_BUSY, true, false, LONG_MS, 0).kind == AWS_NEXT_TRY)
        n++;
    assert_int_equal(n, AWS_TRIES_MAX);
    assert_int_equal(retry.n_tries, AWS_TRIES_MAX);
}

static void credentials_are_renewed_once(void **state)
{
    (void)state;
    struct aws_retry retry = { 0 };
    struct aws_next next =
        aws_retry_step(&retry, AWS_FATE_CREDENTIALS, true, false, LONG_MS, MAX_RANDOM);

    assert_int_equal(next.kind, AWS_NEXT_RENEW);
    next = aws_retry_step(&retry, AWS_FATE_CREDENTIALS, true, false, LONG_MS, MAX_RANDOM);
    assert_int_equal(next.kind, AWS_NEXT_END);
    assert_int_equal(next.outcome, AWS_REFUSED);
    assert_true(next.may_retry);
}

static void it_is_signed_again_once_and_only_with_another_skew(void **state)
{
    (void)state;
    struct aws_retry retry = { 0 };
    struct aws_next next = aws_retry_step(&retry, AWS_FATE_CLOCK, true, false, LONG_MS, 1);

    assert_int_equal(next.kind, AWS_NEXT_END);
    assert_int_equal(next.outcome, AWS_REFUSED);
    assert_false(next.may_retry);
    retry = (struct aws_retry){ 0 };
    next = aws_retry_step(&retry, AWS_FATE_CLOCK, true, true, LONG_MS, 1);
    assert_int_equal(next.kind, AWS_NEXT_TRY);
    assert_int_equal(next.wait_ms, 0);
    next = aws_retry_step(&retry, AWS_FATE_CLOCK, true, true, LONG_MS, 1);
    assert_int_equal(next.kind, AWS_NEXT_END);
    assert_int_equal(next.outcome, AWS_REFUSED);
}

static void the_skew_follows_complaints_and_large_differences(void **state)
{
    (void)state;
    static const struct {
        int64_t skew_ms, measured_ms;
        enum aws_fate fate;
        int64_t expected_ms;
    } rows[] = {
        { 0, 239999, AWS_FATE_OK, 0 },
        { 0, 240000, AWS_FATE_OK, 240000 },
        { 0, -240000, AWS_FATE_REFUSED, -240000 },
        { 1200000, 1200500, AWS_FATE_OK, 1200000 },
        { 1200000, 100, AWS_FATE_OK, 100 }, /* our clock was set right */
        { 0, 29999, AWS_FATE_CLOCK, 0 },
        { 0, 30000, AWS_FATE_CLOCK, 30000 },
        { 0, -30000, AWS_FATE_CLOCK, -30000 },
        { 0, 30000, AWS_FATE_SERVER, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(aws_retry_skew_ms(rows[i].skew_ms, rows[i].measured_ms, rows[i].fate),
                         rows[i].expected_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fate_of_an_answer_is_its_status_and_code),
        cmocka_unit_test(a_write_whose_outcome_is_unknown_is_never_sent_again),
        cmocka_unit_test(a_read_is_never_of_unknown_outcome),
        cmocka_unit_test(waits_grow_to_a_cap_with_full_jitter),
        cmocka_unit_test(a_wait_past_the_time_of_the_call_is_not_begun),
        cmocka_unit_test(tries_have_a_limit),
        cmocka_unit_test(credentials_are_renewed_once),
        cmocka_unit_test(it_is_signed_again_once_and_only_with_another_skew),
        cmocka_unit_test(the_skew_follows_complaints_and_large_differences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
