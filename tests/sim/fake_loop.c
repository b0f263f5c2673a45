/* tests/sim/fake_loop.c -- io/loop.h on a clock that only moves when the story says so. */
#include <assert.h>
#include <stdlib.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/world.h"

#define TURNS_MAX 4
#define FREED_MAX 4096

struct loop_timer {
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    struct mono at;
    uint64_t order; /* of those due together the one set first fires first */
    bool is_set;
    struct loop_timer *next;
};

struct loop {
    struct instant now;
    struct loop_timer *timers;
    uint64_t orders;
    struct {
        loop_fn *fn;
        void *arg;
    } turns[TURNS_MAX];
    size_t n_turns;
    loop_tilt_fn *tilt;
    void *tilt_arg;
    void *freed[FREED_MAX];
    size_t n_freed;
};

struct loop *world_loop_new(struct mono mono, struct wall wall)
{
    struct loop *loop = mem_zalloc(sizeof(*loop));

    loop->now = (struct instant){ .mono = mono, .wall = wall };
    return loop;
}

struct instant loop_now(const struct loop *loop)
{
    return loop->now;
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = mem_zalloc(sizeof(*timer));

    *timer = (struct loop_timer){ .loop = loop, .fn = fn, .arg = arg, .next = loop->timers };
    loop->timers = timer;
    return timer;
}

void loop_timer_set(struct loop_timer *timer, struct mono at)
{
    timer->at = at;
    timer->order = timer->loop->orders++;
    timer->is_set = true;
}

void loop_timer_clear(struct loop_timer *timer)
{
    timer->is_set = false;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    for (struct loop_timer **at = &timer->loop->timers; *at != NULL; at = &(*at)->next) {
        if (*at == timer) {
            *at = timer->next;
            break;
        }
    }
    mem_free(timer);
}

void loop_on_turn(struct loop *loop, loop_fn *fn, void *arg)
{
    assert(loop->n_turns < TURNS_MAX);
    loop->turns[loop->n_turns].fn = fn;
    loop->turns[loop->n_turns++].arg = arg;
}

void loop_on_tilt(struct loop *loop, loop_tilt_fn *fn, void *arg)
{
    loop->tilt = fn;
    loop->tilt_arg = arg;
}

static void end_turn(struct loop *loop)
{
    for (size_t i = 0; i < loop->n_turns; i++)
        loop->turns[i].fn(loop->turns[i].arg);
    for (size_t i = 0; i < loop->n_freed; i++)
        mem_free(loop->freed[i]);
    loop->n_freed = 0;
}

void loop_defer_free(struct loop *loop, void *p)
{
    assert(loop->n_freed < FREED_MAX);
    loop->freed[loop->n_freed++] = p;
}

static struct loop_timer *first_due(const struct loop *loop, struct mono t)
{
    struct loop_timer *first = NULL;

    for (struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next) {
        if (!timer->is_set || timer->at.ms > t.ms)
            continue;
        if (first == NULL || timer->at.ms < first->at.ms ||
            (timer->at.ms == first->at.ms && timer->order < first->order))
            first = timer;
    }
    return first;
}

static void pass(struct loop *loop, int64_t ms)
{
    loop->now.mono.ms += ms;
    loop->now.wall.ms += ms;
}

static void fire(struct loop *loop, struct loop_timer *timer)
{
    if (timer->at.ms > loop->now.mono.ms)
        pass(loop, timer->at.ms - loop->now.mono.ms);
    timer->is_set = false;
    timer->fn(timer->arg);
    world.timers_fired++;
    world.is_killed |= world.timers_fired == world.kill_at_timer;
}

void world_loop_step(struct loop *loop)
{
    struct loop_timer *timer = first_due(loop, (struct mono){ INT64_MAX });

    assert(timer != NULL);
    fire(loop, timer);
    if (!world.is_killed)
        end_turn(loop);
}

void world_loop_until(struct loop *loop, struct mono t)
{
    for (struct loop_timer *timer = first_due(loop, t); timer != NULL; timer = first_due(loop, t)) {
        fire(loop, timer);
        if (world.is_killed)
            return;
        end_turn(loop);
    }
    if (t.ms > loop->now.mono.ms)
        pass(loop, t.ms - loop->now.mono.ms);
}

static void tilt(struct loop *loop, int64_t frozen_ms, int64_t step_ms)
{
    if (loop->tilt != NULL)
        loop->tilt(loop->tilt_arg, frozen_ms, step_ms);
    end_turn(loop);
}

void world_loop_freeze(struct loop *loop, int64_t ms)
{
    pass(loop, ms);
    if (ms > LOOP_FREEZE_MS)
        tilt(loop, ms, 0);
}

void world_loop_step_wall(struct loop *loop, int64_t ms)
{
    loop->now.wall.ms += ms;
    if (llabs(ms) > LOOP_STEP_MS)
        tilt(loop, 0, ms);
}

void world_loop_forget(struct loop *loop)
{
    for (size_t i = 0; i < loop->n_freed; i++)
        mem_free(loop->freed[i]);
    loop->n_freed = 0;
    loop->n_turns = 0;
    loop->tilt = NULL;
}
