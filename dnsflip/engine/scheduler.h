/* dnsflip/engine/scheduler.h -- when each probe runs: starts spread over the interval, each probe
 * on a phase of its own for ever, fast while in doubt, hastened by a sibling's failure, and never
 * more than max_checks_per_second together. */
#ifndef DNSFLIP_ENGINE_SCHEDULER_H
#define DNSFLIP_ENGINE_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/engine/due.h"

/* Runs that may start together after a pause, in milliseconds' worth of max_per_second. */
#define SCHEDULER_BURST_MS 100

struct scheduler {
    struct due due;
    struct mono *phase; /* owned; per probe: a moment of its regular grid */
    struct mono *began; /* owned; per probe: start of its last run */
    uint32_t max_per_second;
    int64_t budget_milli; /* thousandths of a run that may start now */
    struct mono filled;   /* when budget_milli was last brought up to date */
    struct mono *starts;  /* owned; ring of the last max_per_second starts: no second holds more */
    uint64_t n_starts;
};

/* n probes, none of them due. */
void scheduler_init(struct scheduler *s, size_t n, uint32_t max_per_second, struct mono now);
void scheduler_fini(struct scheduler *s);

/* The first run of probe number i of the n that share interval_ms: at now + i/n of it. */
void scheduler_spread(struct scheduler *s, uint32_t probe, size_t i, size_t n, int64_t interval_ms,
                      struct mono now);

/* The next probe to start at now, within the rate; false if there is none.  It is out of the
 * schedule until scheduler_again. */
bool scheduler_take(struct scheduler *s, struct mono now, uint32_t *probe);

/* The probe just taken once more, before all others: as soon as the rate allows. */
void scheduler_retry(struct scheduler *s, uint32_t probe);

/* After a run: the next one on the probe's grid, at least half an interval from now; or, in doubt,
 * fast_ms after the start of the last. */
void scheduler_again(struct scheduler *s, uint32_t probe, bool in_doubt, int64_t interval_ms,
                     int64_t fast_ms, struct mono now);

/* After a reload.  probe goes on where number of another schedule was, at the earlier of its two
 * turns; one that was in flight there is due at once. */
void scheduler_carry(struct scheduler *s, uint32_t probe, const struct scheduler *from,
                     uint32_t number);
/* What was started just before counts. */
void scheduler_carry_rate(struct scheduler *s, const struct scheduler *from);

/* Not later than fast_ms after its last start (so: at once, if that is past).  A probe in flight
 * is left alone. */
void scheduler_hasten(struct scheduler *s, uint32_t probe, int64_t fast_ms, struct mono now);

/* When to call scheduler_take again; DUE_NEVER if nothing is scheduled. */
struct mono scheduler_next(const struct scheduler *s, struct mono now);

#endif
