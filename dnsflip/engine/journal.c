#include "dnsflip/engine/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal_old.h"
#include "dnsflip/engine/journal_state.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"

void journal_poke(int fd)
{
    uint64_t one = 1;

    /* Only a counter near 2^64 could refuse, and then it wakes the other side all the same. */
    (void)!write(fd, &one, sizeof(one));
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void journal_destroy(struct journal *j)
{
    uint64_t queued = atomic_load_explicit(&j->queued, memory_order_relaxed);

    while (j->reported < queued)
        mem_free(journal_slip(j, j->reported++));
    while (j->refused != NULL) {
        struct slip *s = j->refused;

        j->refused = s->next;
        mem_free(s);
    }
    buf_fini(&j->lines);
    ledger_free(j->durable);
    mem_free(j->merge.entries);
    close_if_open(j->wake_fd);
    close_if_open(j->done_fd);
    close_if_open(j->fd);
    close_if_open(j->lock);
    mem_free(j);
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

static void report_trouble(struct journal *j)
{
    struct err trouble;

    if (!atomic_load_explicit(&j->has_trouble, memory_order_acquire))
        return;
    trouble = j->trouble;
    atomic_store_explicit(&j->has_trouble, false, memory_order_release);
    if (j->on_trouble != NULL)
        j->on_trouble(j->callbacks_arg, &trouble);
}

static void on_done(void *arg)
{
    struct journal *j = arg;
    uint64_t count;

    (void)!read(j->done_fd, &count, sizeof(count));
    report_trouble(j);
    report_refused(j);
    uint64_t finished = atomic_load_explicit(&j->finished, memory_order_acquire);
    while (j->reported < finished) {
        struct slip *s = journal_slip(j, j->reported++);

        /* From here on its owner knows: what he appends now may be written again. */
        if (!s->ok && s->era == j->era)
            j->era++;
        report(s);
    }
}

void journal_queue(struct journal *j, enum slip_kind kind, const struct journal_entry *entry,
                   bool has_room, journal_done *done, void *arg)
{
    struct slip *s = mem_zalloc(sizeof(*s));
    uint64_t queued = atomic_load_explicit(&j->queued, memory_order_relaxed);

    s->kind = kind;
    s->entry = *entry;
    s->done = done;
    s->arg = arg;
    s->era = j->era;
    s->queued = loop_now(j->loop).mono;
    if (has_room && queued - j->reported < JOURNAL_QUEUE_MAX) {
        j->ring[queued & (JOURNAL_QUEUE_MAX - 1)] = s;
        atomic_store_explicit(&j->queued, queued + 1, memory_order_release);
        journal_poke(j->wake_fd);
        return;
    }
    (void)err_set(&s->err, ERR_LIMIT, "%d entries wait for the disk already",
                  j->is_overflow ? JOURNAL_OVERFLOW_MAX : JOURNAL_QUEUE_MAX);
    if (done == NULL) {
        mem_free(s);
        return;
    }
    *j->refused_end = s;
    j->refused_end = &s->next;
    journal_poke(j->done_fd);
}

void journal_append(struct journal *j, const struct journal_entry *entry, journal_done *done,
                    void *arg)
{
    /* What happened before comes before. */
    journal_merge_start(j);
    journal_queue(j, SLIP_APPEND, entry, true, done, arg);
}

void journal_append_missing(struct journal *j, const struct journal_entry *entry,
                            journal_done *done, void *arg)
{
    journal_merge_start(j);
    journal_queue(j, SLIP_MERGE, entry, true, done, arg);
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

struct replay {
    const struct journal_cfg *cfg;
    struct ledger *durable;
};

static int on_replayed(void *arg, const struct journal_entry *entry, struct err *err)
{
    const struct replay *r = arg;

    if (r->durable != NULL && ledger_fold(r->durable, entry, err) != 0)
        return -1;
    return r->cfg->visit != NULL ? r->cfg->visit(r->cfg->arg, entry, err) : 0;
}

/* Opens the file as it can be had: on a read-only file system for reading alone. */
static int open_for_replay(const struct journal *j, bool *is_readonly, struct err *err)
{
    int fd = open(j->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

    *is_readonly = fd < 0 && errno == EROFS;
    if (*is_readonly)
        fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_USAGE,
                       "there is no journal %s: was this node ever failed over? "
                       "`dnsflip init --active CLUSTER` answers that",
                       j->path);
    return fd >= 0 ? fd : err_sys(err, errno, "cannot open journal %s", j->path);
}

static int replay(struct journal *j, const struct journal_cfg *cfg, struct err *err)
{
    struct replay r = { .cfg = cfg, .durable = j->durable };
    uint64_t torn_bytes = 0;
    bool is_readonly;

    j->fd = open_for_replay(j, &is_readonly, err);
    if (j->fd < 0)
        return -1;
    if (journal_file_read(j->fd, j->path, NULL, on_replayed, &r, &j->tail, &torn_bytes, err) != 0)
        return -1;
    if (is_readonly) {
        close(j->fd);
        j->fd = -1;
        return 0;
    }
    journal_old_clean(j->state_dir);
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
    int rc = pthread_create(&j->thread, NULL, journal_writer, j);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        return err_sys(err, rc, "cannot start the journal's thread");
    (void)pthread_setname_np(j->thread, j->is_overflow ? "overflow" : "journal");
    return 0;
}

static struct journal *journal_new(struct loop *loop)
{
    struct journal *j = mem_zalloc(sizeof(*j));

    j->loop = loop;
    j->wake_fd = j->done_fd = j->fd = j->lock = -1;
    j->refused_end = &j->refused;
    buf_init(&j->lines, JOURNAL_BATCH_BYTES);
    return j;
}

/* With the lock held. */
static int begin(struct journal *j, const struct journal_cfg *cfg, struct err *err)
{
    if (journal_file_path(j->path, cfg->state_dir, JOURNAL_FILE, err) != 0)
        return -1;
    (void)str_copy(j->state_dir, sizeof(j->state_dir), cfg->state_dir);
    return replay(j, cfg, err) != 0 ? -1 : start_writer(j, err);
}

/* A second writer: it must work while the first hangs. */
static int begin_overflow(struct journal *j, const struct journal_cfg *cfg, struct err *err)
{
    struct journal *o = journal_new(cfg->loop);

    o->is_overflow = true;
    o->initialised = j->durable->initialised;
    if (!str_copy(o->path, sizeof(o->path), cfg->overflow)) {
        (void)err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", cfg->overflow,
                      PATH_BYTES - 1);
    } else if (start_writer(o, err) == 0) {
        j->overflow = o;
        j->merge.again = loop_timer_new(j->loop, journal_merge_again, j);
        journal_merge_find(j, cfg);
        journal_merge_start(j);
        return 0;
    }
    loop_fd_free(o->watch);
    journal_destroy(o);
    return -1;
}

int journal_open(const struct journal_cfg *cfg, struct journal **out, struct err *err)
{
    struct journal *j = journal_new(cfg->loop);

    j->on_trouble = cfg->trouble;
    j->on_merged = cfg->merged;
    j->callbacks_arg = cfg->arg;
    j->durable = cfg->durable;
    j->file_bytes = cfg->file_bytes;
    j->old_files = cfg->old_files;
    j->lock = journal_file_lock(cfg->state_dir, err);
    if (j->lock < 0 || begin(j, cfg, err) != 0) {
        loop_fd_free(j->watch);
        journal_destroy(j);
        return -1;
    }
    if (cfg->overflow != NULL && begin_overflow(j, cfg, err) != 0) {
        journal_close(j);
        return -1;
    }
    *out = j;
    return 0;
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
    journal_close(j->overflow);
    j->overflow = NULL;
    loop_timer_free(j->merge.again);
    j->merge.again = NULL;
    loop_fd_free(j->watch);
    atomic_store_explicit(&j->is_stopping, true, memory_order_release);
    journal_poke(j->wake_fd);
    pthread_t thread = j->thread;
    if (!wait_for_writer(j) && atomic_exchange(&j->fate, WRITER_IS_ABANDONED) != WRITER_HAS_ENDED) {
        /* It sits in the kernel; j is its own from here on. */
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    journal_destroy(j);
}
