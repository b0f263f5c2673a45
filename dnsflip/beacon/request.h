/* dnsflip/beacon/request.h -- what a health checker's bytes ask for: HTTP/1.x, GET and HEAD of one
 * path; PURE. */
#ifndef DNSFLIP_BEACON_REQUEST_H
#define DNSFLIP_BEACON_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define BEACON_REQUEST_BYTES 1024 /* request line and header fields; checkers send about 150 */

enum beacon_request_kind {
    BEACON_REQUEST_PARTIAL = 0, /* more bytes are needed; never of BEACON_REQUEST_BYTES or more */
    BEACON_REQUEST_WHOLE,       /* path says what is asked for */
    BEACON_REQUEST_OTHER,       /* neither GET nor HEAD */
    BEACON_REQUEST_MALFORMED,   /* no HTTP/1.x request */
    BEACON_REQUEST_TOO_LONG,    /* it does not end within BEACON_REQUEST_BYTES */
};

struct beacon_request {
    bool is_head;
    const char *path; /* in the bytes read; starts with '/' */
    size_t path_len;
};

/* Looks at bytes[0..n).  What comes behind the empty line that ends a request is not looked at, and
 * neither are header fields: the answer depends on none, and a check that is refused for one would
 * move traffic. */
enum beacon_request_kind beacon_request_read(const char *bytes, size_t n,
                                             struct beacon_request *out);

#endif
