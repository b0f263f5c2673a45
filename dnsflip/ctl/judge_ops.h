/* dnsflip/ctl/judge_ops.h -- what the control socket may ask of the judge itself, not the engine.
 */
#ifndef DNSFLIP_CTL_JUDGE_OPS_H
#define DNSFLIP_CTL_JUDGE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/engine/engine.h"

/* Says which cluster is active for a group that the journal does not know. */
struct reload_adoption {
    char group[NAME_BYTES];
    char cluster[NAME_BYTES];
};

#define RELOAD_ACCEPT_BYTES 65

struct reload_request {
    char actor[ACTOR_BYTES];
    char accept[RELOAD_ACCEPT_BYTES]; /* the difference that may move names; "" = none may */
    const struct reload_adoption *adoptions;
    size_t n_adoptions;
    override_set overrides;
    char reason[REASON_TEXT_BYTES];
    char request_id[REQUEST_ID_BYTES]; /* "" = none */
    char request_digest[65];
};

/* One group's operation. */
struct reload_part {
    char group[NAME_BYTES];
    struct command_result result;
};

struct reload_reply {
    int exit;         /* 0, 1 bad file, 3 would move a name or a guard, 6 not what was accepted */
    const char *text; /* borrowed, as all here */
    const char *rule; /* of the guard, "" = none */
    bool may_override;
    const struct reload_part *parts; /* n_parts > 0: accepted as these operations */
    size_t n_parts;
};
typedef void reload_done(void *arg, const struct reload_reply *reply);

struct reload_report {
    struct wall time; /* of the last reload asked for, or of a start that found one; 0 = never */
    bool ok;
    uint64_t generation; /* of the pair in use */
    const char *text;    /* borrowed: problems or the difference, one a line; "" if ok */
    const char *accept;  /* borrowed: what `reload --accept` takes, "" = nothing */
    bool is_pending; /* a start found a file that would move names: the ones before are served */
    bool is_kept;    /* state_dir/view holds what is served now */
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
    /* Starts a reload; done exactly once: when the face uses the new pair, when the operations that
     * move names are accepted, or when it is refused. */
    void (*reload)(void *judge, const struct reload_request *request, reload_done *done, void *arg);
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
