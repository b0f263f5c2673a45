/* dnsflip/engine/switcher_ending.c -- the last entry of an operation, until the journal has it: a
 * start that found the intent alone would go on with what was refused, cancelled or given up. */
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/switcher_state.h"
#include "dnsflip/io/loop.h"

#define AGAIN_MS INT64_C(1000) /* between two tries to write it */

/* The two files that may hold the intent. */
enum where { IN_JOURNAL = 0, IN_OVERFLOW, WHERES };

struct side {
    bool is_intent_pending, is_intent_durable;
    bool is_queued; /* the last entry is on its way there, and its callback will come */
    bool is_durable;
};

struct switcher_ending {
    struct engine *engine;
    struct engine_group *group; /* NULL = let go: its last callback frees it */
    struct journal_entry entry;
    struct loop_timer *timer; /* owned */
    struct side sides[WHERES];
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

/* Where the intent is, or may yet be, a start would go on with it: unless this entry is there too.
 * One that the journal has is known there, whatever the overflow file says. */
static bool is_needed(const struct switcher_ending *ending, enum where where)
{
    const struct side *s = &ending->sides[where];

    if (where == IN_OVERFLOW && ending->sides[IN_JOURNAL].is_intent_durable)
        return false;
    return s->is_intent_pending || s->is_intent_durable;
}

static bool is_queued(const struct switcher_ending *ending)
{
    return ending->sides[IN_JOURNAL].is_queued || ending->sides[IN_OVERFLOW].is_queued;
}

static bool is_over(const struct switcher_ending *ending)
{
    for (int i = 0; i < WHERES; i++) {
        if (is_needed(ending, (enum where)i) && !ending->sides[i].is_durable)
            return false;
    }
    return true;
}

static void on_recorded(struct switcher_ending *ending, enum where where, bool ok,
                        const struct err *err)
{
    ending->sides[where].is_queued = false;
    ending->sides[where].is_durable = ok;
    if (ending->group == NULL) {
        if (!is_queued(ending))
            free_ending(ending);
        return;
    }
    if (ok || !is_queued(ending))
        tell(ending, ok, ok ? "" : err->text);
    if (is_queued(ending))
        return;
    if (is_over(ending))
        let_go(ending);
    else
        loop_timer_set(ending->timer, mono_add(loop_now(ending->engine->deps.loop).mono, AGAIN_MS));
}

static void on_journal(void *arg, bool ok, const struct err *err)
{
    on_recorded(arg, IN_JOURNAL, ok, err);
}

static void on_overflow(void *arg, bool ok, const struct err *err)
{
    on_recorded(arg, IN_OVERFLOW, ok, err);
}

static void again(void *arg)
{
    struct switcher_ending *ending = arg;

    if (is_over(ending)) {
        let_go(ending);
        return;
    }
    for (int i = 0; i < WHERES; i++)
        ending->sides[i].is_queued =
            is_needed(ending, (enum where)i) && !ending->sides[i].is_durable;
    if (ending->sides[IN_JOURNAL].is_queued)
        engine_record_again(ending->engine, &ending->entry, on_journal, ending);
    if (ending->sides[IN_OVERFLOW].is_queued)
        engine_record_overflow(ending->engine, &ending->entry, on_overflow, ending);
}

static void take_over(struct switcher_ending *ending, struct switcher_wait **wait)
{
    if (*wait == NULL)
        return;
    (*wait)->switcher = NULL;
    (*wait)->ending = ending;
    *wait = NULL;
}

void switcher_ending_start(struct switcher *s, struct journal_entry *entry)
{
    struct engine_group *g = s->group;
    struct switcher_ending *ending = mem_zalloc(sizeof(*ending));

    switcher_ending_drop(g);
    *ending = (struct switcher_ending){ .engine = s->engine,
                                        .group = g,
                                        .is_locking = !s->op.is_changed };
    ending->sides[IN_JOURNAL].is_intent_pending = s->intent != NULL;
    ending->sides[IN_JOURNAL].is_intent_durable = s->is_intent_durable;
    ending->sides[IN_OVERFLOW].is_intent_pending = s->forced != NULL;
    ending->sides[IN_OVERFLOW].is_intent_durable = s->is_forced_durable;
    ending->timer = loop_timer_new(s->engine->deps.loop, again, ending);
    g->ending = ending;
    take_over(ending, &s->intent);
    take_over(ending, &s->forced);
    /* Without its intent the journal takes a refusal and nothing else. */
    ending->sides[IN_OVERFLOW].is_queued = is_needed(ending, IN_OVERFLOW);
    ending->sides[IN_JOURNAL].is_queued = is_needed(ending, IN_JOURNAL) ||
                                          entry->kind == ENTRY_REFUSED ||
                                          !ending->sides[IN_OVERFLOW].is_queued;
    entry->is_forced = entry->is_forced || ending->sides[IN_OVERFLOW].is_queued;
    if (ending->sides[IN_JOURNAL].is_queued)
        engine_record(s->engine, entry, true, on_journal, ending);
    else
        engine_record_fold(s->engine, entry);
    ending->entry = *entry;
    if (ending->sides[IN_OVERFLOW].is_queued)
        engine_record_overflow(s->engine, entry, on_overflow, ending);
}

void switcher_ending_intent(struct switcher_ending *ending, bool ok)
{
    ending->sides[IN_JOURNAL].is_intent_pending = false;
    ending->sides[IN_JOURNAL].is_intent_durable = ok;
}

void switcher_ending_forced(struct switcher_ending *ending, bool ok)
{
    ending->sides[IN_OVERFLOW].is_intent_pending = false;
    ending->sides[IN_OVERFLOW].is_intent_durable = ok;
}

void switcher_ending_drop(struct engine_group *g)
{
    struct switcher_ending *ending = g->ending;

    if (ending == NULL)
        return;
    g->ending = NULL;
    ending->group = NULL;
    loop_timer_clear(ending->timer);
    if (!is_queued(ending))
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
