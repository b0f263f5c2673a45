/* dnsflip/ctl/client.h -- the other end of the control socket: blocking calls with a time limit. */
#ifndef DNSFLIP_CTL_CLIENT_H
#define DNSFLIP_CTL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/err.h"
#include "dnsflip/ctl/proto.h"

struct ctl_client;

#define CLIENT_ANSWER_BYTES_MAX (16U << 20)
#define CLIENT_CALL_MS INT64_C(45000) /* for an answer that nothing has to be waited for */

/* ERR_REMOTE: nobody answers there (retry set if that may change by itself); ERR_SYS else. */
__attribute__((warn_unused_result)) int ctl_client_open(const char *path, struct ctl_client **out,
                                                        struct err *err);
void ctl_client_close(struct ctl_client *client); /* NULL does nothing */

/* Sends a request and waits for its answer.  params is taken over (NULL = none).  0: *result is the
 * caller's.  1: the daemon said no, *error says how.  -1: no answer: err; the connection is then
 * of no more use. */
__attribute__((warn_unused_result)) int ctl_client_call(struct ctl_client *client,
                                                        const char *method, cJSON *params,
                                                        int64_t timeout_ms, cJSON **result,
                                                        struct proto_error *error, struct err *err);

/* The parameters of the next event after `subscribe`, the caller's.  timeout_ms < 0: no limit; past
 * it ERR_TIMEOUT. */
__attribute__((warn_unused_result)) int
ctl_client_event(struct ctl_client *client, int64_t timeout_ms, cJSON **out, struct err *err);

/* The exit code that an error of the daemon stands for: 64 for a mistake in the request. */
int ctl_client_exit(const struct proto_error *error);

#endif
