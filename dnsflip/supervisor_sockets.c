#include "dnsflip/supervisor_sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dnsflip/base/str.h"

#define UDP_BUFFER_BYTES (1 << 20) /* asked for; the kernel may give less (net.core.rmem_max) */
#define TCP_SEND_BUFFER_BYTES (1 << 17) /* what a slow reader can hold of the kernel's memory */
#define TCP_BACKLOG 1024
#define CONTROL_BACKLOG 128
#define CONTROL_MODE 0660

static uint32_t count_cores(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof(cores), &cores) != 0)
        return 1;
    int n = CPU_COUNT(&cores);
    return n < 1 ? 1 : n > LINK_THREADS_MAX ? LINK_THREADS_MAX : (uint32_t)n;
}

static int set_option(int fd, int level, int option, int value, const char *name, struct err *err)
{
    if (setsockopt(fd, level, option, &value, sizeof(value)) != 0)
        return err_sys(err, errno, "setsockopt(%s)", name);
    return 0;
}

static int set_udp_options(int fd, const struct inet_ip *ip, struct err *err)
{
    bool is_v4 = ip->family == 4;
    int bytes = UDP_BUFFER_BYTES;

    /* Best effort: the default works, it only loses earlier under a flood. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if (set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT", err) != 0)
        return -1;
    /* No fragments (RFC 9715), and no path MTU that a stranger could have lied about. */
    if (is_v4 ? set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "IP_MTU_DISCOVER",
                           err) != 0
              : set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE,
                           "IPV6_MTU_DISCOVER", err) != 0)
        return -1;
    if (!inet_is_any(ip))
        return 0;
    return is_v4 ? set_option(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO", err)
                 : set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO", err);
}

static int set_tcp_options(int fd, enum link_role role, struct err *err)
{
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", err) != 0)
        return -1;
    if (role != LINK_ROLE_DNS_TCP)
        return 0;
    /* Accepted connections inherit both. */
    if (set_option(fd, SOL_SOCKET, SO_SNDBUF, TCP_SEND_BUFFER_BYTES, "SO_SNDBUF", err) != 0)
        return -1;
    return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY", err);
}

static int bind_to(int fd, const struct inet_addr *addr, struct err *err)
{
    struct sockaddr_storage sa;
    char text[INET_TEXT_BYTES];
    socklen_t len = inet_to_sockaddr(addr, &sa);

    if (addr->ip.family == 6 &&
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY", err) != 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&sa, len) == 0)
        return 0;
    int failed = errno;
    return err_sys(err, failed, "cannot bind %s%s", inet_format_addr(addr, text),
                   failed == EACCES ? " (a port below 1024 needs CAP_NET_BIND_SERVICE)" : "");
}

static int open_inet(enum link_role role, const struct inet_addr *addr, struct err *err)
{
    bool is_udp = role == LINK_ROLE_DNS_UDP;
    int type = is_udp ? SOCK_DGRAM : SOCK_STREAM | SOCK_NONBLOCK;
    int fd = socket(addr->ip.family == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_sys(err, errno, "socket");
    if ((is_udp ? set_udp_options(fd, &addr->ip, err) : set_tcp_options(fd, role, err)) != 0 ||
        bind_to(fd, addr, err) != 0)
        goto err_fd;
    if (!is_udp && listen(fd, TCP_BACKLOG) != 0) {
        char text[INET_TEXT_BYTES];
        (void)err_sys(err, errno, "cannot listen on %s", inet_format_addr(addr, text));
        goto err_fd;
    }
    return fd;

err_fd:
    (void)close(fd);
    return -1;
}

/* SO_REUSEPORT would share an address with any other server of this user, and lose half of the
 * queries to it: first see whether the address is free. */
static int check_free(const struct inet_addr *addr, struct err *err)
{
    int fd = socket(addr->ip.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_sys(err, errno, "socket");
    int done = bind_to(fd, addr, err);
    (void)close(fd);
    return done;
}

static void close_some(struct supervisor_socket *item, uint32_t keep)
{
    while (item->n_fds > keep)
        (void)close(item->fds[--item->n_fds]);
}

/* Opens or closes sockets of item until it has n; on failure it has what it had. */
static int resize(struct supervisor_socket *item, uint32_t n, struct err *err)
{
    uint32_t before = item->n_fds;

    close_some(item, n);
    while (item->n_fds < n) {
        int fd = open_inet(item->role, &item->addr, err);
        if (fd < 0) {
            close_some(item, before);
            return -1;
        }
        item->fds[item->n_fds++] = fd;
    }
    return 0;
}

static int bind_inet(struct supervisor_socket *item, const struct link_message *ask,
                     uint32_t threads, struct err *err)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);

    item->addr = ask->addr;
    if (item->role == LINK_ROLE_DNS_UDP && check_free(&item->addr, err) != 0)
        return -1;
    if (resize(item, 1, err) != 0)
        return -1;
    if (getsockname(item->fds[0], (struct sockaddr *)&sa, &len) != 0 ||
        !inet_from_sockaddr((struct sockaddr *)&sa, len, &item->addr)) {
        (void)err_sys(err, errno, "getsockname");
        goto err_fds;
    }
    if (item->role == LINK_ROLE_DNS_UDP && resize(item, threads, err) != 0)
        goto err_fds;
    return 0;

err_fds:
    close_some(item, 0);
    return -1;
}

/* Removes a socket file that a dead process left behind, and nothing else. */
static int remove_stale(const struct sockaddr_un *sa, struct err *err)
{
    struct stat st;

    if (lstat(sa->sun_path, &st) != 0)
        return errno == ENOENT ? 0 : err_sys(err, errno, "%s", sa->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, ERR_CONFLICT, "%s is there and is no socket", sa->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(err, errno, "socket");
    int failed = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ? 0 : errno;
    (void)close(fd);
    if (failed == 0 || failed == EAGAIN)
        return err_set(err, ERR_CONFLICT, "another process answers on %s", sa->sun_path);
    if (failed != ECONNREFUSED)
        return err_sys(err, failed, "%s", sa->sun_path);
    if (unlink(sa->sun_path) != 0 && errno != ENOENT)
        return err_sys(err, errno, "cannot remove stale %s", sa->sun_path);
    return 0;
}

/* One level, for a start by hand: tmpfiles.d makes it otherwise, and as it does the group may
 * write: the judge keeps its overflow file there. */
static void make_directory_of(const char *path, int32_t gid)
{
    char directory[LINK_PATH_BYTES];

    (void)str_copy(directory, sizeof(directory), path);
    char *slash = strrchr(directory, '/');
    if (slash == NULL || slash == directory)
        return;
    *slash = '\0';
    /* If it fails, bind says why. */
    if (mkdir(directory, 0755) == 0 && gid >= 0 && lchown(directory, (uid_t)-1, (gid_t)gid) == 0)
        (void)chmod(directory, 0775);
}

static int bind_control(struct supervisor_socket *item, const struct link_message *ask,
                        struct err *err)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    mode_t mode = ask->mode != 0 ? ask->mode & 0777 : CONTROL_MODE;

    if (ask->path[0] == '\0' || !str_copy(sa.sun_path, sizeof(sa.sun_path), ask->path) ||
        !str_copy(item->path, sizeof(item->path), ask->path))
        return err_set(err, ERR_LIMIT, "control socket path \"%s\": 1 to %zu bytes", ask->path,
                       sizeof(sa.sun_path) - 1);
    make_directory_of(ask->path, ask->gid);
    if (remove_stale(&sa, err) != 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(err, errno, "socket");
    mode_t umask_before = umask(0177); /* nobody gets in before group and mode are right */
    int bound = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
    int failed = errno;
    (void)umask(umask_before);
    if (bound != 0) {
        (void)close(fd);
        return err_sys(err, failed, "cannot bind %s", ask->path);
    }
    if ((ask->gid >= 0 && lchown(ask->path, (uid_t)-1, (gid_t)ask->gid) != 0 &&
         (errno != EPERM || geteuid() == 0)) ||
        chmod(ask->path, mode) != 0 || listen(fd, CONTROL_BACKLOG) != 0) {
        failed = errno;
        (void)close(fd);
        (void)unlink(ask->path);
        return err_sys(err, failed, "%s: group %d, mode %o", ask->path, (int)ask->gid,
                       (unsigned)mode);
    }
    item->fds[item->n_fds++] = fd;
    return 0;
}

static bool is_faces(enum link_role role)
{
    return role == LINK_ROLE_DNS_UDP || role == LINK_ROLE_DNS_TCP || role == LINK_ROLE_BEACON;
}

static struct supervisor_socket *find(struct supervisor_sockets *s, const struct link_message *ask)
{
    for (size_t i = 0; i < s->n; i++) {
        struct supervisor_socket *item = &s->items[i];
        if ((uint32_t)item->role != ask->role)
            continue;
        if (item->role == LINK_ROLE_CONTROL
                ? strcmp(item->path, ask->path) == 0
                : inet_ip_equal(&item->addr.ip, &ask->addr.ip) && item->addr.port == ask->addr.port)
            return item;
    }
    return NULL;
}

static int set_threads(struct supervisor_sockets *s, uint32_t asked, struct err *err)
{
    uint32_t threads = asked == 0 ? count_cores() : asked;

    if (threads > LINK_THREADS_MAX)
        return err_set(err, ERR_LIMIT, "%u answer threads; at most %d are possible", threads,
                       LINK_THREADS_MAX);
    if (threads == s->threads)
        return 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->items[i].role == LINK_ROLE_DNS_UDP && resize(&s->items[i], threads, err) != 0)
            return -1;
    }
    s->threads = threads;
    s->changes++;
    return 0;
}

/* NULL on failure. */
static struct supervisor_socket *add(struct supervisor_sockets *s, const struct link_message *ask,
                                     struct err *err)
{
    struct supervisor_socket *item = &s->items[s->n];

    if (s->n == LINK_SOCKETS_MAX) {
        (void)err_set(err, ERR_LIMIT, "more than %d listening sockets", LINK_SOCKETS_MAX);
        return NULL;
    }
    *item = (struct supervisor_socket){ .role = (enum link_role)ask->role };
    if (item->role == LINK_ROLE_CONTROL ? bind_control(item, ask, err) != 0
                                        : bind_inet(item, ask, s->threads, err) != 0)
        return NULL;
    s->n++;
    if (is_faces(item->role))
        s->changes++;
    return item;
}

int supervisor_sockets_bind(struct supervisor_sockets *s, const struct link_message *ask,
                            const struct supervisor_socket **out, struct err *err)
{
    if (ask->role < LINK_ROLE_DNS_UDP || ask->role > LINK_ROLE_BEACON)
        return err_set(err, ERR_USAGE, "cannot bind a socket of role %u", ask->role);
    if (ask->role != LINK_ROLE_CONTROL && ask->addr.ip.family != 4 && ask->addr.ip.family != 6)
        return err_set(err, ERR_USAGE, "cannot bind: no address was given");
    if (ask->role == LINK_ROLE_DNS_UDP && set_threads(s, ask->threads, err) != 0)
        return -1;
    struct supervisor_socket *item = find(s, ask);
    if (item == NULL)
        item = add(s, ask, err);
    if (item == NULL)
        return -1;
    item->is_wanted = true;
    *out = item;
    return 0;
}

void supervisor_sockets_forget(struct supervisor_sockets *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->items[i].is_wanted = false;
}

static void close_item(struct supervisor_socket *item)
{
    close_some(item, 0);
    if (item->role == LINK_ROLE_CONTROL)
        (void)unlink(item->path);
}

void supervisor_sockets_drop(struct supervisor_sockets *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (s->items[i].is_wanted) {
            s->items[kept++] = s->items[i];
            continue;
        }
        close_item(&s->items[i]);
        if (is_faces(s->items[i].role))
            s->changes++;
    }
    s->n = kept;
    for (size_t i = 0; i < s->n; i++)
        s->items[i].is_wanted = !is_faces(s->items[i].role);
}

void supervisor_sockets_close(struct supervisor_sockets *s)
{
    for (size_t i = 0; i < s->n; i++)
        close_item(&s->items[i]);
    s->n = 0;
}

int supervisor_sockets_send(const struct supervisor_sockets *s, int link, struct err *err)
{
    size_t left = 0;

    for (size_t i = 0; i < s->n; i++)
        left += is_faces(s->items[i].role);
    if (left == 0) {
        struct link_message none = link_message(LINK_LISTEN);
        return link_send(link, &none, NULL, 0, err);
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct supervisor_socket *item = &s->items[i];
        struct link_message m = link_message(LINK_LISTEN);
        if (!is_faces(item->role))
            continue;
        m.role = (uint32_t)item->role;
        m.addr = item->addr;
        m.threads = s->threads;
        m.more = --left > 0;
        if (link_send(link, &m, item->fds, item->n_fds, err) != 0)
            return -1;
    }
    return 0;
}
