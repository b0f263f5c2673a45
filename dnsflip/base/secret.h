/* dnsflip/base/secret.h -- text that must never be printed: a type that no formatter accepts. */
#ifndef DNSFLIP_BASE_SECRET_H
#define DNSFLIP_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/err.h"

#define SECRET_BYTES_MAX 4096

struct secret; /* opaque on purpose */

/* From a file (one trailing newline is dropped) / from memory.  ERR_SYS or ERR_LIMIT. */
__attribute__((warn_unused_result)) int secret_read(const char *path, struct secret **out,
                                                    struct err *err);
struct secret *secret_new(const char *bytes, size_t n);

/* Overwrites, then frees; NULL does nothing. */
void secret_free(struct secret *s);

/* Constant-time comparison with n bytes. */
bool secret_equal(const struct secret *s, const char *bytes, size_t n);

/* The bytes, for the one call that needs them (a header, an HMAC).  Never log them. */
const char *secret_reveal(const struct secret *s);

#endif
