/* dnsflip/io/aws_plan_internal.h -- what the sources of io/aws_plan share; nobody else includes
 * it. */
#ifndef DNSFLIP_IO_AWS_PLAN_INTERNAL_H
#define DNSFLIP_IO_AWS_PLAN_INTERNAL_H

#include "dnsflip/io/aws_plan.h"

/* A plan that is being made; all but plan is borrowed. */
struct aws_choice {
    const struct aws_cfg *cfg;
    const struct aws_env *env;
    const struct aws_profiles *profiles;
    struct aws_plan *plan;
    const char *profile;
    const char *visited[AWS_ROLES_MAX + 2];
    size_t n_visited;
};

/* Of both files; NULL = none. */
const char *aws_plan_get(const struct aws_choice *c, const char *profile, const char *key);
/* Copies text, which err calls what, unless it is too long or holds a control character. */
__attribute__((warn_unused_result)) int aws_plan_text(char out[static AWS_PLAN_TEXT_BYTES],
                                                      const char *text, const char *what,
                                                      struct err *err);

/* io/aws_plan_metadata.c.  1 = chosen, 0 = not configured, -1 = err. */
int aws_plan_container(struct aws_choice *c, struct err *err);
int aws_plan_imds(struct aws_choice *c, struct err *err);

#endif
