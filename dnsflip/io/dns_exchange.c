#include "dnsflip/io/dns_exchange.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/loop.h"

#define PER_TURN_MAX 8 /* messages read in one turn: the loop has others to serve */

struct dns_exchange {
    struct loop *loop; /* borrowed */
    int fd;            /* connected; -1 = closed */
    struct loop_fd *watch;
    dns_exchange_got *got;
    void *arg;
};

static void on_readable(void *arg)
{
    struct dns_exchange *x = arg;
    uint8_t msg[DNS_EXCHANGE_BYTES_MAX];

    for (int i = 0; i < PER_TURN_MAX && x->fd >= 0; i++) {
        ssize_t n = recv(x->fd, msg, sizeof(msg), MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n != 0)
            x->got(x->arg, msg, n < 0 ? 0 : (size_t)n, n < 0 ? errno : 0);
    }
}

/* 0, or the errno value of what went wrong. */
static int open_socket(struct dns_exchange *x, const struct inet_addr *server,
                       const struct inet_ip *source)
{
    struct sockaddr_storage address;
    socklen_t n = inet_to_sockaddr(server, &address);

    x->fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (x->fd < 0)
        return errno;
    if (source != NULL) {
        struct inet_addr from = { .ip = *source };
        struct sockaddr_storage own;
        socklen_t own_n = inet_to_sockaddr(&from, &own);

        if (bind(x->fd, (const struct sockaddr *)&own, own_n) != 0)
            return errno;
    }
    return connect(x->fd, (const struct sockaddr *)&address, n) != 0 ? errno : 0;
}

int dns_exchange_open(struct loop *loop, const struct inet_addr *server,
                      const struct inet_ip *source, dns_exchange_got *got, void *arg,
                      struct dns_exchange **out, struct err *err)
{
    struct dns_exchange *x = mem_zalloc(sizeof(*x));
    char to[INET_TEXT_BYTES], from[INET_TEXT_BYTES] = "";
    int sys_errno;

    *x = (struct dns_exchange){ .loop = loop, .fd = -1, .got = got, .arg = arg };
    sys_errno = open_socket(x, server, source);
    if (sys_errno != 0) {
        dns_exchange_close(x);
        return err_sys(err, sys_errno, "no way to %s%s%s", inet_format_addr(server, to),
                       source == NULL ? "" : " from ",
                       source == NULL ? "" : inet_format_ip(source, from));
    }
    x->watch = loop_fd_new(loop, x->fd, false, on_readable, x);
    *out = x;
    return 0;
}

int dns_exchange_send(struct dns_exchange *x, const uint8_t *msg, size_t n, struct err *err)
{
    ssize_t sent = send(x->fd, msg, n, MSG_DONTWAIT);

    /* An earlier message's refusal is told here first, and this one has not left then. */
    if (sent < 0 && errno == ECONNREFUSED)
        sent = send(x->fd, msg, n, MSG_DONTWAIT);
    if (sent < 0)
        return err_sys(err, errno, "cannot send");
    return 0;
}

void dns_exchange_close(struct dns_exchange *x)
{
    if (x == NULL)
        return;
    loop_fd_free(x->watch);
    if (x->fd >= 0)
        close(x->fd);
    x->fd = -1;
    loop_defer_free(x->loop, x);
}
