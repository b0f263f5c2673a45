/* dnsflip/engine/journal_merge.c -- what only the overflow file has goes into the journal as soon
 * as that can be written again.  The loop's side; the writer leaves out what the journal knows. */
#include "dnsflip/base/mem.h"
#include "dnsflip/engine/journal_overflow.h"
#include "dnsflip/engine/journal_state.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"

/* ---- what is to be merged ------------------------------------------------------------------- */

static void keep(struct journal *j, const struct journal_entry *entry)
{
    struct journal_merge *m = &j->merge;

    if (m->entries == NULL)
        m->entries = mem_array(JOURNAL_OVERFLOW_MAX, sizeof(*m->entries));
    m->entries[m->n++] = *entry;
}

/* One append to the overflow file on its way. */
struct kept {
    struct journal *journal;
    journal_done *done;
    void *arg;
};

static void on_kept(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    struct kept kept = *(struct kept *)arg;

    mem_free(arg);
    kept.journal->merge.n_on_their_way--;
    if (ok) {
        keep(kept.journal, entry);
        journal_merge_start(kept.journal);
    }
    if (kept.done != NULL)
        kept.done(kept.arg, entry, ok, err);
}

void journal_append_overflow(struct journal *j, const struct journal_entry *entry,
                             journal_done *done, void *arg)
{
    struct kept *kept = mem_zalloc(sizeof(*kept));

    *kept = (struct kept){ .journal = j, .done = done, .arg = arg };
    j->merge.n_on_their_way++;
    journal_queue(j->overflow, SLIP_APPEND, entry,
                  j->merge.n + j->merge.n_on_their_way <= JOURNAL_OVERFLOW_MAX, on_kept, kept);
}

/* ---- merging -------------------------------------------------------------------------------- */

static void clear(struct journal *j)
{
    static const struct journal_entry none = { .kind = ENTRY_OVERFLOW };

    journal_queue(j->overflow, SLIP_CLEAR, &none, true, NULL, NULL);
}

static void end_merge(struct journal *j)
{
    struct journal_merge *m = &j->merge;

    if (m->has_failed) {
        loop_timer_set(m->again, mono_add(loop_now(j->loop).mono, JOURNAL_RETRY_MS));
        return;
    }
    /* Later ones were kept meanwhile: they are next. */
    m->n -= m->n_merging;
    for (size_t i = 0; i < m->n; i++)
        m->entries[i] = m->entries[m->n_merging + i];
    if (j->on_merged != NULL && m->n_written > 0)
        j->on_merged(j->callbacks_arg, m->n_written);
    if (m->n > 0)
        journal_merge_start(j);
    else if (m->n_on_their_way == 0)
        clear(j);
}

static void on_merged(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    struct journal *j = arg;

    (void)err;
    j->merge.has_failed = j->merge.has_failed || !ok;
    /* Without a number it was there already. */
    if (ok && entry->seq != 0)
        j->merge.n_written++;
    if (--j->merge.n_pending == 0)
        end_merge(j);
}

void journal_merge_start(struct journal *j)
{
    struct journal_merge *m = &j->merge;

    if (m->n == 0 || m->n_pending > 0)
        return;
    m->n_merging = m->n_pending = m->n;
    m->n_written = 0;
    m->has_failed = false;
    for (size_t i = 0; i < m->n_merging; i++)
        journal_queue(j, SLIP_MERGE, &m->entries[i], true, on_merged, j);
}

void journal_merge_again(void *arg)
{
    journal_merge_start(arg);
}

/* ---- at start ------------------------------------------------------------------------------- */

struct finding {
    struct journal *journal;
    const struct journal_cfg *cfg;
};

static int on_found(void *arg, const struct journal_entry *entry, struct err *err)
{
    struct finding *f = arg;

    if (f->journal->merge.n == JOURNAL_OVERFLOW_MAX)
        return err_set(err, ERR_LIMIT, "more than %d entries", JOURNAL_OVERFLOW_MAX);
    if (!ledger_awaits(f->journal->durable, entry))
        return 0;
    if (f->cfg->visit != NULL && f->cfg->visit(f->cfg->arg, entry, err) != 0)
        return -1;
    keep(f->journal, entry);
    return 0;
}

void journal_merge_find(struct journal *j, const struct journal_cfg *cfg)
{
    struct finding f = { .journal = j, .cfg = cfg };
    struct err err;

    if (journal_overflow_read(cfg->overflow, j->durable->initialised, on_found, &f, &err) == 0) {
        if (j->merge.n == 0)
            clear(j);
        return;
    }
    /* What is wrong with it does not keep the names from being answered. */
    j->trouble = err;
    atomic_store_explicit(&j->has_trouble, true, memory_order_release);
    journal_poke(j->done_fd);
}
