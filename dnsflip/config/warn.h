/* dnsflip/config/warn.h -- what `check` says about a configuration that loads: what may bite later,
 * how fast a loss is seen, where traffic goes while dnsflip is dead.  Reads settings only. */
#ifndef DNSFLIP_CONFIG_WARN_H
#define DNSFLIP_CONFIG_WARN_H

#include <stdint.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/config/report.h"
#include "dnsflip/model/settings.h"

/* Adds warnings, each with the path of the key it is about in front, none with a place. */
void warn_settings(const struct settings *s, struct config_report *report);

/* How long from the first failed check until every endpoint of a lost cluster is down. */
struct detection {
    uint32_t probes;       /* checked at the cluster, all groups together */
    int64_t refused_ms;    /* the cluster refuses connections: failures come at once */
    int64_t hung_ms;       /* the cluster is silent: failures come with the time-out */
    int64_t min_outage_ms; /* how long it must then stay down before mode auto moves the group */
};

/* For the group's cluster at that place of its order: fall x max(fast_interval, timeout when hung,
 * probes / max_checks_per_second). */
struct detection warn_detection(const struct settings *s, const struct group_cfg *g, uint8_t place);

/* Appends one sentence or more: where the group's traffic goes if dnsflip is dead, and how long a
 * secondary that is cut off goes on answering with the old cluster after a flip. */
void warn_silence(const struct settings *s, const struct group_cfg *g, struct buf *out);

/* How long a cut-off secondary of the group's zones answers at most, in seconds; 0 = the group
 * has none. */
uint32_t warn_cut_off_s(const struct settings *s, const struct group_cfg *g);

#endif
