#include "dnsflip/dns/server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/server_thread.h"

#define WAKE_AGAIN_NS                                                                              \
    1000000 /* a signal that came just before the receive is lost: send another                    \
             */
#define SERVER_HELD_PAIRS_MAX 4 /* mapped for transfers alone; for one more the oldest is cut */

/* A thread with connections, and the sockets that it accepts them from. */
struct stream {
    struct server_thread thread;
    void *(*run)(void *arg);
    const char *name;
    uint32_t place;              /* among the counters */
    int fds[SERVER_LISTENS_MAX]; /* owned */
    size_t n_fds;
};

#define STREAMS 2

struct server {
    struct counters *counters;        /* borrowed */
    struct server_pair *_Atomic pair; /* what it points to is owned; NULL before the first */
    struct server_pair *old;          /* owned; not yet left by every thread */
    struct server_pair *held[SERVER_HELD_PAIRS_MAX]; /* owned; left by the threads, not by every
                                                        transfer; the oldest first */
    size_t n_held;
    struct counters_quiet quiet;    /* taken when old was replaced */
    struct stream streams[STREAMS]; /* TCP, beacon */
    struct server_thread udp[SERVER_UDP_THREADS_MAX];
    uint32_t n_udp;
};

static void ignore_signal(int number)
{
    (void)number;
}

/* Now, while system calls can still be made.  Should the kernel have no random bytes yet, the time
 * has to do: then who guesses it could starve another's place, no more. */
static void make_rate_keys(struct server *s)
{
    uint8_t key[SIPHASH_KEY_BYTES] = { 0 };
    int64_t now_us = mono_now_us();

    if (getrandom(key, sizeof(key), GRND_NONBLOCK) != (ssize_t)sizeof(key))
        memcpy(key, &now_us, sizeof(now_us));
    for (size_t i = 0; i < SERVER_UDP_THREADS_MAX; i++)
        memcpy(s->udp[i].rate_key, key, sizeof(key));
}

struct server *server_new(struct counters *counters, void *(*beacon)(void *arg))
{
    struct server *s = mem_zalloc(sizeof(*s));
    struct sigaction wake = { .sa_handler = ignore_signal }; /* no SA_RESTART: it is to interrupt */

    s->counters = counters;
    s->streams[0] = (struct stream){
        .thread.epoll = -1, .run = server_tcp_run, .name = "face-tcp", .place = 0
    };
    s->streams[1] = (struct stream){
        .thread.epoll = -1, .run = beacon, .name = "face-beacon", .place = COUNTERS_THREADS_MAX - 1
    };
    make_rate_keys(s);
    (void)sigaction(SERVER_WAKE_SIGNAL, &wake, NULL);
    return s;
}

/* A thread names itself: for another one libc would have to open a file. */
static void *run_thread(void *arg)
{
    struct server_thread *t = arg;

    (void)prctl(PR_SET_NAME, t->name);
    return t->run(t);
}

static int start_thread(struct server *s, struct server_thread *t, uint32_t place,
                        void *(*run)(void *), const char *name, struct err *err)
{
    t->pair = &s->pair;
    t->counters = &s->counters->thread[place];
    atomic_store(&t->is_to_stop, false);
    atomic_store(&t->has_ended, false);
    t->run = run;
    (void)str_copy(t->name, sizeof(t->name), name);
    int failed = pthread_create(&t->id, NULL, run_thread, t);
    if (failed != 0)
        return err_sys(err, failed, "cannot start thread %s", name);
    t->is_running = true;
    return 0;
}

static void stop_thread(struct server_thread *t)
{
    const struct timespec pause = { .tv_nsec = WAKE_AGAIN_NS };

    if (!t->is_running)
        return;
    atomic_store(&t->is_to_stop, true);
    while (!atomic_load(&t->has_ended)) {
        (void)pthread_kill(t->id, SERVER_WAKE_SIGNAL);
        (void)nanosleep(&pause, NULL);
    }
    (void)pthread_join(t->id, NULL);
    t->is_running = false;
}

static void stop_udp(struct server *s)
{
    for (uint32_t i = 0; i < s->n_udp; i++)
        stop_thread(&s->udp[i]);
    for (uint32_t i = 0; i < s->n_udp; i++) {
        for (size_t k = 0; k < s->udp[i].n_fds; k++)
            (void)close(s->udp[i].fds[k]);
        s->udp[i].n_fds = 0;
    }
    s->n_udp = 0;
}

/* The thread may just have been told of a connection on one of these: its accept then fails, or
 * takes a connection from whatever socket of ours has the number by then.  Both are harmless: a
 * thread that gets another's connection finds no request of its own in it. */
static void close_stream(struct stream *stream)
{
    for (size_t i = 0; i < stream->n_fds; i++) {
        (void)epoll_ctl(stream->thread.epoll, EPOLL_CTL_DEL, stream->fds[i], NULL);
        (void)close(stream->fds[i]);
    }
    stream->n_fds = 0;
}

/* Starts what has sockets and does not run yet; before the first pair nothing may. */
static int start(struct server *s, struct err *err)
{
    char name[SERVER_THREAD_NAME_BYTES];

    if (atomic_load(&s->pair) == NULL)
        return 0;
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *stream = &s->streams[i];
        if (stream->n_fds > 0 && !stream->thread.is_running &&
            start_thread(s, &stream->thread, stream->place, stream->run, stream->name, err) != 0)
            return -1;
    }
    for (uint32_t i = 0; i < s->n_udp; i++) {
        (void)snprintf(name, sizeof(name), "face-udp-%u", i % 1000);
        if (!s->udp[i].is_running &&
            start_thread(s, &s->udp[i], i + 1, server_udp_run, name, err) != 0)
            return -1;
    }
    return 0;
}

static int take_stream(struct stream *stream, int fd, struct err *err)
{
    struct epoll_event event = { .events = EPOLLIN,
                                 .data.u64 = SERVER_LISTENER_TAG | (uint64_t)fd };
    int *epoll = &stream->thread.epoll;

    assert(stream->run != NULL);
    stream->fds[stream->n_fds++] = fd;
    if (*epoll < 0)
        *epoll = epoll_create1(EPOLL_CLOEXEC);
    if (*epoll < 0)
        return err_sys(err, errno, "epoll_create1");
    if (epoll_ctl(*epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        return err_sys(err, errno, "epoll_ctl of a listening socket");
    return 0;
}

static void close_streams(struct server *s)
{
    for (size_t i = 0; i < STREAMS; i++)
        close_stream(&s->streams[i]);
}

int server_listen(struct server *s, const struct server_listens *set, struct err *err)
{
    int failed = 0;

    assert(set->n <= SERVER_LISTENS_MAX && set->threads <= SERVER_UDP_THREADS_MAX);
    stop_udp(s);
    close_streams(s);
    s->n_udp = set->threads;
    for (size_t i = 0; i < set->n; i++) {
        const struct server_listen *item = &set->items[i];
        if (item->kind != SERVER_UDP) {
            assert(item->n_fds == 1);
            if (take_stream(&s->streams[item->kind == SERVER_BEACON], item->fds[0], err) != 0)
                failed = -1;
            continue;
        }
        assert(item->n_fds == set->threads);
        for (uint32_t k = 0; k < item->n_fds; k++)
            s->udp[k].fds[s->udp[k].n_fds++] = item->fds[k];
    }
    return failed == 0 ? start(s, err) : -1;
}

void server_pair_close(const struct server_pair *pair)
{
    view_close(pair->view);
    page_unmap(pair->page);
    secrets_close(pair->secrets);
}

static void free_pair(struct server_pair *pair)
{
    server_pair_close(pair);
    mem_free(pair->hold);
    mem_free(pair);
}

int server_publish(struct server *s, const struct server_pair *published, struct err *err)
{
    struct server_pair *pair = mem_zalloc(sizeof(*pair));

    assert(s->old == NULL);
    *pair = *published;
    pair->hold = mem_zalloc(sizeof(*pair->hold));
    s->old = atomic_exchange(&s->pair, pair); /* seq_cst: before the turns are read below */
    counters_quiet_start(s->counters, &s->quiet);
    return start(s, err);
}

void server_reap(struct server *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_held; i++) {
        if (atomic_load_explicit(&s->held[i]->hold->n, memory_order_acquire) == 0)
            free_pair(s->held[i]);
        else
            s->held[n++] = s->held[i];
    }
    s->n_held = n;
    if (n == SERVER_HELD_PAIRS_MAX)
        atomic_store(&s->held[0]->hold->is_wanted_back, true);
}

/* No transfer begins any more from a pair that every thread has left. */
bool server_settle(struct server *s)
{
    if (!counters_quiet_passed(s->counters, &s->quiet))
        return false;
    server_reap(s);
    if (s->old != NULL && s->n_held == SERVER_HELD_PAIRS_MAX)
        return false;
    if (s->old != NULL)
        s->held[s->n_held++] = s->old;
    s->old = NULL;
    server_reap(s);
    return true;
}

bool server_retire(struct server *s)
{
    bool is_over = true;

    stop_udp(s);
    close_streams(s);
    for (size_t i = 0; i < STREAMS; i++) {
        struct server_thread *t = &s->streams[i].thread;
        if (!t->is_running || atomic_load(&t->has_ended))
            continue;
        atomic_store(&t->is_to_stop, true);
        (void)pthread_kill(t->id, SERVER_WAKE_SIGNAL);
        is_over = false;
    }
    return is_over;
}
