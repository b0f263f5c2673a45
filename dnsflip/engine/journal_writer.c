/* dnsflip/engine/journal_writer.c -- the journal's thread: batches to the disk, and a new file when
 * the one at hand has grown enough. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/engine/journal_codec.h"
#include "dnsflip/engine/journal_old.h"
#include "dnsflip/engine/journal_overflow.h"
#include "dnsflip/engine/journal_state.h"
#include "dnsflip/engine/ledger.h"

/* Hands the slips up to (not including) end back. */
static void finish(struct journal *j, uint64_t end)
{
    atomic_store_explicit(&j->finished, end, memory_order_release);
    journal_poke(j->done_fd);
}

/* The era of this slip is lost. */
static void fail(struct journal *j, struct slip *s)
{
    s->ok = false;
    s->err = j->failure;
    s->entry.seq = 0;
    j->has_failed = true;
    j->failed_era = s->era;
}

/* What a failed write left is cut off at once if that can still be done: a crash before the next
 * open would otherwise find entries that were reported as lost. */
static void distrust(struct journal *j)
{
    struct err ignored;

    (void)!journal_file_cut(j->fd, j->path, &j->tail, &ignored);
    close(j->fd);
    j->fd = -1;
    j->tried = mono_now();
}

static bool is_open(struct journal *j)
{
    struct mono now = mono_now();

    if (j->fd >= 0)
        return true;
    if (mono_since(now, j->tried) < JOURNAL_RETRY_MS)
        return false;
    j->tried = now;
    /* An overflow file is made when it is needed; what an earlier process left in it is kept. */
    if (j->is_overflow && j->tail.seq == 0)
        j->fd = journal_overflow_open(j->path, j->initialised, &j->tail, &j->failure);
    else
        j->fd = journal_file_reopen(j->path, &j->tail, &j->failure);
    return j->fd >= 0;
}

/* Only appends share a batch: what else there is looks at what is durable before it. */
static bool is_alike(const struct slip *first, const struct slip *s)
{
    return first == s || (first->kind == SLIP_APPEND && s->kind == SLIP_APPEND);
}

/* Encodes slips from at on until the batch is full, end is reached or one cannot be written;
 * returns the first that is not in j->lines.  *next is the tail once they are durable. */
static uint64_t fill_batch(struct journal *j, uint64_t at, uint64_t end, struct journal_tail *next)
{
    const struct slip *first = journal_slip(j, at);

    buf_reset(&j->lines);
    *next = j->tail;
    for (; at < end && j->lines.len + JOURNAL_LINE_MAX <= JOURNAL_BATCH_BYTES; at++) {
        struct slip *s = journal_slip(j, at);
        char hash[JOURNAL_HASH_BYTES];

        if ((j->has_failed && s->era <= j->failed_era) || !is_alike(first, s))
            break;
        s->entry.seq = next->seq + 1;
        s->entry.in_batch = (uint32_t)(next->seq - j->tail.seq);
        if (journal_encode(&s->entry, next->hash, &j->lines, hash, &s->err) != 0)
            break;
        s->ok = true;
        next->seq++;
        memcpy(next->hash, hash, sizeof(next->hash));
    }
    next->bytes = j->tail.bytes + j->lines.len;
    return at;
}

static int write_batch(struct journal *j, struct err *err)
{
    if (fsio_write_all(j->fd, j->lines.data, j->lines.len, err) != 0)
        return err_wrap(err, "%s", j->path);
    if (fdatasync(j->fd) != 0)
        return err_sys(err, errno, "cannot sync %s", j->path);
    return 0;
}

/* The engine refuses what the ledger cannot follow before it comes here; should it be wrong, the
 * next start says so, and no head hides it. */
static void note_durable(struct journal *j, uint64_t at, uint64_t end)
{
    struct err ignored;

    for (; at < end && j->durable != NULL; at++) {
        if (ledger_fold(j->durable, &journal_slip(j, at)->entry, &ignored) == 0)
            continue;
        ledger_free(j->durable);
        j->durable = NULL;
    }
}

static void tell_trouble(struct journal *j, const struct err *err)
{
    if (atomic_load_explicit(&j->has_trouble, memory_order_acquire))
        return;
    j->trouble = *err;
    atomic_store_explicit(&j->has_trouble, true, memory_order_release);
    journal_poke(j->done_fd);
}

/* A new file, if the one at hand has grown enough. */
static void begin_if_due(struct journal *j)
{
    struct mono now = mono_now();
    struct err err;

    if (j->durable == NULL || j->fd < 0 || j->tail.bytes - j->tail.head_bytes < j->file_bytes ||
        (j->not_begun.ms != 0 && mono_since(now, j->not_begun) < JOURNAL_BEGIN_AGAIN_MS))
        return;
    if (journal_old_begin(j->state_dir, j->durable, j->old_files, &j->fd, &j->tail, &err) == 0)
        return;
    j->not_begun = now;
    if (j->fd < 0)
        j->tried = now;
    tell_trouble(j, &err);
}

/* The overflow file goes. */
static void clear(struct journal *j, struct slip *s)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
    j->tail = (struct journal_tail){ 0 };
    j->tried = (struct mono){ .ms = -JOURNAL_RETRY_MS };
    s->ok = journal_overflow_remove(j->path, &s->err) == 0;
}

/* The journal has it: nothing is to be written. */
static bool is_idle(const struct journal *j, const struct slip *s)
{
    return s->kind == SLIP_MERGE && !ledger_awaits(j->durable, &s->entry);
}

/* Finishes at least the slip at `at`; returns the first one that is left. */
static uint64_t work(struct journal *j, uint64_t at, uint64_t end)
{
    struct slip *first = journal_slip(j, at);
    struct journal_tail next;

    if (first->kind == SLIP_CLEAR) {
        clear(j, first);
        return at + 1;
    }
    if (first->kind == SLIP_MERGE && j->durable == NULL) {
        (void)err_set(&j->failure, ERR_REMOTE, "what %s lacks will be known at the next start",
                      j->path);
        fail(j, first);
        return at + 1;
    }
    if ((j->has_failed && first->era <= j->failed_era) || !is_open(j)) {
        fail(j, first);
        return at + 1;
    }
    if (is_idle(j, first)) {
        first->ok = true;
        first->entry.seq = 0;
        return at + 1;
    }
    uint64_t batch_end = fill_batch(j, at, end, &next);
    if (batch_end == at) {
        j->failure = first->err;
        fail(j, first);
        return at + 1;
    }
    if (write_batch(j, &j->failure) == 0) {
        j->tail = next;
        note_durable(j, at, batch_end);
        return batch_end;
    }
    distrust(j);
    for (uint64_t i = at; i < batch_end; i++)
        fail(j, journal_slip(j, i));
    return batch_end;
}

void *journal_writer(void *arg)
{
    struct journal *j = arg;
    uint64_t at = 0;
    uint64_t count;

    for (;;) {
        bool is_stopping = atomic_load_explicit(&j->is_stopping, memory_order_acquire);
        uint64_t end = atomic_load_explicit(&j->queued, memory_order_acquire);

        if (at < end) {
            at = work(j, at, end);
            finish(j, at);
            begin_if_due(j);
        } else if (is_stopping) {
            break;
        } else {
            (void)!read(j->wake_fd, &count, sizeof(count));
        }
    }
    if (atomic_exchange(&j->fate, WRITER_HAS_ENDED) == WRITER_IS_ABANDONED)
        journal_destroy(j);
    else
        journal_poke(j->done_fd);
    return NULL;
}
