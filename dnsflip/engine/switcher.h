/* dnsflip/engine/switcher.h -- stage 6 of 7: carries out one operation of one group.  It asks
 * policies/operation what comes next, journals it, does it, and hands the outcome back. */
#ifndef DNSFLIP_ENGINE_SWITCHER_H
#define DNSFLIP_ENGINE_SWITCHER_H

#include <stdbool.h>

#include "dnsflip/base/err.h"
#include "dnsflip/engine/engine.h"

struct engine;
struct engine_group;
struct switcher;

/* What somebody wants; guards have been asked. */
struct switcher_order {
    enum verb verb;
    int8_t from, to; /* places in the group's order */
    override_set overrides;
    bool is_promoted;
    uint32_t n_names;          /* a reload: those of the group that move */
    const char *configuration; /* a reload: of the settings it brings; else NULL */
    char actor[ACTOR_BYTES];
    char reason[REASON_TEXT_BYTES];
    char request_id[REQUEST_ID_BYTES];
    char request_digest[65];
};

/* Starts it: g->switcher is set, the intent on its way to the disk.  One that only verifies is
 * superseded.  done (may be NULL) runs once: when the intent is durable, or when the operation has
 * ended before that.  -1: no plan can be made, nothing has happened, done never runs. */
__attribute__((warn_unused_result)) int switcher_start(struct engine *e, struct engine_group *g,
                                                       const struct switcher_order *order,
                                                       command_done *done, void *arg,
                                                       struct err *err);

/* Goes on with an operation that the journal left without an outcome. */
void switcher_resume(struct engine *e, struct engine_group *g, const struct operation *op);

/* By an operator: the text says what happened; -1 if it is too late. */
__attribute__((warn_unused_result)) int switcher_cancel(struct switcher *s, const char *actor,
                                                        struct err *err);
/* A partial operation, now instead of at its next retry. */
__attribute__((warn_unused_result)) int switcher_retry(struct switcher *s, struct err *err);

bool switcher_holds_lock(const struct switcher *s);
const struct operation *switcher_operation(const struct switcher *s);

/* After a reload: g is the group's new place.  What is being verified is verified anew against the
 * new settings; if those no longer have its clusters it ends there. */
void switcher_rebind(struct switcher *s, struct engine_group *g);

/* Before a reload that takes the group of a verified operation away. */
void switcher_orphan(struct switcher *s);

/* ---- the last operation's end, until it is durable (switcher_ending.c) -------------------------
 */
void switcher_ending_drop(struct engine_group *g); /* a newer intent, or the end of the engine */
void switcher_ending_rebind(struct engine_group *from, struct engine_group *to);
/* It left no change: a newer operation must not begin before it is written. */
bool switcher_ending_locks(const struct engine_group *g);
/* done runs when it is durable, or could not be made so; group->ending is set. */
void switcher_ending_tell(struct engine_group *g, command_done *done, void *arg);

/* Lets go of everything in flight without an outcome: the journal has what is needed. */
void switcher_free(struct switcher *s);

#endif
