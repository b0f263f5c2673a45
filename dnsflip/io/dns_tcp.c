#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/io/connect.h"
#include "dnsflip/io/dns_internal.h"
#include "dnsflip/io/loop.h"

#define LENGTH_BYTES 2
#define MESSAGE_MAX 65535

void dns_tcp_close(struct dns_question *q)
{
    loop_fd_free(q->watch);
    q->watch = NULL;
    if (q->fd >= 0)
        close(q->fd);
    q->fd = -1;
    buf_fini(&q->stream);
}

static void on_deadline(void *arg)
{
    dns_question_fail(arg, DNS_ASK_TIMEOUT, "no answer over TCP");
}

static void on_readable(void *arg)
{
    struct dns_question *q = arg;
    char bytes[4096];
    ssize_t n = recv(q->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        dns_question_fail_errno(q, errno);
        return;
    }
    if (n == 0 || !buf_add(&q->stream, bytes, (size_t)n)) {
        dns_question_fail(q, DNS_ASK_MALFORMED,
                          n == 0 ? "connection closed without an answer" : "answer too long");
        return;
    }
    if (q->stream.len < LENGTH_BYTES)
        return;
    const uint8_t *stream = (const uint8_t *)q->stream.data;
    size_t length = (size_t)stream[0] << 8 | stream[1];
    if (q->stream.len < LENGTH_BYTES + length)
        return;
    struct dns_answer answer;
    if (dns_wire_answer(stream + LENGTH_BYTES, length, q->message, q->bytes, &answer) ==
        DNS_WIRE_NOT_OURS) {
        dns_question_fail(q, DNS_ASK_MALFORMED, "answer to another question");
        return;
    }
    dns_question_end(q, &answer);
}

static void on_connected(void *arg)
{
    struct dns_question *q = arg;
    int sys_errno = connect_result(q->fd);
    if (sys_errno == 0) {
        uint8_t out[LENGTH_BYTES + DNS_WIRE_QUESTION_MAX];
        out[0] = (uint8_t)(q->bytes >> 8);
        out[1] = (uint8_t)(q->bytes & 0xff);
        memcpy(out + LENGTH_BYTES, q->message, q->bytes);
        ssize_t n = send(q->fd, out, q->bytes + LENGTH_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL);
        /* A new connection's buffer holds so few bytes whole, or something is wrong. */
        if (n < 0)
            sys_errno = errno;
        else if ((size_t)n != q->bytes + LENGTH_BYTES)
            sys_errno = ENOBUFS;
    }
    if (sys_errno != 0) {
        dns_question_fail_errno(q, sys_errno);
        return;
    }
    loop_fd_free(q->watch);
    q->watch = loop_fd_new(q->ask.client->loop, q->fd, false, on_readable, q);
}

void dns_tcp_pump(struct dns_client *client)
{
    while (client->tcp_queue.first != NULL && client->n_tcp < DNS_TCP_IN_FLIGHT_MAX) {
        struct dns_question *q = client->tcp_queue.first;
        int sys_errno = 0;
        if (q->bytes == 0) {
            dns_question_fail(q, DNS_ASK_MALFORMED, "not a domain name");
            continue;
        }
        q->fd = connect_begin(&q->server, &sys_errno);
        if (q->fd < 0) {
            dns_question_fail_errno(q, sys_errno);
            continue;
        }
        dns_queue_remove(&client->tcp_queue, q);
        q->is_flying = true;
        client->n_tcp++;
        buf_init(&q->stream, LENGTH_BYTES + MESSAGE_MAX);
        q->watch = loop_fd_new(client->loop, q->fd, true, on_connected, q);
        q->timer = loop_timer_new(client->loop, on_deadline, q);
        loop_timer_set(q->timer, mono_add(loop_now(client->loop).mono, q->timeout_ms));
    }
}
