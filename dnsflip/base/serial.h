/* dnsflip/base/serial.h -- serial numbers on a circle (RFC 1982). */
#ifndef DNSFLIP_BASE_SERIAL_H
#define DNSFLIP_BASE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* a is newer than b: less than half the circle ahead of it. */
static inline bool serial_is_newer(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

static inline uint32_t serial_newest(uint32_t a, uint32_t b)
{
    return serial_is_newer(b, a) ? b : a;
}

#endif
