#include "dnsflip/base/mono.h"

#include <assert.h>
#include <time.h>

static struct timespec boot_time(void)
{
    struct timespec ts = { 0 };
    int rc = clock_gettime(CLOCK_BOOTTIME, &ts);

    assert(rc == 0);
    (void)rc;
    return ts;
}

struct mono mono_now(void)
{
    struct timespec ts = boot_time();

    return (struct mono){ .ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 };
}

int64_t mono_now_us(void)
{
    struct timespec ts = boot_time();

    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
