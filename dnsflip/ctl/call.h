/* dnsflip/ctl/call.h -- one request being answered: what a method sees of server and client. */
#ifndef DNSFLIP_CTL_CALL_H
#define DNSFLIP_CTL_CALL_H

#include <cjson/cJSON.h>

#include "dnsflip/ctl/proto.h"
#include "dnsflip/model/settings.h"

struct ctl_conn;
struct ctl_events;
struct ctl_method;
struct ctl_waits;
struct engine;
struct judge_ops;

/* Lives from the request to its answer: a method ends it by exactly one of the two functions
 * below, at once or later.  A client may leave before; the answer then goes nowhere. */
struct ctl_call {
    struct engine *engine; /* borrowed, as all of these */
    const struct judge_ops *judge;
    struct ctl_events *events;
    struct ctl_waits *waits;
    const struct ctl_method *method;
    const cJSON *params; /* checked; NULL = none given; gone once run has returned */
    enum access_role role;
    char actor[ACTOR_BYTES];
    char id[PROTO_ID_BYTES];
    struct ctl_conn *conn; /* NULL: the client has left */
    struct ctl_call *next; /* the connection's other unanswered calls */
};

/* Both free the call; result is taken over. */
void ctl_call_result(struct ctl_call *call, cJSON *result);
void ctl_call_error(struct ctl_call *call, const struct proto_error *error);

/* From here on the client gets an event line for all that happens. */
void ctl_call_subscribe(struct ctl_call *call);

#endif
