/* dnsflip/io/http.h -- one HTTP/1.1 GET at a pinned address under a hostname of its own, over
 * pooled curl easy handles on one multi handle per HTTP_PER_SHARD ids.
 * Host, SNI and the certificate check use the hostname; the connection goes to the address; the
 * hostname is never resolved.  No redirects, no proxies (the environment's included), no
 * Accept-Encoding, no cookies; TLS 1.2 or later; nothing here blocks or starts a thread. */
#ifndef DNSFLIP_IO_HTTP_H
#define DNSFLIP_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/observation.h"

struct loop;
struct http;
struct http_run;

#define HTTP_PER_SHARD 64           /* a multi handle's cost grows with its connections */
#define HTTP_IDS_MAX (1u << 20)     /* larger ids are folded into these */
#define HTTP_IDLE_HANDLES_MAX 64    /* further easy handles are freed after their run */
#define HTTP_CONNECTION_IDLE_S 118  /* a connection idle for longer is not reused */
#define HTTP_CONNECTION_AGE_S 600   /* nor is one older than this */
#define HTTP_HEADER_BYTES_MAX 65536 /* of one response; more is REASON_PROTOCOL */
#define HTTP_URL_BYTES_MAX 1024     /* scheme, hostname, port and path together */
#define HTTP_CA_FILES_MAX 64        /* distinct ca_file texts of one judge */
#define HTTP_CA_RECHECK_MS 60000    /* a changed CA file is read again after at most this */

struct http_request {
    const char *hostname; /* all texts: copied, or not needed after http_start */
    const char *path;     /* starts with '/', sent as it is */
    const char *ca_file;  /* PEM; "" = the system's */
    bool has_tls;
    uint16_t port;
    struct inet_ip addresses[ADDRESSES_MAX]; /* tried in order until one connects */
    size_t n_addresses;                      /* 1 .. ADDRESSES_MAX */
    uint32_t id;        /* two ids never share a connection; one run at a time for each */
    bool is_fresh;      /* close the connection kept for id and open one, full handshake */
    int64_t timeout_ms; /* from http_start to the last byte */
    uint32_t body_max_bytes;
};

/* Borrowed by done while it runs. */
struct http_response {
    enum reason_code reason;  /* REASON_OK: complete, whatever its status; else what went wrong */
    int32_t status;           /* 0 = no status line came */
    bool reused;              /* over a connection that an earlier run left */
    struct inet_ip address;   /* that was asked (last) */
    struct probe_times times; /* since http_start; dns_us is 0 */
    struct wall certificate_expires; /* of the leaf; 0 = not seen */
    struct wall date;                /* Date header; 0 = none */
    const char *content_type;        /* "" = none; cut after 63 bytes */
    const char *body;                /* terminated; "" if none */
    size_t body_bytes;
    char detail[OBSERVATION_DETAIL_BYTES]; /* "" or what went wrong, printable */
};

typedef void http_done(void *arg, const struct http_response *response);

/* Ignores SIGPIPE for the whole process: TLS libraries write to closed sockets. */
__attribute__((warn_unused_result)) int http_new(struct loop *loop, struct http **out,
                                                 struct err *err);
/* Ends all runs without callbacks, closes all connections. */
void http_free(struct http *http);

/* done runs exactly once, never before this returned, unless cancelled.  Fails only for lack of
 * memory or for a URL longer than HTTP_URL_BYTES_MAX.  With n addresses left and none connected,
 * each gets an equal share of the time left; a refusal or a timeout goes on to the next, a fault
 * of our own does not.  A kept connection decides which address comes first. */
__attribute__((warn_unused_result)) int http_start(struct http *http,
                                                   const struct http_request *request,
                                                   http_done *done, void *arg,
                                                   struct http_run **out, struct err *err);
void http_cancel(struct http_run *run);

#endif
