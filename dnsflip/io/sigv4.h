/* dnsflip/io/sigv4.h -- AWS Signature Version 4, pure: a request in, the Authorization header out.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
#ifndef DNSFLIP_IO_SIGV4_H
#define DNSFLIP_IO_SIGV4_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/base/secret.h"
#include "dnsflip/base/wall.h"

#define SIGV4_HEADERS_MAX 32
#define SIGV4_PARAMS_MAX 64
#define SIGV4_CANONICAL_BYTES_MAX (64U << 10) /* path, query and headers, encoded */
#define SIGV4_DATE_BYTES 17                   /* "20150830T123600Z" and a NUL */
#define SIGV4_HASH_BYTES 65                   /* SHA-256 in hex and a NUL */

struct sigv4_header {
    const char *name, *value; /* name in any case; one header may come several times, in order */
};

struct sigv4_request {
    const char *method;
    const char *path;  /* of the URL, as it is sent; its '%' is encoded again, as AWS wants */
    const char *query; /* without '?', as it is sent, in any order; '+' is a plus; "" = none */
    const struct sigv4_header *headers; /* all that are to be signed; Host and X-Amz-Date too */
    size_t n_headers;
    const char *payload_hash; /* sigv4_hash of the body */
    bool is_path_normalised;  /* ".", "..", "//" are resolved first: every service but S3 */
};

struct sigv4_key {
    const char *access_key_id;
    const struct secret *secret_key;
    const char *region, *service; /* the scope */
    struct wall time;             /* the same as X-Amz-Date says */
};

void sigv4_hash(const void *body, size_t n, char out[SIGV4_HASH_BYTES]);
/* The X-Amz-Date of a time; outside 1970 to 9999 that of the nearest second within. */
void sigv4_date(struct wall time, char out[SIGV4_DATE_BYTES]);

/* Each appends to out.  ERR_LIMIT past a limit above, or when out is full; what out holds then is
 * of no use. */
__attribute__((warn_unused_result)) int sigv4_canonical(const struct sigv4_request *request,
                                                        struct buf *out, struct err *err);
__attribute__((warn_unused_result)) int sigv4_string_to_sign(const char *canonical,
                                                             const struct sigv4_key *key,
                                                             struct buf *out, struct err *err);
/* The value of the Authorization header. */
__attribute__((warn_unused_result)) int sigv4_authorize(const struct sigv4_request *request,
                                                        const struct sigv4_key *key,
                                                        struct buf *out, struct err *err);

/* text with everything but A-Z a-z 0-9 - _ . ~ (and '/', if kept) as %XX. */
void sigv4_encode(const char *text, size_t n, bool keeps_slash, struct buf *out);

#endif
