/* dnsflip/io/io.h -- what probes and providers reach the network with; one per judge. */
#ifndef DNSFLIP_IO_IO_H
#define DNSFLIP_IO_IO_H

#include "dnsflip/base/err.h"

struct loop;
struct http;       /* io/http.h: pooled easy handles on sharded multi handles */
struct web;        /* io/web.h: requests to a URL, for providers and webhooks */
struct dns_client; /* io/dns_client.h: questions to a given server, and the stub with its cache */

struct io {
    struct loop *loop;             /* borrowed */
    struct http *http;             /* owned */
    struct web *web;               /* owned */
    struct dns_client *dns_client; /* owned */
};

/* Fills *io on top of loop; io_fini also cancels what still runs, without callbacks. */
__attribute__((warn_unused_result)) int io_init(struct io *io, struct loop *loop, struct err *err);
void io_fini(struct io *io);

#endif
