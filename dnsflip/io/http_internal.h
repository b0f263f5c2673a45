/* dnsflip/io/http_internal.h -- what the sources of io/http share; nobody else includes it. */
#ifndef DNSFLIP_IO_HTTP_INTERNAL_H
#define DNSFLIP_IO_HTTP_INTERNAL_H

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/io/curl_loop.h"
#include "dnsflip/io/http.h"
#include "dnsflip/io/loop.h"

#define HTTP_PER_SHARE 8 /* curl keeps that many TLS sessions in one share */

/* What we know of the connection kept for one id. */
struct http_slot {
    int fd;                 /* -1 = none */
    bool is_suspect;        /* a handshake failed: no session is resumed until one is well */
    unsigned n_runs;        /* in flight: their connection is not to be closed */
    bool was_connected;     /* the last one that closed had come to stand */
    struct inet_ip address; /* it goes to */
    uint16_t port;          /* it goes to */
    struct wall certificate_expires; /* seen when it was opened; 0 = not seen */
    const X509_STORE *store;         /* it was verified with; only compared */
};

/* Ids of one range, their connections, their TLS sessions. */
struct http_shard {
    struct curl_loop curl; /* a multi handle */
    CURLSH *shares[HTTP_PER_SHARD / HTTP_PER_SHARE];
    struct http_slot slots[HTTP_PER_SHARD];
};

/* A pooled easy handle and what a transfer fills. */
struct http_handle {
    CURL *easy;      /* owned; its private pointer is the run */
    struct buf body; /* of the answer */
    char error[CURL_ERROR_SIZE];
    char content_type[64];
    char date[48];
    size_t header_bytes;
    struct curl_slist *connect_to; /* owned */
    struct http_handle *next;      /* in the pool */
};

struct http_run {
    struct http *http;           /* borrowed */
    struct http_shard *shard;    /* borrowed */
    struct http_slot *slot;      /* borrowed, of shard */
    struct http_handle *handle;  /* owned while the run lives */
    struct http_request request; /* its texts are not valid */
    char *url;                   /* owned */
    http_done *done;
    void *arg;
    struct loop_timer *soon; /* owned; delivers a result found in http_start */
    X509_STORE *store;       /* a reference is held */
    struct http_run *prev, *next;
    int64_t began_us;
    int64_t attempt_us;  /* when this address was begun */
    size_t first;        /* index of the address that came first */
    size_t tried;        /* addresses begun before this one */
    int socket_errno;    /* of socket(); 0 = it gave one */
    bool has_opened;     /* this attempt opened a connection */
    bool is_misdirected; /* curl chose a connection to another address */
    struct wall certificate_expires;
};

/* io/http_shard.c: a multi handle on the loop. */
struct http_shard *http_shard_new(struct loop *loop, void (*finished)(CURL *easy, CURLcode code));
void http_shard_free(struct http_shard *shard);

/* io/http_handle.c: easy handles. */
struct http_handle *http_handle_new(void);
void http_handle_free(struct http_handle *handle);
/* Makes the handle ask for what run wants at address, within timeout_ms, connecting within
 * connect_ms.  False if there is no memory. */
bool http_handle_prepare(struct http_handle *handle, struct http_run *run,
                         const struct inet_ip *address, bool is_fresh, int64_t timeout_ms,
                         int64_t connect_ms);

/* io/http_tls.c: certificates. */
struct http_tls;
struct http_tls *http_tls_new(void);
void http_tls_free(struct http_tls *tls);
/* A reference to the trusted certificates of ca_file ("" = the system's), which the caller frees;
 * NULL with *err set. */
X509_STORE *http_tls_store(struct http_tls *tls, const char *ca_file, struct mono now,
                           struct err *err);
/* When the certificate that the other side of easy's connection showed expires; 0 = none. */
struct wall http_tls_expiry(CURL *easy);

/* io/http_reason.c: what an ended transfer proves.  Fills reason and detail. */
void http_reason(const struct http_run *run, CURLcode code, struct http_response *response);

#endif
