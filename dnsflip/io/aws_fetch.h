/* dnsflip/io/aws_fetch.h -- credentials asked for once, as a plan says: from the source itself,
 * then the roles assumed with them.  A few tries, each with a time limit; nothing blocks. */
#ifndef DNSFLIP_IO_AWS_FETCH_H
#define DNSFLIP_IO_AWS_FETCH_H

#include "dnsflip/base/err.h"
#include "dnsflip/io/aws_document.h"
#include "dnsflip/io/aws_plan.h"

struct aws_env;
struct aws_fetch;
struct loop;
struct web;

#define AWS_STS_TIMEOUT_MS INT64_C(5000) /* of one try */
#define AWS_STS_TRIES 3
#define AWS_TRY_PAUSE_MS INT64_C(1000)
#define AWS_PROCESS_TIMEOUT_MS INT64_C(60000)

/* keys are the callee's now, their expiry by our clock; NULL: err says why. */
typedef void aws_fetch_done(void *arg, struct aws_keys *keys, const char *source,
                            const struct err *err);

/* plan is taken over, the rest borrowed until the end.  done runs exactly once, never before this
 * returned, unless cancelled. */
struct aws_fetch *aws_fetch_start(const struct aws_cfg *cfg, const struct aws_env *env,
                                  struct loop *loop, struct web *web, struct aws_plan *plan,
                                  aws_fetch_done *done, void *arg);
void aws_fetch_cancel(struct aws_fetch *fetch); /* NULL does nothing */

#endif
