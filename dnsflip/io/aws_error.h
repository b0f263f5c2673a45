/* dnsflip/io/aws_error.h -- the error that an AWS service answers with, pure: XML
 * (<ErrorResponse><Error>, <InvalidChangeBatch><Messages>) or JSON (__type, message). */
#ifndef DNSFLIP_IO_AWS_ERROR_H
#define DNSFLIP_IO_AWS_ERROR_H

#include <stddef.h>

#include "dnsflip/io/aws.h"

#define AWS_MESSAGE_BYTES 400

struct aws_error {
    char code[AWS_CODE_BYTES];       /* "InvalidChangeBatch"; "" = the body names none */
    char message[AWS_MESSAGE_BYTES]; /* one printable line, cut; several joined by "; " */
};

/* Reads what it can of the n bytes of body, and of the X-Amzn-ErrorType header ("" = none): what is
 * cut off or of no known form gives what was read before, or nothing.  What a message tells of the
 * request it refuses (a canonical string holds the session token, an Authorization header a
 * signature) is left out. */
void aws_error_read(const char *body, size_t n, const char *error_type, struct aws_error *out);

#endif
