/* dnsflip/ctl/server.h -- the control socket: clients, lines in, lines out.  A client that reads
 * slowly, or not at all, makes nobody wait. */
#ifndef DNSFLIP_CTL_SERVER_H
#define DNSFLIP_CTL_SERVER_H

#include <stddef.h>

#include "dnsflip/base/err.h"

struct ctl_server;
struct engine;
struct judge_ops;
struct loop;

#define CTL_CONNS_MAX 64
#define CTL_IDLE_MS INT64_C(600000)     /* a client that neither asks nor waits nor subscribes */
#define CTL_OUTPUT_BYTES_MAX (8U << 20) /* waiting for one client: beyond it is cut */
#define CTL_PAUSE_BYTES (256U << 10)    /* waiting: its further requests are not read until then */
#define CTL_CALLS_MAX 64                /* unanswered requests of one client */

/* listen_fd stays the caller's and must live as long; all else is borrowed.  The server listens to
 * the engine's events and so must live as long as the engine runs. */
__attribute__((warn_unused_result)) int ctl_server_new(struct loop *loop, int listen_fd,
                                                       struct engine *engine,
                                                       const struct judge_ops *judge,
                                                       struct ctl_server **out, struct err *err);

/* Only after the engine is gone, or will answer no more.  NULL does nothing. */
void ctl_server_free(struct ctl_server *server);

#endif
