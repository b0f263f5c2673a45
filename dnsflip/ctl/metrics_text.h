/* dnsflip/ctl/metrics_text.h -- Prometheus text, line by line: a family's HELP and TYPE once, then
 * its samples. */
#ifndef DNSFLIP_CTL_METRICS_TEXT_H
#define DNSFLIP_CTL_METRICS_TEXT_H

#include "dnsflip/base/buf.h"

struct metrics_label {
    const char *name, *value;
};

#define METRICS_LABELS_MAX 6

/* type: "gauge" or "counter"; a counter's name ends in _total. */
void metrics_family(struct buf *out, const char *name, const char *type, const char *help);

/* labels: ended by a NULL name; values are escaped. */
void metrics_sample(struct buf *out, const char *name, const struct metrics_label labels[],
                    double value);

#endif
