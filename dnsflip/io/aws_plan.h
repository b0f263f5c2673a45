/* dnsflip/io/aws_plan.h -- which source the credentials come from, chosen as botocore chooses:
 * pure. The first source that is configured is the one; that it fails does not lead to the next. */
#ifndef DNSFLIP_IO_AWS_PLAN_H
#define DNSFLIP_IO_AWS_PLAN_H

#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/io/aws_document.h"
#include "dnsflip/model/aws_cfg.h"

struct aws_env;
struct aws_profiles;

#define AWS_ROLES_MAX 8          /* assumed one from another */
#define AWS_PLAN_TEXT_BYTES 2048 /* of a path, role, external id, command or URL */

enum aws_base {
    AWS_BASE_KEYS = 0, /* written down in the environment or a file */
    AWS_BASE_WEB_IDENTITY,
    AWS_BASE_PROCESS,
    AWS_BASE_CONTAINER,
    AWS_BASE_IMDS,
};

struct aws_role {
    char arn[AWS_PLAN_TEXT_BYTES];
    char external_id[AWS_PLAN_TEXT_BYTES]; /* "" = none */
    char session_name[AWS_PLAN_TEXT_BYTES];
    uint64_t duration_s; /* 0 = the role's own */
};

/* Holds secrets: aws_plan_free overwrites it. */
struct aws_plan {
    enum aws_base base;
    char source[AWS_SOURCE_BYTES];  /* for people */
    char region[AWS_REGION_BYTES];  /* of STS: cfg's, else AWS_REGION, AWS_DEFAULT_REGION, else
                                     * the profile's; "" = none is known */
    struct aws_keys keys;           /* KEYS */
    struct aws_role web;            /* WEB_IDENTITY */
    char path[AWS_PLAN_TEXT_BYTES]; /* WEB_IDENTITY: token file; CONTAINER: token file, "" = none */
    char command[AWS_PLAN_TEXT_BYTES]; /* PROCESS */
    char url[AWS_PLAN_TEXT_BYTES];     /* CONTAINER; IMDS: without a '/' at the end */
    struct secret *token;              /* CONTAINER; NULL = none, or in a file */
    int64_t timeout_ms;                /* of one try */
    uint64_t tries;
    struct aws_role roles[AWS_ROLES_MAX]; /* assumed last to first */
    size_t n_roles;
};

/* ERR_CONFIG: nothing is configured, or what is cannot be used; the text says why. */
__attribute__((warn_unused_result)) int aws_plan_new(const struct aws_cfg *cfg,
                                                     const struct aws_env *env,
                                                     const struct aws_profiles *profiles,
                                                     struct aws_plan **out, struct err *err);
void aws_plan_free(struct aws_plan *plan); /* NULL does nothing */

#endif
