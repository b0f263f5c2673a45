#include "dnsflip/base/mono.h"

#include <assert.h>
#include <time.h>

static struct timespec time_of(clockid_t clock)
{
    struct timespec ts = { 0 };
    int rc = clock_gettime(clock, &ts);

    assert(rc == 0);
    (void)rc;
    return ts;
}

struct mono mono_now(void)
{
    struct timespec ts = time_of(CLOCK_BOOTTIME);

    return (struct mono){ .ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 };
}

static int64_t us_of(struct timespec ts)
{
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t mono_now_us(void)
{
    return us_of(time_of(CLOCK_BOOTTIME));
}

int64_t mono_awake_us(void)
{
    return us_of(time_of(CLOCK_MONOTONIC));
}
