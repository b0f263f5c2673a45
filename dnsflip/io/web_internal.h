/* dnsflip/io/web_internal.h -- what the sources of io/web share; nobody else includes it. */
#ifndef DNSFLIP_IO_WEB_INTERNAL_H
#define DNSFLIP_IO_WEB_INTERNAL_H

#include <curl/curl.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/io/curl_loop.h"
#include "dnsflip/io/web.h"

#define WEB_PLACE_BYTES 320

/* A request as it is kept while it runs: what may be secret is overwritten before it is freed. */
struct web_copy {
    const char *method;          /* static */
    char *url;                   /* owned */
    char place[WEB_PLACE_BYTES]; /* scheme and authority of url, for people */
    struct curl_slist *headers;  /* owned */
    char *body;                  /* owned; NULL = none */
    size_t body_bytes;
    char *ca_file; /* owned */
    char *proxy;   /* owned */
    int64_t timeout_ms;
    size_t answer_max_bytes;
};

/* io/web_request.c.  ERR_USAGE for what cannot be sent, ERR_LIMIT for what is too long; nothing is
 * copied then. */
__attribute__((warn_unused_result)) int
web_copy_init(struct web_copy *copy, const struct web_request *request, struct err *err);
void web_copy_fini(struct web_copy *copy);

struct web {
    struct curl_loop curl;
    struct web_call *calls; /* in flight */
    size_t n_calls;
};

struct web_call {
    struct web *web; /* borrowed */
    CURL *easy;      /* owned; its private pointer is this */
    struct web_copy copy;
    struct buf body; /* of the answer */
    size_t header_bytes;
    char date[48];
    char error_type[128];
    char error[CURL_ERROR_SIZE];
    bool may_have_left; /* a connection stood, and curl was about to send */
    web_done *done;
    void *arg;
    struct web_call *prev, *next;
};

/* io/web_easy.c: the easy handle of call, ready to be added.  False if there is no memory. */
bool web_easy_prepare(struct web_call *call);
/* What an ended transfer proves. */
void web_easy_outcome(const struct web_call *call, CURLcode code, struct web_answer *answer);

#endif
