/* tests/sim/fake_journal.c -- engine/journal.h: a disk that is quick, stuck or broken. */
#include "dnsflip/base/mem.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/world.h"

#define STUCK_LOOK_MS 100

struct pending {
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

static struct journal journal;

struct journal *world_journal(void)
{
    return &journal;
}

void world_journal_keep(const struct journal_entry *entry)
{
    /* The room doubles whenever the count reaches a power of two. */
    if ((world.n_entries & (world.n_entries - 1)) == 0)
        world.entries = mem_resize(world.entries, world.n_entries > 0 ? 2 * world.n_entries : 1,
                                   sizeof(*world.entries));
    world.entries[world.n_entries] = *entry;
    world.entries[world.n_entries].seq = world.n_entries + 1;
    world.n_entries++;
}

static void on_timer(void *arg)
{
    struct mono now = loop_now(world.loop).mono;
    struct err err = { .code = ERR_SYS, .text = "write: No space left on device" };

    (void)arg;
    while (journal.first != NULL && journal.first->ready.ms <= now.ms) {
        struct pending *p = journal.first;

        if (world.disk == DISK_STUCK)
            break;
        journal.first = p->next;
        journal.n--;
        if (world.disk == DISK_OK) {
            p->entry.seq = world.n_entries + 1;
            world_journal_keep(&p->entry);
        }
        if (world.n_entries == world.kill_at_entry) {
            world.is_killed = true;
            mem_free(p);
            return;
        }
        if (p->done != NULL)
            p->done(p->arg, &p->entry, world.disk == DISK_OK, world.disk == DISK_OK ? NULL : &err);
        mem_free(p);
    }
    if (journal.first != NULL) {
        struct mono at = journal.first->ready;

        loop_timer_set(journal.timer, at.ms > now.ms ? at : mono_add(now, STUCK_LOOK_MS));
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
                           .ready = mono_add(now, world.disk_ms) };
    if (j->timer == NULL)
        j->timer = loop_timer_new(world.loop, on_timer, NULL);
    if (j->first == NULL) {
        j->first = p;
        loop_timer_set(j->timer, p->ready);
    } else {
        j->last->next = p;
    }
    j->last = p;
    j->n++;
}

void journal_backlog(const struct journal *j, uint64_t *entries, int64_t *oldest_ms)
{
    *entries = j->n;
    *oldest_ms = j->first == NULL ? 0 : mono_since(loop_now(world.loop).mono, j->first->since);
}

void world_journal_kill(void)
{
    while (journal.first != NULL) {
        struct pending *p = journal.first;

        journal.first = p->next;
        mem_free(p);
    }
    loop_timer_free(journal.timer);
    journal = (struct journal){ 0 };
}
