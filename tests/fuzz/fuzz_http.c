/* tests/fuzz/fuzz_http.c -- any bytes as what a client of the HTTP listener sends, in pieces.
 *
 *   bit 0: a token is wanted; bit 1: the client ends its side (1 byte) | sizes of pieces (4 bytes,
 *   again and again) | the bytes */
#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/secret.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/http_server.h"
#include "dnsflip/io/loop.h"
#include "tests/fuzz/fds.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/world.h"

#define SIZES 4
#define REPLY_BYTES_MAX (1U << 20)
#define TOKEN "s3cret-token"

struct world world;

static unsigned handled;

static void handler(void *arg, const char *path, struct http_server_reply *reply)
{
    (void)arg;
    handled++;
    assert(path[0] == '/' && strpbrk(path, "?#\r\n ") == NULL);
    if (strcmp(path, "/metrics") != 0)
        return;
    reply->status = 200;
    for (int i = 0; i < 1000; i++)
        buf_puts(&reply->body, "dnsflip_face_queries_total 1\n");
}

/* One whole answer, or none; what the handler was asked for is answered. */
static void check(const struct buf *reply, bool wants_token, const uint8_t *bytes, size_t n)
{
    const char *text = buf_text(reply);
    const char *body = strstr(text, "\r\n\r\n");

    assert(handled <= 1);
    if (reply->len == 0) {
        assert(handled == 0);
        return;
    }
    assert(str_starts(text, "HTTP/1.1 ") && body != NULL && strlen(text) == reply->len);
    assert((str_starts(text, "HTTP/1.1 200") || str_starts(text, "HTTP/1.1 404")) ==
           (handled == 1));
    if (handled == 1 && wants_token)
        assert(memmem(bytes, n, TOKEN, strlen(TOKEN)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    static struct secret *token;
    struct fuzz_input in = { .at = data, .n = size };
    uint8_t choice = fuzz_byte(&in);
    uint8_t sizes[SIZES];
    struct http_server *server;
    struct buf reply;
    struct err err;
    const uint8_t *bytes;
    size_t n;
    bool is_open = true;
    int fd;

    if (loop == NULL) {
        loop = world_loop_new((struct mono){ 5000000 }, (struct wall){ INT64_C(1800000000000) });
        token = secret_new(TOKEN, strlen(TOKEN));
    }
    for (size_t i = 0; i < SIZES; i++)
        sizes[i] = fuzz_byte(&in);
    bytes = in.at;
    n = in.n;
    handled = 0;
    assert(http_server_new(loop, fds_listener(), (choice & 1) != 0 ? token : NULL, handler, NULL,
                           &server, &err) == 0);
    fd = fds_connect();
    buf_init(&reply, REPLY_BYTES_MAX);
    for (size_t i = 0; in.n > 0 && is_open; i++) {
        size_t piece = 1U + (size_t)sizes[i % SIZES] * sizes[i % SIZES];
        struct fuzz_input part = fuzz_take(&in, piece);

        is_open = fds_send(fd, part.at, part.n);
        fds_settle(loop);
        is_open = fds_receive(fd, &reply) && is_open;
    }
    if ((choice & 2) != 0)
        (void)shutdown(fd, SHUT_WR);
    fds_settle(loop);
    (void)fds_receive(fd, &reply);
    check(&reply, (choice & 1) != 0, bytes, n);
    /* Nobody stays for ever. */
    world_loop_until(loop, mono_add(loop_now(loop).mono, HTTP_SERVER_MS + 1));
    fds_settle(loop);
    assert(!fds_receive(fd, &reply));
    (void)close(fd);
    http_server_free(server);
    world_loop_forget(loop);
    buf_fini(&reply);
    return 0;
}
