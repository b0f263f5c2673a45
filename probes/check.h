/* probes/check.h -- what the kinds share: one run in flight, its pinned addresses, its deadline,
 * its observation. */
#ifndef DNSFLIP_PROBES_CHECK_H
#define DNSFLIP_PROBES_CHECK_H

#include "dnsflip/base/mono.h"
#include "dnsflip/io/http.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "probes/probe.h"

struct dns_ask;
struct dns_answer;
struct check;

/* Both run in a turn of their own, never inside check_new. */
typedef void check_ready(struct check *c); /* addresses are known */
typedef void check_answered(struct check *c, const struct http_response *response);

/* Each kind puts it first in its own struct, which is freed as a whole. */
struct check {
    struct probe_run run;                /* first: what the caller holds */
    const struct probe_request *request; /* borrowed */
    struct io *io;                       /* borrowed */
    probe_done *done;
    void *arg;
    check_ready *ready;
    check_answered *answered;
    void (*fini)(struct check *c); /* lets go of what the kind added */
    int64_t began_us;
    struct mono deadline;
    struct inet_ip addresses[ADDRESSES_MAX]; /* where to, in order */
    size_t n_addresses;
    struct dns_ask *ask;      /* in flight, or NULL */
    uint8_t asked_family;     /* by ask */
    struct http_run *http;    /* in flight, or NULL */
    int64_t http_began_us;    /* since began_us */
    bool has_answered;        /* an HTTP exchange is over: its connection facts are kept */
    bool is_standby_judged;   /* what follows is asked of an active cluster only */
    struct loop_timer *timer; /* owned */
    struct observation seen;
};

/* A zeroed struct of bytes (>= sizeof(struct check)) whose run has begun: ready follows, or, if
 * there is no address, the end.  ready, answered, fini may be set until this turn ends. */
struct check *check_new(size_t bytes, const struct probe_ops *ops,
                        const struct probe_request *request, struct io *io, probe_done *done,
                        void *arg);

/* GET base_path + path at the pinned addresses; answered follows, or the end.  The first request
 * of a run is fresh if the run is; later ones use its connection. */
void check_get(struct check *c, const char *path);

/* Milliseconds until the deadline; 0 = passed. */
int64_t check_left_ms(const struct check *c);

/* The reason under one profile / under both, with words (cut to fit). */
void check_set(struct check *c, enum profile profile, enum reason_code reason);
void check_set_both(struct check *c, enum reason_code reason);
void check_say(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Hands the observation to done and frees c. */
void check_finish(struct check *c);

/* ops->cancel of every kind. */
void check_cancel(struct probe_run *run);

/* What a status that is not the expected one proves. */
enum reason_code check_status_reason(int32_t status);

/* Is it "application/json", with or without parameters, or "application/...+json"? */
bool check_is_json_type(const char *content_type);

#endif
