/* dnsflip/ctl/views.h -- what the engine knows as JSON: the one shape that protocol, command line
 * and a lone monitor show.  The caller owns what is returned. */
#ifndef DNSFLIP_CTL_VIEWS_H
#define DNSFLIP_CTL_VIEWS_H

#include <cjson/cJSON.h>

#include "dnsflip/engine/engine.h"
#include "dnsflip/model/journal_entry.h"

struct judge_ops;

#define VIEWS_ALL UINT32_MAX /* every group */

/* {node, face, reload, secondaries, groups}.  judge NULL: a lone monitor, face and reload are null.
 * with_endpoints: each group has its endpoints too. */
cJSON *views_status(const struct engine *e, const struct judge_ops *judge, uint32_t group,
                    bool with_endpoints);

cJSON *views_group(const struct engine *e, uint32_t group);
cJSON *views_operation(const struct operation *op);
cJSON *views_entry(const struct journal_entry *entry);

/* The plan, its guards asked and its changes.  settings: the plan's. */
/* Adds to each step of views_plan what it would do to the live records, where that is known. */
void views_add_previews(cJSON *view, const struct engine *e, const struct plan *plan);
cJSON *views_plan(const struct settings *s, const struct plan *plan,
                  const struct target_change changes[]);

/* Gives each group of groups (of all groups in order, or the one named) its "endpoints": one for
 * each endpoint, cluster and address family that is probed. */
void views_add_endpoints(const struct engine *e, uint32_t group, cJSON *groups);

/* Gives object its "secondaries". */
void views_add_secondaries(const struct engine *e, cJSON *object);

/* Exit code that an operation's state stands for: 0 done or under way, 1, 3 or 4. */
int views_operation_exit(const struct operation *op);

/* ---- parts that several views use ----------------------------------------------------------- */

/* RFC 3339, or null if it is not set. */
void views_add_wall(cJSON *object, const char *name, struct wall t);
/* text, or null if it is empty. */
void views_add_text(cJSON *object, const char *name, const char *text);
void views_add_target(cJSON *object, const char *name, const struct target *t);
/* Names of the overrides in set, in the order of their bits. */
void views_add_overrides(cJSON *object, const char *name, override_set set);

#endif
