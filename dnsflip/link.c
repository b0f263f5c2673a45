#include "dnsflip/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct link_message link_message(enum link_kind kind)
{
    return (struct link_message){ .version = LINK_VERSION, .kind = (uint32_t)kind, .gid = -1 };
}

int link_send(int sock, const struct link_message *m, const int fds[], size_t n_fds,
              struct err *err)
{
    return fdpass_send(sock, m, sizeof(*m), fds, n_fds, err);
}

void link_send_or_drop(int sock, const struct link_message *m)
{
    struct pollfd polled = { .fd = sock, .events = POLLOUT };
    struct err err;

    if (poll(&polled, 1, 0) != 1)
        return;
    int sent = link_send(sock, m, NULL, 0, &err);
    (void)sent;
}

static void close_all(const int fds[], size_t n_fds)
{
    for (size_t i = 0; i < n_fds; i++)
        (void)close(fds[i]);
}

int link_receive(int sock, struct link_message *m, int fds[static FDPASS_FDS_MAX], size_t *n_fds,
                 struct err *err)
{
    *n_fds = 0;
    ssize_t n = fdpass_receive(sock, m, sizeof(*m), fds, n_fds, err);

    if (n < 0)
        return -1;
    if (n == 0)
        return 0;
    if ((size_t)n != sizeof(*m) || m->version != LINK_VERSION) {
        close_all(fds, *n_fds);
        *n_fds = 0;
        return err_set(err, ERR_REMOTE,
                       "link message of %zd bytes, version %u; expected %zu bytes, version %d", n,
                       (size_t)n >= sizeof(m->version) ? m->version : 0, sizeof(*m), LINK_VERSION);
    }
    m->path[sizeof(m->path) - 1] = '\0';
    m->text[sizeof(m->text) - 1] = '\0';
    return 1;
}

int link_child_guard(struct err *err)
{
    const struct rlimit no_core = { 0 };
    struct ucred creator;
    socklen_t len = sizeof(creator);

    if (getsockopt(LINK_FD, SOL_SOCKET, SO_PEERCRED, &creator, &len) != 0)
        return err_sys(err, errno, "descriptor %d is not the link to a supervisor", LINK_FD);
    if (fcntl(LINK_FD, F_SETFD, FD_CLOEXEC) != 0)
        return err_sys(err, errno, "link: fcntl");
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        return err_sys(err, errno, "prctl(PR_SET_DUMPABLE)");
    if (setrlimit(RLIMIT_CORE, &no_core) != 0)
        return err_sys(err, errno, "setrlimit(RLIMIT_CORE)");
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return err_sys(err, errno, "prctl(PR_SET_PDEATHSIG)");
    /* Between fork and prctl the parent may have died: then nobody would ever tell us. */
    if (getppid() != creator.pid)
        return err_set(err, ERR_SYS, "the supervisor (pid %d) is gone", (int)creator.pid);
    return 0;
}
