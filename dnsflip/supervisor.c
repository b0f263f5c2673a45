#include "dnsflip/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/link.h"
#include "dnsflip/supervisor_child.h"
#include "dnsflip/supervisor_sockets.h"
#include "dnsflip/supervisor_state.h"

#define STOP_AGAIN_MS 1000  /* a second request within it is the first one */
#define JUDGE_STOP_MS 10000 /* for the judge to record what it must, then SIGKILL */
#define FACE_STOP_MS 2000

/* ------------------------------------------------------------------ deaths and stops */

static void stop_face(struct supervisor *s, struct mono now)
{
    s->stage = s->face.pid != 0 ? STAGE_STOP_FACE : STAGE_DONE;
    s->kill_at = mono_add(now, FACE_STOP_MS);
    if (s->face.pid != 0)
        supervisor_stop_face(s);
}

static void stop(struct supervisor *s, struct mono now)
{
    struct link_message m = link_message(LINK_STOP);

    if (s->stage == STAGE_STOP_JUDGE) {
        /* Asked again: do not wait; but one Ctrl-C may well come as two signals. */
        if (mono_since(s->kill_at, now) < JUDGE_STOP_MS - STOP_AGAIN_MS)
            s->kill_at = now;
        return;
    }
    if (s->stage != STAGE_FIRST_START && s->stage != STAGE_RUN)
        return;
    if (s->judge.pid == 0) {
        stop_face(s, now);
        return;
    }
    s->stage = STAGE_STOP_JUDGE;
    s->kill_at = mono_add(now, JUDGE_STOP_MS);
    supervisor_tell_judge(s, &m, NULL, 0);
}

static int exit_code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static void log_end(const char *name, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        log_error(name, "killed by the kernel: it made a system call that its filter forbids "
                        "(SIGSYS); the kernel's log has the number of the call");
    else if (WIFSIGNALED(status))
        log_warn(name, "ended by signal %d (%s)", WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
    else
        log_info(name, "ended with exit code %d", WEXITSTATUS(status));
}

static void on_judge_end(struct supervisor *s, int status, struct mono now)
{
    supervisor_child_ended(&s->judge, &s->judge_program, now);
    s->is_kept_asked = false;
    s->is_judge_greeted = false;
    s->upgrade.is_judges = false;
    s->is_reloading = false;
    log_end("judge", status);
    switch (s->stage) {
    case STAGE_FIRST_START:
    case STAGE_STOP_JUDGE:
        s->exit_code = exit_code_of(status);
        stop_face(s, now);
        return;
    case STAGE_RUN:
        if (s->upgrade.stage == UPGRADE_STOP_JUDGE)
            return;
        log_warn("judge", "starting it again in %lld ms; answers go on",
                 (long long)s->judge.waited_ms);
        return;
    case STAGE_STOP_FACE:
    case STAGE_DONE:
        return;
    }
}

static void on_face_end(struct supervisor *s, int status, struct mono now)
{
    supervisor_child_ended(&s->face, &s->face_program, now);
    log_end("face", status);
    if (supervisor_holds_sockets(s))
        log_error("upgrade", "the new face ended before it answered; the old one goes on");
    if (s->offered.generation != 0 && ++s->offer_deaths == SUPERVISOR_OFFER_TRIES)
        supervisor_withdraw_offer(s, "face after face died before it had adopted this pair");
    if (s->stage == STAGE_STOP_FACE)
        s->stage = STAGE_DONE;
}

/* The dead stay zombies until their last words are read: so long nobody else has their pid. */
static void reap(struct supervisor *s, struct mono now)
{
    siginfo_t dead = { .si_pid = 0 };
    int status = 0;

    while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid != 0) {
        struct supervisor_child *c = dead.si_pid == s->judge.pid  ? &s->judge
                                     : dead.si_pid == s->face.pid ? &s->face
                                                                  : NULL;
        if (c != NULL)
            supervisor_hear(s, c, now);
        (void)waitpid(dead.si_pid, &status, 0);
        if (c == &s->judge)
            on_judge_end(s, status, now);
        else if (c == &s->face)
            on_face_end(s, status, now);
        else if (dead.si_pid == s->upgrade.checker.pid)
            supervisor_upgrade_checked(s, status, now);
        else if (dead.si_pid == s->take_over.leaver.pid)
            supervisor_take_over_left(s, status);
        dead.si_pid = 0;
    }
}

static void on_signals(struct supervisor *s, struct mono now)
{
    struct signalfd_siginfo info;
    struct link_message reload = link_message(LINK_RELOAD);

    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch ((int)info.ssi_signo) {
        case SIGCHLD:
            reap(s, now);
            break;
        case SIGHUP:
            s->is_reloading = s->stage == STAGE_RUN && s->judge.pid != 0;
            supervisor_tell_judge(s, &reload, NULL, 0);
            break;
        case SIGUSR2:
            log_info("upgrade", "signal SIGUSR2 from pid %u", info.ssi_pid);
            supervisor_upgrade_begin(s, false, now);
            break;
        case SIGTERM:
        case SIGINT:
            log_info("stop", "signal %u from pid %u", info.ssi_signo, info.ssi_pid);
            stop(s, now);
            break;
        default: /* not in the mask */
            break;
        }
    }
}

/* ------------------------------------------------------------------ the loop */

static void start_judge(struct supervisor *s, struct mono now)
{
    struct err err;

    if (supervisor_child_start(&s->judge, &s->judge_program, now, &err) != 0) {
        log_error("judge", "%s", err.text);
        supervisor_child_ended(&s->judge, &s->judge_program, s->judge.started);
        s->judge.due = mono_add(now, s->judge.waited_ms);
        return;
    }
    log_info("judge", "started pid=%d", (int)s->judge.pid);
}

static bool wants_face(const struct supervisor *s)
{
    bool has_pair = s->kept.generation != 0 || s->offered.generation != 0;

    return has_pair && s->face.pid == 0 && s->stage != STAGE_STOP_FACE && s->stage != STAGE_DONE;
}

static bool wants_judge(const struct supervisor *s)
{
    return s->stage == STAGE_RUN && s->judge.pid == 0 && !supervisor_holds_judge(s);
}

/* What is due at now; returns when something will be, as a time-out for poll(2). */
static int run_due(struct supervisor *s, struct mono now)
{
    int64_t upgrade_ms = supervisor_upgrade_due(s, now);
    int64_t wait_ms = supervisor_take_over_due(s, now);

    if (upgrade_ms < wait_ms)
        wait_ms = upgrade_ms;
    if (wants_judge(s) && mono_since(now, s->judge.due) >= 0)
        start_judge(s, now);
    if (wants_face(s) && mono_since(now, s->face.due) >= 0)
        supervisor_start_face(s, now);
    if (wants_judge(s) && mono_since(s->judge.due, now) < wait_ms)
        wait_ms = mono_since(s->judge.due, now);
    if (wants_face(s) && mono_since(s->face.due, now) < wait_ms)
        wait_ms = mono_since(s->face.due, now);
    if (s->stage == STAGE_STOP_JUDGE || s->stage == STAGE_STOP_FACE) {
        int64_t left_ms = mono_since(s->kill_at, now);
        pid_t pid = s->stage == STAGE_STOP_JUDGE ? s->judge.pid : s->face.pid;
        if (left_ms <= 0)
            (void)kill(pid, SIGKILL); /* SIGCHLD ends the stage */
        else if (left_ms < wait_ms)
            wait_ms = left_ms;
    }
    return wait_ms == INT32_MAX ? -1 : wait_ms < 0 ? 0 : (int)wait_ms;
}

static int loop(struct supervisor *s, struct err *err)
{
    while (s->stage != STAGE_DONE) {
        int wait_ms = run_due(s, mono_now());
        int64_t watch_ms = supervisor_watch(s, mono_now());
        if (wait_ms < 0 || watch_ms < wait_ms)
            wait_ms = (int)watch_ms;
        struct pollfd polled[] = { { .fd = s->signals, .events = POLLIN },
                                   { .fd = s->judge.link, .events = POLLIN },
                                   { .fd = s->face.link, .events = POLLIN } };
        if (poll(polled, sizeof(polled) / sizeof(polled[0]), wait_ms) < 0 && errno != EINTR)
            return err_sys(err, errno, "poll");
        struct mono now = mono_now();
        if (polled[1].revents != 0)
            supervisor_hear(s, &s->judge, now);
        if (polled[2].revents != 0)
            supervisor_hear(s, &s->face, now);
        if (polled[0].revents != 0)
            on_signals(s, now);
    }
    return s->exit_code;
}

static int open_signals(struct err *err)
{
    static const int numbers[] = { SIGCHLD, SIGHUP, SIGUSR2, SIGTERM, SIGINT };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        (void)sigaddset(&set, numbers[i]);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return err_sys(err, errno, "sigprocmask");
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd >= 0 ? fd : err_sys(err, errno, "signalfd");
}

/* What this process executes: handed over, or itself and the face beside it. */
static int open_programs(struct supervisor *s, const struct supervisor_options *o, struct err *err)
{
    int taken = supervisor_take_over(s, mono_now(), err);

    if (taken != 0)
        return taken < 0 ? -1 : 0;
    if (!str_copy(s->path, sizeof(s->path), o->path))
        return err_set(err, ERR_LIMIT, "the path of this program is too long: %s", o->path);
    s->judge_program.fd = supervisor_open_program("/proc/self/exe", err);
    s->face_program.fd = s->judge_program.fd < 0 ? -1 : supervisor_open_face("/proc/self/exe", err);
    return s->face_program.fd < 0 ? -1 : 0;
}

static int open_all(struct supervisor *s, const struct supervisor_options *o, struct err *err)
{
    s->options = o;
    s->judge_program = (struct supervisor_program){
        .name = "judge",
        .argv = o->judge_argv,
        .backoff = { .first_ms = 1000, .min_ms = 1000, .max_ms = 30000, .stable_ms = 60000 },
    };
    static const char *const face_argv[] = { "dnsflip-face", NULL };
    s->face_program = (struct supervisor_program){
        .name = "face",
        .argv = face_argv,
        .backoff = { .first_ms = 0, .min_ms = 10, .max_ms = 1000, .stable_ms = 1000 },
    };
    if (!o->single_user && supervisor_may_change_users() &&
        (supervisor_user_find(SUPERVISOR_JUDGE_USER, &s->judge_program.user, err) != 0 ||
         supervisor_user_find(SUPERVISOR_FACE_USER, &s->face_program.user, err) != 0))
        return -1;
    bool keeps_root = geteuid() == 0 && o->single_user;
    if (supervisor_formats_parse(o->formats, &s->formats, err) != 0 ||
        open_programs(s, o, err) != 0 || supervisor_limit_privileges(keeps_root, err) != 0)
        return -1;
    s->signals = open_signals(err);
    return s->signals < 0 ? -1 : supervisor_watch_open(s, err);
}

int supervisor_run(const struct supervisor_options *o, struct err *err)
{
    static struct supervisor s = { .upgrade = { .report = -1 },
                                   .take_over = { .leaver = { .link = -1 },
                                                  .before = { .main = -1, .face = -1 } },
                                   .judge = { .link = -1 },
                                   .face = { .link = -1 },
                                   .counters = -1 };

    log_init("supervisor", LOG_LEVEL_INFO);
    (void)prctl(PR_SET_NAME, "dnsflip-super");
    /* It keeps secrets: others of its user must not open them through /proc. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    if (open_all(&s, o, err) != 0)
        return -1;
    if (s.stage == STAGE_FIRST_START) {
        if (supervisor_child_start(&s.judge, &s.judge_program, mono_now(), err) != 0)
            return -1;
        log_info("judge", "started pid=%d", (int)s.judge.pid);
    }
    reap(&s, mono_now()); /* who died while one program followed the other */
    int code = loop(&s, err);
    (void)supervisor_watch(&s, mono_now());
    /* Whatever is still alive dies with this process, by its guard. */
    supervisor_sockets_close(&s.sockets);
    return code;
}
