/* dnsflip/providers/route53_job.h -- one call to the provider route53; route53*.c only. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_JOB_H
#define DNSFLIP_PROVIDERS_ROUTE53_JOB_H

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/providers/route53.h"
#include "dnsflip/providers/route53_api.h"

struct loop_timer;
struct route53_servers;

struct route53 {
    struct provider provider;        /* first: ops finds back */
    const struct settings *settings; /* borrowed */
    unsigned index;                  /* of the provider in it */
    struct route53_api api;
    struct route53_servers *servers; /* owned */
    struct route53_zones *kept;      /* owned: as they were read last, NULL = not yet */
    struct mono kept_at;
};

/* Takes zones over, for previews and verification. */
void route53_keep(struct route53 *route53, struct route53_zones *zones);
void route53_preview(struct provider *p, const struct step *step, struct preview *out,
                     preview_look *each, void *arg);

/* What a call is about, whatever it does. */
struct route53_job {
    struct provider_call call; /* first */
    struct route53 *route53;
    struct step step;
    struct route53_group group;
    const struct hostname_cfg **hosts; /* owned; those of this provider, in the group's order */
    size_t n_hosts;
    struct route53_reading *reading; /* in flight, NULL = none */
    struct aws_call *request;        /* in flight, NULL = none */
    struct route53_zones *zones;     /* owned, as read last */
    struct route53_plan plan;        /* submit: made from zones */
    struct buf body;                 /* submit: of the batch in flight */
    struct loop_timer *timer;        /* settle: owned */
    size_t next;                     /* submit: batch; settle: change */
    size_t n_sent;                   /* submit: batches that were accepted */
    bool is_unknown;                 /* submit: a batch had no answer, and nobody has looked yet */
    bool is_begun;                   /* submit: a batch of this step was seen to be done */
    unsigned n_unknown;
    struct err why; /* submit: what the service said to a batch that failed its comparison */
    char token[PROVIDER_TOKEN_BYTES]; /* "ID ID ...": each zone's last change */
    union {
        provider_read_done *read;
        provider_submit_done *submit;
        provider_settle_done *settle;
        provider_find_done *find;
    } done;
    void *arg;
};

struct route53_job *route53_job_new(struct provider *p, const struct step *step, void *arg);
/* Of the group's ownership records in zones; 0 = there is none. */
uint32_t route53_newest_epoch(const struct route53_job *job);
/* Ends what is in flight and frees the job; its own memory at the end of the turn. */
void route53_job_end(struct route53_job *job);
/* Reads all zones; fn gets the job with zones filled, or NULL and why not. */
void route53_job_read(struct route53_job *job, enum aws_lane lane, route53_zones_done *fn);
struct route53_move route53_job_move(const struct route53_job *job);

struct provider_call *route53_submit(struct provider *p, const struct step *step,
                                     provider_submit_done *done, void *arg);
struct provider_call *route53_settle(struct provider *p, const struct step *step, const char *token,
                                     provider_settle_done *done, void *arg);

/* PURE, from zones: which cluster the live records of the job's names belong to ... */
void route53_live(const struct route53_job *job, struct live *out);
/* ... and what of its step is done; plan is made on the way.  Where a name happens to be says
 * nothing of it (a target may be the same in both clusters, a person may have moved it): a batch of
 * the step leaves its epoch in the zone. */
enum found route53_found(struct route53_job *job, struct err *why);

#endif
