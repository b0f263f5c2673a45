/* dnsflip/base/wall.h -- wall-clock time (UTC) and the pair {mono, wall} that policies get. */
#ifndef DNSFLIP_BASE_WALL_H
#define DNSFLIP_BASE_WALL_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/mono.h"

#define WALL_TEXT_BYTES 32

struct wall {
    int64_t ms; /* since 1970-01-01T00:00:00Z, leap seconds not counted; 0 = not set */
};

/* One moment on both clocks: mono for durations, wall for people and the journal. */
struct instant {
    struct mono mono;
    struct wall wall;
};

struct wall wall_now(void);
struct instant instant_now(void);

/* RFC 3339, UTC, milliseconds: "2026-11-23T03:04:05.678Z".  Returns out.
 * Unset (0) gives "-". */
const char *wall_format(struct wall t, char out[static WALL_TEXT_BYTES]);

/* Reads an RFC 3339 time: date, 'T' or space, time, optional fraction, 'Z' or +hh:mm / -hh:mm
 * (so also Python's datetime.isoformat()).  Fails with ERR_CONFIG. */
__attribute__((warn_unused_result)) int wall_parse(const char *text, struct wall *out,
                                                   struct err *err);

#endif
