/* tests/unit/test_aws_budget.c -- how many requests may leave: stories with a clock of their own,
 * and random ones that hold every promise of the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/aws_budget.h"

static const struct mono start = { .ms = 1000000 };

static int take_all(struct aws_budget *b, enum aws_lane lane, struct mono now)
{
    int n = 0;

    while (aws_budget_take(b, lane, false, now))
        n++;
    return n;
}

static void a_burst_of_flips_leaves_at_once_and_then_five_a_second(void **state)
{
    (void)state;
    struct aws_budget b;

    aws_budget_init(&b, start);
    assert_int_equal(take_all(&b, AWS_LANE_FLIP, start), 20);
    for (int64_t ms = 1; ms < 200; ms++) {
        assert_int_equal(aws_budget_wait_ms(&b, AWS_LANE_FLIP, mono_add(start, ms)), 200 - ms);
        assert_false(aws_budget_take(&b, AWS_LANE_FLIP, false, mono_add(start, ms)));
    }
    assert_int_equal(take_all(&b, AWS_LANE_FLIP, mono_add(start, 200)), 1);
    assert_int_equal(take_all(&b, AWS_LANE_FLIP, mono_add(start, 1200)), 5);
    assert_int_equal(take_all(&b, AWS_LANE_FLIP, mono_add(start, 3600000)), 20);
}

static void refreshes_leave_at_two_a_second(void **state)
{
    (void)state;
    struct aws_budget b;
    int n = 0;

    aws_budget_init(&b, start);
    assert_int_equal(take_all(&b, AWS_LANE_REFRESH, start), 2);
    for (int64_t ms = 1; ms <= 10000; ms++)
        n += take_all(&b, AWS_LANE_REFRESH, mono_add(start, ms));
    assert_int_equal(n, 20);
}

static void a_refresh_gives_way_to_a_waiting_flip_and_leaves_the_reserve(void **state)
{
    (void)state;
    struct aws_budget b;

    aws_budget_init(&b, start);
    assert_false(aws_budget_take(&b, AWS_LANE_REFRESH, true, start));
    assert_int_equal(take_all(&b, AWS_LANE_REFRESH, start), 2);
    assert_int_equal(aws_budget_tokens(&b, AWS_LANE_FLIP, start), AWS_REFRESH_RESERVE);
    assert_int_equal(take_all(&b, AWS_LANE_FLIP, start), AWS_REFRESH_RESERVE);

    /* Both buckets have more than a token after a second; the reserve is not there. */
    assert_int_equal(aws_budget_tokens(&b, AWS_LANE_REFRESH, mono_add(start, 3799)), 0);
    assert_false(aws_budget_take(&b, AWS_LANE_REFRESH, false, mono_add(start, 3799)));
    assert_int_equal(aws_budget_wait_ms(&b, AWS_LANE_REFRESH, start), 3800);
    assert_true(aws_budget_take(&b, AWS_LANE_REFRESH, false, mono_add(start, 3800)));
}

static void throttling_empties_the_buckets(void **state)
{
    (void)state;
    struct aws_budget b;

    aws_budget_init(&b, start);
    aws_budget_drain(&b, start);
    assert_int_equal(aws_budget_tokens(&b, AWS_LANE_FLIP, start), 0);
    assert_int_equal(aws_budget_wait_ms(&b, AWS_LANE_FLIP, start), 200);
    assert_int_equal(aws_budget_wait_ms(&b, AWS_LANE_REFRESH, start), 3800);
}

static void a_clock_that_stands_or_goes_back_gives_nothing(void **state)
{
    (void)state;
    struct aws_budget b;

    aws_budget_init(&b, start);
    assert_int_equal(take_all(&b, AWS_LANE_FLIP, start), 20);
    assert_false(aws_budget_take(&b, AWS_LANE_FLIP, false, mono_add(start, -100000)));
    assert_false(aws_budget_take(&b, AWS_LANE_FLIP, false, start));
    assert_true(aws_budget_take(&b, AWS_LANE_FLIP, false, mono_add(start, 200)));
}

#define EVENTS_MAX 4000

struct story {
    struct aws_budget b;
    struct mono now;
    int waiting[2];
    int64_t left_ms[2][EVENTS_MAX]; /* when requests of a lane left */
    size_t n_left[2];
};

/* What io/aws does: whoever is first goes while it may. */
static void let_leave(struct story *s)
{
    for (;;) {
        const enum aws_lane lane = s->waiting[AWS_LANE_FLIP] > 0 ? AWS_LANE_FLIP : AWS_LANE_REFRESH;
        const int64_t wait_ms = aws_budget_wait_ms(&s->b, lane, s->now);

        if (s->waiting[lane] == 0 || s->n_left[lane] == EVENTS_MAX)
            return;
        const bool left = aws_budget_take(&s->b, lane, s->waiting[AWS_LANE_FLIP] > 0, s->now);
        assert_int_equal(left, wait_ms == 0);
        if (!left) {
            /* A flip waits for nothing but the rate of the account. */
            if (lane == AWS_LANE_FLIP)
                assert_in_range(wait_ms, 1, 1000 / AWS_FLIP_PER_S);
            return;
        }
        s->waiting[lane]--;
        s->left_ms[lane][s->n_left[lane]++] = s->now.ms;
    }
}

/* Over each window that begins and ends with one that left. */
static void assert_rate(const int64_t left_ms[], size_t n, int64_t burst, int64_t per_s)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i; k < n; k++) {
            const int64_t thousandths = ((int64_t)(k - i) + 1) * 1000;
            if (thousandths > burst * 1000 + per_s * (left_ms[k] - left_ms[i]))
                fail_msg("%zu left within %lld ms", k - i + 1,
                         (long long)(left_ms[k] - left_ms[i]));
        }
    }
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void no_story_passes_the_rates(void **state)
{
    (void)state;
    struct story *s = mem_zalloc(sizeof *s);
    int64_t *all = mem_array((size_t)2 * EVENTS_MAX, sizeof *all);
    size_t n_all[2] = { 0 };

    for (unsigned short seed = 1; seed <= 60; seed++) {
        unsigned short random[3] = { seed, 7, 11 };

        *s = (struct story){ .now = start };
        aws_budget_init(&s->b, s->now);
        for (int step = 0; step < 1500; step++) {
            const long what = nrand48(random) % 100;

            s->now.ms += nrand48(random) % (seed % 3 == 0 ? 2000 : 120);
            if (what < 20)
                s->waiting[AWS_LANE_REFRESH] += (int)(nrand48(random) % 6);
            else if (what < 23)
                s->waiting[AWS_LANE_FLIP] += (int)(nrand48(random) % 8);
            else if (what == 30 && step % 16 == 0)
                s->waiting[AWS_LANE_FLIP] += 60;
            else if (what == 31 && seed % 2 == 0)
                aws_budget_drain(&s->b, s->now);
            let_leave(s);
        }
        n_all[0] += s->n_left[0];
        n_all[1] += s->n_left[1];
        size_t n = 0;
        for (int lane = 0; lane < 2; lane++) {
            for (size_t i = 0; i < s->n_left[lane]; i++)
                all[n++] = s->left_ms[lane][i];
        }
        qsort(all, n, sizeof *all, compare);
        assert_rate(all, n, AWS_FLIP_BURST, AWS_FLIP_PER_S);
        assert_rate(s->left_ms[AWS_LANE_REFRESH], s->n_left[AWS_LANE_REFRESH], AWS_REFRESH_BURST,
                    AWS_REFRESH_PER_S);
    }
    assert_true(n_all[0] > 5000 && n_all[1] > 2000);
    mem_free(all);
    mem_free(s);
}

/* However much is refreshed, a flip that comes after a time without flips finds the reserve. */
static void refreshes_never_take_the_reserve(void **state)
{
    (void)state;
    unsigned short random[3] = { 1, 2, 3 };
    struct aws_budget b;
    struct mono now = start;

    aws_budget_init(&b, now);
    for (int i = 0; i < 100000; i++) {
        now.ms += nrand48(random) % 300;
        (void)take_all(&b, AWS_LANE_REFRESH, now);
        assert_true(aws_budget_tokens(&b, AWS_LANE_FLIP, now) >= AWS_REFRESH_RESERVE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_of_flips_leaves_at_once_and_then_five_a_second),
        cmocka_unit_test(refreshes_leave_at_two_a_second),
        cmocka_unit_test(a_refresh_gives_way_to_a_waiting_flip_and_leaves_the_reserve),
        cmocka_unit_test(throttling_empties_the_buckets),
        cmocka_unit_test(a_clock_that_stands_or_goes_back_gives_nothing),
        cmocka_unit_test(no_story_passes_the_rates),
        cmocka_unit_test(refreshes_never_take_the_reserve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
