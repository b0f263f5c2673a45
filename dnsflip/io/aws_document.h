/* dnsflip/io/aws_document.h -- credentials in what a source answered: pure, bounded; no text of a
 * document reaches an err. */
#ifndef DNSFLIP_IO_AWS_DOCUMENT_H
#define DNSFLIP_IO_AWS_DOCUMENT_H

#include <stddef.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/secret.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/io/aws_credentials.h"

#define AWS_DOCUMENT_BYTES_MAX 65536
#define AWS_STS_CODE_BYTES 96

/* One set of credentials, owned. */
struct aws_keys {
    char access_key_id[AWS_ACCESS_KEY_ID_BYTES];
    struct secret *secret_key;
    struct secret *session_token; /* NULL = none */
    struct wall expires;          /* 0 = never */
};

/* Overwrites and frees; an empty value again. */
void aws_keys_fini(struct aws_keys *keys);

/* From texts; token and expiration NULL or "" = none.  ERR_CONFIG with what is wrong, no value. */
__attribute__((warn_unused_result)) int aws_keys_init(struct aws_keys *keys,
                                                      const char *access_key_id,
                                                      const char *secret_key, const char *token,
                                                      const char *expiration, struct err *err);

/* The JSON of instance and container metadata, or (is_process) of a credential_process.  ERR_REMOTE
 * or ERR_LIMIT; keys are then empty. */
__attribute__((warn_unused_result)) int aws_document_json(const char *text, size_t n,
                                                          bool is_process, struct aws_keys *keys,
                                                          struct err *err);

/* The answer of STS to AssumeRole or AssumeRoleWithWebIdentity. */
__attribute__((warn_unused_result)) int aws_document_sts(const char *text, size_t n,
                                                         struct aws_keys *keys, struct err *err);

/* The code of an error of STS ("ExpiredToken"); "" if there is none. */
void aws_document_code(const char *text, size_t n, char code[static AWS_STS_CODE_BYTES]);

#endif
