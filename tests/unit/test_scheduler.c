/* tests/unit/test_scheduler.c -- spread, phase, haste and rate on a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsflip/engine/scheduler.h"

#define INTERVAL_MS INT64_C(10000)
#define FAST_MS INT64_C(2000)
#define PROBES 100

static const struct mono start = { 5000000 };

static struct mono at(int64_t ms)
{
    return mono_add(start, ms);
}

static struct scheduler spread(uint32_t max_per_second)
{
    struct scheduler s;

    scheduler_init(&s, PROBES, max_per_second, start);
    for (uint32_t i = 0; i < PROBES; i++)
        scheduler_spread(&s, i, i, PROBES, INTERVAL_MS, start);
    return s;
}

/* Takes what may start at each millisecond of [from, to); each run ends at once, healthy. */
static unsigned run(struct scheduler *s, int64_t from, int64_t to, unsigned most_in_a_ms[1])
{
    unsigned total = 0;

    for (int64_t ms = from; ms < to; ms++) {
        unsigned now = 0;
        uint32_t probe;

        while (scheduler_take(s, at(ms), &probe)) {
            scheduler_again(s, probe, false, INTERVAL_MS, FAST_MS, at(ms));
            now++;
        }
        total += now;
        if (now > *most_in_a_ms)
            *most_in_a_ms = now;
    }
    return total;
}

static void starts_are_spread_over_the_interval(void **state)
{
    struct scheduler s = spread(1000);
    unsigned most = 0;

    (void)state;
    assert_int_equal(run(&s, 0, INTERVAL_MS, &most), PROBES);
    assert_int_equal(most, 1);
    assert_int_equal(run(&s, INTERVAL_MS, 2 * INTERVAL_MS, &most), PROBES);
    assert_int_equal(most, 1);
    scheduler_fini(&s);
}

static void the_schedule_does_not_bunch_after_a_stall(void **state)
{
    struct scheduler s = spread(1000);
    unsigned most = 0, ignored = 0;

    (void)state;
    (void)run(&s, 0, INTERVAL_MS, &most);
    /* Nothing runs for half a minute; then all are late. */
    (void)run(&s, 4 * INTERVAL_MS, 4 * INTERVAL_MS + 2000, &ignored);
    most = 0;
    (void)run(&s, 4 * INTERVAL_MS + 2000, 7 * INTERVAL_MS, &most);
    assert_int_equal(most, 1);
    scheduler_fini(&s);
}

static void in_doubt_the_next_run_comes_fast(void **state)
{
    struct scheduler s = spread(1000);
    uint32_t probe;

    (void)state;
    assert_true(scheduler_take(&s, at(0), &probe));
    scheduler_again(&s, probe, true, INTERVAL_MS, FAST_MS, at(300));
    assert_int_equal(due_get(&s.due, probe).ms, at(FAST_MS).ms);
    scheduler_fini(&s);
}

static void haste_moves_a_run_forward_and_never_back(void **state)
{
    struct scheduler s = spread(1000);
    uint32_t probe;

    (void)state;
    scheduler_hasten(&s, 50, FAST_MS, at(100));
    assert_int_equal(due_get(&s.due, 50).ms, at(100).ms);
    scheduler_hasten(&s, 0, FAST_MS, at(100));
    assert_int_equal(due_get(&s.due, 0).ms, at(0).ms);
    /* One in flight is left alone. */
    assert_true(scheduler_take(&s, at(100), &probe));
    scheduler_hasten(&s, probe, FAST_MS, at(100));
    assert_int_equal(due_get(&s.due, probe).ms, INT64_MAX);
    scheduler_fini(&s);
}

static void the_rate_is_never_exceeded(void **state)
{
    struct scheduler s = spread(50);
    unsigned most = 0;

    (void)state;
    for (uint32_t i = 0; i < PROBES; i++)
        scheduler_hasten(&s, i, 0, at(0));
    /* A burst of 100 ms' worth, then evenly. */
    assert_in_range(run(&s, 0, 1000, &most), 45, 50);
    assert_in_range(most, 1, 5);
    scheduler_fini(&s);
}

static void the_next_look_is_when_a_run_may_start(void **state)
{
    struct scheduler s = spread(10);
    uint32_t probe;

    (void)state;
    for (uint32_t i = 0; i < PROBES; i++)
        scheduler_hasten(&s, i, 0, at(0));
    while (scheduler_take(&s, at(0), &probe))
        continue;
    struct mono next = scheduler_next(&s, at(0));
    assert_in_range(next.ms, at(1).ms, at(100).ms);
    assert_true(scheduler_take(&s, next, &probe));
    scheduler_fini(&s);
}

static void a_retry_comes_first_and_within_the_rate(void **state)
{
    struct scheduler s = spread(10);
    uint32_t probe, first;

    (void)state;
    assert_true(scheduler_take(&s, at(0), &first));
    for (uint32_t i = 0; i < PROBES; i++)
        scheduler_hasten(&s, i, 0, at(0));
    scheduler_retry(&s, first);
    assert_false(scheduler_take(&s, at(0), &probe));
    assert_true(scheduler_take(&s, at(100), &probe));
    assert_int_equal(probe, first);
    scheduler_fini(&s);
}

static void no_second_holds_more_starts_than_allowed(void **state)
{
    struct scheduler s = spread(50);
    struct mono starts[1000];
    size_t n = 0;
    uint32_t probe;

    (void)state;
    /* Idle for a while, so that a burst is saved up; then every run fails at once, for ever. */
    for (int64_t ms = 3000; ms < 12000; ms++) {
        while (scheduler_take(&s, at(ms), &probe)) {
            assert_true(n < sizeof(starts) / sizeof(starts[0]));
            starts[n++] = at(ms);
            scheduler_retry(&s, probe);
        }
        struct mono next = scheduler_next(&s, at(ms));
        assert_true(next.ms > at(ms).ms);
    }
    for (size_t i = 50; i < n; i++)
        assert_true(mono_since(starts[i], starts[i - 50]) >= 1000);
    assert_in_range(n, 440, 455);
    scheduler_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_are_spread_over_the_interval),
        cmocka_unit_test(the_schedule_does_not_bunch_after_a_stall),
        cmocka_unit_test(in_doubt_the_next_run_comes_fast),
        cmocka_unit_test(haste_moves_a_run_forward_and_never_back),
        cmocka_unit_test(the_rate_is_never_exceeded),
        cmocka_unit_test(the_next_look_is_when_a_run_may_start),
        cmocka_unit_test(a_retry_comes_first_and_within_the_rate),
        cmocka_unit_test(no_second_holds_more_starts_than_allowed),
    };

    return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
