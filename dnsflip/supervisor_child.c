#include "dnsflip/supervisor_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/link.h"

#define PROGRAM_FD_MIN 10 /* out of the way of LINK_FD and the standard three */
#define EXIT_NOT_STARTED 1
#define CAPABILITIES_MAX 64

#define CAPABILITY(name) (UINT32_C(1) << (name)) /* of the first word, where all five are */
#define KEPT_CAPABILITIES                                                                          \
    (CAPABILITY(CAP_NET_BIND_SERVICE) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) |          \
     CAPABILITY(CAP_KILL) | CAPABILITY(CAP_CHOWN))

int supervisor_user_find(const char *name, struct supervisor_user *out, struct err *err)
{
    errno = 0;
    const struct passwd *user = getpwnam(name);
    if (user == NULL)
        return err_set(err, ERR_CONFIG,
                       "there is no user %s: make it with \"systemd-sysusers\" after \"make "
                       "install\", or run with --single-user",
                       name);
    out->uid = user->pw_uid;
    out->gid = user->pw_gid;
    out->n_groups = SUPERVISOR_GROUPS_MAX;
    if (getgrouplist(name, out->gid, out->groups, &out->n_groups) < 0)
        return err_set(err, ERR_LIMIT, "user %s is in %d groups; at most %d are possible", name,
                       out->n_groups, SUPERVISOR_GROUPS_MAX);
    out->is_set = true;
    return 0;
}

int supervisor_open_program(const char *path, struct err *err)
{
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, errno, "%s", path);
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, PROGRAM_FD_MIN);
    int failed = errno;
    (void)close(fd);
    return moved >= 0 ? moved : err_sys(err, failed, "%s", path);
}

int supervisor_open_face(const char *program, struct err *err)
{
    static const char *const places[] = { "dnsflip-face", "../libexec/dnsflip/dnsflip-face" };
    char folder[PATH_MAX];
    char path[PATH_MAX];

    if (realpath(program, folder) == NULL)
        return err_sys(err, errno, "%s", program);
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!str_format(path, sizeof(path), "%s/%s", folder, places[i]))
            return err_set(err, ERR_LIMIT, "path of %s is too long", places[i]);
        int fd = supervisor_open_program(path, err);
        if (fd >= 0)
            return fd;
    }
    return err_set(err, ERR_SYS, "dnsflip-face is neither in %s nor in %s/../libexec/dnsflip",
                   folder, folder);
}

bool supervisor_may_change_users(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
    const uint32_t both = CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID);

    return geteuid() == 0 ||
           (syscall(SYS_capget, &header, data) == 0 && (data[0].effective & both) == both);
}

/* The bounding set is what a program that root executes can have.  Only CAP_SETPCAP may lower it:
 * without that this process was limited by whoever started it. */
static int limit_programs(struct err *err)
{
    for (int i = 0; i < CAPABILITIES_MAX && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
        bool is_kept = i < 32 && (KEPT_CAPABILITIES & CAPABILITY(i)) != 0;
        if (!is_kept && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0 && errno != EPERM)
            return err_sys(err, errno, "prctl(PR_CAPBSET_DROP)");
    }
    return 0;
}

int supervisor_limit_privileges(bool keeps_root, struct err *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (!keeps_root && limit_programs(err) != 0)
        return -1;
    if (syscall(SYS_capget, &header, data) != 0)
        return err_sys(err, errno, "capget");
    data[0].permitted &= KEPT_CAPABILITIES;
    data[0].effective = data[0].permitted;
    data[0].inheritable = 0;
    data[1] = (struct __user_cap_data_struct){ .permitted = 0 };
    if (syscall(SYS_capset, &header, data) != 0)
        return err_sys(err, errno, "capset");
    return 0;
}

static int become(const struct supervisor_user *user, struct err *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    if (!user->is_set)
        return 0;
    if (setgroups((size_t)user->n_groups, user->groups) != 0)
        return err_sys(err, errno, "setgroups");
    if (setresgid(user->gid, user->gid, user->gid) != 0)
        return err_sys(err, errno, "setresgid(%u)", (unsigned)user->gid);
    if (setresuid(user->uid, user->uid, user->uid) != 0)
        return err_sys(err, errno, "setresuid(%u)", (unsigned)user->uid);
    /* From root's uid this has happened already. */
    if (syscall(SYS_capset, &header, none) != 0)
        return err_sys(err, errno, "capset");
    return 0;
}

/* What a child finds in its place: its link or what it is to look at, and where its words go. */
struct ends {
    int link;
    int report; /* -1 = where ours go */
};

/* A process group of its own: Ctrl-C is for the supervisor, which stops the others in order. */
static int prepare(const struct supervisor_user *user, const struct ends *ends, struct err *err)
{
    struct sigaction usual = { .sa_handler = SIG_DFL };
    sigset_t none;

    (void)setpgid(0, 0);
    /* Only the supervisor speaks for the service. */
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    (void)sigaction(SIGPIPE, &usual, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (ends->report >= 0 &&
        (dup2(ends->report, STDOUT_FILENO) < 0 || dup2(ends->report, STDERR_FILENO) < 0))
        return err_sys(err, errno, "report");
    if (ends->link == LINK_FD ? fcntl(ends->link, F_SETFD, 0) != 0 : dup2(ends->link, LINK_FD) < 0)
        return err_sys(err, errno, "link");
    if (become(user, err) != 0)
        return -1;
    /* Hooks have it from the judge: no set-uid program helps them.  Root would lose what it has. */
    if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys(err, errno, "prctl(PR_SET_NO_NEW_PRIVS)");
    /* The kernel forgets this with every change of uid: so it comes after the last. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return err_sys(err, errno, "prctl(PR_SET_PDEATHSIG)");
    return 0;
}

__attribute__((noreturn)) static void run_child(const struct supervisor_program *p,
                                                const struct ends *ends)
{
    struct err err;
    char *const *argv;

    memcpy(&argv, &p->argv, sizeof(argv)); /* execve(2) changes nothing, its prototype is older */
    if (prepare(&p->user, ends, &err) == 0) {
        (void)fexecve(p->fd, argv, environ);
        (void)err_sys(&err, errno, "cannot execute");
    }
    log_error("start", "%s: %s", p->name, err.text);
    _exit(EXIT_NOT_STARTED);
}

static int start(struct supervisor_child *c, const struct supervisor_program *p,
                 const struct ends *ends, struct mono now, struct err *err)
{
    pid_t pid = fork();

    if (pid < 0)
        return err_sys(err, errno, "fork for %s", p->name);
    if (pid == 0)
        run_child(p, ends);
    c->pid = pid;
    c->started = now;
    return 0;
}

int supervisor_child_start(struct supervisor_child *c, const struct supervisor_program *p,
                           struct mono now, struct err *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return err_sys(err, errno, "socketpair for %s", p->name);
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        (void)err_sys(err, errno, "fcntl");
        goto err_ends;
    }
    if (start(c, p, &(struct ends){ .link = ends[1], .report = -1 }, now, err) != 0)
        goto err_ends;
    (void)close(ends[1]);
    c->link = ends[0];
    return 0;

err_ends:
    (void)close(ends[0]);
    (void)close(ends[1]);
    return -1;
}

int supervisor_child_ask(struct supervisor_child *c, const struct supervisor_program *p, int shown,
                         int report, struct mono now, struct err *err)
{
    c->link = -1;
    return start(c, p, &(struct ends){ .link = shown, .report = report }, now, err);
}

void supervisor_child_ended(struct supervisor_child *c, const struct supervisor_program *p,
                            struct mono now)
{
    if (c->link >= 0)
        (void)close(c->link);
    c->link = -1;
    c->pid = 0;
    c->waited_ms = supervisor_backoff_next(&p->backoff, c->waited_ms, mono_since(now, c->started));
    c->due = mono_add(now, c->waited_ms);
}

int64_t supervisor_backoff_next(const struct supervisor_backoff *b, int64_t last_ms,
                                int64_t lived_ms)
{
    if (lived_ms >= b->stable_ms)
        return b->first_ms;
    if (last_ms < b->min_ms)
        return b->min_ms;
    return last_ms > b->max_ms / 2 ? b->max_ms : 2 * last_ms;
}
