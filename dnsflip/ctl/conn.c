#include "dnsflip/ctl/conn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/ctl/server.h"
#include "dnsflip/io/loop.h"

#define READ_BYTES 16384
#define LINES_PER_TURN                                                                             \
    8 /* so that one client's requests never hold up probes and other clients                      \
       */

static void on_readable(void *arg);

static void on_writable(void *arg)
{
    conn_flush(arg);
}

/* Watches for what can be done now: a client whose answers pile up is not read from. */
static void watch(struct ctl_conn *conn)
{
    bool may_read = !conn->is_ending && !conn->is_eof && conn->out.len <= CTL_PAUSE_BYTES &&
                    conn->n_calls < CTL_CALLS_MAX && conn->in.len < PROTO_LINE_BYTES_MAX;

    if (may_read && conn->reader == NULL)
        conn->reader = loop_fd_new(conn->loop, conn->fd, false, on_readable, conn);
    if (!may_read && conn->reader != NULL) {
        loop_fd_free(conn->reader);
        conn->reader = NULL;
    }
    if (conn->out.len > 0 && conn->writer == NULL)
        conn->writer = loop_fd_new(conn->loop, conn->fd, true, on_writable, conn);
    if (conn->out.len == 0 && conn->writer != NULL) {
        loop_fd_free(conn->writer);
        conn->writer = NULL;
    }
}

/* Hands on the whole lines there are, as long as answers do not pile up. */
static void take_lines(struct ctl_conn *conn)
{
    size_t done = 0;
    int n = 0;

    conn->is_taking = true;
    while (conn->fd >= 0 && !conn->is_ending && conn->out.len <= CTL_PAUSE_BYTES &&
           conn->n_calls < CTL_CALLS_MAX) {
        const char *start = buf_text(&conn->in) + done;
        const char *end = memchr(start, '\n', conn->in.len - done);

        if (end == NULL)
            break;
        if (n++ == LINES_PER_TURN) {
            loop_timer_set(conn->more, loop_now(conn->loop).mono);
            break;
        }
        conn->on_line(conn, start, (size_t)(end - start));
        done += (size_t)(end - start) + 1;
    }
    conn->is_taking = false;
    if (conn->fd >= 0)
        buf_consume(&conn->in, done);
}

static void send_out(struct ctl_conn *conn)
{
    if (conn->out.overflowed) {
        conn_close(conn);
        return;
    }
    while (conn->out.len > 0) {
        ssize_t n =
            send(conn->fd, buf_text(&conn->out), conn->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            conn_close(conn);
            return;
        }
        buf_consume(&conn->out, (size_t)n);
    }
    if (conn->is_ending)
        conn_close(conn);
}

/* It will ask no more, and all that it asked is answered. */
static bool is_finished(const struct ctl_conn *conn)
{
    return conn->is_eof && conn->n_calls == 0 && conn->out.len == 0 &&
           memchr(buf_text(&conn->in), '\n', conn->in.len) == NULL;
}

static void refuse_long_line(struct ctl_conn *conn)
{
    struct proto_error error;

    (void)proto_fail(&error, PROTO_INVALID_REQUEST, "a request is longer than %d bytes",
                     PROTO_LINE_BYTES_MAX);
    proto_add_error(&conn->out, "null", &error);
    conn->is_ending = true;
    conn_flush(conn);
}

static void on_readable(void *arg)
{
    struct ctl_conn *conn = arg;
    char bytes[READ_BYTES];
    ssize_t n = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0 || (n == 0 && (conn->is_subscribed || conn_has_left(conn)))) {
        conn_close(conn);
        return;
    }
    conn->is_eof = n == 0;
    conn->used = loop_now(conn->loop).mono;
    (void)buf_add(&conn->in, bytes, (size_t)n);
    conn_flush(conn);
    if (conn->fd < 0)
        return;
    bool has_line = memchr(buf_text(&conn->in), '\n', conn->in.len) != NULL;
    if (!has_line && conn->in.len >= PROTO_LINE_BYTES_MAX)
        refuse_long_line(conn);
}

int conn_new(struct loop *loop, int fd, conn_line *on_line, conn_gone *on_gone, void *owner,
             struct ctl_conn **out, struct err *err)
{
    struct access_peer peer;

    *out = NULL;
    if (access_peer_read(fd, &peer, err) != 0) {
        (void)close(fd);
        return -1;
    }
    struct ctl_conn *conn = mem_zalloc(sizeof(*conn));
    *conn = (struct ctl_conn){ .loop = loop,
                               .fd = fd,
                               .peer = peer,
                               .used = loop_now(loop).mono,
                               .on_line = on_line,
                               .on_gone = on_gone,
                               .owner = owner };
    /* A whole line, and what one read may bring behind it. */
    buf_init(&conn->in, PROTO_LINE_BYTES_MAX + READ_BYTES);
    buf_init(&conn->out, CTL_OUTPUT_BYTES_MAX);
    (void)access_actor(peer.uid, conn->actor);
    conn->more = loop_timer_new(loop, on_writable, conn);
    watch(conn);
    *out = conn;
    return 0;
}

bool conn_has_left(const struct ctl_conn *conn)
{
    /* Sends nothing, but fails once the other end is closed rather than done with writing. */
    return send(conn->fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EPIPE;
}

void conn_close(struct ctl_conn *conn)
{
    if (conn->fd < 0)
        return;
    loop_fd_free(conn->reader);
    loop_fd_free(conn->writer);
    loop_timer_free(conn->more);
    conn->reader = NULL;
    conn->writer = NULL;
    (void)close(conn->fd);
    conn->fd = -1;
    conn->on_gone(conn);
    buf_fini(&conn->out);
    access_peer_fini(&conn->peer);
    /* The line being handled lies in conn->in: it goes with the rest, at the end of the turn. */
    if (conn->in.data != NULL)
        loop_defer_free(conn->loop, conn->in.data);
    loop_defer_free(conn->loop, conn);
}

void conn_flush(struct ctl_conn *conn)
{
    if (conn->fd >= 0)
        send_out(conn);
    /* Inside on_line the rest is done by the caller of it. */
    if (conn->fd < 0 || conn->is_taking)
        return;
    take_lines(conn);
    if (conn->fd >= 0 && is_finished(conn))
        conn_close(conn);
    else if (conn->fd >= 0)
        watch(conn);
}
