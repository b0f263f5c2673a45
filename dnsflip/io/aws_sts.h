/* dnsflip/io/aws_sts.h -- requests to the regional STS, written and signed: pure. */
#ifndef DNSFLIP_IO_AWS_STS_H
#define DNSFLIP_IO_AWS_STS_H

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/io/aws_document.h"
#include "dnsflip/io/aws_plan.h"
#include "dnsflip/io/sigv4.h"
#include "dnsflip/io/web.h"
#include "dnsflip/model/aws_cfg.h"

struct aws_env;

#define AWS_STS_TOKEN_BYTES_MAX 20000 /* of a web identity token: what STS takes */
#define AWS_STS_BODY_BYTES_MAX 98304  /* every byte of it encoded, and the rest */
#define AWS_STS_HEADERS 5

/* "https://sts.eu-west-1.amazonaws.com" as partition, FIPS and region ("" = not known) have it,
 * unless AWS_ENDPOINT_URL_STS or AWS_ENDPOINT_URL say otherwise.  No '/' at the end. */
__attribute__((warn_unused_result)) int aws_sts_url(const struct aws_cfg *cfg,
                                                    const struct aws_env *env, const char *region,
                                                    char out[static AWS_URL_BYTES],
                                                    struct err *err);

/* What a request is made of; aws_sts_fini overwrites it. */
struct aws_sts {
    char url[AWS_URL_BYTES + 1];
    struct buf body;
    struct buf authorization;
    char date[SIGV4_DATE_BYTES];
    struct web_header headers[AWS_STS_HEADERS]; /* point into this, and into the keys */
    size_t n_headers;
};

/* AssumeRoleWithWebIdentity with token, which needs no signature. */
__attribute__((warn_unused_result)) int aws_sts_web_identity(struct aws_sts *sts, const char *url,
                                                             const struct aws_role *role,
                                                             const char *token, struct err *err);
/* AssumeRole, signed with keys at time.  keys must stay while sts is used. */
__attribute__((warn_unused_result)) int aws_sts_assume_role(struct aws_sts *sts, const char *url,
                                                            const char *region,
                                                            const struct aws_role *role,
                                                            const struct aws_keys *keys,
                                                            struct wall time, struct err *err);
void aws_sts_fini(struct aws_sts *sts);

#endif
