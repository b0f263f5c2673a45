/* probes/probe.h -- stage 1 of 7: one check of one endpoint at one cluster -> an observation.
 * A probe says what it saw: it never counts, retries or logs, and knows no role. */
#ifndef DNSFLIP_PROBES_PROBE_H
#define DNSFLIP_PROBES_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/model/key_spec.h"
#include "dnsflip/model/observation.h"
#include "dnsflip/model/probe_cfg.h"
#include "dnsflip/model/target.h"

struct io;
struct probe_run; /* one run in flight; each kind has its own, with a struct probe_run first */

/* Everything a run needs; borrowed until done has run or the run was cancelled. */
struct probe_request {
    const struct probe_cfg *cfg;
    const char *hostname;  /* the production hostname: SNI, Host, certificate */
    const char *base_path; /* "" or "/deployment" */
    enum endpoint_class class;
    const struct target *target; /* where it is pinned; the hostname itself is never resolved */
    uint8_t family;              /* 4 or 6; 0 = whatever the target's CNAME gives, IPv4 first */
    uint32_t id;                 /* of the probe: connections are kept apart by it */
    bool fresh;                  /* do not use a kept connection, and replace it */
};

typedef void probe_done(void *arg, const struct observation *seen);

struct probe_ops {
    const char *kind;            /* its name in the configuration */
    const struct key_spec *keys; /* its own keys in struct probe_cfg; ended by a NULL name */
    /* NULL if cfg is usable for this kind, else what is wrong with it. */
    const char *(*problem)(const struct probe_cfg *cfg);
    /* done runs exactly once, never before start returned, unless cancelled.  -1 only for our own
     * lack of means (then done never runs). */
    int (*start)(const struct probe_request *request, struct io *io, probe_done *done, void *arg,
                 struct probe_run **run, struct err *err);
    void (*cancel)(struct probe_run *run);
};

struct probe_run {
    const struct probe_ops *ops;
};

extern const struct probe_ops probe_http;
extern const struct probe_ops probe_airflow;
extern const struct probe_ops probe_tcp;

/* All kinds, ended by NULL. */
extern const struct probe_ops *const probe_kinds[];

/* The kind of that name, or NULL. */
const struct probe_ops *probe_find(const char *kind);

/* By the kind that request->cfg names; the same contract as ops->start and ops->cancel. */
__attribute__((warn_unused_result)) int probe_start(const struct probe_request *request,
                                                    struct io *io, probe_done *done, void *arg,
                                                    struct probe_run **run, struct err *err);
void probe_cancel(struct probe_run *run);

#endif
