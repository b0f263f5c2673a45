/* dnsflip/ctl/metrics.h -- what the engine knows as Prometheus text, version 0.0.4.  The number of
 * series grows with groups, clusters and secondaries, never with endpoints. */
#ifndef DNSFLIP_CTL_METRICS_H
#define DNSFLIP_CTL_METRICS_H

#include "dnsflip/base/buf.h"
#include "dnsflip/engine/engine.h"

struct judge_ops;

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The part about secondaries; nothing if there are none. */
void metrics_write_secondaries(const struct engine *e, struct buf *out);

void metrics_write(const struct engine *e, const struct judge_ops *judge, struct buf *out);

#endif
