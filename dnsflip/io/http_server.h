/* dnsflip/io/http_server.h -- a small HTTP/1.1 listener for health checks and metrics: GET and
 * HEAD, one request a connection, no bodies in. */
#ifndef DNSFLIP_IO_HTTP_SERVER_H
#define DNSFLIP_IO_HTTP_SERVER_H

#include <stddef.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/base/secret.h"

struct http_server;
struct loop;

#define HTTP_SERVER_CONNS_MAX 64
#define HTTP_SERVER_HEADER_BYTES_MAX 8192
#define HTTP_SERVER_BODY_BYTES_MAX (64U << 20)
#define HTTP_SERVER_MS INT64_C(10000) /* from connect to the last byte */

struct http_server_reply {
    int status;               /* 200, 404, 503 */
    const char *content_type; /* static */
    struct buf body;          /* the server's; the handler appends to it */
};

/* path: without the query, as sent (not decoded).  Fills *reply before it returns. */
typedef void http_server_handler(void *arg, const char *path, struct http_server_reply *reply);

/* listen_fd stays the caller's and is made non-blocking.  token (borrowed, NULL = none): every
 * request must carry "Authorization: Bearer TOKEN". */
__attribute__((warn_unused_result)) int http_server_new(struct loop *loop, int listen_fd,
                                                        const struct secret *token,
                                                        http_server_handler *handler, void *arg,
                                                        struct http_server **out, struct err *err);
void http_server_free(struct http_server *server); /* NULL does nothing */

#endif
