/* policies/failover.h -- stage 4 of 7: verdicts -> stay or move, with numbered reasons.  Pure. */
#ifndef DNSFLIP_POLICIES_FAILOVER_H
#define DNSFLIP_POLICIES_FAILOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/model/decision.h"

struct failover_cfg {
    int64_t min_outage_ms; /* the active cluster must be down this long, without a break */
    enum group_mode mode;
};

/* How long the active cluster has been down: counts while down, pauses while unknown, is cleared
 * by up and by a change of the active cluster; a restart starts it anew.  Down while isolated
 * counts as unknown, or the first standby to come back with the uplink would win.  The shell
 * expires healths before it steps: then time in which it was frozen (tilt holds) does not count
 * either. */
struct failover_state {
    int8_t active;        /* place it counts for */
    enum verdict verdict; /* of the active cluster at the last step; isolated: unknown for down */
    int64_t down_ms;
    struct mono at; /* of the last step */
};

struct failover_candidate {
    enum verdict as_active;
    enum verdict as_standby;
    bool is_fenced;
};

struct failover_input {
    uint8_t n_clusters;
    int8_t active; /* place in the group's order, -1 = not adopted */
    struct failover_candidate clusters[CLUSTERS_MAX];
    bool holds[GUARD_RULES]; /* as in struct guard_input; destination-fenced comes from clusters */
};

struct failover_state failover_start(struct mono now);

/* Never fails; *out says why whatever it says: while the active cluster is down also which
 * candidates were passed over and which guards veto, even if min_outage alone says stay.  out->to
 * is set for a MOVE and for would_move.  *next may be state itself. */
void failover_step(const struct failover_cfg *cfg, const struct failover_state *state,
                   const struct failover_input *in, struct instant now, struct failover_state *next,
                   struct decision *out);

/* The destination that a verb without --to takes: the first cluster in order that is not the
 * active one, not fenced and (up as standby; for failover also unknown if none is up).
 * failback: the primary (place 0).  -1 if there is none. */
int failover_destination(const struct failover_input *in, enum verb verb);

#endif
