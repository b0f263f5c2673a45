/* dnsflip/dns/counters.h -- the page that the face writes and the judge reads as untrusted:
 * counters and quiet points of each answer thread, the generation in use, a heartbeat. */
#ifndef DNSFLIP_DNS_COUNTERS_H
#define DNSFLIP_DNS_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/err.h"

#define COUNTERS_MAGIC UINT64_C(0x3143505f50494c46)
#define COUNTERS_FORMAT 4
#define COUNTERS_THREADS_MAX 65

enum counter {
    COUNTER_UDP_QUERIES = 0,
    COUNTER_TCP_QUERIES,
    COUNTER_TCP_CONNECTIONS,
    COUNTER_TCP_REFUSED, /* connections closed at a limit */
    COUNTER_NOERROR,
    COUNTER_NODATA,
    COUNTER_NXDOMAIN,
    COUNTER_REFERRAL,
    COUNTER_REFUSED,
    COUNTER_FORMERR,
    COUNTER_NOTAUTH, /* signatures that are wrong, transfers of what is no zone here */
    COUNTER_NOTIMP,
    COUNTER_BADVERS,
    COUNTER_SERVFAIL, /* a group whose word is not set */
    COUNTER_TRUNCATED,
    COUNTER_DROPPED, /* not a query at all: too short, or a response */
    COUNTER_SEND_FAILED,
    COUNTER_RATE_DROPPED, /* answers not sent, past the rate limit ... */
    COUNTER_RATE_SLIPPED, /* ... or sent truncated, or as BADCOOKIE */
    COUNTER_TRANSFERS_BEGUN,
    COUNTER_TRANSFERS_DONE,
    COUNTER_TRANSFERS_REFUSED,
    COUNTER_TRANSFERS_CUT, /* at a limit, or by the other side */
    COUNTER_COOKIES,       /* queries with a right server cookie: past the rate limit */
    COUNTER_BEACON_CONNECTIONS,
    COUNTER_BEACON_CUT,     /* without a whole request: late, or the oldest of too many */
    COUNTER_BEACON_ACTIVE,  /* answered 200 */
    COUNTER_BEACON_STANDBY, /* 503 */
    COUNTER_BEACON_UNKNOWN, /* 404 */
    COUNTER_BEACON_REFUSED, /* 400, 405, 431 */
};
#define COUNTERS (COUNTER_BEACON_REFUSED + 1)
const char *counter_name(enum counter c); /* "udp_queries" ... */

/* One thread's part, on cache lines of its own; only that thread writes it. */
struct counters_thread {
    /* Odd while the thread holds pointers or words it has loaded, even while it is quiet.  A
     * store to the page is past this thread once turn is even or differs from what it was
     * right after the store. */
    _Atomic uint64_t turn;
    _Atomic uint64_t counts[COUNTERS];
    uint64_t padding[7];
} __attribute__((aligned(64)));

struct counters {
    uint64_t magic;
    uint32_t format;
    uint32_t threads;             /* in use */
    _Atomic uint64_t generation;  /* of the pair in use; 0 = none yet */
    _Atomic int64_t heartbeat_ms; /* CLOCK_BOOTTIME of the face's last housekeeping turn */
    _Atomic uint64_t started_wall_ms;
    uint64_t reserved[2];
    struct counters_thread thread[COUNTERS_THREADS_MAX];
};

/* The face's own: a memfd sealed SHRINK|GROW.  Returns the descriptor, -1 on failure. */
__attribute__((warn_unused_result)) int counters_new(uint32_t threads, struct counters **out,
                                                     struct err *err);

/* The judge's: read-only, size and magic checked.  Does not take fd over. */
__attribute__((warn_unused_result)) int counters_map(int fd, const struct counters **out,
                                                     struct err *err);
void counters_unmap(const struct counters *c);

/* Sum over all threads; threads is clamped to COUNTERS_THREADS_MAX. */
uint64_t counters_sum(const struct counters *c, enum counter which);

/* A snapshot of every thread's turn, taken right after a store to the page ... */
struct counters_quiet {
    uint32_t threads;
    uint64_t turn[COUNTERS_THREADS_MAX];
};
void counters_quiet_start(const struct counters *c, struct counters_quiet *out);
/* ... and whether all threads have since been quiet.  May be asked again and again. */
bool counters_quiet_passed(const struct counters *c, const struct counters_quiet *q);

/* What earlier looks at the threads found; zero before the first. */
struct counters_turns {
    uint64_t turn[COUNTERS_THREADS_MAX];
    unsigned looks[COUNTERS_THREADS_MAX];
};

/* Looks once more: at how many looks in a row was a thread found in one and the same odd turn?  The
 * most of all threads, 0 if all were quiet or went on. */
unsigned counters_longest_turn(const struct counters *c, struct counters_turns *t);

#endif
