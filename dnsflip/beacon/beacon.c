#include "dnsflip/beacon/beacon.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/beacon/reply.h"
#include "dnsflip/beacon/request.h"
#include "dnsflip/dns/server_thread.h"

#define CONNECTIONS_MAX 512     /* open at once; then the oldest makes room */
#define CONNECTIONS_MAX_POOR 64 /* where this process may have few descriptors ... */
#define DESCRIPTORS_FEW 4096    /* ... which is fewer than so many */
#define REQUEST_MS 2000         /* for a request to come, and for its sender to hang up after it */
#define RETIRE_MS 500           /* the same, once another face has taken over */
#define SWEEP_MS 100            /* how often slow connections are looked for */
#define ACCEPTS_PER_TURN 64
#define EVENTS_PER_TURN 64
#define NONE UINT32_MAX

/* Free: fd < 0.  Reading: until its request is whole.  Answered: what still comes is thrown away
 * until the other side hangs up, lest a close with unread bytes take the answer back. */
struct connection {
    int fd;
    bool is_answered;
    uint32_t older, newer; /* places in the order of since; newer is also the list of free ones */
    size_t n_in;
    struct mono since; /* it was accepted, or answered */
    char in[BEACON_REQUEST_BYTES];
};

struct beacon {
    struct server_thread *thread;
    struct mono now; /* of this turn */
    uint32_t n_open, max_open;
    uint32_t oldest, newest, first_free;
    struct connection connections[CONNECTIONS_MAX];
};

/* Pages are zero and untouched until a connection needs them. */
static struct beacon *beacon_new(struct server_thread *t)
{
    struct rlimit files = { .rlim_cur = 0 };
    struct beacon *b = mem_zalloc(sizeof(*b));

    (void)getrlimit(RLIMIT_NOFILE, &files);
    b->max_open = files.rlim_cur < DESCRIPTORS_FEW ? CONNECTIONS_MAX_POOR : CONNECTIONS_MAX;
    b->thread = t;
    b->oldest = b->newest = b->first_free = NONE;
    for (uint32_t i = b->max_open; i > 0; i--) {
        b->connections[i - 1].fd = -1;
        b->connections[i - 1].newer = b->first_free;
        b->first_free = i - 1;
    }
    return b;
}

static void unlink_place(struct beacon *b, uint32_t place)
{
    const struct connection *c = &b->connections[place];

    if (c->older == NONE)
        b->oldest = c->newer;
    else
        b->connections[c->older].newer = c->newer;
    if (c->newer == NONE)
        b->newest = c->older;
    else
        b->connections[c->newer].older = c->older;
}

static void link_newest(struct beacon *b, uint32_t place)
{
    struct connection *c = &b->connections[place];

    c->since = b->now;
    c->older = b->newest;
    c->newer = NONE;
    if (b->newest == NONE)
        b->oldest = place;
    else
        b->connections[b->newest].newer = place;
    b->newest = place;
}

static void cut(struct beacon *b, uint32_t place)
{
    struct connection *c = &b->connections[place];

    unlink_place(b, place);
    (void)close(c->fd); /* which also takes it out of epoll */
    c->fd = -1;
    c->newer = b->first_free;
    b->first_free = place;
    b->n_open--;
}

/* A connection whose request never came whole is told apart from one that was answered. */
static void cut_unserved(struct beacon *b, uint32_t place)
{
    if (!b->connections[place].is_answered)
        server_count(b->thread, COUNTER_BEACON_CUT, 1);
    cut(b, place);
}

static void open_connection(struct beacon *b, int fd)
{
    uint32_t place;
    struct epoll_event event = { .events = EPOLLIN };

    if (b->n_open == b->max_open)
        cut_unserved(b, b->oldest);
    place = b->first_free;
    struct connection *c = &b->connections[place];
    b->first_free = c->newer;
    b->n_open++;
    c->fd = fd;
    c->is_answered = false;
    c->n_in = 0;
    link_newest(b, place);
    server_count(b->thread, COUNTER_BEACON_CONNECTIONS, 1);
    event.data.u64 = place;
    if (epoll_ctl(b->thread->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        cut_unserved(b, place);
}

static void accept_some(struct beacon *b, int listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        open_connection(b, fd);
    }
}

/* A reply is shorter than any socket's buffer, and the first thing that is sent. */
static void answer(struct beacon *b, uint32_t place, const struct server_pair *pair)
{
    struct connection *c = &b->connections[place];
    char out[BEACON_REPLY_BYTES];
    enum counter counter = COUNTER_BEACON_REFUSED;
    size_t n = beacon_reply(pair->view, pair->page, c->in, c->n_in, out, &counter);

    if (n == 0)
        return;
    server_count(b->thread, counter, 1);
    c->is_answered = true;
    if (send(c->fd, out, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n ||
        shutdown(c->fd, SHUT_WR) != 0) {
        cut(b, place);
        return;
    }
    unlink_place(b, place);
    link_newest(b, place);
}

static void read_some(struct beacon *b, uint32_t place, const struct server_pair *pair)
{
    struct connection *c = &b->connections[place];
    size_t at = c->is_answered ? 0 : c->n_in;
    ssize_t n = recv(c->fd, c->in + at, sizeof(c->in) - at, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        cut_unserved(b, place);
        return;
    }
    if (c->is_answered)
        return;
    c->n_in += (size_t)n;
    answer(b, place, pair);
}

static void handle(struct beacon *b, uint64_t data, const struct server_pair *pair)
{
    if ((data & SERVER_LISTENER_TAG) != 0)
        accept_some(b, (int)(data & ~SERVER_LISTENER_TAG));
    else if (b->connections[data].fd >= 0) /* else it was cut earlier in this turn */
        read_some(b, (uint32_t)data, pair);
}

static void sweep(struct beacon *b, int64_t patience_ms)
{
    while (b->oldest != NONE && mono_since(b->now, b->connections[b->oldest].since) >= patience_ms)
        cut_unserved(b, b->oldest);
}

/* Ends when its server retires: connections outlive every change of sockets and pair. */
void *beacon_run(void *arg)
{
    struct server_thread *t = arg;
    struct beacon *b = beacon_new(t);
    struct epoll_event events[EVENTS_PER_TURN];

    for (bool is_over = false; !is_over;) {
        bool is_to_stop = atomic_load_explicit(&t->is_to_stop, memory_order_relaxed);
        int wait_ms = is_to_stop || b->n_open > 0 ? SWEEP_MS : -1;
        int n = epoll_wait(t->epoll, events, EVENTS_PER_TURN, wait_ms);
        const struct server_pair *pair = server_enter(t);

        b->now = mono_now();
        for (int i = 0; i < n; i++)
            handle(b, events[i].data.u64, pair);
        server_leave(t);
        sweep(b, is_to_stop ? RETIRE_MS : REQUEST_MS);
        is_over = is_to_stop && b->n_open == 0;
    }
    mem_free(b);
    atomic_store(&t->has_ended, true);
    return NULL;
}
