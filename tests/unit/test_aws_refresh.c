/* tests/unit/test_aws_refresh.c -- when credentials are asked for again, in simulated time. */
#include "dnsflip/io/aws_refresh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

/* Far from 0, so that a forgotten field cannot pass. */
static struct instant at(int64_t ms)
{
    return (struct instant){ .mono = { .ms = INT64_C(5000000) + ms },
                             .wall = { .ms = INT64_C(1795000000000) + ms } };
}

static struct aws_refresh_state found(int64_t left_ms)
{
    return aws_refresh_found((struct wall){ .ms = at(left_ms).wall.ms });
}

static void the_nearer_the_end_the_more_it_insists(void **state)
{
    (void)state;
    static const struct {
        int64_t left_ms;
        enum aws_refresh expected;
    } cases[] = { { HOUR_MS, AWS_REFRESH_USE },
                  { 15 * MINUTE_MS, AWS_REFRESH_USE },
                  { 15 * MINUTE_MS - 1, AWS_REFRESH_USE_AND_ASK },
                  { 10 * MINUTE_MS, AWS_REFRESH_USE_AND_ASK },
                  { 10 * MINUTE_MS - 1, AWS_REFRESH_WAIT },
                  { 1, AWS_REFRESH_WAIT },
                  { 0, AWS_REFRESH_WAIT },
                  { -HOUR_MS, AWS_REFRESH_WAIT } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aws_refresh_state s = found(cases[i].left_ms);
        assert_int_equal(aws_refresh_decide(&s, at(0)), cases[i].expected);
    }
    struct aws_refresh_state none = { 0 };
    assert_int_equal(aws_refresh_decide(&none, at(0)), AWS_REFRESH_WAIT);
    struct aws_refresh_state eternal = aws_refresh_found((struct wall){ 0 });
    assert_int_equal(aws_refresh_decide(&eternal, at(1000 * HOUR_MS)), AWS_REFRESH_USE);
}

/* The source is down for good: what is known is used to the very end, and never after. */
static void an_hour_of_outage(void **state)
{
    (void)state;
    struct aws_refresh_state s = found(HOUR_MS);
    int64_t last_try_ms = -1;
    unsigned n_tries = 0;
    for (int64_t t = 0; t < 2 * HOUR_MS; t += 500) {
        enum aws_refresh what = aws_refresh_decide(&s, at(t));
        assert_int_equal(aws_refresh_is_usable(&s, at(t)), t < HOUR_MS);
        if (t <= HOUR_MS - AWS_ADVISORY_MS)
            assert_int_equal(what, AWS_REFRESH_USE);
        if (what == AWS_REFRESH_USE_AND_ASK || what == AWS_REFRESH_WAIT) {
            if (last_try_ms >= 0)
                assert_in_range(t - last_try_ms, AWS_PAUSE_FIRST_MS, AWS_PAUSE_MAX_MS);
            last_try_ms = t;
            n_tries++;
            s = aws_refresh_failed(s, at(t));
        } else {
            assert_int_equal(what, t < HOUR_MS ? AWS_REFRESH_USE : AWS_REFRESH_FAIL);
        }
    }
    /* 75 minutes of tries, a minute apart but for the first few. */
    assert_in_range(n_tries, 75, 85);
}

static void refused_credentials_are_not_used_again(void **state)
{
    (void)state;
    struct aws_refresh_state s = found(HOUR_MS);
    s.is_refused = true;
    assert_int_equal(aws_refresh_decide(&s, at(0)), AWS_REFRESH_WAIT);
    s = aws_refresh_failed(s, at(0));
    assert_false(aws_refresh_is_usable(&s, at(0)));
    assert_int_equal(aws_refresh_decide(&s, at(AWS_PAUSE_FIRST_MS - 1)), AWS_REFRESH_FAIL);
    assert_int_equal(aws_refresh_decide(&s, at(AWS_PAUSE_FIRST_MS)), AWS_REFRESH_WAIT);
    s = found(HOUR_MS);
    assert_int_equal(aws_refresh_decide(&s, at(0)), AWS_REFRESH_USE);
}

static void a_source_with_another_clock_is_believed_about_durations(void **state)
{
    (void)state;
    struct wall now = at(0).wall;
    struct wall ends = { .ms = now.ms + HOUR_MS };
    struct wall near = { .ms = now.ms + AWS_SKEW_MS };
    struct wall ahead = { .ms = now.ms + 20 * MINUTE_MS };
    struct wall behind = { .ms = now.ms - 20 * MINUTE_MS };
    assert_int_equal(aws_refresh_local(ends, now, now).ms, ends.ms);
    assert_int_equal(aws_refresh_local(ends, near, now).ms, ends.ms);
    assert_int_equal(aws_refresh_local(ends, (struct wall){ 0 }, now).ms, ends.ms);
    assert_int_equal(aws_refresh_local(ends, ahead, now).ms, now.ms + 40 * MINUTE_MS);
    assert_int_equal(aws_refresh_local(ends, behind, now).ms, now.ms + 80 * MINUTE_MS);
    assert_int_equal(aws_refresh_local((struct wall){ 0 }, ahead, now).ms, 0);
}

static void metadata_that_hands_out_old_credentials_is_asked_again_later(void **state)
{
    (void)state;
    struct wall now = at(0).wall;
    static const int64_t lefts_ms[] = { -HOUR_MS, 0, 5 * MINUTE_MS, 20 * MINUTE_MS };
    for (size_t i = 0; i < sizeof lefts_ms / sizeof lefts_ms[0]; i++) {
        struct wall ends = { .ms = now.ms + lefts_ms[i] };
        struct wall extended = aws_refresh_extend(ends, now, AWS_EXTEND_MAX_MS);
        assert_int_equal(extended.ms, now.ms + AWS_ADVISORY_MS + AWS_EXTEND_MAX_MS);
    }
    struct wall later = { .ms = now.ms + 26 * MINUTE_MS };
    assert_int_equal(aws_refresh_extend(later, now, AWS_EXTEND_MAX_MS).ms, later.ms);
    assert_int_equal(aws_refresh_extend((struct wall){ 0 }, now, AWS_EXTEND_MAX_MS).ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearer_the_end_the_more_it_insists),
        cmocka_unit_test(an_hour_of_outage),
        cmocka_unit_test(refused_credentials_are_not_used_again),
        cmocka_unit_test(a_source_with_another_clock_is_believed_about_durations),
        cmocka_unit_test(metadata_that_hands_out_old_credentials_is_asked_again_later),
    };

    return cmocka_run_group_tests_name("aws_refresh", tests, NULL, NULL);
}
