/* tests/sim/fake_journal.c -- engine/journal.h: a disk that is quick, stuck or broken, and another
 * one for the overflow file. */
#include "dnsflip/base/mem.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/world.h"

#define STUCK_LOOK_MS 100

struct pending {
    bool is_missing; /* written only if the journal does not know it */
    struct journal_entry entry;
    journal_done *done;
    void *arg;
    struct mono since, ready;
    struct pending *next;
};

struct journal {
    struct pending *first, *last;
    struct loop_timer *timer;
    uint64_t n;
};

static struct journal journal, overflow;

struct journal *world_journal(void)
{
    return &journal;
}

static void keep(struct journal_entry **list, size_t *n, const struct journal_entry *entry)
{
    /* The room doubles whenever the count reaches a power of two. */
    if ((*n & (*n - 1)) == 0)
        *list = mem_resize(*list, *n > 0 ? 2 * *n : 1, sizeof(**list));
    (*list)[(*n)++] = *entry;
}

void world_journal_keep(const struct journal_entry *entry)
{
    keep(&world.entries, &world.n_entries, entry);
    world.entries[world.n_entries - 1].seq = world.n_entries;
}

static struct ledger *durable_ledger(void)
{
    struct ledger *l = ledger_new();
    struct err err;

    for (size_t i = 0; i < world.n_entries; i++)
        (void)!ledger_fold(l, &world.entries[i], &err);
    return l;
}

static bool is_known(const struct journal_entry *entry)
{
    struct ledger *l = durable_ledger();
    bool known = !ledger_awaits(l, entry);

    ledger_free(l);
    return known;
}

/* What the overflow file has beyond the journal, as the real one does it. */
void world_journal_merge(void)
{
    struct ledger *durable;
    struct err err;

    if (world.n_overflow == 0)
        return;
    durable = durable_ledger();
    for (size_t i = 0; i < world.n_overflow; i++) {
        if (!ledger_awaits(durable, &world.overflow[i]))
            continue;
        world_journal_keep(&world.overflow[i]);
        (void)!ledger_fold(durable, &world.entries[world.n_entries - 1], &err);
    }
    ledger_free(durable);
    world.n_overflow = 0;
    mem_free(world.overflow);
    world.overflow = NULL;
}

static enum world_disk disk_of(const struct journal *j)
{
    return j == &journal ? world.disk : world.overflow_disk;
}

/* The first in line is durable, or lost. */
static void end_first(struct journal *j)
{
    struct err err = { .code = ERR_SYS, .text = "write: No space left on device" };
    struct pending *p = j->first;
    bool ok = disk_of(j) == DISK_OK;

    j->first = p->next;
    j->n--;
    if (ok && j == &overflow) {
        keep(&world.overflow, &world.n_overflow, &p->entry);
    } else if (ok && !(p->is_missing && is_known(&p->entry))) {
        p->entry.seq = world.n_entries + 1;
        world_journal_keep(&p->entry);
    }
    if (world.n_entries == world.kill_at_entry) {
        world.is_killed = true;
        mem_free(p);
        return;
    }
    if (p->done != NULL)
        p->done(p->arg, &p->entry, ok, ok ? NULL : &err);
    mem_free(p);
    /* Behind what waits already, as in the real one. */
    if (ok && j == &journal && j->first == NULL)
        world_journal_merge();
}

static void on_timer(void *arg)
{
    struct journal *j = arg;
    struct mono now = loop_now(world.loop).mono;

    while (j->first != NULL && j->first->ready.ms <= now.ms && disk_of(j) != DISK_STUCK) {
        end_first(j);
        if (world.is_killed)
            return;
    }
    if (j->first != NULL) {
        struct mono at = j->first->ready;

        loop_timer_set(j->timer, at.ms > now.ms ? at : mono_add(now, STUCK_LOOK_MS));
    }
}

void journal_append(struct journal *j, const struct journal_entry *entry, journal_done *done,
                    void *arg)
{
    struct pending *p = mem_zalloc(sizeof(*p));
    struct mono now = loop_now(world.loop).mono;

    *p = (struct pending){ .entry = *entry,
                           .done = done,
                           .arg = arg,
                           .since = now,
                           .ready = mono_add(now, j == &journal ? world.disk_ms : 1) };
    if (j->timer == NULL)
        j->timer = loop_timer_new(world.loop, on_timer, j);
    if (j->first == NULL) {
        j->first = p;
        loop_timer_set(j->timer, p->ready);
    } else {
        j->last->next = p;
    }
    j->last = p;
    j->n++;
}

void journal_append_missing(struct journal *j, const struct journal_entry *entry,
                            journal_done *done, void *arg)
{
    journal_append(j, entry, done, arg);
    j->last->is_missing = true;
}

void journal_append_overflow(struct journal *j, const struct journal_entry *entry,
                             journal_done *done, void *arg)
{
    (void)j;
    journal_append(&overflow, entry, done, arg);
}

void journal_backlog(const struct journal *j, uint64_t *entries, int64_t *oldest_ms)
{
    *entries = j->n;
    *oldest_ms = j->first == NULL ? 0 : mono_since(loop_now(world.loop).mono, j->first->since);
}

static void kill_queue(struct journal *j)
{
    while (j->first != NULL) {
        struct pending *p = j->first;

        j->first = p->next;
        mem_free(p);
    }
    loop_timer_free(j->timer);
    *j = (struct journal){ 0 };
}

void world_journal_kill(void)
{
    kill_queue(&journal);
    kill_queue(&overflow);
}
