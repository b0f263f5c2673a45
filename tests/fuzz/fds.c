#include "tests/fuzz/fds.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/world.h"

#define SETTLE_ROUNDS_MAX 10000
#define READ_BYTES 65536

struct loop_fd {
    int fd;
    bool for_write;
    bool is_freed; /* inside its own callback, or another's */
    loop_fn *fn;
    void *arg;
    struct loop_fd *next;
};

static struct loop_fd *watches;
static bool is_turning;

struct loop_fd *loop_fd_new(struct loop *loop, int fd, bool for_write, loop_fn *fn, void *arg)
{
    struct loop_fd *w = mem_zalloc(sizeof(*w));

    (void)loop;
    *w = (struct loop_fd){ .fd = fd, .for_write = for_write, .fn = fn, .arg = arg };
    w->next = watches;
    watches = w;
    return w;
}

static void sweep(void)
{
    struct loop_fd **at = &watches;

    while (*at != NULL) {
        struct loop_fd *w = *at;

        if (w->is_freed) {
            *at = w->next;
            mem_free(w);
        } else {
            at = &w->next;
        }
    }
}

void loop_fd_free(struct loop_fd *watch)
{
    if (watch == NULL)
        return;
    watch->is_freed = true;
    if (!is_turning)
        sweep();
}

static bool is_ready(const struct loop_fd *w)
{
    struct pollfd p = { .fd = w->fd, .events = w->for_write ? POLLOUT : POLLIN };

    return poll(&p, 1, 0) > 0;
}

static bool turn(void)
{
    bool has_run = false;

    is_turning = true;
    for (struct loop_fd *w = watches; w != NULL; w = w->next) {
        if (!w->is_freed && is_ready(w)) {
            w->fn(w->arg);
            has_run = true;
        }
    }
    is_turning = false;
    sweep();
    return has_run;
}

void fds_settle(struct loop *loop)
{
    bool is_moving = true;

    for (int i = 0; i < SETTLE_ROUNDS_MAX && is_moving; i++) {
        uint64_t fired = world.timers_fired;
        bool has_run = turn();

        world_loop_until(loop, loop_now(loop).mono);
        is_moving = has_run || fired != world.timers_fired;
    }
    assert(!is_moving);
}

static struct sockaddr_un address;
static socklen_t address_len;

int fds_listener(void)
{
    static int fd = -1;

    if (fd >= 0)
        return fd;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert(fd >= 0);
    /* Without a name: the kernel gives one. */
    address.sun_family = AF_UNIX;
    assert(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
    address_len = sizeof(address);
    assert(getsockname(fd, (struct sockaddr *)&address, &address_len) == 0);
    assert(listen(fd, 16) == 0);
    return fd;
}

int fds_connect(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, address_len) == 0);
    return fd;
}

bool fds_send(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent <= 0)
            return sent < 0 && errno == EAGAIN;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

bool fds_receive(int fd, struct buf *out)
{
    static char bytes[READ_BYTES];

    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        buf_add(out, bytes, (size_t)n);
    }
}
