/* dnsflip/ctl/judge_ops.h -- what the control socket may ask of the judge itself, not the engine.
 */
#ifndef DNSFLIP_CTL_JUDGE_OPS_H
#define DNSFLIP_CTL_JUDGE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/wall.h"

struct reload_report {
    struct wall time; /* of the last reload asked for; 0 = never */
    bool ok;
    uint64_t generation; /* of the pair in use */
    const char *text;    /* borrowed: problems or the difference, one a line; "" if ok */
};

#define JUDGE_COUNTS_MAX 32

struct judge_count {
    const char *name; /* static: "udp_queries" */
    uint64_t value;
};

/* The face as the judge sees it: a plain value. */
struct judge_face {
    bool is_running;
    bool is_ready; /* every thread of it serves the judge's pair */
    uint64_t generation;
    struct wall started;
    int64_t heartbeat_age_ms;
    struct judge_count counts[JUDGE_COUNTS_MAX];
    size_t n_counts; /* since the face started */
};

struct judge_ops {
    /* Starts a reload; done(ok, text) exactly once, when the face uses the new pair or when the
     * reload is refused (exit: 1 bad file, 3 would move a name). */
    void (*reload)(void *judge, const char *actor,
                   void (*done)(void *arg, int exit, const char *text), void *arg);
    const struct reload_report *(*last_reload)(const void *judge);
    /* Asks for the installed program to take over; done exactly once: when it is to (exit 0, text
     * is its version), just before this process ends, or when that is refused (exit 1, text says
     * why).
     */
    void (*upgrade)(void *judge, const char *actor,
                    void (*done)(void *arg, int exit, const char *text), void *arg);
    uint32_t (*upgrades)(const void *judge); /* since the service was started */
    /* Fills *out; all zero while no face runs. */
    void (*face)(const void *judge, struct judge_face *out);
    void *judge;
};

#endif
