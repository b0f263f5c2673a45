#include "dnsflip/engine/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal_codec.h"
#include "dnsflip/engine/journal_file.h"
#include "dnsflip/io/loop.h"

#define BATCH_BYTES (256UL * 1024) /* written and synced at once */

_Static_assert((JOURNAL_QUEUE_MAX & (JOURNAL_QUEUE_MAX - 1)) == 0, "slots are counted modulo");
_Static_assert(BATCH_BYTES > JOURNAL_LINE_MAX, "a batch holds at least one line");

/* One entry on its way.  The loop's thread makes it, fills it and frees it; between queued and
 * finished only the writer touches it. */
struct slip {
    struct journal_entry entry;
    journal_done *done;
    void *arg;
    struct mono queued;
    uint64_t era; /* see journal.era */
    bool ok;
    struct err err;
    struct slip *next; /* refused ones only */
};

/* Of the writer; whoever is second to say so, the writer or journal_close, frees the journal. */
enum fate { WRITER_RUNS = 0, WRITER_HAS_ENDED, WRITER_IS_ABANDONED };

/* Three counters divide the ring: [reported, finished) belongs to the loop's thread again,
 * [finished, queued) to the writer.  A slot is free again once it is reported. */
struct journal {
    struct slip *ring[JOURNAL_QUEUE_MAX];
    _Atomic uint64_t queued;   /* stored by the loop's thread */
    _Atomic uint64_t finished; /* stored by the writer */
    _Atomic bool is_stopping;
    _Atomic int fate; /* enum fate */
    int wake_fd;      /* eventfd: loop -> writer */
    int done_fd;      /* eventfd: writer -> loop */
    pthread_t thread;

    /* the loop's */
    struct loop *loop; /* borrowed */
    struct loop_fd *watch;
    uint64_t reported;
    struct slip *refused, **refused_end; /* the queue was full */
    uint64_t era; /* counts the failures reported; entries of an era stand or fall together */
    int lock;

    /* the writer's */
    char path[PATH_BYTES];
    int fd; /* -1 = not trusted any more */
    struct journal_tail tail;
    struct mono tried; /* to open it anew */
    uint64_t failed_era;
    bool has_failed;    /* failed_era is one */
    struct err failure; /* of the file, or of failed_era */
    struct buf lines;
};

static void poke(int fd)
{
    uint64_t one = 1;

    /* Only a counter near 2^64 could refuse, and then it wakes the other side all the same. */
    (void)!write(fd, &one, sizeof(one));
}

static struct slip *slip_at(struct journal *j, uint64_t number)
{
    return j->ring[number & (JOURNAL_QUEUE_MAX - 1)];
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* Without a writer, or by it as the last thing it does. */
static void destroy(struct journal *j)
{
    uint64_t queued = atomic_load_explicit(&j->queued, memory_order_relaxed);

    while (j->reported < queued)
        mem_free(slip_at(j, j->reported++));
    while (j->refused != NULL) {
        struct slip *s = j->refused;

        j->refused = s->next;
        mem_free(s);
    }
    buf_fini(&j->lines);
    close_if_open(j->wake_fd);
    close_if_open(j->done_fd);
    close_if_open(j->fd);
    close_if_open(j->lock);
    mem_free(j);
}

/* ---- the writer's thread -------------------------------------------------------------------- */

/* Hands the slips up to (not including) end back. */
static void finish(struct journal *j, uint64_t end)
{
    atomic_store_explicit(&j->finished, end, memory_order_release);
    poke(j->done_fd);
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
    j->fd = journal_file_reopen(j->path, &j->tail, &j->failure);
    return j->fd >= 0;
}

/* Encodes slips from at on until the batch is full, end is reached or one cannot be written;
 * returns the first that is not in j->lines.  *next is the tail once they are durable. */
static uint64_t fill_batch(struct journal *j, uint64_t at, uint64_t end, struct journal_tail *next)
{
    buf_reset(&j->lines);
    *next = j->tail;
    for (; at < end && j->lines.len + JOURNAL_LINE_MAX <= BATCH_BYTES; at++) {
        struct slip *s = slip_at(j, at);
        char hash[JOURNAL_HASH_BYTES];

        if (j->has_failed && s->era <= j->failed_era)
            break;
        s->entry.seq = next->seq + 1;
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

/* Finishes at least the slip at `at`; returns the first one that is left. */
static uint64_t work(struct journal *j, uint64_t at, uint64_t end)
{
    struct slip *first = slip_at(j, at);
    struct journal_tail next;

    if ((j->has_failed && first->era <= j->failed_era) || !is_open(j)) {
        fail(j, first);
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
        return batch_end;
    }
    distrust(j);
    for (uint64_t i = at; i < batch_end; i++)
        fail(j, slip_at(j, i));
    return batch_end;
}

static void *writer(void *arg)
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
        } else if (is_stopping) {
            break;
        } else {
            (void)!read(j->wake_fd, &count, sizeof(count));
        }
    }
    if (atomic_exchange(&j->fate, WRITER_HAS_ENDED) == WRITER_IS_ABANDONED)
        destroy(j);
    else
        poke(j->done_fd);
    return NULL;
}

/* ---- the loop's thread ---------------------------------------------------------------------- */

static void report(struct slip *s)
{
    if (s->done != NULL)
        s->done(s->arg, &s->entry, s->ok, s->ok ? NULL : &s->err);
    mem_free(s);
}

static void report_refused(struct journal *j)
{
    struct slip *s = j->refused;

    j->refused = NULL;
    j->refused_end = &j->refused;
    while (s != NULL) {
        struct slip *next = s->next;

        report(s);
        s = next;
    }
}

static void on_done(void *arg)
{
    struct journal *j = arg;
    uint64_t count;

    (void)!read(j->done_fd, &count, sizeof(count));
    report_refused(j);
    uint64_t finished = atomic_load_explicit(&j->finished, memory_order_acquire);
    while (j->reported < finished) {
        struct slip *s = slip_at(j, j->reported++);

        /* From here on its owner knows: what he appends now may be written again. */
        if (!s->ok && s->era == j->era)
            j->era++;
        report(s);
    }
}

void journal_append(struct journal *j, const struct journal_entry *entry, journal_done *done,
                    void *arg)
{
    struct slip *s = mem_zalloc(sizeof(*s));
    uint64_t queued = atomic_load_explicit(&j->queued, memory_order_relaxed);

    s->entry = *entry;
    s->done = done;
    s->arg = arg;
    s->era = j->era;
    s->queued = loop_now(j->loop).mono;
    if (queued - j->reported < JOURNAL_QUEUE_MAX) {
        j->ring[queued & (JOURNAL_QUEUE_MAX - 1)] = s;
        atomic_store_explicit(&j->queued, queued + 1, memory_order_release);
        poke(j->wake_fd);
        return;
    }
    (void)err_set(&s->err, ERR_LIMIT, "%d entries wait for the disk already", JOURNAL_QUEUE_MAX);
    if (done == NULL) {
        mem_free(s);
        return;
    }
    *j->refused_end = s;
    j->refused_end = &s->next;
    poke(j->done_fd);
}

void journal_backlog(const struct journal *j, uint64_t *entries, int64_t *oldest_ms)
{
    uint64_t queued = atomic_load_explicit(&j->queued, memory_order_relaxed);

    *entries = queued - j->reported;
    *oldest_ms = 0;
    if (*entries > 0)
        *oldest_ms = mono_since(loop_now(j->loop).mono,
                                j->ring[j->reported & (JOURNAL_QUEUE_MAX - 1)]->queued);
}

/* ---- open and close ------------------------------------------------------------------------- */

static int replay(struct journal *j, journal_visit *visit, void *arg, struct err *err)
{
    uint64_t torn_bytes = 0;

    j->fd = open(j->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (j->fd < 0 && errno == ENOENT)
        return err_set(err, ERR_USAGE,
                       "there is no journal %s: was this node ever failed over? "
                       "`dnsflip init --active CLUSTER` answers that",
                       j->path);
    if (j->fd < 0)
        return err_sys(err, errno, "cannot open journal %s", j->path);
    if (journal_file_read(j->fd, j->path, visit, arg, &j->tail, &torn_bytes, err) != 0)
        return -1;
    /* Also makes durable what a killed judge had written, but not synced. */
    return journal_file_cut(j->fd, j->path, &j->tail, err);
}

/* The writer takes no signals: they are the loop's. */
static int start_writer(struct journal *j, struct err *err)
{
    sigset_t all, old;

    j->wake_fd = eventfd(0, EFD_CLOEXEC);
    j->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (j->wake_fd < 0 || j->done_fd < 0)
        return err_sys(err, errno, "cannot make an eventfd");
    j->watch = loop_fd_new(j->loop, j->done_fd, false, on_done, j);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&j->thread, NULL, writer, j);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        return err_sys(err, rc, "cannot start the journal's thread");
    (void)pthread_setname_np(j->thread, "journal");
    return 0;
}

int journal_open(const char *state_dir, struct loop *loop, journal_visit *visit, void *arg,
                 struct journal **out, struct err *err)
{
    struct journal *j = mem_zalloc(sizeof(*j));

    j->loop = loop;
    j->wake_fd = j->done_fd = j->fd = -1;
    j->refused_end = &j->refused;
    buf_init(&j->lines, BATCH_BYTES);
    j->lock = journal_file_lock(state_dir, err);
    if (j->lock < 0)
        goto failed;
    if (!str_format(j->path, sizeof(j->path), "%s/%s", state_dir, JOURNAL_FILE)) {
        (void)err_set(err, ERR_LIMIT, "%.200s...: a path has at most %zu bytes", state_dir,
                      sizeof(j->path) - 1);
        goto failed;
    }
    if (replay(j, visit, arg, err) != 0 || start_writer(j, err) != 0)
        goto failed;
    *out = j;
    return 0;

failed:
    loop_fd_free(j->watch);
    destroy(j);
    return -1;
}

/* True once the writer has left its loop, false if it has not by JOURNAL_CLOSE_MS. */
static bool wait_for_writer(struct journal *j)
{
    struct mono until = mono_add(mono_now(), JOURNAL_CLOSE_MS);

    while (atomic_load(&j->fate) != WRITER_HAS_ENDED) {
        int64_t left_ms = mono_since(until, mono_now());
        struct pollfd p = { .fd = j->done_fd, .events = POLLIN };
        uint64_t count;

        if (left_ms <= 0)
            return false;
        (void)poll(&p, 1, (int)left_ms);
        (void)!read(j->done_fd, &count, sizeof(count));
    }
    return true;
}

void journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    loop_fd_free(j->watch);
    atomic_store_explicit(&j->is_stopping, true, memory_order_release);
    poke(j->wake_fd);
    pthread_t thread = j->thread;
    if (!wait_for_writer(j) && atomic_exchange(&j->fate, WRITER_IS_ABANDONED) != WRITER_HAS_ENDED) {
        /* It sits in the kernel; j is its own from here on. */
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    destroy(j);
}
