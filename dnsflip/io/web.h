/* dnsflip/io/web.h -- one HTTP request to a URL, carried by libcurl: the name is resolved, a proxy
 * and a CA file are as told.  No redirects, no cookies, no proxies of the environment; TLS 1.2 or
 * later; nothing here blocks.  For the calls of providers and for webhooks; probes use io/http. */
#ifndef DNSFLIP_IO_WEB_H
#define DNSFLIP_IO_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/wall.h"

struct loop;
struct web;
struct web_call;

#define WEB_HEADERS_MAX 24
#define WEB_HEADER_BYTES_MAX 8192 /* of one header line; a session token is long */
#define WEB_URL_BYTES_MAX 8192
#define WEB_BODY_BYTES_MAX (1U << 20) /* curl asks before it sends more ("Expect") */
#define WEB_TIMEOUT_MS_MAX INT64_C(3600000)
#define WEB_ANSWER_BYTES_MAX (8U << 20) /* the most that answer_max_bytes may ask for */
#define WEB_CALLS_MAX 64                /* in flight at once */

struct web_header {
    const char *name, *value; /* a value with CR or LF is refused */
};

struct web_request {
    const char *method; /* "GET", "POST", "PUT" */
    const char *url;    /* http:// or https://, path and query encoded as they are to be sent */
    const struct web_header *headers;
    size_t n_headers;
    const char *body; /* NULL = none; may hold any byte */
    size_t body_bytes;
    const char *ca_file; /* "" = the system's */
    const char *proxy;   /* "" = none */
    int64_t timeout_ms;  /* from web_start to the last byte */
    size_t answer_max_bytes;
};

enum web_outcome {
    WEB_ANSWERED = 0, /* complete, whatever its status */
    WEB_NOT_SENT,     /* no byte of the request left: it surely had no effect */
    WEB_UNKNOWN,      /* sent in part or whole, no complete answer: it may have had its effect */
};

/* Borrowed by done while it runs. */
struct web_answer {
    enum web_outcome outcome;
    int32_t status;   /* WEB_ANSWERED */
    const char *body; /* terminated; "" if none */
    size_t body_bytes;
    struct wall date;       /* Date header; 0 = none */
    const char *error_type; /* X-Amzn-ErrorType header; "" = none, or longer than 127 bytes */
    struct err err;         /* not WEB_ANSWERED: what went wrong, without any header or query */
};

typedef void web_done(void *arg, const struct web_answer *answer);

__attribute__((warn_unused_result)) int web_new(struct loop *loop, struct web **out,
                                                struct err *err);
void web_free(struct web *web); /* ends all calls without callbacks */

/* All of request is copied.  done runs exactly once, never before this returned, unless cancelled.
 * ERR_LIMIT: too many calls at once, or a size past its limit above. */
__attribute__((warn_unused_result)) int web_start(struct web *web,
                                                  const struct web_request *request, web_done *done,
                                                  void *arg, struct web_call **out,
                                                  struct err *err);
void web_cancel(struct web_call *call);

#endif
