#include "dnsflip/base/fdpass.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for FDPASS_FDS_MAX descriptors and not one more: the kernel says so when there were. */
union control {
    alignas(struct cmsghdr) char bytes[CMSG_SPACE(FDPASS_FDS_MAX * sizeof(int))];
};

int fdpass_send(int sock, const void *bytes, size_t n, const int fds[], size_t n_fds,
                struct err *err)
{
    union control control = { { 0 } };
    struct iovec iov = { .iov_len = n };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (n == 0 || n > FDPASS_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "a message of %zu bytes; 1 to %d are possible", n,
                       FDPASS_BYTES_MAX);
    if (n_fds > FDPASS_FDS_MAX)
        return err_set(err, ERR_LIMIT, "%zu descriptors in a message; at most %d are possible",
                       n_fds, FDPASS_FDS_MAX);
    memcpy(&iov.iov_base, &bytes, sizeof(bytes)); /* sendmsg only reads what it points to */
    if (n_fds > 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(header), fds, n_fds * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return err_sys(err, errno, "cannot send a message of %zu bytes", n);
    return 0;
}

/* Takes every descriptor out of msg, at most FDPASS_FDS_MAX since control has no room for more. */
static size_t take_fds(struct msghdr *msg, int fds[static FDPASS_FDS_MAX])
{
    size_t n = 0;

    for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL; h = CMSG_NXTHDR(msg, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t bytes = h->cmsg_len - CMSG_LEN(0);
        memcpy(fds + n, CMSG_DATA(h), bytes);
        n += bytes / sizeof(int);
    }
    return n;
}

ssize_t fdpass_receive(int sock, void *bytes, size_t cap, int fds[static FDPASS_FDS_MAX],
                       size_t *n_fds, struct err *err)
{
    union control control = { { 0 } };
    struct iovec iov = { .iov_base = bytes, .iov_len = cap };
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof(control.bytes) };
    ssize_t n;

    *n_fds = 0;
    do
        n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_sys(err, errno, "cannot receive a message");
    *n_fds = take_fds(&msg, fds);
    if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
        return n;
    for (size_t i = 0; i < *n_fds; i++)
        close(fds[i]);
    *n_fds = 0;
    if ((msg.msg_flags & MSG_TRUNC) != 0)
        return err_set(err, ERR_REMOTE, "a message of more than %zu bytes was sent", cap);
    return err_set(err, ERR_REMOTE, "a message with more than %d descriptors was sent",
                   FDPASS_FDS_MAX);
}
