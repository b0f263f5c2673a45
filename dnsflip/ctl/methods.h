/* dnsflip/ctl/methods.h -- the control protocol's methods: one table of names, roles, parameters
 * and the function of each. */
#ifndef DNSFLIP_CTL_METHODS_H
#define DNSFLIP_CTL_METHODS_H

#include "dnsflip/ctl/call.h"
#include "dnsflip/ctl/params.h"
#include "dnsflip/engine/engine.h"

struct ctl_method {
    const char *name; /* NULL ends the table */
    enum access_role role;
    const struct param_spec *params;
    void (*run)(struct ctl_call *call);
};

extern const struct ctl_method methods_all[];

/* NULL, and an error that names the nearest, if there is none. */
const struct ctl_method *methods_find(const char *name, struct proto_error *error);

extern const char *const methods_verbs[];  /* "switch" "failover" "failback", NULL */
extern const char *const methods_levels[]; /* "accepted" "settled" "converged", NULL */

/* Fills error for a group, cluster or operation that is not there, with the nearest name. */
int methods_fail_group(const struct settings *s, const char *name, struct proto_error *error);
int methods_fail_cluster(const struct settings *s, const char *name, struct proto_error *error);

/* What an engine's refusal is in the protocol. */
void methods_fail_result(const struct command_result *result, struct proto_error *error);

/* {operation, epoch, state, text, repeat}: the answer of an accepted action. */
cJSON *methods_result_view(const struct command_result *result);

/* The part of a command that every acting method fills in the same way. */
void methods_fill_command(const struct ctl_call *call, struct command *out);

/* An override is an admin's, and needs a reason. */
int methods_check_overrides(const struct ctl_call *call, struct proto_error *error);

/* methods_read.c */
void methods_version(struct ctl_call *call);
void methods_status(struct ctl_call *call);
void methods_monitor(struct ctl_call *call);
void methods_explain(struct ctl_call *call);
void methods_plan(struct ctl_call *call);
void methods_events(struct ctl_call *call);
void methods_subscribe(struct ctl_call *call);
/* methods_operation.c */
void methods_operation_list(struct ctl_call *call);
void methods_operation_show(struct ctl_call *call);
void methods_operation_wait(struct ctl_call *call);
/* methods_act.c */
void methods_move(struct ctl_call *call);
void methods_simple(struct ctl_call *call);
/* methods_reload.c */
void methods_reload(struct ctl_call *call);
void methods_upgrade(struct ctl_call *call);
/* methods_evacuate.c */
void methods_evacuate(struct ctl_call *call);

#endif
