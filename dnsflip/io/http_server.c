#include "dnsflip/io/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/loop.h"

#define ACCEPTS_PER_TURN 16
#define RETRY_ACCEPT_MS INT64_C(1000)
#define READ_BYTES 2048

struct http_conn {
    struct http_server *server;
    int fd;
    struct loop_fd *reader, *writer; /* owned; one of them at a time */
    struct loop_timer *deadline;     /* owned */
    struct buf in, out;
    struct http_conn *next;
};

struct http_server {
    struct loop *loop;
    int listen_fd;
    const struct secret *token;
    http_server_handler *handler;
    void *arg;
    struct loop_fd *listener;  /* owned; NULL while we cannot accept */
    struct loop_timer *resume; /* owned */
    struct http_conn *conns;   /* owned, all of the list */
    size_t n_conns;
};

static void conn_close(struct http_conn *conn)
{
    struct http_conn **place = &conn->server->conns;

    while (*place != conn)
        place = &(*place)->next;
    *place = conn->next;
    conn->server->n_conns--;
    loop_fd_free(conn->reader);
    loop_fd_free(conn->writer);
    loop_timer_free(conn->deadline);
    (void)close(conn->fd);
    buf_fini(&conn->in);
    buf_fini(&conn->out);
    loop_defer_free(conn->server->loop, conn);
}

static void on_deadline(void *arg)
{
    conn_close(arg);
}

/* ---- answers -------------------------------------------------------------------------------- */

static const char *status_text(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "Content Too Large";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Error";
    }
}

static void on_leftover(void *arg)
{
    struct http_conn *conn = arg;
    char bytes[READ_BYTES];
    ssize_t n = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        conn_close(conn);
}

static void on_writable(void *arg)
{
    struct http_conn *conn = arg;

    while (conn->out.len > 0) {
        ssize_t n =
            send(conn->fd, buf_text(&conn->out), conn->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break;
        buf_consume(&conn->out, (size_t)n);
    }
    if (conn->out.len > 0 || shutdown(conn->fd, SHUT_WR) != 0) {
        conn_close(conn);
        return;
    }
    /* Closing with bytes unread would send a reset, and that can overtake the answer. */
    loop_fd_free(conn->writer);
    conn->writer = NULL;
    conn->reader = loop_fd_new(conn->server->loop, conn->fd, false, on_leftover, conn);
}

static void answer(struct http_conn *conn, struct http_server_reply *reply, bool with_body)
{
    if (reply->body.overflowed) {
        buf_reset(&reply->body);
        reply->status = 503;
    }
    (void)buf_printf(&conn->out,
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Cache-Control: no-store\r\nConnection: close\r\n%s%s\r\n",
                     reply->status, status_text(reply->status), reply->content_type,
                     reply->body.len,
                     reply->status == 401 ? "WWW-Authenticate: Bearer realm=\"dnsflip\"\r\n" : "",
                     reply->status == 405 ? "Allow: GET, HEAD\r\n" : "");
    if (with_body)
        (void)buf_add(&conn->out, buf_text(&reply->body), reply->body.len);
    loop_fd_free(conn->reader);
    conn->reader = NULL;
    conn->writer = loop_fd_new(conn->server->loop, conn->fd, true, on_writable, conn);
}

static void refuse(struct http_conn *conn, int status, const char *text)
{
    struct http_server_reply reply = { .status = status, .content_type = "text/plain" };

    buf_init(&reply.body, HTTP_SERVER_HEADER_BYTES_MAX);
    (void)buf_printf(&reply.body, "%s\n", text);
    answer(conn, &reply, true);
    buf_fini(&reply.body);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* The value of a header field in the block of lines behind the request line, without the spaces
 * around it; NULL if it is not there. */
static const char *field(const char *lines, const char *name, size_t *len)
{
    size_t name_len = strlen(name);

    for (const char *p = lines; *p != '\0' && *p != '\r';) {
        const char *end = strstr(p, "\r\n");
        const char *colon = memchr(p, ':', (size_t)(end - p));

        if (colon != NULL && (size_t)(colon - p) == name_len &&
            strncasecmp(p, name, name_len) == 0) {
            const char *value = colon + 1;

            while (value < end && (*value == ' ' || *value == '\t'))
                value++;
            while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
            *len = (size_t)(end - value);
            return value;
        }
        p = end + 2;
    }
    return NULL;
}

static bool is_authorized(const struct secret *token, const char *lines)
{
    static const char scheme[] = "Bearer ";
    size_t len = 0;
    const char *value = field(lines, "Authorization", &len);

    if (token == NULL)
        return true;
    return value != NULL && len > sizeof(scheme) - 1 &&
           strncasecmp(value, scheme, sizeof(scheme) - 1) == 0 &&
           secret_equal(token, value + sizeof(scheme) - 1, len - (sizeof(scheme) - 1));
}

static bool has_body(const char *lines)
{
    size_t len = 0;
    const char *length = field(lines, "Content-Length", &len);

    return field(lines, "Transfer-Encoding", &len) != NULL ||
           (length != NULL && (len != 1 || length[0] != '0'));
}

/* A path is printable: what is not must reach neither handlers nor logs. */
static bool is_path(const char *path)
{
    if (*path != '/')
        return false;
    while (*path > ' ' && *path <= '~')
        path++;
    return *path == '\0';
}

/* header: the request line and the fields, ended by an empty line. */
static void handle(struct http_conn *conn, char *header)
{
    struct http_server *server = conn->server;
    char *end = strstr(header, "\r\n");
    char *path = strchr(header, ' ');
    char *version = path != NULL && path < end ? strchr(path + 1, ' ') : NULL;

    if (version == NULL || version > end) {
        refuse(conn, 400, "not an HTTP request");
        return;
    }
    *path++ = '\0';
    *version++ = '\0';
    *end = '\0';
    const char *lines = end + 2;
    if (!is_path(path)) {
        refuse(conn, 400, "not an HTTP request");
        return;
    }
    path[strcspn(path, "?#")] = '\0';
    bool is_head = strcmp(header, "HEAD") == 0;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        refuse(conn, 505, "HTTP/1.1 or HTTP/1.0 is spoken here");
    else if (!is_head && strcmp(header, "GET") != 0)
        refuse(conn, 405, "GET and HEAD only");
    else if (has_body(lines))
        refuse(conn, 413, "a request has no body here");
    else if (!is_authorized(server->token, lines))
        refuse(conn, 401, "a bearer token is wanted");
    else {
        struct http_server_reply reply = { .status = 404, .content_type = "text/plain" };

        buf_init(&reply.body, HTTP_SERVER_BODY_BYTES_MAX);
        server->handler(server->arg, path, &reply);
        answer(conn, &reply, !is_head);
        buf_fini(&reply.body);
    }
}

static void on_readable(void *arg)
{
    struct http_conn *conn = arg;
    char bytes[READ_BYTES];
    ssize_t n = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        conn_close(conn);
        return;
    }
    (void)buf_add(&conn->in, bytes, (size_t)n);
    if (memchr(buf_text(&conn->in), '\0', conn->in.len) != NULL) {
        refuse(conn, 400, "not an HTTP request");
        return;
    }
    char *end = strstr(conn->in.data, "\r\n\r\n");
    if (end != NULL && end - conn->in.data <= HTTP_SERVER_HEADER_BYTES_MAX - 4) {
        end[4] = '\0';
        handle(conn, conn->in.data);
    } else if (conn->in.len >= HTTP_SERVER_HEADER_BYTES_MAX) {
        refuse(conn, 431, "the header is longer than 8192 bytes");
    }
}

/* ---- connections ---------------------------------------------------------------------------- */

static void add_conn(struct http_server *server, int fd)
{
    struct http_conn *conn = mem_zalloc(sizeof(*conn));

    conn->server = server;
    conn->fd = fd;
    buf_init(&conn->in, HTTP_SERVER_HEADER_BYTES_MAX + READ_BYTES);
    buf_init(&conn->out, HTTP_SERVER_BODY_BYTES_MAX + HTTP_SERVER_HEADER_BYTES_MAX);
    conn->reader = loop_fd_new(server->loop, fd, false, on_readable, conn);
    conn->deadline = loop_timer_new(server->loop, on_deadline, conn);
    loop_timer_set(conn->deadline, mono_add(loop_now(server->loop).mono, HTTP_SERVER_MS));
    conn->next = server->conns;
    server->conns = conn;
    server->n_conns++;
}

static void on_connect(void *arg)
{
    struct http_server *server = arg;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0 && errno == EAGAIN)
            return;
        if (fd < 0) {
            /* No descriptors: the socket stays readable, so look away for a while. */
            loop_fd_free(server->listener);
            server->listener = NULL;
            loop_timer_set(server->resume, mono_add(loop_now(server->loop).mono, RETRY_ACCEPT_MS));
            return;
        }
        if (server->n_conns >= HTTP_SERVER_CONNS_MAX)
            (void)close(fd);
        else
            add_conn(server, fd);
    }
}

static void on_resume(void *arg)
{
    struct http_server *server = arg;

    if (server->listener == NULL)
        server->listener = loop_fd_new(server->loop, server->listen_fd, false, on_connect, server);
}

int http_server_new(struct loop *loop, int listen_fd, const struct secret *token,
                    http_server_handler *handler, void *arg, struct http_server **out,
                    struct err *err)
{
    int flags = fcntl(listen_fd, F_GETFL);

    *out = NULL;
    if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return err_sys(err, errno, "HTTP listener");
    struct http_server *server = mem_zalloc(sizeof(*server));
    server->loop = loop;
    server->listen_fd = listen_fd;
    server->token = token;
    server->handler = handler;
    server->arg = arg;
    server->listener = loop_fd_new(loop, listen_fd, false, on_connect, server);
    server->resume = loop_timer_new(loop, on_resume, server);
    *out = server;
    return 0;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    while (server->conns != NULL)
        conn_close(server->conns);
    loop_fd_free(server->listener);
    loop_timer_free(server->resume);
    mem_free(server);
}
