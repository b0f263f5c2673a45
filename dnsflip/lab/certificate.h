/* dnsflip/lab/certificate.h -- a throw-away certificate authority and one server certificate,
 * made anew at each start and valid for some days. */
#ifndef DNSFLIP_LAB_CERTIFICATE_H
#define DNSFLIP_LAB_CERTIFICATE_H

#include <openssl/ssl.h>

#include "dnsflip/base/err.h"

/* Writes the authority's certificate to ca_path (PEM, readable by all; its key is forgotten) and
 * returns in *out a server's context whose certificate names names ("DNS:*.a.test,IP:127.0.0.1").
 * The caller frees it with SSL_CTX_free. */
__attribute__((warn_unused_result)) int certificate_make(const char *ca_path, const char *names,
                                                         SSL_CTX **out, struct err *err);

#endif
