/* tests/bench/serve.c -- runs the face alone, as its supervisor and judge, on a zone of N names.
 * usage: serve FACE PORT NAMES (on 127.0.0.1, one thread)
 * Prints pid=PID once it answers; both end when standard input does. */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/link.h"
#include "dnsflip/supervisor_child.h"
#include "dnsflip/supervisor_sockets.h"
#include "tests/support/zone.h"

#define GENERATION 1
#define START_MS 10000

static int bind_both(struct supervisor_sockets *sockets, const char *port, struct err *err)
{
    static const enum link_role roles[] = { LINK_ROLE_DNS_UDP, LINK_ROLE_DNS_TCP };
    const struct supervisor_socket *item = NULL;
    char text[INET_TEXT_BYTES];

    for (size_t i = 0; i < 2; i++) {
        struct link_message ask = link_message(LINK_BIND);
        ask.role = (uint32_t)roles[i];
        ask.threads = 1;
        if (!str_format(text, sizeof(text), "127.0.0.1:%s", port) ||
            !inet_parse_addr(text, 0, &ask.addr))
            return err_set(err, ERR_USAGE, "no port: %s", port);
        if (supervisor_sockets_bind(sockets, &ask, &item, err) != 0)
            return -1;
    }
    return 0;
}

static int send_pair(int link, unsigned names, struct err *err)
{
    struct link_message m = link_message(LINK_PAIR);
    struct page *page = NULL;
    int fds[2];

    if (zone_pair(GENERATION, names, 1, fds, &page, err) != 0)
        return -1;
    m.generation = GENERATION;
    return link_send(link, &m, fds, 2, err);
}

static int await_adopted(int link, struct err *err)
{
    struct pollfd polled = { .fd = link, .events = POLLIN };
    struct link_message m;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;

    for (;;) {
        if (poll(&polled, 1, START_MS) <= 0)
            return err_set(err, ERR_TIMEOUT, "the face said nothing for %d ms", START_MS);
        int got = link_receive(link, &m, fds, &n_fds, err);
        if (got < 0)
            return -1;
        if (got == 0 || m.kind == LINK_ERROR)
            return err_set(err, ERR_REMOTE, "the face: %s", got == 0 ? "ended" : m.text);
        if (m.kind == LINK_ADOPTED)
            return 0;
    }
}

int main(int argc, char **argv)
{
    static const char *const face_argv[] = { "dnsflip-face", NULL };
    static struct supervisor_sockets sockets;
    struct supervisor_child child = { .link = -1 };
    struct supervisor_program program = { .name = "face", .argv = face_argv };
    uint64_t names = 0;
    struct err err;
    char end;

    if (argc != 4 || !str_parse_u64(argv[3], 100000, &names)) {
        (void)fprintf(stderr, "usage: serve FACE PORT NAMES\n");
        return 64;
    }
    int fd = open(argv[1], O_PATH | O_CLOEXEC);
    program.fd = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (program.fd < 0) {
        perror(argv[1]);
        return 1;
    }
    if (bind_both(&sockets, argv[2], &err) != 0 ||
        supervisor_child_start(&child, &program, mono_now(), &err) != 0 ||
        supervisor_sockets_send(&sockets, child.link, &err) != 0 ||
        send_pair(child.link, (unsigned)names, &err) != 0 || await_adopted(child.link, &err) != 0) {
        (void)fprintf(stderr, "serve: %s\n", err.text);
        return 1;
    }
    (void)printf("pid=%d\n", (int)child.pid);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &end, 1) > 0)
        continue;
    return 0;
}
