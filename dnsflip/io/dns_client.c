#include "dnsflip/io/dns_client.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/connect.h"
#include "dnsflip/io/dns_internal.h"

#define RECEIVE_BYTES 4096
#define RECEIVE_BUFFER (1 << 20) /* asked of the kernel, which may grant less */
#define SEND_AGAIN_MS 1          /* after a full send buffer */

struct dns_lane {
    struct dns_client *client; /* borrowed */
    struct inet_addr server;
    int fd; /* connected; -1 = none.  Opened for a burst, so that its port is new each time */
    struct loop_fd *reader;
    struct dns_question *flying[DNS_LANE_WINDOW];
    size_t n_flying;
    struct dns_queue queue;
    struct dns_lane *next;
};

void dns_ask_link(struct dns_ask *ask)
{
    struct dns_client *client = ask->client;
    ask->prev = NULL;
    ask->next = client->all;
    if (client->all != NULL)
        client->all->prev = ask;
    client->all = ask;
}

void dns_ask_unlink(struct dns_ask *ask)
{
    if (ask->prev != NULL)
        ask->prev->next = ask->next;
    else
        ask->client->all = ask->next;
    if (ask->next != NULL)
        ask->next->prev = ask->prev;
}

void dns_client_wake(struct dns_client *client)
{
    loop_timer_set(client->pump, loop_now(client->loop).mono);
}

void dns_queue_put(struct dns_queue *queue, struct dns_question *q)
{
    q->queue_next = NULL;
    q->queue_prev = queue->last;
    if (queue->last != NULL)
        queue->last->queue_next = q;
    else
        queue->first = q;
    queue->last = q;
}

void dns_queue_remove(struct dns_queue *queue, struct dns_question *q)
{
    if (q->queue_prev != NULL)
        q->queue_prev->queue_next = q->queue_next;
    else
        queue->first = q->queue_next;
    if (q->queue_next != NULL)
        q->queue_next->queue_prev = q->queue_prev;
    else
        queue->last = q->queue_prev;
}

/* Takes q out of every place that knows it, and frees it. */
static void drop(struct dns_question *q)
{
    struct dns_client *client = q->ask.client;
    dns_ask_unlink(&q->ask);
    if (!q->is_flying) {
        dns_queue_remove(q->lane != NULL ? &q->lane->queue : &client->tcp_queue, q);
    } else if (q->lane != NULL) {
        q->lane->flying[q->place] = q->lane->flying[--q->lane->n_flying];
        q->lane->flying[q->place]->place = q->place;
        client->n_flying--;
    } else {
        client->n_tcp--;
        dns_tcp_close(q);
    }
    loop_timer_free(q->timer);
    mem_free(q);
    dns_client_wake(client); /* there is room for another, or a lane to fold up */
}

static void cancel_question(struct dns_ask *ask)
{
    drop((struct dns_question *)ask);
}

void dns_question_end(struct dns_question *q, const struct dns_answer *answer)
{
    dns_ask_done *done = q->ask.done;
    void *arg = q->ask.arg;
    drop(q);
    done(arg, answer);
}

void dns_question_fail(struct dns_question *q, enum dns_ask_status status, const char *detail)
{
    struct dns_answer answer = { .status = status };
    str_copy(answer.detail, sizeof answer.detail, detail);
    dns_question_end(q, &answer);
}

static enum dns_ask_status status_of_errno(int sys_errno)
{
    enum reason_code reason = connect_reason(sys_errno);
    if (reason == REASON_CONNECT_REFUSED)
        return DNS_ASK_REFUSED;
    if (reason == REASON_NO_ROUTE || reason == REASON_NO_DESCRIPTOR)
        return DNS_ASK_LOCAL;
    return DNS_ASK_TIMEOUT;
}

void dns_question_fail_errno(struct dns_question *q, int sys_errno)
{
    const char *text = strerrordesc_np(sys_errno);
    dns_question_fail(q, status_of_errno(sys_errno), text != NULL ? text : "unknown error");
}

static void fail_flying(struct dns_lane *lane, int sys_errno)
{
    /* Each call takes one out; those that callbacks add are queued, not flying. */
    while (lane->n_flying > 0)
        dns_question_fail_errno(lane->flying[lane->n_flying - 1], sys_errno);
}

static struct dns_question *match(const struct dns_lane *lane, const uint8_t *msg, size_t n,
                                  struct dns_answer *answer)
{
    for (size_t i = 0; i < lane->n_flying; i++) {
        struct dns_question *q = lane->flying[i];
        if (n >= 2 && q->message[0] == msg[0] && q->message[1] == msg[1] &&
            dns_wire_answer(msg, n, q->message, q->bytes, answer) != DNS_WIRE_NOT_OURS)
            return q;
    }
    return NULL;
}

static void on_readable(void *arg)
{
    struct dns_lane *lane = arg;
    uint8_t msg[RECEIVE_BYTES];
    /* At most one window a turn: the loop has others to serve. */
    for (size_t i = 0; i < DNS_LANE_WINDOW; i++) {
        ssize_t n = recv(lane->fd, msg, sizeof msg, MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                fail_flying(lane, errno);
            return;
        }
        struct dns_answer answer;
        struct dns_question *q = match(lane, msg, (size_t)n, &answer);
        if (q != NULL)
            dns_question_end(q, &answer);
    }
}

/* 0, or the errno value of what went wrong. */
static int lane_open(struct dns_lane *lane)
{
    struct sockaddr_storage to;
    socklen_t n = inet_to_sockaddr(&lane->server, &to);
    int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int bytes = RECEIVE_BUFFER;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (connect(fd, (const struct sockaddr *)&to, n) != 0) {
        int sys_errno = errno;
        close(fd);
        return sys_errno;
    }
    lane->fd = fd;
    lane->reader = loop_fd_new(lane->client->loop, fd, false, on_readable, lane);
    return 0;
}

static void lane_close(struct dns_lane *lane)
{
    loop_fd_free(lane->reader);
    lane->reader = NULL;
    if (lane->fd >= 0)
        close(lane->fd);
    lane->fd = -1;
}

static void on_question_timer(void *arg)
{
    struct dns_question *q = arg;
    if (q->is_resent) {
        dns_question_fail(q, DNS_ASK_TIMEOUT, "no answer");
        return;
    }
    q->is_resent = true;
    loop_timer_set(q->timer, q->deadline);
    (void)send(q->lane->fd, q->message, q->bytes, MSG_DONTWAIT); /* lost: the deadline decides */
}

/* An id that no question in flight on this lane has. */
static void set_id(const struct dns_lane *lane, struct dns_question *q)
{
    size_t i = 0;
    do {
        if (getrandom(q->message, 2, 0) != 2)
            break;
        for (i = 0; i < lane->n_flying; i++) {
            if (memcmp(lane->flying[i]->message, q->message, 2) == 0)
                break;
        }
    } while (i < lane->n_flying);
}

/* Sends the first in the queue.  False when the lane must wait. */
static bool lane_send(struct dns_lane *lane)
{
    struct dns_client *client = lane->client;
    struct dns_question *q = lane->queue.first;
    if (q->bytes == 0) {
        dns_question_fail(q, DNS_ASK_MALFORMED, "not a domain name");
        return true;
    }
    int sys_errno = lane->fd < 0 ? lane_open(lane) : 0;
    if (sys_errno == 0) {
        set_id(lane, q);
        if (send(lane->fd, q->message, q->bytes, MSG_DONTWAIT) < 0)
            sys_errno = errno;
    }
    if (sys_errno == EAGAIN || sys_errno == EINTR) {
        loop_timer_set(client->pump, mono_add(loop_now(client->loop).mono, SEND_AGAIN_MS));
        return false;
    }
    if (sys_errno == ECONNREFUSED && lane->n_flying > 0) {
        fail_flying(lane, sys_errno); /* it answers for an earlier one; q is sent next time */
        return true;
    }
    if (sys_errno != 0) {
        dns_question_fail_errno(q, sys_errno);
        return true;
    }
    dns_queue_remove(&lane->queue, q);
    q->is_flying = true;
    q->place = lane->n_flying;
    lane->flying[lane->n_flying++] = q;
    client->n_flying++;
    struct mono now = loop_now(client->loop).mono;
    q->deadline = mono_add(now, q->timeout_ms);
    q->timer = loop_timer_new(client->loop, on_question_timer, q);
    loop_timer_set(q->timer, mono_add(now, q->timeout_ms / 2));
    return true;
}

/* Closes the sockets of servers that nothing is asked of. */
static void fold_lanes(struct dns_client *client)
{
    struct dns_lane **place = &client->lanes;
    while (*place != NULL) {
        struct dns_lane *lane = *place;
        if (lane->queue.first != NULL || lane->n_flying > 0) {
            place = &lane->next;
            continue;
        }
        *place = lane->next;
        lane_close(lane);
        loop_defer_free(client->loop, lane);
    }
}

static void on_pump(void *arg)
{
    struct dns_client *client = arg;
    /* Callbacks may add lanes, in front of this one; they are sent in the next turn. */
    for (struct dns_lane *lane = client->lanes; lane != NULL; lane = lane->next) {
        while (lane->queue.first != NULL && lane->n_flying < DNS_LANE_WINDOW &&
               client->n_flying < DNS_CLIENT_IN_FLIGHT_MAX) {
            if (!lane_send(lane))
                break;
        }
    }
    dns_tcp_pump(client);
    fold_lanes(client);
}

static struct dns_lane *lane_of(struct dns_client *client, const struct inet_addr *server)
{
    struct dns_lane *lane = client->lanes;
    while (lane != NULL &&
           (!inet_ip_equal(&lane->server.ip, &server->ip) || lane->server.port != server->port))
        lane = lane->next;
    if (lane != NULL)
        return lane;
    lane = mem_zalloc(sizeof *lane);
    lane->client = client;
    lane->server = *server;
    lane->fd = -1;
    lane->next = client->lanes;
    client->lanes = lane;
    return lane;
}

struct dns_ask *dns_question_ask(struct dns_client *client, const struct inet_addr *server,
                                 const char *name, uint16_t type, bool is_tcp, bool recurse,
                                 int64_t timeout_ms, dns_ask_done *done, void *arg)
{
    struct dns_question *q = mem_zalloc(sizeof *q);
    q->ask =
        (struct dns_ask){ .client = client, .done = done, .arg = arg, .cancel = cancel_question };
    q->server = *server;
    q->timeout_ms = timeout_ms;
    q->fd = -1;
    uint16_t id = 0;
    if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
        id = (uint16_t)mono_now_us(); /* over TCP it guards nothing; a lane sets its own */
    q->bytes = dns_wire_question(name, type, id, recurse, q->message);
    dns_ask_link(&q->ask);
    if (!is_tcp)
        q->lane = lane_of(client, server);
    dns_queue_put(is_tcp ? &client->tcp_queue : &q->lane->queue, q);
    dns_client_wake(client);
    return &q->ask;
}

int dns_client_new(struct loop *loop, struct dns_client **out, struct err *err)
{
    (void)err;
    struct dns_client *client = mem_zalloc(sizeof *client);
    client->loop = loop;
    client->pump = loop_timer_new(loop, on_pump, client);
    client->cache = dns_cache_new();
    dns_stub_read_resolv_conf(client);
    *out = client;
    return 0;
}

void dns_client_free(struct dns_client *client)
{
    if (client == NULL)
        return;
    while (client->all != NULL)
        dns_client_cancel(client->all);
    while (client->lanes != NULL) {
        struct dns_lane *lane = client->lanes;
        client->lanes = lane->next;
        lane_close(lane);
        loop_defer_free(client->loop, lane);
    }
    loop_timer_free(client->pump);
    dns_cache_free(client->cache);
    mem_free(client);
}

struct dns_ask *dns_client_ask(struct dns_client *client, const struct inet_addr *server,
                               const char *name, uint16_t type, bool tcp, int64_t timeout_ms,
                               dns_ask_done *done, void *arg)
{
    return dns_question_ask(client, server, name, type, tcp, false, timeout_ms, done, arg);
}

void dns_client_cancel(struct dns_ask *ask)
{
    ask->cancel(ask);
}
