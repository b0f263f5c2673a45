#include "dnsflip/io/loop.h"

#include <assert.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "dnsflip/base/mem.h"

#define HOOKS_MAX 4
#define POLL_MAX_MS 500 /* longest wait of one poll: it bounds how much of a freeze goes unseen */
#define CPU_BASE_MS                                                                                \
    100 /* a reading of our processor time may be that old: it costs a system call */
#define NOT_QUEUED SIZE_MAX

struct loop_timer {
    struct loop *loop; /* borrowed */
    loop_fn *fn;
    void *arg;
    int64_t at_ms;
    uint64_t order; /* equal times fire in the order they were set */
    uint64_t turn;  /* the turn it was armed in: it fires in a later one */
    size_t place;   /* in the heap, or NOT_QUEUED */
};

struct loop_fd {
    struct loop *loop; /* borrowed */
    loop_fn *fn;
    void *arg;
    struct event event;
};

struct loop_hook {
    loop_fn *fn;
    void *arg;
};

struct loop {
    struct event_base *base;  /* owned */
    struct event alarm_event; /* of alarm_fd */
    int alarm_fd;             /* a CLOCK_BOOTTIME timer: libevent's own clock stops in suspend */
    int64_t alarm_at_ms;      /* what alarm_fd is set to; INT64_MAX = fired or not set */

    struct loop_timer **heap; /* by (at_ms, order), least first; the timers are the callers' */
    size_t n_heap, cap_heap;
    uint64_t next_order;

    void **dead; /* owned until the end of the turn */
    size_t n_dead, cap_dead;

    struct loop_hook hooks[HOOKS_MAX];
    size_t n_hooks;
    loop_tilt_fn *tilt;
    void *tilt_arg;

    struct instant now;
    uint64_t turn;
    bool is_sampled; /* now belongs to the poll that just returned */
    bool has_run;    /* a callback ran in this turn */
    bool must_stop;

    int64_t poll_began_ms;
    int64_t poll_asked_ms;
    int64_t work_began_ms; /* when the last poll returned */
    int64_t cpu_at_ms;     /* when cpu_base_us was read: a little before work_began_ms */
    int64_t cpu_base_us;
    int64_t work_idle_ms; /* of the last turn's work: time in which we used no processor */
};

static int64_t cpu_us(void)
{
    struct rusage use;
    if (getrusage(RUSAGE_THREAD, &use) != 0)
        return 0;
    return ((int64_t)use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 +
           (int64_t)use.ru_utime.tv_usec + use.ru_stime.tv_usec;
}

static void read_cpu_base(struct loop *loop)
{
    loop->cpu_at_ms = loop->work_began_ms;
    loop->cpu_base_us = cpu_us();
}

static int64_t clock_gap_ms(struct instant t)
{
    return t.wall.ms - t.mono.ms;
}

/* The first thing after a poll: one look at the clocks for the whole turn. */
static void sample(struct loop *loop)
{
    if (loop->is_sampled)
        return;
    loop->is_sampled = true;

    struct instant before = loop->now;
    loop->now = instant_now();
    loop->work_began_ms = loop->now.mono.ms;
    if (loop->work_began_ms - loop->cpu_at_ms >= CPU_BASE_MS)
        read_cpu_base(loop);

    int64_t late_ms = loop->now.mono.ms - loop->poll_began_ms - loop->poll_asked_ms;
    int64_t frozen_ms = (late_ms > 0 ? late_ms : 0) + loop->work_idle_ms;
    int64_t step_ms = clock_gap_ms(loop->now) - clock_gap_ms(before);
    if (frozen_ms <= LOOP_FREEZE_MS)
        frozen_ms = 0;
    if (step_ms <= LOOP_STEP_MS && step_ms >= -LOOP_STEP_MS)
        step_ms = 0;
    if (loop->tilt != NULL && (frozen_ms != 0 || step_ms != 0))
        loop->tilt(loop->tilt_arg, frozen_ms, step_ms);
}

static bool comes_before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void heap_put(struct loop *loop, size_t place, struct loop_timer *timer)
{
    loop->heap[place] = timer;
    timer->place = place;
}

static void heap_up(struct loop *loop, size_t place)
{
    struct loop_timer *timer = loop->heap[place];
    while (place > 0) {
        size_t parent = (place - 1) / 2;
        if (!comes_before(timer, loop->heap[parent]))
            break;
        heap_put(loop, place, loop->heap[parent]);
        place = parent;
    }
    heap_put(loop, place, timer);
}

static void heap_down(struct loop *loop, size_t place)
{
    struct loop_timer *timer = loop->heap[place];
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= loop->n_heap)
            break;
        if (child + 1 < loop->n_heap && comes_before(loop->heap[child + 1], loop->heap[child]))
            child++;
        if (!comes_before(loop->heap[child], timer))
            break;
        heap_put(loop, place, loop->heap[child]);
        place = child;
    }
    heap_put(loop, place, timer);
}

static void heap_remove(struct loop *loop, size_t place)
{
    loop->heap[place]->place = NOT_QUEUED;
    loop->n_heap--;
    if (place == loop->n_heap)
        return;
    heap_put(loop, place, loop->heap[loop->n_heap]);
    heap_up(loop, place);
    heap_down(loop, place);
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct loop *loop = arg;
    sample(loop);
    loop->alarm_at_ms = INT64_MAX; /* setting it again also clears its readiness */
}

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct loop_fd *watch = arg;
    sample(watch->loop);
    watch->loop->has_run = true;
    watch->fn(watch->arg);
}

/* Makes the next poll end at the first deadline, POLL_MAX_MS from now at the latest. */
static void set_alarm(struct loop *loop, int64_t now_ms)
{
    int64_t at_ms = now_ms + POLL_MAX_MS;
    if (loop->n_heap > 0 && loop->heap[0]->at_ms < at_ms)
        at_ms = loop->heap[0]->at_ms;
    if (loop->alarm_at_ms > at_ms) {
        struct itimerspec spec = { .it_value = { .tv_sec = at_ms / 1000,
                                                 .tv_nsec = (at_ms % 1000) * 1000000 } };
        int rc = timerfd_settime(loop->alarm_fd, TFD_TIMER_ABSTIME, &spec, NULL);
        assert(rc == 0);
        loop->alarm_at_ms = at_ms;
    }
    loop->poll_asked_ms = loop->alarm_at_ms > now_ms ? loop->alarm_at_ms - now_ms : 0;
}

/* Of the turn's work, what used no processor: somebody stopped us, or we waited for a disk. */
static int64_t idle_ms_of_work(const struct loop *loop, int64_t now_ms)
{
    int64_t worked_ms = now_ms - loop->work_began_ms;
    if (worked_ms < LOOP_FREEZE_MS / 4)
        return 0;
    int64_t idle_ms = worked_ms - (cpu_us() - loop->cpu_base_us) / 1000;
    return idle_ms > 0 ? idle_ms : 0;
}

static void poll_once(struct loop *loop)
{
    int64_t now_ms = mono_now().ms;
    bool is_due = loop->n_heap > 0 && loop->heap[0]->at_ms <= now_ms;
    loop->work_idle_ms = idle_ms_of_work(loop, now_ms);
    loop->poll_began_ms = now_ms;
    loop->poll_asked_ms = 0;
    if (!is_due)
        set_alarm(loop, now_ms);
    (void)event_base_loop(loop->base, is_due ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
}

static void run_timers(struct loop *loop)
{
    while (loop->n_heap > 0) {
        struct loop_timer *timer = loop->heap[0];
        if (timer->at_ms > loop->now.mono.ms || timer->turn == loop->turn)
            return;
        heap_remove(loop, 0);
        loop->has_run = true;
        timer->fn(timer->arg);
    }
}

static void run_turn(struct loop *loop)
{
    loop->turn++;
    loop->is_sampled = false;
    loop->has_run = false;
    poll_once(loop);
    sample(loop);
    run_timers(loop);
    if (loop->has_run) {
        for (size_t i = 0; i < loop->n_hooks; i++)
            loop->hooks[i].fn(loop->hooks[i].arg);
    }
    for (size_t i = 0; i < loop->n_dead; i++)
        mem_free(loop->dead[i]);
    loop->n_dead = 0;
}

/* Time spent outside loop_run is nobody's freeze. */
static void restart_clocks(struct loop *loop)
{
    loop->now = instant_now();
    loop->work_began_ms = loop->now.mono.ms;
    read_cpu_base(loop);
    loop->work_idle_ms = 0;
}

int loop_new(struct loop **out, struct err *err)
{
    struct loop *loop = mem_zalloc(sizeof *loop);
    loop->alarm_at_ms = INT64_MAX;
    loop->alarm_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->alarm_fd < 0) {
        err_sys(err, errno, "timerfd_create");
        goto err0;
    }
    loop->base = event_base_new();
    if (loop->base == NULL) {
        err_set(err, ERR_SYS, "event loop: libevent offers no usable method of polling");
        goto err1;
    }
    event_assign(&loop->alarm_event, loop->base, loop->alarm_fd, EV_READ | EV_PERSIST, on_alarm,
                 loop);
    if (event_add(&loop->alarm_event, NULL) != 0) {
        err_set(err, ERR_SYS, "event loop: its timer descriptor cannot be watched");
        goto err2;
    }
    restart_clocks(loop);
    *out = loop;
    return 0;

err2:
    event_base_free(loop->base);
err1:
    close(loop->alarm_fd);
err0:
    mem_free(loop);
    return -1;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    event_del(&loop->alarm_event);
    event_base_free(loop->base);
    close(loop->alarm_fd);
    for (size_t i = 0; i < loop->n_dead; i++)
        mem_free(loop->dead[i]);
    mem_free(loop->dead);
    mem_free(loop->heap);
    mem_free(loop);
}

void loop_run(struct loop *loop)
{
    loop->must_stop = false;
    restart_clocks(loop);
    while (!loop->must_stop)
        run_turn(loop);
}

void loop_stop(struct loop *loop)
{
    loop->must_stop = true;
}

struct instant loop_now(const struct loop *loop)
{
    return loop->now;
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = mem_zalloc(sizeof *timer);
    *timer = (struct loop_timer){ .loop = loop, .fn = fn, .arg = arg, .place = NOT_QUEUED };
    return timer;
}

void loop_timer_set(struct loop_timer *timer, struct mono at)
{
    struct loop *loop = timer->loop;
    loop_timer_clear(timer);
    /* Clamped, so that one that is always late cannot keep going ahead of the others. */
    timer->at_ms = at.ms > loop->now.mono.ms ? at.ms : loop->now.mono.ms;
    timer->order = loop->next_order++;
    timer->turn = loop->turn;
    if (loop->n_heap == loop->cap_heap) {
        loop->cap_heap = loop->cap_heap == 0 ? 64 : loop->cap_heap * 2;
        loop->heap = mem_resize(loop->heap, loop->cap_heap, sizeof(void *));
    }
    loop->n_heap++;
    heap_put(loop, loop->n_heap - 1, timer);
    heap_up(loop, loop->n_heap - 1);
}

void loop_timer_clear(struct loop_timer *timer)
{
    if (timer->place != NOT_QUEUED)
        heap_remove(timer->loop, timer->place);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    loop_timer_clear(timer);
    mem_free(timer);
}

struct loop_fd *loop_fd_new(struct loop *loop, int fd, bool for_write, loop_fn *fn, void *arg)
{
    struct loop_fd *watch = mem_zalloc(sizeof *watch);
    watch->loop = loop;
    watch->fn = fn;
    watch->arg = arg;
    short what = for_write ? EV_WRITE | EV_PERSIST : EV_READ | EV_PERSIST;
    event_assign(&watch->event, loop->base, fd, what, on_fd, watch);
    int rc = event_add(&watch->event, NULL);
    assert(rc == 0);
    return watch;
}

void loop_fd_free(struct loop_fd *watch)
{
    if (watch == NULL)
        return;
    event_del(&watch->event);
    loop_defer_free(watch->loop, watch);
}

void loop_on_turn(struct loop *loop, loop_fn *fn, void *arg)
{
    assert(loop->n_hooks < HOOKS_MAX);
    loop->hooks[loop->n_hooks++] = (struct loop_hook){ .fn = fn, .arg = arg };
}

void loop_defer_free(struct loop *loop, void *p)
{
    if (p == NULL)
        return;
    if (loop->n_dead == loop->cap_dead) {
        loop->cap_dead = loop->cap_dead == 0 ? 64 : loop->cap_dead * 2;
        loop->dead = mem_resize(loop->dead, loop->cap_dead, sizeof(void *));
    }
    loop->dead[loop->n_dead++] = p;
}

void loop_on_tilt(struct loop *loop, loop_tilt_fn *fn, void *arg)
{
    loop->tilt = fn;
    loop->tilt_arg = arg;
}
