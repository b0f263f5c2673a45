/* dnsflip/ctl/http.h -- what the HTTP listener answers: /healthz, /readyz, /metrics. */
#ifndef DNSFLIP_CTL_HTTP_H
#define DNSFLIP_CTL_HTTP_H

#include "dnsflip/base/err.h"

struct ctl_http;
struct engine;
struct judge_ops;
struct loop;

/* listen_fd stays the caller's; all else is borrowed.  token_file "" = no token is wanted. */
__attribute__((warn_unused_result)) int ctl_http_new(struct loop *loop, int listen_fd,
                                                     const char *token_file, struct engine *engine,
                                                     const struct judge_ops *judge,
                                                     struct ctl_http **out, struct err *err);
void ctl_http_free(struct ctl_http *http); /* NULL does nothing */

#endif
