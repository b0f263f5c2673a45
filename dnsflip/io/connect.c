#include "dnsflip/io/connect.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    int sys_errno;
    enum reason_code reason;
} reasons[] = {
    { ECONNREFUSED, REASON_CONNECT_REFUSED },
    { ETIMEDOUT, REASON_CONNECT_TIMEOUT },
    { ENETUNREACH, REASON_NO_ROUTE },
    { ENETDOWN, REASON_NO_ROUTE },
    { EADDRNOTAVAIL, REASON_NO_ROUTE },
    { EADDRINUSE, REASON_NO_ROUTE },
    { EACCES, REASON_NO_ROUTE },
    { EPERM, REASON_NO_ROUTE },
    { EAFNOSUPPORT, REASON_NO_ROUTE },
    { EINVAL, REASON_NO_ROUTE },
    { EMFILE, REASON_NO_DESCRIPTOR },
    { ENFILE, REASON_NO_DESCRIPTOR },
    { ENOBUFS, REASON_NO_DESCRIPTOR },
    { ENOMEM, REASON_NO_DESCRIPTOR },
};

int connect_begin(const struct inet_addr *addr, int *sys_errno)
{
    struct sockaddr_storage to;
    socklen_t n = inet_to_sockaddr(addr, &to);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        *sys_errno = errno;
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&to, n) != 0 && errno != EINPROGRESS) {
        *sys_errno = errno;
        close(fd);
        return -1;
    }
    return fd;
}

int connect_result(int fd)
{
    int sys_errno = 0;
    socklen_t n = sizeof sys_errno;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys_errno, &n) != 0)
        return errno;
    return sys_errno;
}

enum reason_code connect_reason(int sys_errno)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].sys_errno == sys_errno)
            return reasons[i].reason;
    }
    return REASON_CONNECT_FAILED;
}

void connect_abort(int fd)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}
