#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/beacon/beacon.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/server.h"
#include "dnsflip/dns/view.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/face_filter.h"
#include "dnsflip/link.h"

#define HEARTBEAT_MS 1000
#define SETTLE_ASK_MS 1 /* how often the threads are asked whether they have left the old pair */
#define STUCK_BEATS 30
#define EXIT_USAGE 64
#define LEAVE_MS 2000  /* for what was begun to end, when another face has taken over */
#define LEAVE_ASK_MS 5 /* how often it is looked whether it has */

struct face {
    struct server *server;
    struct counters *counters;
    struct server_listen listens[SERVER_LISTENS_MAX]; /* of the set that is being received */
    struct server_listens set;
    uint64_t settling; /* generation that was published and not yet acknowledged; 0 = none */
    struct mono next_beat;
    struct counters_turns turns; /* as the last beats found them */
};

/* Nothing here needs a privilege: sockets and memory come through the link. */
static int drop_privileges(struct err *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys(err, errno, "prctl(PR_SET_NO_NEW_PRIVS)");
    if (syscall(SYS_capset, &header, none) != 0)
        return err_sys(err, errno, "capset");
    return 0;
}

/* Signals meant for the whole service reach the supervisor, which stops the face last. */
static void ignore_signals(void)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGPIPE };
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        (void)sigaction(numbers[i], &ignore, NULL);
}

static void raise_file_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

/* Before the first message is read: what comes from outside finds the filter in force, and the
 * threads inherit it. */
static int set_filter(struct err *err)
{
#ifdef DNSFLIP_WITHOUT_FACE_FILTER
    (void)err;
    log_info("start", "no system call filter: this build is for tests");
    return 0;
#else
    int set = face_filter_set(err);

    if (set < 0)
        return err_wrap(err, "system call filter");
    if (set == 0)
        log_warn("start", "no system call filter: %s", err->text);
    return 0;
#endif
}

static int start(struct face *f, struct err *err)
{
    struct link_message hello = link_message(LINK_COUNTERS);

    if (link_child_guard(err) != 0 || drop_privileges(err) != 0)
        return -1;
    ignore_signals();
    raise_file_limit();
    int fd = counters_new(COUNTERS_THREADS_MAX, &f->counters, err);
    if (fd < 0)
        return -1;
    atomic_store(&f->counters->started_wall_ms, (uint64_t)wall_now().ms);
    int sent = link_send(LINK_FD, &hello, &fd, 1, err);
    (void)close(fd);
    if (sent != 0)
        return -1;
    /* Threads allocate at their start alone; an arena for each would cost memory, and some libc
     * read a file to find out how many there may be. */
    (void)mallopt(M_ARENA_MAX, 1);
    /* Of the time of a log line libc asks for the local zone's file, again and again where no zone
     * is set. */
    (void)setenv("TZ", "UTC0", 1);
    tzset();
    f->server = server_new(f->counters, beacon_run);
    return set_filter(err);
}

static int take_listen(struct face *f, const struct link_message *m, const int fds[], size_t n_fds,
                       struct err *err)
{
    if (n_fds > 0) {
        if (f->set.n == SERVER_LISTENS_MAX || n_fds > SERVER_UDP_THREADS_MAX ||
            m->threads > SERVER_UDP_THREADS_MAX ||
            (m->role == LINK_ROLE_DNS_UDP ? n_fds != m->threads : n_fds != 1))
            return err_set(err, ERR_REMOTE, "%zu sockets for %u threads (set %zu of %d)", n_fds,
                           m->threads, f->set.n + 1, SERVER_LISTENS_MAX);
        struct server_listen *item = &f->listens[f->set.n++];
        item->kind = m->role == LINK_ROLE_BEACON    ? SERVER_BEACON
                     : m->role == LINK_ROLE_DNS_TCP ? SERVER_TCP
                                                    : SERVER_UDP;
        item->n_fds = (uint32_t)n_fds;
        memcpy(item->fds, fds, n_fds * sizeof(fds[0]));
    }
    if (m->more != 0)
        return 0;
    f->set.items = f->listens;
    f->set.threads = 0;
    for (size_t i = 0; i < f->set.n; i++) {
        if (f->listens[i].kind == SERVER_UDP)
            f->set.threads = f->listens[i].n_fds;
    }
    for (size_t i = 0; i < f->set.n; i++) {
        if (f->listens[i].kind == SERVER_UDP && f->listens[i].n_fds != f->set.threads)
            return err_set(err, ERR_REMOTE, "sockets for %u and for %u threads in one set",
                           f->listens[i].n_fds, f->set.threads);
    }
    int done = server_listen(f->server, &f->set, err);
    f->set.n = 0;
    return done;
}

static int check_generation(const char *what, uint64_t is, uint64_t announced, struct err *err)
{
    if (is == announced)
        return 0;
    return err_set(err, ERR_REMOTE, "%s of generation %llu, announced was %llu", what,
                   (unsigned long long)is, (unsigned long long)announced);
}

/* Opens and checks the parts; what is open when it fails is the caller's too. */
static int open_parts(const struct link_message *m, const int fds[], size_t n_fds,
                      struct server_pair *out, struct err *err)
{
    if (n_fds < 2 || n_fds > LINK_PAIR_FDS_MAX)
        return err_set(err, ERR_REMOTE,
                       "a pair is a view, a page, and secrets if there are any, not %zu "
                       "descriptors",
                       n_fds);
    if (view_open(fds[0], &out->view, err) != 0)
        return err_wrap(err, "view");
    if (page_map(fds[1], &out->page, err) != 0)
        return err_wrap(err, "page");
    if (n_fds == LINK_PAIR_FDS_MAX && secrets_open(fds[2], &out->secrets, err) != 0)
        return err_wrap(err, "secrets");
    if (answer_check_pair(out->view, out->page, err) != 0 ||
        check_generation("view", view_generation(out->view), m->generation, err) != 0)
        return -1;
    return out->secrets == NULL
               ? 0
               : check_generation("secrets", out->secrets->generation, m->generation, err);
}

static int open_pair(const struct link_message *m, const int fds[], size_t n_fds,
                     struct server_pair *out, struct err *err)
{
    if (open_parts(m, fds, n_fds, out, err) == 0)
        return 0;
    server_pair_close(out);
    return -1;
}

/* A pair that is no pair is refused, and the one before goes on answering. */
static int take_pair(struct face *f, const struct link_message *m, const int fds[], size_t n_fds,
                     struct err *err)
{
    struct link_message refusal = link_message(LINK_ERROR);
    struct server_pair pair = { .view = NULL };
    int opened = open_pair(m, fds, n_fds, &pair, err);

    for (size_t i = 0; i < n_fds; i++)
        (void)close(fds[i]);
    if (opened != 0) {
        log_warn("pair", "refused generation=%llu: %s", (unsigned long long)m->generation,
                 err->text);
        refusal.generation = m->generation;
        (void)str_copy(refusal.text, sizeof(refusal.text), err->text);
        return link_send(LINK_FD, &refusal, NULL, 0, err);
    }
    f->settling = m->generation;
    return server_publish(f->server, &pair, err);
}

static int settle(struct face *f, struct err *err)
{
    struct link_message adopted = link_message(LINK_ADOPTED);

    if (f->settling == 0 || !server_settle(f->server))
        return 0;
    adopted.generation = f->settling;
    atomic_store(&f->counters->generation, f->settling);
    f->settling = 0;
    log_info("pair", "adopted generation=%llu", (unsigned long long)adopted.generation);
    return link_send(LINK_FD, &adopted, NULL, 0, err);
}

/* Whoever has not got his answer by then has been slow to take it, and asks the face that is there
 * now. */
static void leave(struct face *f)
{
    struct mono end = mono_add(mono_now(), LEAVE_MS);

    log_info("upgrade", "another face has taken over");
    while (!server_retire(f->server) && mono_since(end, mono_now()) > 0)
        (void)poll(NULL, 0, LEAVE_ASK_MS);
}

/* 1 = go on, 0 = told to stop, or that another face has taken over.  If the supervisor were gone,
 * so were we. */
static int take_message(struct face *f, struct err *err)
{
    struct link_message m;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    int got = link_receive(LINK_FD, &m, fds, &n_fds, err);

    if (got == 0)
        leave(f);
    if (got <= 0)
        return got;
    switch (m.kind) {
    case LINK_LISTEN:
        return take_listen(f, &m, fds, n_fds, err) == 0 ? 1 : -1;
    case LINK_PAIR:
        return take_pair(f, &m, fds, n_fds, err) == 0 ? 1 : -1;
    case LINK_STOP:
        return 0;
    default: /* a number from outside, not an enum: there may be any */
        return err_set(err, ERR_REMOTE, "link message of unknown kind %u", m.kind);
    }
}

/* A thread that never ends its turn answers nobody, and no flip gets past it: the supervisor then
 * hears nothing more of this face, and starts another. */
static void beat(struct face *f, struct mono now)
{
    struct link_message alive = link_message(LINK_ALIVE);

    f->next_beat = mono_add(now, HEARTBEAT_MS);
    server_reap(f->server);
    if (counters_longest_turn(f->counters, &f->turns) >= STUCK_BEATS)
        return;
    atomic_store(&f->counters->heartbeat_ms, now.ms);
    link_send_or_drop(LINK_FD, &alive);
}

/* The link is not read while a pair settles: one at a time. */
static int turn(struct face *f, struct err *err)
{
    struct pollfd link = { .fd = f->settling != 0 ? -1 : LINK_FD, .events = POLLIN };
    struct mono now = mono_now();

    if (mono_since(now, f->next_beat) >= 0)
        beat(f, now);
    int wait_ms = f->settling != 0 ? SETTLE_ASK_MS : (int)mono_since(f->next_beat, now);
    if (poll(&link, 1, wait_ms) < 0 && errno != EINTR)
        return err_sys(err, errno, "poll");
    if (settle(f, err) != 0)
        return -1;
    return link.revents != 0 ? take_message(f, err) : 1;
}

/* Asked by a version that runs here, before this one takes over: see supervisor_formats.h. */
static int print_formats(void)
{
    return printf("dnsflip-face %s link=%d view=%d page=%d secrets=%d counters=%d\n",
                  DNSFLIP_VERSION, LINK_VERSION, VIEW_FORMAT, PAGE_FORMAT, SECRETS_FORMAT,
                  COUNTERS_FORMAT) < 0
               ? EXIT_FAILURE
               : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    static struct face face;
    struct err err;
    int going = 1;

    if (argc == 2 && strcmp(argv[1], "--formats") == 0)
        return print_formats();
    log_init("face", LOG_LEVEL_INFO);
    (void)prctl(PR_SET_NAME, "dnsflip-face");
    if (start(&face, &err) != 0) {
        log_error("start", "%s; dnsflip-face is started by \"dnsflip run\"", err.text);
        return EXIT_USAGE;
    }
    while (going > 0)
        going = turn(&face, &err);
    if (going < 0)
        log_error("link", "%s", err.text);
    /* The threads end with the process, in the middle of nothing that outlives it. */
    return going == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
