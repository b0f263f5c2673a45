#include "dnsflip/lab/cluster_conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define READ_BYTES 4096
#define DATE_BYTES 64

enum flow { FLOW_MORE, FLOW_WAIT, FLOW_END };

struct cluster_conn *cluster_conn_new(int fd, SSL_CTX *tls)
{
    struct cluster_conn *c = mem_zalloc(sizeof(*c));

    c->fd = fd;
    buf_init(&c->in, CLUSTER_CONN_HEAD_BYTES_MAX);
    buf_init(&c->out, CLUSTER_CONN_OUT_BYTES_MAX);
    if (tls == NULL)
        return c;
    c->tls = SSL_new(tls);
    if (c->tls == NULL || SSL_set_fd(c->tls, fd) != 1) {
        cluster_conn_free(c);
        return NULL;
    }
    SSL_set_accept_state(c->tls);
    return c;
}

void cluster_conn_free(struct cluster_conn *c)
{
    const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

    SSL_free(c->tls);
    if (!c->is_last)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(c->fd);
    buf_fini(&c->in);
    buf_fini(&c->out);
    mem_free(c);
}

/* What to do about an SSL call that did not go through. */
static enum flow tls_flow(struct cluster_conn *c, int result)
{
    int why = SSL_get_error(c->tls, result);

    ERR_clear_error();
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return FLOW_END;
    c->wants_write = why == SSL_ERROR_WANT_WRITE;
    return FLOW_WAIT;
}

static enum flow sys_flow(struct cluster_conn *c, bool is_write)
{
    c->wants_write = is_write;
    return errno == EAGAIN || errno == EINTR ? FLOW_WAIT : FLOW_END;
}

static enum flow read_some(struct cluster_conn *c)
{
    char bytes[READ_BYTES];
    ssize_t n;

    if (c->tls != NULL) {
        n = SSL_read(c->tls, bytes, sizeof(bytes));
        if (n <= 0)
            return tls_flow(c, (int)n);
    } else {
        n = recv(c->fd, bytes, sizeof(bytes), 0);
        if (n < 0)
            return sys_flow(c, false);
        if (n == 0)
            return FLOW_END;
    }
    return buf_add(&c->in, bytes, (size_t)n) ? FLOW_MORE : FLOW_END;
}

static enum flow write_some(struct cluster_conn *c)
{
    while (c->out.len > 0) {
        ssize_t n;

        if (c->tls != NULL) {
            n = SSL_write(c->tls, c->out.data, (int)c->out.len);
            if (n <= 0)
                return tls_flow(c, (int)n);
        } else {
            n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
            if (n < 0)
                return sys_flow(c, true);
        }
        buf_consume(&c->out, (size_t)n);
    }
    return c->is_last ? FLOW_END : FLOW_MORE;
}

static const char *format_date(struct wall now, char out[static DATE_BYTES])
{
    time_t seconds = (time_t)(now.ms / 1000);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(out, DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
        out[0] = '\0';
    return out;
}

/* The first request in c->in, head bytes long. */
static void answer_one(struct cluster_conn *c, size_t head, const struct pages_state *state,
                       struct wall now)
{
    char *line = c->in.data;
    bool is_head = str_starts(line, "HEAD ");
    struct pages_reply reply;
    char date[DATE_BYTES];

    c->is_last = memmem(line, head, "onnection: close", strlen("onnection: close")) != NULL;
    line[head - 1] = '\0';
    line += is_head ? strlen("HEAD ") : strlen("GET ");
    line[strcspn(line, " \r\n")] = '\0';
    pages_answer(state, line, now, &reply);
    buf_printf(&c->out,
               "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
               reply.status, pages_status_text(reply.status), format_date(now, date),
               reply.content_type, strlen(reply.body), c->is_last ? "Connection: close\r\n" : "",
               is_head ? "" : reply.body);
    buf_consume(&c->in, head);
}

/* Answers the next whole request, or holds it back. */
static enum flow answer_next(struct cluster_conn *c, const struct pages_state *state,
                             int64_t delay_ms, struct instant now)
{
    const char *end =
        c->in.len > 0 ? memmem(c->in.data, c->in.len, "\r\n\r\n", strlen("\r\n\r\n")) : NULL;

    if (end == NULL)
        return read_some(c);
    if (!str_starts(c->in.data, "GET ") && !str_starts(c->in.data, "HEAD "))
        return FLOW_END;
    if (delay_ms > 0 && c->due.ms == 0) {
        c->due = mono_add(now.mono, delay_ms);
        return FLOW_WAIT;
    }
    if (c->due.ms > now.mono.ms)
        return FLOW_WAIT;
    c->due.ms = 0;
    answer_one(c, (size_t)(end - c->in.data) + strlen("\r\n\r\n"), state, now.wall);
    return write_some(c);
}

bool cluster_conn_step(struct cluster_conn *c, const struct pages_state *state, int64_t delay_ms,
                       struct instant now)
{
    enum flow flow = write_some(c);

    while (flow == FLOW_MORE)
        flow = answer_next(c, state, delay_ms, now);
    return flow == FLOW_WAIT;
}
