/* dnsflip/render/render.h -- settings -> view: every RRset of every cluster of every group with a
 * local provider, and the static records, through ldns, once, at load. */
#ifndef DNSFLIP_RENDER_RENDER_H
#define DNSFLIP_RENDER_RENDER_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/model/settings.h"

/* One mistake in the zone's records: line of the records file, or 0 if the mistake lies in the
 * configuration itself. */
typedef void render_problem(void *arg, const struct local_cfg *zone, unsigned line,
                            const char *text);

/* Checks all of it (records file included: RFC rules ldns does not check, facts/libraries) and
 * reports every mistake.  Returns how many. */
size_t render_check(const struct settings *s, render_problem *report, void *arg);

/* Reports what is no mistake but worth a word: CLUSTER.HOST names that give way to other records of
 * that name.  Returns how many. */
size_t render_notes(const struct settings *s, render_problem *report, void *arg);

/* The view of s: group i of the view is s->groups[i], its cluster index k + 1 is
 * s->groups[i].clusters[k]; a group with no name in a local zone still has its place.
 * serial: the zone's own serial, a floor for the SOA serial (RFC 1982) beside the epochs.
 * Returns a sealed memfd, the caller's; -1 on failure. */
__attribute__((warn_unused_result)) int render_view(const struct settings *s, uint64_t generation,
                                                    uint32_t serial, struct err *err);

#endif
