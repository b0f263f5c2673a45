/* dnsflip/io/aws_env.h -- the environment as it was at the start, and the AWS files it names. */
#ifndef DNSFLIP_IO_AWS_ENV_H
#define DNSFLIP_IO_AWS_ENV_H

#include <stddef.h>

#include "dnsflip/base/err.h"

struct aws_profiles;

struct aws_env {
    char **items; /* owned: NAME=VALUE, ended by NULL; overwritten when freed */
};

/* A copy of environ (NAME=VALUE, ended by NULL). */
void aws_env_init(struct aws_env *env, char *const *environ_of);
void aws_env_fini(struct aws_env *env);

/* Borrowed; NULL = not set. */
const char *aws_env_get(const struct aws_env *env, const char *name);

/* Borrowed; "" = not set. */
const char *aws_env_text(const struct aws_env *env, const char *name);

/* Reads AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE (~/.aws/config, ~/.aws/credentials).  One
 * that is not there is none; one that cannot be read is an error. */
__attribute__((warn_unused_result)) int
aws_env_profiles(const struct aws_env *env, struct aws_profiles **out, struct err *err);

#endif
