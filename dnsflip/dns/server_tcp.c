#include "dnsflip/dns/server_thread.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/server_frame.h"
#include "dnsflip/dns/server_transfer.h"
#include "dnsflip/dns/signed_query.h"

#define CONNECTIONS_MAX 2048       /* open at once; then the longest idle one makes room */
#define CONNECTIONS_PER_CLIENT 512 /* of one IPv4 address or IPv6 /64 */
#define EVICT_IDLE_MS 500          /* a connection less idle than this makes room for nobody */
#define FDS_RESERVED UINT64_C(320) /* descriptors left for listening sockets, maps and beacons */
#define ACCEPTS_PER_TURN 64
#define EVENTS_PER_TURN 64
#define SWEEP_MS 1000       /* how often slow connections are looked for */
#define SPILLS_MAX 64       /* connections with unsent answers; a slow reader past it is cut */
#define SEND_AT_BYTES 16384 /* answers to pipelined queries are gathered up to here */
#define OUT_BYTES                                                                                  \
    (SEND_AT_BYTES + SERVER_FRAME_PREFIX_BYTES + ANSWER_TCP_BYTES + ANSWER_SLACK_BYTES)
#define IN_BYTES (SERVER_FRAME_PREFIX_BYTES + SERVER_FRAME_QUERY_MAX)
#define RETIRE_TURN_MS 20   /* how often it is looked what may be closed, once retiring */
#define RETIRE_IDLE_MS 200  /* a connection without a byte for so long is closed then */
#define RETIRE_BUSY_MS 1000 /* and one that is never idle after so long */

/* Answers that the kernel would not take yet.  Like those it took, they are on their way: a flip
 * does not call them back, and no query is answered from old words after it. */
struct spill {
    size_t start, end;
    struct spill *next; /* while free */
    uint8_t bytes[OUT_BYTES];
};

/* Free: fd < 0.  Reading: spill and transfer NULL.  Writing: one of them set, or both, the spill
 * first; nothing is read until both are through. */
struct connection {
    int fd;
    bool is_shut;        /* nothing more is answered: only its end is awaited */
    struct inet_ip peer; /* family 0 = not known */
    uint32_t next_free;
    size_t n_in;                      /* bytes of in in use */
    struct spill *spill;              /* borrowed from the pool */
    struct server_transfer *transfer; /* borrowed from the pool */
    struct mono since;                /* when its last whole query came, or its spill was made */
    uint8_t in[IN_BYTES + ANSWER_SLACK_BYTES];
};

struct tcp {
    struct server_thread *thread;
    struct mono now; /* of this turn */
    struct mono swept;
    struct mono retired;                            /* since when; 0 = not */
    uint32_t n_open, max_open, first_free, n_slots; /* slots past n_slots were never used */
    struct spill *free_spills;
    /* What is searched lies apart from the buffers, to be searched quickly. */
    uint64_t clients[CONNECTIONS_MAX];  /* 0 = free */
    struct mono moved[CONNECTIONS_MAX]; /* when its last byte came or went */
    struct connection connections[CONNECTIONS_MAX];
    struct spill spills[SPILLS_MAX];
    struct server_transfers transfers;
    uint8_t out[OUT_BYTES];
};

static struct mono *moved(struct tcp *tcp, const struct connection *c)
{
    return &tcp->moved[c - tcp->connections];
}

/* Pages are zero and untouched until a connection needs them. */
static struct tcp *tcp_new(struct server_thread *t)
{
    struct rlimit files = { .rlim_cur = FDS_RESERVED };
    struct tcp *tcp = mem_zalloc(sizeof(*tcp));

    (void)getrlimit(RLIMIT_NOFILE, &files);
    rlim_t room = files.rlim_cur > 2 * FDS_RESERVED ? files.rlim_cur - FDS_RESERVED : FDS_RESERVED;
    tcp->max_open = room < CONNECTIONS_MAX ? (uint32_t)room : CONNECTIONS_MAX;
    tcp->first_free = CONNECTIONS_MAX;
    tcp->thread = t;
    for (size_t i = SPILLS_MAX; i > 0; i--) {
        tcp->spills[i - 1].next = tcp->free_spills;
        tcp->free_spills = &tcp->spills[i - 1];
    }
    return tcp;
}

static void spill_free(struct tcp *tcp, struct connection *c)
{
    c->spill->next = tcp->free_spills;
    tcp->free_spills = c->spill;
    c->spill = NULL;
}

static void cut(struct tcp *tcp, struct connection *c)
{
    uint32_t place = (uint32_t)(c - tcp->connections);

    if (c->spill != NULL)
        spill_free(tcp, c);
    if (c->transfer != NULL) {
        server_count(tcp->thread, COUNTER_TRANSFERS_CUT, 1);
        server_transfer_end(c->transfer);
        c->transfer = NULL;
    }
    (void)close(c->fd); /* which also takes it out of epoll */
    c->fd = -1;
    c->next_free = tcp->first_free;
    tcp->first_free = place;
    tcp->clients[place] = 0;
    tcp->n_open--;
}

static void watch(struct tcp *tcp, struct connection *c, int operation, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.u64 = (uint64_t)(c - tcp->connections) };

    if (epoll_ctl(tcp->thread->epoll, operation, c->fd, &event) != 0)
        cut(tcp, c);
}

/* Sends tcp->out[0..n); what the kernel does not take waits in a spill.  False if the connection
 * was cut or now waits. */
static bool send_out(struct tcp *tcp, struct connection *c, size_t n)
{
    ssize_t sent = send(c->fd, tcp->out, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        server_count(tcp->thread, COUNTER_SEND_FAILED, 1);
        cut(tcp, c);
        return false;
    }
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == n)
        return true;
    struct spill *spill = tcp->free_spills;
    if (spill == NULL) {
        server_count(tcp->thread, COUNTER_TCP_REFUSED, 1);
        cut(tcp, c);
        return false;
    }
    tcp->free_spills = spill->next;
    spill->start = 0;
    spill->end = n - (size_t)sent;
    memcpy(spill->bytes, tcp->out + sent, spill->end);
    c->spill = spill;
    c->since = tcp->now;
    watch(tcp, c, EPOLL_CTL_MOD, EPOLLOUT);
    return false;
}

/* A signed query, or one for a transfer; if that begins it is c's. */
static size_t answer_signed(struct tcp *tcp, struct connection *c, const struct server_pair *pair,
                            struct answer_call *call, uint8_t *out,
                            uint32_t counts[static COUNTERS])
{
    uint64_t client = tcp->clients[c - tcp->connections];
    struct server_transfer *x = server_transfer_find(&tcp->transfers, client);
    struct signed_query q = { .view = pair->view,
                              .page = pair->page,
                              .secrets = pair->secrets,
                              .ip = c->peer.bytes,
                              .ip_bytes = c->peer.family == 4 ? 4 : 16,
                              .now_s = (uint64_t)(wall_now().ms / 1000),
                              .transfer = x == NULL ? NULL : &x->transfer };
    size_t n = signed_query_answer(&q, call, out, counts);

    if (n == 0) {
        server_transfer_start(x, pair, client, tcp->now);
        c->transfer = x;
        counts[COUNTER_TRANSFERS_BEGUN]++;
    }
    return n;
}

/* Answers the whole queries in c->in from *used on, as many as fit in tcp->out.  Returns how many
 * bytes of answers there are; *is_bad: a query that no connection survives. */
static size_t answer_some(struct tcp *tcp, struct connection *c, const struct server_pair *pair,
                          size_t *used, bool *is_bad)
{
    uint32_t counts[COUNTERS] = { 0 };
    uint32_t now_s = (uint32_t)(wall_now().ms / 1000);
    size_t n_out = 0;
    size_t len = 0;

    while (n_out < SEND_AT_BYTES && c->transfer == NULL) {
        enum server_frame found = server_frame_next(c->in + *used, c->n_in - *used, &len);
        if (found != SERVER_FRAME_WHOLE) {
            *is_bad = found == SERVER_FRAME_TOO_LONG;
            break;
        }
        uint8_t *out = tcp->out + n_out;
        struct answer_call call = { .query = c->in + *used + SERVER_FRAME_PREFIX_BYTES,
                                    .len = len,
                                    .is_tcp = true,
                                    .ip = c->peer.bytes,
                                    .ip_bytes = inet_ip_bytes(&c->peer),
                                    .cookies = secrets_cookies(pair->secrets),
                                    .now_s = now_s,
                                    .keepalive_100ms = SERVER_TCP_IDLE_MS / 100 };
        size_t n = answer(pair->view, pair->page, &call, out + SERVER_FRAME_PREFIX_BYTES, counts);
        if (n == 0 && call.needs != 0)
            n = answer_signed(tcp, c, pair, &call, out + SERVER_FRAME_PREFIX_BYTES, counts);
        *used += SERVER_FRAME_PREFIX_BYTES + len;
        c->since = tcp->now;
        if (n == 0)
            continue;
        server_frame_prefix(out, n);
        n_out += SERVER_FRAME_PREFIX_BYTES + n;
    }
    server_count_all(tcp->thread, counts);
    return n_out;
}

/* Answers all whole queries received, in order, up to a transfer.  False if c was cut or waits for
 * its reader. */
static bool answer_all(struct tcp *tcp, struct connection *c, const struct server_pair *pair)
{
    bool is_open = true;
    bool is_bad = false;
    size_t used = 0;

    for (;;) {
        size_t n = answer_some(tcp, c, pair, &used, &is_bad);
        if (n == 0)
            break;
        is_open = send_out(tcp, c, n);
        if (!is_open)
            break;
    }
    if (c->fd < 0)
        return false;
    c->n_in -= used;
    memmove(c->in, c->in + used, c->n_in);
    if (is_open && is_bad) {
        cut(tcp, c);
        return false;
    }
    if (is_open && c->transfer != NULL) {
        watch(tcp, c, EPOLL_CTL_MOD, EPOLLOUT);
        return false;
    }
    return is_open;
}

static void read_some(struct tcp *tcp, struct connection *c, const struct server_pair *pair)
{
    ssize_t n = recv(c->fd, c->in + c->n_in, IN_BYTES - c->n_in, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* at the end of file too: every answer has been sent, or we would not read */
        cut(tcp, c);
        return;
    }
    if (c->is_shut)
        return;
    *moved(tcp, c) = tcp->now;
    c->n_in += (size_t)n;
    (void)answer_all(tcp, c, pair);
}

/* False while there is more of it, or if c was cut. */
static bool send_spill(struct tcp *tcp, struct connection *c)
{
    struct spill *spill = c->spill;
    ssize_t n = send(c->fd, spill->bytes + spill->start, spill->end - spill->start,
                     MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n < 0) {
        cut(tcp, c);
        return false;
    }
    *moved(tcp, c) = tcp->now;
    spill->start += (size_t)n;
    if (spill->start < spill->end)
        return false;
    spill_free(tcp, c);
    return true;
}

/* False while there is more of it, or if c was cut. */
static bool send_transfer(struct tcp *tcp, struct connection *c)
{
    bool has_moved = false;
    enum server_transfer_step step =
        server_transfer_send(c->transfer, c->fd, (uint64_t)(wall_now().ms / 1000), &has_moved);

    if (has_moved)
        *moved(tcp, c) = tcp->now;
    switch (step) {
    case SERVER_TRANSFER_WAITS:
        return false;
    case SERVER_TRANSFER_FAILED:
        cut(tcp, c);
        return false;
    case SERVER_TRANSFER_DONE:
        break;
    }
    server_count(tcp->thread, COUNTER_TRANSFERS_DONE, 1);
    server_transfer_end(c->transfer);
    c->transfer = NULL;
    return true;
}

/* Once all is out, the queries that came before it are answered, then reading goes on. */
static void write_some(struct tcp *tcp, struct connection *c, const struct server_pair *pair)
{
    if (c->spill != NULL && !send_spill(tcp, c))
        return;
    if (c->transfer != NULL && !send_transfer(tcp, c))
        return;
    c->since = tcp->now;
    if (answer_all(tcp, c, pair))
        watch(tcp, c, EPOLL_CTL_MOD, EPOLLIN);
}

static uint32_t count_client(const struct tcp *tcp, uint64_t client)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < tcp->n_slots; i++)
        n += tcp->clients[i] == client;
    return n;
}

static bool make_room(struct tcp *tcp)
{
    uint32_t idlest = CONNECTIONS_MAX;

    if (tcp->n_open < tcp->max_open)
        return true;
    for (uint32_t i = 0; i < tcp->n_slots; i++) {
        if (tcp->clients[i] != 0 &&
            (idlest == CONNECTIONS_MAX || mono_since(tcp->moved[i], tcp->moved[idlest]) < 0))
            idlest = i;
    }
    if (idlest == CONNECTIONS_MAX || mono_since(tcp->now, tcp->moved[idlest]) < EVICT_IDLE_MS)
        return false;
    server_count(tcp->thread, COUNTER_TCP_REFUSED, 1);
    cut(tcp, &tcp->connections[idlest]);
    return true;
}

static void open_connection(struct tcp *tcp, int fd, const struct inet_addr *peer, uint64_t client)
{
    uint32_t place = tcp->first_free;

    if (place == CONNECTIONS_MAX)
        place = tcp->n_slots++;
    else
        tcp->first_free = tcp->connections[place].next_free;
    struct connection *c = &tcp->connections[place];
    c->fd = fd;
    c->peer = peer->ip;
    c->n_in = 0;
    c->is_shut = false;
    c->spill = NULL;
    c->transfer = NULL;
    tcp->moved[place] = tcp->now;
    c->since = tcp->now;
    tcp->clients[place] = client;
    tcp->n_open++;
    server_count(tcp->thread, COUNTER_TCP_CONNECTIONS, 1);
    watch(tcp, c, EPOLL_CTL_ADD, EPOLLIN);
}

static void accept_some(struct tcp *tcp, int listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        struct inet_addr peer = { .port = 0 };
        int fd = accept4(listener, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        uint64_t client = inet_from_sockaddr((struct sockaddr *)&sa, len, &peer)
                              ? server_frame_client(&peer.ip)
                              : 1;
        if (count_client(tcp, client) >= CONNECTIONS_PER_CLIENT || !make_room(tcp)) {
            server_count(tcp->thread, COUNTER_TCP_REFUSED, 1);
            (void)close(fd);
            continue;
        }
        open_connection(tcp, fd, &peer, client);
    }
}

static bool is_late(struct tcp *tcp, const struct connection *c)
{
    struct mono last = *moved(tcp, c);

    if (c->transfer != NULL)
        return server_transfer_is_late(c->transfer, last, tcp->now);
    return mono_since(tcp->now, server_frame_deadline(last, c->since)) >= 0;
}

static void sweep(struct tcp *tcp)
{
    if (mono_since(tcp->now, tcp->swept) < SWEEP_MS)
        return;
    tcp->swept = tcp->now;
    for (uint32_t i = 0; i < tcp->n_slots; i++) {
        struct connection *c = &tcp->connections[i];
        if (tcp->clients[i] != 0 && is_late(tcp, c))
            cut(tcp, c);
    }
}

static void handle(struct tcp *tcp, const struct epoll_event *event, const struct server_pair *pair)
{
    if ((event->data.u64 & SERVER_LISTENER_TAG) != 0) {
        accept_some(tcp, (int)(event->data.u64 & ~SERVER_LISTENER_TAG));
        return;
    }
    struct connection *c = &tcp->connections[event->data.u64];
    if (c->fd < 0)
        return; /* cut earlier in this turn */
    if (c->spill != NULL || c->transfer != NULL)
        write_some(tcp, c, pair);
    else
        read_some(tcp, c, pair);
}

/* Closes what is idle.  What never is, is shut from our side first: its end would take answers with
 * it that have not been read yet.  True when all have gone. */
static bool retire(struct tcp *tcp)
{
    if (tcp->retired.ms == 0)
        tcp->retired = tcp->now;
    bool is_late = mono_since(tcp->now, tcp->retired) >= RETIRE_BUSY_MS;
    for (uint32_t i = 0; i < tcp->n_slots; i++) {
        struct connection *c = &tcp->connections[i];
        if (tcp->clients[i] == 0 || c->is_shut || c->spill != NULL || c->transfer != NULL)
            continue;
        bool is_idle = c->n_in == 0 && mono_since(tcp->now, tcp->moved[i]) >= RETIRE_IDLE_MS;
        c->is_shut = is_late && !is_idle && shutdown(c->fd, SHUT_WR) == 0;
        if (is_idle || (is_late && !c->is_shut))
            cut(tcp, c);
    }
    return tcp->n_open == 0;
}

static int turn_ms(const struct tcp *tcp, bool is_to_stop)
{
    return is_to_stop ? RETIRE_TURN_MS : tcp->n_open > 0 ? SWEEP_MS : -1;
}

/* Ends when its server retires: connections outlive every change of sockets and pair. */
void *server_tcp_run(void *arg)
{
    struct server_thread *t = arg;
    struct tcp *tcp = tcp_new(t);
    struct epoll_event events[EVENTS_PER_TURN];

    for (bool is_over = false; !is_over;) {
        bool is_to_stop = atomic_load_explicit(&t->is_to_stop, memory_order_relaxed);
        int n = epoll_wait(t->epoll, events, EVENTS_PER_TURN, turn_ms(tcp, is_to_stop));
        const struct server_pair *pair = server_enter(t);
        tcp->now = mono_now();
        for (int i = 0; i < n; i++)
            handle(tcp, &events[i], pair);
        server_leave(t);
        sweep(tcp);
        is_over = is_to_stop && retire(tcp);
    }
    mem_free(tcp);
    atomic_store(&t->has_ended, true);
    return NULL;
}
