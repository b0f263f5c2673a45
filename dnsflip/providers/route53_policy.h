/* dnsflip/providers/route53_policy.h -- the least that dnsflip has to be allowed in AWS to move its
 * names, as an IAM policy; PURE. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_POLICY_H
#define DNSFLIP_PROVIDERS_ROUTE53_POLICY_H

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/model/settings.h"

#define ROUTE53_POLICY_CHARACTERS_MAX 6144 /* of a managed policy; IAM does not count spaces */
#define ROUTE53_POLICY_BYTES (64U << 20)   /* for a buffer that holds every name there can be */

struct route53_policy {
    size_t n_names;    /* names that move, ownership records included */
    bool has_names;    /* the policy allows no others; else they made it too long */
    size_t characters; /* as IAM counts */
};

/* The policy as JSON into out (made with ROUTE53_POLICY_BYTES): zones may be read, changes be
 * followed, and records be deleted and created in the configured zones, under the managed names, of
 * the types their targets have.  group: an index, or -1 for all.  Routing controls
 * of Application Recovery Controller may be read and turned.  ERR_CONFIG if none of the groups'
 * providers calls AWS. */
__attribute__((warn_unused_result)) int route53_policy_write(const struct settings *settings,
                                                             int group, struct buf *out,
                                                             struct route53_policy *told,
                                                             struct err *err);

#endif
