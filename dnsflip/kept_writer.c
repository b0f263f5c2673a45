#include "dnsflip/kept_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

/* Who is second to leave, the thread or kept_writer_close, frees. */
enum fate { THREAD_RUNS = 0, THREAD_HAS_ENDED, THREAD_IS_ABANDONED };

/* busy belongs to the thread from the wake on until it has told; all else is the loop's. */
struct kept_writer {
    char state_dir[PATH_BYTES];
    int wake_fd, done_fd; /* eventfds: loop -> thread, thread -> loop */
    pthread_t thread;
    _Atomic bool is_stopping;
    _Atomic int fate;         /* enum fate */
    _Atomic bool is_asked;    /* busy is to be written */
    _Atomic bool is_finished; /* ... and was, or not: the thread is done with it */

    struct kept_view_new *busy; /* owned; NULL = the thread rests */
    bool ok;
    struct err err;

    struct loop *loop; /* borrowed */
    struct loop_fd *watch;
    struct loop_timer *retry;
    struct kept_view_new *next; /* owned; the newest that waits, NULL = none */
    kept_writer_done *done;
    void *arg;
};

static void poke(int fd)
{
    uint64_t one = 1;

    (void)!write(fd, &one, sizeof(one));
}

static void drop(struct kept_view_new *k)
{
    if (k == NULL)
        return;
    kept_view_new_fini(k);
    mem_free(k);
}

static void destroy(struct kept_writer *w)
{
    drop(w->busy);
    drop(w->next);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    if (w->done_fd >= 0)
        close(w->done_fd);
    mem_free(w);
}

static void *writer(void *arg)
{
    struct kept_writer *w = arg;
    uint64_t count;

    for (;;) {
        bool is_stopping = atomic_load_explicit(&w->is_stopping, memory_order_acquire);

        /* What was asked for before the stop is still written. */
        if (atomic_exchange(&w->is_asked, false)) {
            w->ok = kept_view_write(w->state_dir, w->busy, &w->err) == 0;
            atomic_store_explicit(&w->is_finished, true, memory_order_release);
            poke(w->done_fd);
        } else if (is_stopping) {
            break;
        } else {
            (void)!read(w->wake_fd, &count, sizeof(count));
        }
    }
    if (atomic_exchange(&w->fate, THREAD_HAS_ENDED) == THREAD_IS_ABANDONED)
        destroy(w);
    else
        poke(w->done_fd);
    return NULL;
}

static void start(struct kept_writer *w)
{
    w->busy = w->next;
    w->next = NULL;
    atomic_store_explicit(&w->is_finished, false, memory_order_relaxed);
    atomic_store_explicit(&w->is_asked, true, memory_order_release);
    poke(w->wake_fd);
}

static void on_retry(void *arg)
{
    struct kept_writer *w = arg;

    if (w->busy == NULL && w->next != NULL)
        start(w);
}

static void on_done(void *arg)
{
    struct kept_writer *w = arg;
    struct kept_view_new *k = w->busy;
    uint64_t count;

    (void)!read(w->done_fd, &count, sizeof(count));
    if (k == NULL || !atomic_load_explicit(&w->is_finished, memory_order_acquire))
        return;
    w->busy = NULL;
    w->done(w->arg, k->digest, w->ok, w->ok ? NULL : &w->err);
    if (w->next != NULL) {
        drop(k);
        start(w);
        return;
    }
    if (w->ok) {
        drop(k);
        return;
    }
    w->next = k;
    loop_timer_set(w->retry, mono_add(loop_now(w->loop).mono, KEPT_WRITER_RETRY_MS));
}

void kept_writer_put(struct kept_writer *w, struct kept_view_new *k)
{
    drop(w->next);
    w->next = k;
    loop_timer_clear(w->retry);
    if (w->busy == NULL)
        start(w);
}

/* The thread takes no signals: they are the loop's. */
static int start_thread(struct kept_writer *w, struct err *err)
{
    sigset_t all, old;
    int rc;

    w->wake_fd = eventfd(0, EFD_CLOEXEC);
    w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake_fd < 0 || w->done_fd < 0)
        return err_sys(err, errno, "cannot make an eventfd");
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&w->thread, NULL, writer, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        return err_sys(err, rc, "cannot start the thread that keeps the view");
    (void)pthread_setname_np(w->thread, "view");
    return 0;
}

int kept_writer_new(struct loop *loop, const char *state_dir, kept_writer_done *done, void *arg,
                    struct kept_writer **out, struct err *err)
{
    struct kept_writer *w = mem_zalloc(sizeof(*w));

    w->loop = loop;
    w->done = done;
    w->arg = arg;
    w->wake_fd = w->done_fd = -1;
    if (!str_copy(w->state_dir, sizeof(w->state_dir), state_dir)) {
        destroy(w);
        return err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", state_dir,
                       PATH_BYTES - 1);
    }
    if (start_thread(w, err) < 0) {
        destroy(w);
        return -1;
    }
    w->watch = loop_fd_new(loop, w->done_fd, false, on_done, w);
    w->retry = loop_timer_new(loop, on_retry, w);
    *out = w;
    return 0;
}

/* True once the thread has left its loop. */
static bool wait_for_thread(struct kept_writer *w)
{
    struct mono until = mono_add(mono_now(), KEPT_WRITER_CLOSE_MS);

    while (atomic_load(&w->fate) != THREAD_HAS_ENDED) {
        int64_t left_ms = mono_since(until, mono_now());
        struct pollfd p = { .fd = w->done_fd, .events = POLLIN };
        uint64_t count;

        if (left_ms <= 0)
            return false;
        (void)poll(&p, 1, (int)left_ms);
        (void)!read(w->done_fd, &count, sizeof(count));
    }
    return true;
}

void kept_writer_close(struct kept_writer *w)
{
    pthread_t thread;

    if (w == NULL)
        return;
    thread = w->thread;
    loop_fd_free(w->watch);
    loop_timer_free(w->retry);
    atomic_store_explicit(&w->is_stopping, true, memory_order_release);
    poke(w->wake_fd);
    if (!wait_for_thread(w) && atomic_exchange(&w->fate, THREAD_IS_ABANDONED) != THREAD_HAS_ENDED) {
        /* It sits in the kernel; w is its own from here on. */
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    destroy(w);
}
