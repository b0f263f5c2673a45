#include "dnsflip/engine/scheduler.h"

#include "dnsflip/base/mem.h"

#define MILLI INT64_C(1000)
#define SECOND_MS INT64_C(1000)

void scheduler_init(struct scheduler *s, size_t n, uint32_t max_per_second, struct mono now)
{
    *s = (struct scheduler){ .max_per_second = max_per_second, .filled = now };
    due_init(&s->due, n);
    s->phase = mem_array(n, sizeof(*s->phase));
    s->began = mem_array(n, sizeof(*s->began));
    s->starts = mem_array(max_per_second, sizeof(*s->starts));
    s->budget_milli = MILLI;
}

void scheduler_fini(struct scheduler *s)
{
    due_fini(&s->due);
    mem_free(s->phase);
    mem_free(s->began);
    mem_free(s->starts);
    *s = (struct scheduler){ 0 };
}

void scheduler_spread(struct scheduler *s, uint32_t probe, size_t i, size_t n, int64_t interval_ms,
                      struct mono now)
{
    struct mono first = mono_add(now, interval_ms * (int64_t)i / (int64_t)n);

    s->phase[probe] = first;
    s->began[probe] = mono_add(now, -interval_ms);
    due_set(&s->due, probe, first);
}

/* The budget grows by max_per_second a second up to SCHEDULER_BURST_MS' worth (at least one). */
static void fill(struct scheduler *s, struct mono now)
{
    int64_t ceiling = (int64_t)s->max_per_second * SCHEDULER_BURST_MS;
    int64_t gap_ms = mono_since(now, s->filled);

    if (ceiling < MILLI)
        ceiling = MILLI;
    if (gap_ms > MILLI * 10)
        gap_ms = MILLI * 10;
    s->budget_milli += gap_ms * (int64_t)s->max_per_second;
    if (s->budget_milli > ceiling)
        s->budget_milli = ceiling;
    s->filled = now;
}

/* When the second that began with the oldest of the last max_per_second starts is over. */
static struct mono window_end(const struct scheduler *s)
{
    if (s->n_starts < s->max_per_second)
        return (struct mono){ INT64_MIN };
    return mono_add(s->starts[s->n_starts % s->max_per_second], SECOND_MS);
}

bool scheduler_take(struct scheduler *s, struct mono now, uint32_t *probe)
{
    fill(s, now);
    if (s->budget_milli < MILLI || window_end(s).ms > now.ms || !due_take(&s->due, now, probe))
        return false;
    s->budget_milli -= MILLI;
    s->starts[s->n_starts++ % s->max_per_second] = now;
    s->began[*probe] = now;
    return true;
}

void scheduler_retry(struct scheduler *s, uint32_t probe)
{
    due_set(&s->due, probe, (struct mono){ 0 });
}

void scheduler_again(struct scheduler *s, uint32_t probe, bool in_doubt, int64_t interval_ms,
                     int64_t fast_ms, struct mono now)
{
    struct mono at;

    if (in_doubt) {
        at = mono_add(s->began[probe], fast_ms);
    } else {
        int64_t earliest = now.ms + interval_ms / 2;
        int64_t behind = earliest - s->phase[probe].ms;
        int64_t rounds = behind <= 0 ? 0 : (behind + interval_ms - 1) / interval_ms;

        at = mono_add(s->phase[probe], rounds * interval_ms);
    }
    due_set(&s->due, probe, at);
}

void scheduler_carry(struct scheduler *s, uint32_t probe, const struct scheduler *from,
                     uint32_t number)
{
    struct mono due = due_get(&from->due, number);

    s->phase[probe] = from->phase[number];
    s->began[probe] = from->began[number];
    if (due.ms == INT64_MAX)
        due = s->began[probe];
    if (due.ms < due_get(&s->due, probe).ms)
        due_set(&s->due, probe, due);
}

void scheduler_carry_rate(struct scheduler *s, const struct scheduler *from)
{
    uint64_t n = from->n_starts;

    if (n > from->max_per_second)
        n = from->max_per_second;
    if (n > s->max_per_second)
        n = s->max_per_second;
    for (; n > 0; n--)
        s->starts[s->n_starts++ % s->max_per_second] =
            from->starts[(from->n_starts - n) % from->max_per_second];
    s->budget_milli = 0;
}

void scheduler_hasten(struct scheduler *s, uint32_t probe, int64_t fast_ms, struct mono now)
{
    struct mono at = mono_add(s->began[probe], fast_ms);
    struct mono due = due_get(&s->due, probe);

    if (due.ms == INT64_MAX)
        return;
    if (at.ms < now.ms)
        at = now;
    if (at.ms < due.ms)
        due_set(&s->due, probe, at);
}

struct mono scheduler_next(const struct scheduler *s, struct mono now)
{
    struct mono at = due_next(&s->due);

    if (at.ms == INT64_MAX)
        return at;
    if (window_end(s).ms > at.ms)
        at = window_end(s);
    if (s->budget_milli >= MILLI)
        return at;
    /* The rate, not the schedule, decides: when the next run is affordable. */
    int64_t missing = MILLI - s->budget_milli;
    struct mono affordable = mono_add(s->filled, (missing + (int64_t)s->max_per_second - 1) /
                                                     (int64_t)s->max_per_second);

    if (affordable.ms <= now.ms)
        affordable = mono_add(now, 1);
    return affordable.ms > at.ms ? affordable : at;
}
