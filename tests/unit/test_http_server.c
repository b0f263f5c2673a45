/* tests/unit/test_http_server.c -- the small HTTP listener, over loopback, on a real loop. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/io/http_server.h"
#include "dnsflip/io/loop.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define REPLY_BYTES 65536
#define WAIT_MS INT64_C(5000)

struct fixture {
    struct loop *loop;
    struct http_server *server;
    struct secret *token;
    int listen_fd;
    struct sockaddr_in address;
    unsigned handled;
};

/* A client that reads until the server closes, then stops the loop. */
struct client {
    struct fixture *f;
    int fd;
    struct loop_fd *watch;
    char reply[REPLY_BYTES];
    size_t len;
    bool is_reset;
};

static void on_request(void *arg, const char *path, struct http_server_reply *reply)
{
    struct fixture *f = arg;

    f->handled++;
    if (strcmp(path, "/there") != 0)
        return;
    reply->status = 200;
    (void)buf_puts(&reply->body, "hello\n");
}

static void start(struct fixture *f, const char *token)
{
    socklen_t len = sizeof(f->address);
    struct err err;

    *f = (struct fixture){ .address = { .sin_family = AF_INET } };
    f->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->listen_fd >= 0);
    assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&f->address, len), 0);
    assert_int_equal(getsockname(f->listen_fd, (struct sockaddr *)&f->address, &len), 0);
    assert_int_equal(listen(f->listen_fd, 128), 0);
    assert_int_equal(loop_new(&f->loop, &err), 0);
    if (token != NULL)
        f->token = secret_new(token, strlen(token));
    assert_int_equal(
        http_server_new(f->loop, f->listen_fd, f->token, on_request, f, &f->server, &err), 0);
}

static void stop(struct fixture *f)
{
    http_server_free(f->server);
    loop_free(f->loop);
    secret_free(f->token);
    assert_int_equal(close(f->listen_fd), 0);
}

static int connect_to(const struct fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&f->address, sizeof(f->address)), 0);
    return fd;
}

static void on_readable(void *arg)
{
    struct client *c = arg;
    ssize_t n = recv(c->fd, c->reply + c->len, REPLY_BYTES - 1 - c->len, MSG_DONTWAIT);

    if (n > 0) {
        c->len += (size_t)n;
        return;
    }
    c->is_reset = n < 0;
    loop_fd_free(c->watch);
    c->watch = NULL;
    loop_stop(c->f->loop);
}

static void on_deadline(void *arg)
{
    (void)arg;
    fail_msg("no answer within %lld ms", (long long)WAIT_MS);
}

/* Sends the request in one piece, runs the loop until the server has closed. */
static void ask(struct fixture *f, const char *request, size_t len, struct client *c)
{
    struct loop_timer *deadline = loop_timer_new(f->loop, on_deadline, NULL);

    *c = (struct client){ .f = f, .fd = connect_to(f) };
    assert_int_equal(send(c->fd, request, len, MSG_NOSIGNAL), (ssize_t)len);
    c->watch = loop_fd_new(f->loop, c->fd, false, on_readable, c);
    loop_timer_set(deadline, mono_add(mono_now(), WAIT_MS));
    loop_run(f->loop);
    loop_timer_free(deadline);
    assert_int_equal(close(c->fd), 0);
}

static void requests_get_the_status_they_deserve(void **state)
{
    (void)state;
    static const struct {
        const char *request, *status, *end;
    } cases[] = {
        { "GET /there HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello\n" },
        { "GET /there HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello\n" },
        { "GET /there?a=b HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "hello\n" },
        { "HEAD /there HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\n" },
        { "GET /nowhere HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "\r\n\r\n" },
        { "POST /there HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", "" },
        { "GET /there HTTP/2\r\n\r\n", "HTTP/1.1 505 ", "" },
        { "GET /there\r\n\r\n", "HTTP/1.1 400 ", "" },
        { "GET there HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "" },
        { "GET /there\nX: y HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "" },
        { "GET /th\x1b\x7f HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "" },
        { "\r\n\r\n", "HTTP/1.1 400 ", "" },
        { "GET /there HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 413 ", "" },
        { "GET /there HTTP/1.1\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 ", "hello\n" },
        { "GET /there HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 413 ", "" },
        { "GET /there HTTP/1.1\r\nno colon\r\n\r\n", "HTTP/1.1 200 ", "hello\n" },
    };
    struct client *c = mem_zalloc(sizeof(*c));
    struct fixture f;

    start(&f, NULL);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        ask(&f, cases[i].request, strlen(cases[i].request), c);
        assert_false(c->is_reset);
        if (strncmp(c->reply, cases[i].status, strlen(cases[i].status)) != 0)
            fail_msg("%s: %s", cases[i].request, c->reply);
        size_t end = strlen(cases[i].end);
        assert_true(c->len >= end);
        assert_string_equal(c->reply + c->len - end, cases[i].end);
    }
    stop(&f);
    mem_free(c);
}

static void a_nul_byte_is_no_request(void **state)
{
    (void)state;
    static const char request[] = "GET /there\0 HTTP/1.1\r\n\r\n";
    struct client *c = mem_zalloc(sizeof(*c));
    struct fixture f;

    start(&f, NULL);
    ask(&f, request, sizeof(request) - 1, c);
    assert_memory_equal(c->reply, "HTTP/1.1 400", 12);
    assert_int_equal(f.handled, 0);
    stop(&f);
    mem_free(c);
}

static void a_header_that_is_too_long_is_refused_and_the_answer_arrives(void **state)
{
    (void)state;
    const size_t len = (size_t)3 * HTTP_SERVER_HEADER_BYTES_MAX;
    char *request = mem_zalloc(len + 1);
    struct client *c = mem_zalloc(sizeof(*c));
    struct fixture f;

    start(&f, NULL);
    memset(request, 'x', len);
    static const char first[] = "GET /there HTTP/1.1\r\nA: ";
    for (size_t i = 0; first[i] != '\0'; i++)
        request[i] = first[i];
    ask(&f, request, len, c);
    assert_false(c->is_reset);
    assert_memory_equal(c->reply, "HTTP/1.1 431", 12);
    assert_int_equal(f.handled, 0);
    stop(&f);
    mem_free(c);
    mem_free(request);
}

static void with_a_token_nothing_is_told_without_it(void **state)
{
    (void)state;
    static const struct {
        const char *request, *status;
    } cases[] = {
        { "GET /there HTTP/1.1\r\n\r\n", "HTTP/1.1 401" },
        { "GET /there HTTP/1.1\r\nAuthorization: Bearer wrong\r\n\r\n", "HTTP/1.1 401" },
        { "GET /there HTTP/1.1\r\nAuthorization: Bearer s3cret2\r\n\r\n", "HTTP/1.1 401" },
        { "GET /there HTTP/1.1\r\nAuthorization: s3cret\r\n\r\n", "HTTP/1.1 401" },
        { "GET /there HTTP/1.1\r\nAuthorization: Bearer \r\n\r\n", "HTTP/1.1 401" },
        { "GET /there HTTP/1.1\r\nauthorization:  bearer s3cret \r\n\r\n", "HTTP/1.1 200" },
    };
    struct client *c = mem_zalloc(sizeof(*c));
    struct fixture f;

    start(&f, "s3cret");
    for (size_t i = 0; i < LENGTH(cases); i++) {
        ask(&f, cases[i].request, strlen(cases[i].request), c);
        assert_memory_equal(c->reply, cases[i].status, 12);
        assert_int_equal(strstr(c->reply, "WWW-Authenticate: Bearer") != NULL,
                         strstr(cases[i].status, "401") != NULL);
    }
    assert_int_equal(f.handled, 1);
    stop(&f);
    mem_free(c);
}

static void beyond_the_limit_connections_are_closed_and_the_others_still_served(void **state)
{
    (void)state;
    static const char request[] = "GET /there HTTP/1.1\r\n\r\n";
    int idle[HTTP_SERVER_CONNS_MAX];
    struct client *c = mem_zalloc(sizeof(*c));
    struct fixture f;

    start(&f, NULL);
    for (size_t i = 0; i < LENGTH(idle); i++)
        idle[i] = connect_to(&f);
    ask(&f, request, sizeof(request) - 1, c);
    assert_int_equal(c->len, 0);
    assert_int_equal(close(idle[0]), 0);
    /* The server sees the close in an earlier turn than the next connection. */
    do
        ask(&f, request, sizeof(request) - 1, c);
    while (c->len == 0);
    assert_memory_equal(c->reply, "HTTP/1.1 200", 12);
    for (size_t i = 1; i < LENGTH(idle); i++)
        assert_int_equal(close(idle[i]), 0);
    stop(&f);
    mem_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_get_the_status_they_deserve),
        cmocka_unit_test(a_nul_byte_is_no_request),
        cmocka_unit_test(a_header_that_is_too_long_is_refused_and_the_answer_arrives),
        cmocka_unit_test(with_a_token_nothing_is_told_without_it),
        cmocka_unit_test(beyond_the_limit_connections_are_closed_and_the_others_still_served),
    };

    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
