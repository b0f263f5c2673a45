/* dnsflip/lab/cluster_conn.h -- one connection of a lab cluster: bytes in, requests, bytes out. */
#ifndef DNSFLIP_LAB_CLUSTER_CONN_H
#define DNSFLIP_LAB_CLUSTER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/lab/pages.h"

#define CLUSTER_CONN_HEAD_BYTES_MAX 8192 /* of one request; no bodies */
#define CLUSTER_CONN_OUT_BYTES_MAX 65536

struct cluster_conn {
    int fd;   /* owned; -1 = ended */
    SSL *tls; /* owned; NULL = plain */
    struct buf in, out;
    bool wants_write;                     /* else: to read */
    bool is_last;                         /* end it after the bytes at hand */
    struct mono due;                      /* a held back request is answered then; ms 0 = none */
    struct cluster_conn *next, *previous; /* of the cluster's list */
};

/* fd is taken over. */
struct cluster_conn *cluster_conn_new(int fd, SSL_CTX *tls);
void cluster_conn_free(struct cluster_conn *c); /* resets the connection if it stands */

/* Reads, answers and writes as far as it goes without waiting.  delay_ms > 0: a request is answered
 * that much later, by a call at c->due.  False: the connection has ended. */
__attribute__((warn_unused_result)) bool cluster_conn_step(struct cluster_conn *c,
                                                           const struct pages_state *state,
                                                           int64_t delay_ms, struct instant now);

#endif
