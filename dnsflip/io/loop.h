/* dnsflip/io/loop.h -- the judge's one event loop: timers, descriptors, one hook per turn, and the
 * watch over our own freezes.  The only place that knows libevent, together with its neighbours
 * in io/.  Simulated stories link a fake with these symbols and a clock of their own. */
#ifndef DNSFLIP_IO_LOOP_H
#define DNSFLIP_IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/wall.h"

struct loop;
struct loop_timer;
struct loop_fd;

typedef void loop_fn(void *arg);

__attribute__((warn_unused_result)) int loop_new(struct loop **out, struct err *err);
void loop_free(struct loop *loop);

/* Runs until loop_stop.  loop_stop may be called from any callback. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* The moment of this turn, read once per turn. */
struct instant loop_now(const struct loop *loop);

/* A one-shot timer, not armed.  Owned by the caller. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
/* (Re)arms; a time in the past fires in the next turn, never before this returns. */
void loop_timer_set(struct loop_timer *timer, struct mono at);
void loop_timer_clear(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL does nothing */

/* Calls fn whenever fd is readable (or, with for_write, writable) until freed.  fd stays the
 * caller's. */
struct loop_fd *loop_fd_new(struct loop *loop, int fd, bool for_write, loop_fn *fn, void *arg);
void loop_fd_free(struct loop_fd *watch); /* NULL does nothing; safe inside its own callback */

/* fn runs once at the end of every turn in which a callback ran; at most 4 of them. */
void loop_on_turn(struct loop *loop, loop_fn *fn, void *arg);

/* Frees p (by mem_free) at the end of this turn: events already queued may still point to it. */
void loop_defer_free(struct loop *loop, void *p);

/* Freezes and steps: fn is called at the start of a turn when the gap between two polls, less the
 * time asked for and our own accounted work, exceeds LOOP_FREEZE_MS (frozen_ms > 0), or when the
 * wall clock moved against the monotonic one by more than LOOP_STEP_MS (step_ms != 0). */
#define LOOP_FREEZE_MS 2000
#define LOOP_STEP_MS 2000
typedef void loop_tilt_fn(void *arg, int64_t frozen_ms, int64_t step_ms);
void loop_on_tilt(struct loop *loop, loop_tilt_fn *fn, void *arg);

#endif
