#include "dnsflip/lab/cluster.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/lab/cluster_conn.h"

#define BACKLOG 4096
#define CONTROL_S 2 /* for a word to come and its answer to go */

struct cluster {
    const struct cluster_cfg *cfg; /* borrowed */
    enum cluster_mode mode;
    struct pages_state state;
    int epoll_fd, end_fd;
    int listen_fd;              /* -1 = nobody listens */
    bool is_holding_back;       /* some connection may have something due */
    struct cluster_conn *first; /* owned, through next */
    size_t n_conns;
};

/* ---- sockets -----------------------------------------------------------------------------------
 */

int cluster_listen(struct inet_addr *addr, struct err *err)
{
    struct sockaddr_storage sa;
    socklen_t len = inet_to_sockaddr(addr, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    char text[INET_TEXT_BYTES];
    const int on = 1;

    if (fd < 0)
        return err_sys(err, errno, "socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, BACKLOG) == 0) {
        len = sizeof(sa);
        if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
            inet_from_sockaddr((struct sockaddr *)&sa, len, addr))
            return fd;
    }
    err_sys(err, errno, "cannot listen on %s", inet_format_addr(addr, text));
    close(fd);
    return -1;
}

static int control_address(const char *path, struct sockaddr_un *out, struct err *err)
{
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (!str_copy(out->sun_path, sizeof(out->sun_path), path))
        return err_set(err, ERR_LIMIT, "%s: the path of a socket has at most %zu characters", path,
                       sizeof(out->sun_path) - 1);
    return 0;
}

static int control_socket(struct err *err)
{
    const struct timeval limit = { .tv_sec = CONTROL_S };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_sys(err, errno, "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return fd;
}

int cluster_listen_control(const char *path, struct err *err)
{
    struct sockaddr_un sa;
    int fd = control_address(path, &sa, err) == 0 ? control_socket(err) : -1;

    if (fd < 0)
        return -1;
    unlink(path);
    if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && chmod(path, 0600) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    err_sys(err, errno, "cannot listen at %s", path);
    close(fd);
    return -1;
}

int cluster_tell(const char *path, const char *word, struct err *err)
{
    char answer[128];
    struct sockaddr_un sa;
    int fd = control_address(path, &sa, err) == 0 ? control_socket(err) : -1;
    ssize_t n = -1;

    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
        err_sys(err, errno, "no cluster of a lab answers at %s", path);
    else if (send(fd, word, strlen(word), MSG_NOSIGNAL) < 0 ||
             (n = recv(fd, answer, sizeof(answer) - 1, 0)) < 0)
        err_sys(err, errno, "the cluster at %s did not take the word", path);
    close(fd);
    if (n < 0)
        return -1;
    answer[n] = '\0';
    return strcmp(answer, "ok\n") == 0 ? 0 : err_set(err, ERR_REMOTE, "%s: %s", path, answer);
}

/* ---- connections -------------------------------------------------------------------------------
 */

/* Whoever is hung or holds an answer back still wants to know that the client left. */
static void watch(struct cluster *s, struct cluster_conn *c, int how)
{
    struct epoll_event event = { .events = EPOLLRDHUP, .data.ptr = c };

    if (s->mode != CLUSTER_HUNG && c->due.ms == 0)
        event.events |= c->wants_write ? EPOLLOUT : EPOLLIN;
    epoll_ctl(s->epoll_fd, how, c->fd, &event);
}

static void drop(struct cluster *s, struct cluster_conn *c)
{
    epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    if (c->next != NULL)
        c->next->previous = c->previous;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        s->first = c->next;
    s->n_conns--;
    cluster_conn_free(c);
}

static void step(struct cluster *s, struct cluster_conn *c, struct instant now)
{
    int64_t delay_ms = s->mode == CLUSTER_SLOW ? CLUSTER_SLOW_MS : 0;

    if (!cluster_conn_step(c, &s->state, delay_ms, now)) {
        drop(s, c);
        return;
    }
    s->is_holding_back = s->is_holding_back || c->due.ms != 0;
    watch(s, c, EPOLL_CTL_MOD);
}

static void take_in(struct cluster *s, struct instant now)
{
    for (;;) {
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct cluster_conn *c = fd >= 0 ? cluster_conn_new(fd, s->cfg->tls) : NULL;

        if (c == NULL)
            return;
        if (s->n_conns >= CLUSTER_CONNS_MAX) {
            cluster_conn_free(c);
            continue;
        }
        c->next = s->first;
        if (s->first != NULL)
            s->first->previous = c;
        s->first = c;
        s->n_conns++;
        watch(s, c, EPOLL_CTL_ADD);
        if (s->mode != CLUSTER_HUNG)
            step(s, c, now);
    }
}

/* Answers what is due; returns for how long nothing else is, -1 = for ever. */
static int answer_due(struct cluster *s, struct instant now)
{
    int64_t wait_ms = -1;
    struct cluster_conn *next = NULL;

    if (!s->is_holding_back)
        return -1;
    s->is_holding_back = false;
    for (struct cluster_conn *c = s->first; c != NULL; c = next) {
        next = c->next;
        if (c->due.ms == 0)
            continue;
        if (c->due.ms <= now.mono.ms && s->mode != CLUSTER_HUNG) {
            step(s, c, now);
            continue;
        }
        s->is_holding_back = true;
        if (wait_ms < 0 || c->due.ms - now.mono.ms < wait_ms)
            wait_ms = c->due.ms - now.mono.ms;
    }
    return s->mode == CLUSTER_HUNG ? -1 : (int)wait_ms;
}

/* ---- words --------------------------------------------------------------------------------------
 */

static void watch_listen(struct cluster *s)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };

    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &event);
}

static int set_mode(struct cluster *s, enum cluster_mode mode, struct err *err)
{
    struct inet_addr addr = s->cfg->addr;

    if (mode == CLUSTER_FAILED && s->listen_fd >= 0) {
        close(s->listen_fd);
        s->listen_fd = -1;
        while (s->first != NULL)
            drop(s, s->first);
    }
    if (mode != CLUSTER_FAILED && s->listen_fd < 0) {
        s->listen_fd = cluster_listen(&addr, err);
        if (s->listen_fd < 0)
            return -1;
        watch_listen(s);
    }
    s->mode = mode;
    s->state.is_unhealthy = mode == CLUSTER_UNHEALTHY;
    for (struct cluster_conn *c = s->first; c != NULL; c = c->next)
        watch(s, c, EPOLL_CTL_MOD);
    return 0;
}

static int obey(struct cluster *s, const char *word, struct err *err)
{
    static const char *const modes[] = { [CLUSTER_UP] = "heal",
                                         [CLUSTER_FAILED] = "fail",
                                         [CLUSTER_HUNG] = "hang",
                                         [CLUSTER_SLOW] = "slow",
                                         [CLUSTER_UNHEALTHY] = "unhealthy" };

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(word, modes[i]) == 0)
            return set_mode(s, (enum cluster_mode)i, err);
    }
    if (str_starts(word, "primary "))
        (void)str_copy(s->state.primary, NAME_BYTES, word + strlen("primary "));
    else if (strcmp(word, "promote") == 0 || strcmp(word, "demote") == 0)
        s->state.has_scheduler = strcmp(word, "promote") == 0;
    else if (strcmp(word, "look") != 0)
        return err_set(err, ERR_USAGE, "unknown word \"%s\"", word);
    return 0;
}

static void hear(struct cluster *s)
{
    char word[CLUSTER_WORD_BYTES];
    const char *answer = "ok\n";
    struct err err;
    int fd = accept4(s->cfg->control_fd, NULL, NULL, SOCK_CLOEXEC);
    ssize_t n = fd >= 0 ? recv(fd, word, sizeof(word) - 1, 0) : -1;

    if (n > 0) {
        word[n] = '\0';
        if (obey(s, word, &err) < 0)
            answer = err.text;
        (void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    }
    if (fd >= 0)
        close(fd);
}

/* ---- the loop -----------------------------------------------------------------------------------
 */

static void on_event(struct cluster *s, const struct epoll_event *event, struct instant now)
{
    struct cluster_conn *c = event->data.ptr;

    if (event->data.ptr == s)
        take_in(s, now);
    else if (event->data.u64 == (uintptr_t)s->cfg)
        hear(s);
    else if ((event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 &&
             (event->events & EPOLLIN) == 0)
        drop(s, c);
    else
        step(s, c, now);
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int start(struct cluster *s, struct err *err)
{
    struct epoll_event event = { .events = EPOLLIN };
    sigset_t end;

    raise_descriptors();
    /* TLS libraries write to sockets that the client has closed. */
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    s->end_fd = signalfd(-1, &end, SFD_CLOEXEC);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0 || s->end_fd < 0)
        return err_sys(err, errno, "epoll");
    watch_listen(s);
    event.data.ptr = NULL; /* the end */
    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->end_fd, &event);
    /* The address of the configuration stands for the control socket. */
    event.data.u64 = (uintptr_t)s->cfg;
    if (s->cfg->control_fd >= 0)
        epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->cfg->control_fd, &event);
    return 0;
}

int cluster_serve(const struct cluster_cfg *cfg, struct err *err)
{
    struct cluster s = { .cfg = cfg, .listen_fd = cfg->listen_fd };

    s.state.has_scheduler = cfg->has_scheduler;
    (void)str_copy(s.state.primary, sizeof(s.state.primary), cfg->primary);
    if (start(&s, err) < 0)
        return -1;
    for (;;) {
        struct epoll_event event; /* one at a time: a drop may end what a second would name */
        int wait_ms = answer_due(&s, instant_now());
        int n = epoll_wait(s.epoll_fd, &event, 1, wait_ms);

        if (n < 0 && errno != EINTR)
            return err_sys(err, errno, "epoll");
        if (n == 1 && event.data.ptr == NULL)
            break;
        if (n == 1)
            on_event(&s, &event, instant_now());
    }
    while (s.first != NULL)
        drop(&s, s.first);
    return 0;
}
