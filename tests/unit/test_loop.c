/* tests/unit/test_loop.c -- timer order, turns, deferred free, and the watch over freezes. */
#include "dnsflip/io/loop.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"

struct story {
    struct loop *loop;
    struct loop_timer *timers[4];
    struct loop_fd *watch;
    int pipe[2];
    char said[64];
    unsigned turns;
    int64_t frozen_ms;
};

static void say(struct story *s, char c)
{
    size_t n = strlen(s->said);
    assert_true(n + 1 < sizeof s->said);
    s->said[n] = c;
}

static void say_a(void *arg)
{
    say(arg, 'a');
}

static void say_b(void *arg)
{
    say(arg, 'b');
}

static void say_c(void *arg)
{
    say(arg, 'c');
}

static void stop(void *arg)
{
    struct story *s = arg;
    loop_stop(s->loop);
}

static int begin(void **state)
{
    struct story *s = mem_zalloc(sizeof *s);
    struct err err;
    assert_int_equal(loop_new(&s->loop, &err), 0);
    assert_int_equal(pipe(s->pipe), 0);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct story *s = *state;
    for (size_t i = 0; i < 4; i++)
        loop_timer_free(s->timers[i]);
    loop_fd_free(s->watch);
    loop_free(s->loop);
    close(s->pipe[0]);
    close(s->pipe[1]);
    mem_free(s);
    return 0;
}

static struct mono in_ms(const struct story *s, int64_t ms)
{
    return mono_add(loop_now(s->loop).mono, ms);
}

static void timers_fire_by_time_and_then_in_the_order_they_were_set(void **state)
{
    struct story *s = *state;
    s->timers[0] = loop_timer_new(s->loop, say_a, s);
    s->timers[1] = loop_timer_new(s->loop, say_b, s);
    s->timers[2] = loop_timer_new(s->loop, say_c, s);
    s->timers[3] = loop_timer_new(s->loop, stop, s);
    loop_timer_set(s->timers[0], in_ms(s, 20));
    loop_timer_set(s->timers[1], in_ms(s, 20));
    loop_timer_set(s->timers[2], in_ms(s, 5));
    loop_timer_set(s->timers[3], in_ms(s, 25));
    struct mono from = mono_now();
    loop_run(s->loop);
    assert_string_equal(s->said, "cab");
    assert_in_range(mono_since(mono_now(), from), 24, 2000);
}

static void a_cleared_timer_stays_silent_and_a_set_one_moves(void **state)
{
    struct story *s = *state;
    s->timers[0] = loop_timer_new(s->loop, say_a, s);
    s->timers[1] = loop_timer_new(s->loop, say_b, s);
    s->timers[2] = loop_timer_new(s->loop, say_c, s);
    s->timers[3] = loop_timer_new(s->loop, stop, s);
    loop_timer_set(s->timers[0], in_ms(s, 2));
    loop_timer_set(s->timers[1], in_ms(s, 3));
    loop_timer_set(s->timers[2], in_ms(s, 4));
    loop_timer_set(s->timers[3], in_ms(s, 30));
    loop_timer_clear(s->timers[1]);
    loop_timer_set(s->timers[0], in_ms(s, 15));
    loop_run(s->loop);
    assert_string_equal(s->said, "ca");
}

static void again(void *arg)
{
    struct story *s = arg;
    s->turns++;
    loop_timer_set(s->timers[0], (struct mono){ 0 });
}

static void note_turns_and_stop(void *arg)
{
    struct story *s = arg;
    assert_in_range(s->turns, 1, 100000);
    loop_stop(s->loop);
}

static void a_timer_in_the_past_waits_for_the_next_turn_and_starves_nobody(void **state)
{
    struct story *s = *state;
    s->timers[0] = loop_timer_new(s->loop, again, s);
    s->timers[1] = loop_timer_new(s->loop, note_turns_and_stop, s);
    loop_timer_set(s->timers[0], (struct mono){ 0 });
    loop_timer_set(s->timers[1], in_ms(s, 3));
    assert_int_equal(s->turns, 0);
    loop_run(s->loop);
}

static void read_one(void *arg)
{
    struct story *s = arg;
    char c = 0;
    assert_int_equal(read(s->pipe[0], &c, 1), 1);
    say(s, c);
    loop_fd_free(s->watch);
    s->watch = NULL;
    loop_stop(s->loop);
}

static void a_descriptor_may_be_unwatched_inside_its_own_callback(void **state)
{
    struct story *s = *state;
    assert_int_equal(write(s->pipe[1], "x", 1), 1);
    s->watch = loop_fd_new(s->loop, s->pipe[0], false, read_one, s);
    loop_run(s->loop);
    assert_string_equal(s->said, "x");
}

static void free_later_and_stop(void *arg)
{
    struct story *s = arg;
    char *text = mem_strdup("still here");
    loop_defer_free(s->loop, text);
    assert_string_equal(text, "still here");
    loop_stop(s->loop);
}

static void count_turn(void *arg)
{
    struct story *s = arg;
    s->turns++;
}

static void hooks_run_once_in_a_turn_with_callbacks(void **state)
{
    struct story *s = *state;
    s->timers[0] = loop_timer_new(s->loop, say_a, s);
    s->timers[1] = loop_timer_new(s->loop, free_later_and_stop, s);
    loop_on_turn(s->loop, count_turn, s);
    loop_timer_set(s->timers[0], (struct mono){ 0 });
    loop_timer_set(s->timers[1], (struct mono){ 0 });
    loop_run(s->loop);
    assert_string_equal(s->said, "a");
    assert_int_equal(s->turns, 1);
}

static void note_tilt(void *arg, int64_t frozen_ms, int64_t step_ms)
{
    struct story *s = arg;
    assert_int_equal(step_ms, 0);
    s->frozen_ms = frozen_ms;
}

/* Blocked without using the processor, as a stopped process is. */
static void freeze(void *arg)
{
    (void)arg;
    assert_int_equal(poll(NULL, 0, LOOP_FREEZE_MS + 200), 0);
}

static void time_lost_without_work_is_reported_as_a_freeze(void **state)
{
    struct story *s = *state;
    loop_on_tilt(s->loop, note_tilt, s);
    s->timers[0] = loop_timer_new(s->loop, freeze, s);
    s->timers[1] = loop_timer_new(s->loop, stop, s);
    loop_timer_set(s->timers[0], (struct mono){ 0 });
    loop_timer_set(s->timers[1], in_ms(s, 100));
    loop_run(s->loop);
    assert_in_range(s->frozen_ms, LOOP_FREEZE_MS, 10 * LOOP_FREEZE_MS);
}

static void work_hard(void *arg)
{
    (void)arg;
    int64_t until_us = mono_now_us() + INT64_C(1000) * (LOOP_FREEZE_MS + 200);
    while (mono_now_us() < until_us)
        continue;
}

static void hard_work_and_quiet_waiting_are_no_freeze(void **state)
{
    struct story *s = *state;
    loop_on_tilt(s->loop, note_tilt, s);
    s->timers[0] = loop_timer_new(s->loop, work_hard, s);
    s->timers[1] = loop_timer_new(s->loop, stop, s);
    loop_timer_set(s->timers[0], (struct mono){ 0 });
    loop_timer_set(s->timers[1], in_ms(s, LOOP_FREEZE_MS + 1200));
    loop_run(s->loop);
    assert_int_equal(s->frozen_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_by_time_and_then_in_the_order_they_were_set,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_cleared_timer_stays_silent_and_a_set_one_moves, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            a_timer_in_the_past_waits_for_the_next_turn_and_starves_nobody, begin, end),
        cmocka_unit_test_setup_teardown(a_descriptor_may_be_unwatched_inside_its_own_callback,
                                        begin, end),
        cmocka_unit_test_setup_teardown(hooks_run_once_in_a_turn_with_callbacks, begin, end),
        cmocka_unit_test_setup_teardown(time_lost_without_work_is_reported_as_a_freeze, begin, end),
        cmocka_unit_test_setup_teardown(hard_work_and_quiet_waiting_are_no_freeze, begin, end),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
