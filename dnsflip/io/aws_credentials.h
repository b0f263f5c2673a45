/* dnsflip/io/aws_credentials.h -- whose requests we sign: the chain of sources in botocore's
 * order, refreshed before they expire.
 *
 *   environment (unless a profile is named), assume-role of the profile, web identity, shared
 *   credentials file, credential_process, config file, container, instance metadata (IMDSv2).
 *
 * No text of a secret leaves but through aws_credentials: not in an err, not in a log. */
#ifndef DNSFLIP_IO_AWS_CREDENTIALS_H
#define DNSFLIP_IO_AWS_CREDENTIALS_H

#include "dnsflip/base/err.h"
#include "dnsflip/base/secret.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/model/aws_cfg.h"

struct loop;
struct web;
struct aws_chain;
struct aws_chain_call;

#define AWS_ACCESS_KEY_ID_BYTES 129
#define AWS_SOURCE_BYTES 160

/* Borrowed by done while it runs. */
struct aws_credentials {
    char access_key_id[AWS_ACCESS_KEY_ID_BYTES];
    const struct secret *secret_key;
    const struct secret *session_token; /* NULL = none */
    struct wall expires;                /* 0 = never */
    const char *source; /* for people: "instance metadata, role dnsflip"; no secret */
};

/* credentials NULL: err says which sources were asked and why each gave none. */
typedef void aws_chain_done(void *arg, const struct aws_credentials *credentials,
                            const struct err *err);

/* The environment is read once, here.  cfg, loop and web are borrowed until aws_chain_free. */
__attribute__((warn_unused_result)) int aws_chain_new(const struct aws_cfg *cfg, struct loop *loop,
                                                      struct web *web, struct aws_chain **out,
                                                      struct err *err);
void aws_chain_free(struct aws_chain *chain); /* ends all calls without callbacks */

/* What is known and still good comes in the next turn; else the source is asked (callers of one
 * moment share one request).  15 min before expiry it is asked beside using what is known, 10 min
 * before it is waited for; if it is down then, what is known is used until it expires.  done runs
 * exactly once, never before this returned, unless cancelled. */
struct aws_chain_call *aws_chain_get(struct aws_chain *chain, aws_chain_done *done, void *arg);
void aws_chain_cancel(struct aws_chain_call *call);

/* The service refused them (ExpiredToken and the like): the next get asks the source. */
void aws_chain_refused(struct aws_chain *chain);

#endif
