/* dnsflip/ctl/waits.h -- clients that wait for an operation to get as far as they asked. */
#ifndef DNSFLIP_CTL_WAITS_H
#define DNSFLIP_CTL_WAITS_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/model/operation.h"

struct ctl_call;
struct ctl_waits;
struct engine;
struct loop;

enum wait_level { WAIT_ACCEPTED = 0, WAIT_SETTLED, WAIT_CONVERGED }; /* as methods_levels */

#define WAITS_TIMEOUT_MS INT64_C(60000)       /* when the client names none */
#define WAITS_TIMEOUT_MAX_MS INT64_C(3600000) /* and at most */

struct ctl_waits *waits_new(struct loop *loop, struct engine *engine);
/* Drops all waits: their calls are answered by nobody and freed.  NULL does nothing. */
void waits_free(struct ctl_waits *waits);

/* Has op got as far as level, or ended short of it?  A partial one is still tried again. */
bool waits_is_over(const struct operation *op, enum wait_level level);

/* Answers call with {operation, level, reached} once that is so or timeout_ms has passed. */
void waits_add(struct ctl_waits *waits, struct ctl_call *call, const char *operation,
               enum wait_level level, int64_t timeout_ms);

/* Something happened: look again in the next turn. */
void waits_touch(struct ctl_waits *waits);

#endif
