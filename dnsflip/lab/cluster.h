/* dnsflip/lab/cluster.h -- one small Airflow-shaped cluster: an HTTP(S) server in a process of its
 * own, and the words that break and heal it. */
#ifndef DNSFLIP_LAB_CLUSTER_H
#define DNSFLIP_LAB_CLUSTER_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/model/limits.h"

#define CLUSTER_SLOW_MS 3000
#define CLUSTER_CONNS_MAX 16384 /* further ones are reset */
#define CLUSTER_WORD_BYTES (NAME_BYTES + 16)

enum cluster_mode {
    CLUSTER_UP = 0,
    CLUSTER_FAILED,    /* nobody listens, connections are reset */
    CLUSTER_HUNG,      /* accepts and never answers */
    CLUSTER_SLOW,      /* answers after CLUSTER_SLOW_MS */
    CLUSTER_UNHEALTHY, /* 200, and JSON that says unhealthy */
};

struct cluster_cfg {
    struct inet_addr addr;
    SSL_CTX *tls;        /* borrowed; NULL = plain HTTP */
    bool has_scheduler;  /* at the start */
    const char *primary; /* of a database, at the start; "" for a cluster */
    int listen_fd;       /* taken over; listens on addr */
    int control_fd;      /* borrowed; a Unix socket that takes one word a connection; -1 = none */
};

/* A socket that listens on *addr; a port of 0 is replaced by the one that was free.  -1: err. */
__attribute__((warn_unused_result)) int cluster_listen(struct inet_addr *addr, struct err *err);

/* A Unix socket that listens at path, for its owner alone.  -1: err. */
__attribute__((warn_unused_result)) int cluster_listen_control(const char *path, struct err *err);

/* Serves until SIGTERM. */
__attribute__((warn_unused_result)) int cluster_serve(const struct cluster_cfg *cfg,
                                                      struct err *err);

/* Says a word to the cluster that listens at path: fail hang slow unhealthy heal, promote demote
 * (its scheduler), "primary CLUSTER" (to the database), look (nothing: does it listen?). */
__attribute__((warn_unused_result)) int cluster_tell(const char *path, const char *word,
                                                     struct err *err);

#endif
