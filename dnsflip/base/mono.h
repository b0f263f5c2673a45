/* dnsflip/base/mono.h -- monotonic time as its own type: the compiler refuses
 * to mix it with wall-clock time or with a duration (always int64_t ..._ms). */
#ifndef DNSFLIP_BASE_MONO_H
#define DNSFLIP_BASE_MONO_H

#include <stdint.h>

struct mono {
    int64_t ms; /* CLOCK_BOOTTIME: goes on while the machine sleeps, never goes back */
};

/* The time now.  Read once per event by whoever handles it, then handed on by value. */
struct mono mono_now(void);

/* The same clock in microseconds, for measuring how long something took. */
int64_t mono_now_us(void);

/* CLOCK_MONOTONIC in microseconds, which stands while the machine sleeps: for other programs. */
int64_t mono_awake_us(void);

static inline struct mono mono_add(struct mono t, int64_t ms)
{
    return (struct mono){ .ms = t.ms + ms };
}

/* later - earlier, in milliseconds. */
static inline int64_t mono_since(struct mono later, struct mono earlier)
{
    return later.ms - earlier.ms;
}

#endif
