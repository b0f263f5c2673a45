/* dnsflip/engine/switcher_ending.c -- the last entry of an operation, until the journal has it: a
 * start that found the intent alone would go on with what was refused, cancelled or given up. */
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/switcher_state.h"
#include "dnsflip/io/loop.h"

#define AGAIN_MS INT64_C(1000) /* between two tries to write it */

struct switcher_ending {
    struct engine *engine;
    struct engine_group *group; /* NULL = let go: its callback frees it */
    struct journal_entry entry;
    struct loop_timer *timer; /* owned */
    bool is_queued;           /* the journal has it and will call back */
    bool is_intent_pending, is_intent_durable;
    bool is_locking;    /* nothing was changed: only this entry keeps a restart from it */
    command_done *done; /* a cancel that is answered when it is durable, NULL = nobody waits */
    void *done_arg;
};

static void free_ending(struct switcher_ending *ending)
{
    loop_timer_free(ending->timer);
    loop_defer_free(ending->engine->deps.loop, ending);
}

static void tell(struct switcher_ending *ending, bool ok, const char *why)
{
    command_done *done = ending->done;

    ending->done = NULL;
    if (done == NULL)
        return;
    if (ok)
        engine_reply(done, ending->done_arg, 0, "operation %s: cancelled", ending->entry.operation);
    else
        engine_reply(done, ending->done_arg, EXIT_ERROR,
                     "operation %s is cancelled, but the journal cannot be written: a restart "
                     "would go on with it: %s",
                     ending->entry.operation, why);
}

static void let_go(struct switcher_ending *ending)
{
    struct engine_group *g = ending->group;

    g->ending = NULL;
    engine_decide_mark(ending->engine, g->index);
    free_ending(ending);
}

static void on_recorded(void *arg, bool ok, const struct err *err)
{
    struct switcher_ending *ending = arg;

    ending->is_queued = false;
    if (ending->group == NULL) {
        free_ending(ending);
        return;
    }
    tell(ending, ok, ok ? "" : err->text);
    if (ok || (!ending->is_intent_pending && !ending->is_intent_durable))
        let_go(ending);
    else
        loop_timer_set(ending->timer, mono_add(loop_now(ending->engine->deps.loop).mono, AGAIN_MS));
}

static void again(void *arg)
{
    struct switcher_ending *ending = arg;

    if (!ending->is_intent_pending && !ending->is_intent_durable) {
        let_go(ending);
        return;
    }
    ending->is_queued = true;
    engine_record_again(ending->engine, &ending->entry, on_recorded, ending);
}

void switcher_ending_start(struct switcher *s, struct journal_entry *entry)
{
    struct engine_group *g = s->group;
    struct switcher_ending *ending = mem_zalloc(sizeof(*ending));

    switcher_ending_drop(g);
    *ending = (struct switcher_ending){ .engine = s->engine,
                                        .group = g,
                                        .is_queued = true,
                                        .is_intent_pending = s->intent != NULL,
                                        .is_intent_durable = s->is_intent_durable,
                                        .is_locking = !s->op.is_changed };
    ending->timer = loop_timer_new(s->engine->deps.loop, again, ending);
    g->ending = ending;
    if (s->intent != NULL) {
        s->intent->switcher = NULL;
        s->intent->ending = ending;
        s->intent = NULL;
    }
    engine_record(s->engine, entry, true, on_recorded, ending);
    ending->entry = *entry;
}

void switcher_ending_intent(struct switcher_ending *ending, bool ok)
{
    ending->is_intent_pending = false;
    ending->is_intent_durable = ok;
}

void switcher_ending_drop(struct engine_group *g)
{
    struct switcher_ending *ending = g->ending;

    if (ending == NULL)
        return;
    g->ending = NULL;
    ending->group = NULL;
    loop_timer_clear(ending->timer);
    if (!ending->is_queued)
        free_ending(ending);
}

void switcher_ending_rebind(struct engine_group *from, struct engine_group *to)
{
    to->ending = from->ending;
    from->ending = NULL;
    if (to->ending != NULL)
        to->ending->group = to;
}

bool switcher_ending_locks(const struct engine_group *g)
{
    return g->ending != NULL && g->ending->is_locking;
}

void switcher_ending_tell(struct engine_group *g, command_done *done, void *arg)
{
    g->ending->done = done;
    g->ending->done_arg = arg;
}
