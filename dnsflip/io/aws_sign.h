/* dnsflip/io/aws_sign.h -- a request to AWS as it is sent: URL encoded, query sorted, headers
 * signed.  Pure. */
#ifndef DNSFLIP_IO_AWS_SIGN_H
#define DNSFLIP_IO_AWS_SIGN_H

#include <stddef.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/io/aws.h"
#include "dnsflip/io/sigv4.h"
#include "dnsflip/io/web.h"

struct aws_credentials;

#define AWS_SIGNED_HEADERS_MAX 6

struct aws_signed {
    struct buf url; /* whole, as it is to be sent */
    struct buf authorization;
    char date[SIGV4_DATE_BYTES];
    struct web_header headers[AWS_SIGNED_HEADERS_MAX]; /* borrow from this, request, credentials */
    size_t n_headers;
};

/* Fills out, which must not be moved afterwards; aws_signed_fini is due whether it worked or not.
 * time: what the service's clock says.  ERR_USAGE for a URL, path or number of parameters that is
 * none, ERR_LIMIT past WEB_URL_BYTES_MAX or a limit of io/sigv4. */
__attribute__((warn_unused_result)) int aws_sign(const struct aws_request *request,
                                                 const struct aws_credentials *credentials,
                                                 struct wall time, struct aws_signed *out,
                                                 struct err *err);
void aws_signed_fini(struct aws_signed *s);

#endif
