/* dnsflip/model/health.h -- the state stage 2 keeps for each (probe, profile). */
#ifndef DNSFLIP_MODEL_HEALTH_H
#define DNSFLIP_MODEL_HEALTH_H

#include <stdint.h>

#include "dnsflip/base/mono.h"

enum health_status {
    HEALTH_UNKNOWN = 0, /* no evidence yet, or the evidence went stale */
    HEALTH_UP,
    HEALTH_DOWN,
};

struct health_cfg {
    uint32_t rise;     /* passes in a row that make it UP; at least 1 */
    uint32_t fall;     /* failures that make it DOWN, unless ... */
    uint32_t ok_reset; /* ... this many passes in a row came between; 1..rise */
    int64_t stale_ms;  /* silence after which we know nothing; above 0 */
};

/* A plain value that owns nothing: copy, compare and journal it freely. */
struct health {
    enum health_status status;
    uint32_t passes;       /* in a row, up to now */
    uint32_t fails;        /* since the last ok_reset passes in a row */
    uint32_t inconclusive; /* in a row, up to now; 10 of them are a named alarm */
    struct mono since;     /* when status was entered */
    struct mono heard;     /* last conclusive outcome; at first, the start */
};

const char *health_status_name(enum health_status s); /* "unknown" "up" "down" */

#endif
