#include "dnsflip/supervisor_state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define CHECK_MS 60000       /* for the new program to say whether it could start */
#define JUDGE_LEAVE_MS 10000 /* for the judge to record what it must */
#define REPORT_BYTES 8192    /* of what a checker prints; more is cut */
#define REPORT_FD_MIN 10     /* out of the way of LINK_FD and the standard three */

/* ------------------------------------------------------------------ the end of an upgrade that is
 * none */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void end(struct supervisor_upgrade *u)
{
    if (u->checker.pid != 0)
        (void)kill(u->checker.pid, SIGKILL); /* reaped as nobody's */
    u->checker.pid = 0;
    close_fd(&u->main.fd);
    close_fd(&u->face.fd);
    close_fd(&u->report);
    u->is_judges = false;
    u->stage = UPGRADE_NONE;
}

static void log_lines(const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        log_error("upgrade", "refused, nothing has changed: %.*s", (int)n, text);
        text += n + (text[n] == '\n' ? 1 : 0);
    }
}

static void tell_judge_refused(struct supervisor *s, const char *text)
{
    struct link_message m = link_message(LINK_REFUSED);
    struct err err;
    int fd = fsio_memfd("dnsflip-refused", 0, &err);

    if (fd < 0 || fsio_write_all(fd, text, strlen(text), &err) != 0)
        log_warn("upgrade", "the judge is told no reason: %s", err.text);
    supervisor_tell_judge(s, &m, &fd, fd >= 0 ? 1 : 0);
    close_fd(&fd);
}

void supervisor_upgrade_refuse(struct supervisor *s, const char *text)
{
    if (s->upgrade.stage == UPGRADE_NONE)
        return;
    log_lines(text);
    if (s->upgrade.is_judges)
        tell_judge_refused(s, text);
    end(&s->upgrade);
}

/* ------------------------------------------------------------------ the programs */

/* Not everybody may have a say in what is executed with our rights. */
static int check_file(const char *path, int fd, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
        return err_set(err, ERR_CONFIG, "%s is not an executable file", path);
    if ((st.st_mode & S_IWOTH) != 0)
        return err_set(err, ERR_CONFIG, "%s can be written by everybody (mode %o)", path,
                       (unsigned)st.st_mode & 07777);
    return 0;
}

static int open_programs(struct supervisor *s, struct err *err)
{
    struct supervisor_upgrade *u = &s->upgrade;

    u->main = (struct supervisor_program){ .name = "new program",
                                           .argv = s->options->check_argv,
                                           .user = s->judge_program.user,
                                           .fd = -1 };
    static const char *const face_argv[] = { "dnsflip-face", "--formats", NULL };
    u->face = (struct supervisor_program){
        .name = "new face", .argv = face_argv, .user = s->face_program.user, .fd = -1
    };
    u->main.fd = supervisor_open_program(s->path, err);
    if (u->main.fd < 0 || check_file(s->path, u->main.fd, err) != 0)
        return -1;
    u->face.fd = supervisor_open_face(s->path, err);
    return u->face.fd < 0 ? -1 : check_file("dnsflip-face", u->face.fd, err);
}

/* ------------------------------------------------------------------ what is handed over */

/* Which face answers now: not the one that has not got the sockets yet. */
static const struct supervisor_child *answering(const struct supervisor *s)
{
    return supervisor_holds_sockets(s) ? &s->take_over.leaver : &s->face;
}

static void fill(const struct supervisor *s, const struct supervisor_programs *next,
                 const struct supervisor_programs *before, struct supervisor_hand_over *h)
{
    const struct supervisor_child *face = answering(s);

    supervisor_hand_over_init(h);
    (void)str_copy(h->version, sizeof(h->version), s->formats.version);
    (void)str_copy(h->path, sizeof(h->path), s->path);
    h->count = s->count + 1;
    h->programs = *next;
    h->before = *before;
    h->generation = s->kept.generation;
    h->n_pair = s->kept.n_fds;
    memcpy(h->pair, s->kept.fds, h->n_pair * sizeof(h->pair[0]));
    if (face->pid != 0 && face->link >= 0) {
        h->face = face->pid;
        h->face_link = face->link;
    }
    h->sockets = s->sockets;
}

static int set_inherited(void *arg, int fd, struct err *err)
{
    const int *flags = arg;

    return fcntl(fd, F_SETFD, *flags) == 0 ? 0 : err_sys(err, errno, "descriptor %d", fd);
}

/* Without uid 0 the next program has only those capabilities that are ambient. */
static void keep_capabilities(bool is_kept)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) != 0)
        return;
    data[0].inheritable = is_kept ? data[0].permitted : 0;
    if (syscall(SYS_capset, &header, data) != 0)
        return;
    for (unsigned long i = 0; i < 32 && is_kept; i++) {
        if ((data[0].permitted >> i & 1) != 0)
            (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
    }
}

static int execute(struct supervisor *s, const struct supervisor_hand_over *h, int memory,
                   struct err *err)
{
    int inherited = 0;
    int closed = FD_CLOEXEC;
    char value[32];
    struct err failed;

    (void)str_format(value, sizeof(value), "%d:%d", (int)getpid(), memory);
    if (supervisor_hand_over_each(h, set_inherited, &inherited, err) == 0 &&
        set_inherited(&inherited, memory, err) == 0 &&
        setenv(SUPERVISOR_HAND_OVER_VARIABLE, value, 1) == 0) {
        keep_capabilities(true);
        (void)fexecve(h->programs.main, s->options->argv, environ);
        (void)err_sys(err, errno, "cannot execute %s", s->path);
        keep_capabilities(false);
    }
    (void)unsetenv(SUPERVISOR_HAND_OVER_VARIABLE);
    if (supervisor_hand_over_each(h, set_inherited, &closed, &failed) != 0)
        log_error("upgrade", "%s", failed.text);
    return -1;
}

void supervisor_execute(struct supervisor *s, const struct supervisor_programs *next,
                        const struct supervisor_programs *before, struct err *err)
{
    struct supervisor_hand_over *h = mem_zalloc(sizeof(*h));

    /* A face that never got the sockets has nothing to end. */
    if (supervisor_holds_sockets(s) && s->face.pid != 0) {
        (void)kill(s->face.pid, SIGKILL);
        (void)waitpid(s->face.pid, NULL, 0);
        supervisor_child_ended(&s->face, &s->face_program, mono_now());
    }
    fill(s, next, before, h);
    int memory = supervisor_hand_over_write(h, err);
    if (memory >= 0) {
        (void)execute(s, h, memory, err);
        close_fd(&memory);
    }
    mem_free(h);
}

/* ------------------------------------------------------------------ the checks */

static int open_report(struct supervisor_upgrade *u, struct err *err)
{
    close_fd(&u->report);
    int fd = fsio_memfd("dnsflip-report", 0, err);
    if (fd < 0)
        return -1;
    u->report = fcntl(fd, F_DUPFD_CLOEXEC, REPORT_FD_MIN);
    if (u->report < 0)
        (void)err_sys(err, errno, "report");
    close_fd(&fd);
    return u->report < 0 ? -1 : 0;
}

/* The new program is shown what it would find: it says whether it can read it. */
static int start_check(struct supervisor *s, const struct supervisor_program *p, struct mono now,
                       struct err *err)
{
    struct supervisor_upgrade *u = &s->upgrade;
    const struct supervisor_programs next = { .main = u->main.fd, .face = u->face.fd };
    const struct supervisor_programs none = { .main = -1, .face = -1 };
    struct supervisor_hand_over *h = mem_zalloc(sizeof(*h));

    fill(s, &next, &none, h);
    int memory = supervisor_hand_over_write(h, err);
    mem_free(h);
    if (memory < 0)
        return -1;
    int shown = fcntl(memory, F_DUPFD_CLOEXEC, REPORT_FD_MIN);
    close_fd(&memory);
    if (shown < 0)
        return err_sys(err, errno, "hand-over");
    u->due_at = mono_add(now, CHECK_MS);
    int result = open_report(u, err);
    if (result == 0)
        result = supervisor_child_ask(&u->checker, p, shown, u->report, now, err);
    close_fd(&shown);
    return result;
}

void supervisor_upgrade_begin(struct supervisor *s, bool is_judges, struct mono now)
{
    struct supervisor_upgrade *u = &s->upgrade;
    struct err err;

    if (u->stage != UPGRADE_NONE) {
        log_warn("upgrade", "asked for again: it is under way already");
        if (is_judges)
            tell_judge_refused(s, "an upgrade is under way already");
        return;
    }
    u->stage = UPGRADE_CHECK_FACE;
    u->is_judges = is_judges;
    u->main.fd = u->face.fd = -1;
    if (s->stage != STAGE_RUN) {
        supervisor_upgrade_refuse(s, "this is no time to upgrade: it is just starting or stopping");
        return;
    }
    if (s->take_over.leaver.pid != 0 && s->take_over.is_leaver_told) {
        supervisor_upgrade_refuse(s, "the upgrade before has not ended yet: in a moment");
        return;
    }
    log_info("upgrade", "asking %s whether it can take over from version %s", s->path,
             s->formats.version);
    if (open_programs(s, &err) != 0 || start_check(s, &u->face, now, &err) != 0)
        supervisor_upgrade_refuse(s, err.text);
}

static void read_report(const struct supervisor_upgrade *u, char text[static REPORT_BYTES])
{
    ssize_t n = pread(u->report, text, REPORT_BYTES - 1, 0);

    text[n > 0 ? n : 0] = '\0';
}

/* What a checker that failed has said, or how it ended. */
static void refuse_report(struct supervisor *s, const char *name, int status, const char *text)
{
    char whole[REPORT_BYTES + 256];
    char end[64] = "";

    if (WIFSIGNALED(status))
        (void)str_format(end, sizeof(end), "signal %d (%s)", WTERMSIG(status),
                         sigabbrev_np(WTERMSIG(status)));
    else
        (void)str_format(end, sizeof(end), "exit code %d", WEXITSTATUS(status));
    (void)str_format(whole, sizeof(whole), "%s cannot take over (%s)%s%s", name, end,
                     text[0] != '\0' ? ": " : "", text);
    supervisor_upgrade_refuse(s, whole);
}

static void on_face_checked(struct supervisor *s, int status, const char *text, struct mono now)
{
    struct supervisor_upgrade *u = &s->upgrade;
    struct err err;

    if (status != 0) {
        refuse_report(s, "the new dnsflip-face", status, text);
        return;
    }
    if (supervisor_formats_parse(text, &u->face_formats, &err) != 0) {
        (void)err_wrap(&err, "the new dnsflip-face cannot take over");
        supervisor_upgrade_refuse(s, err.text);
        return;
    }
    u->stage = UPGRADE_CHECK_MAIN;
    if (start_check(s, &u->main, now, &err) != 0)
        supervisor_upgrade_refuse(s, err.text);
}

/* The formats first: of a program that is too old, whatever else it says would mislead. */
static void on_main_checked(struct supervisor *s, int status, const char *text, struct mono now)
{
    struct supervisor_upgrade *u = &s->upgrade;
    struct link_message leave = link_message(LINK_LEAVE);
    size_t line = strcspn(text, "\n");
    struct err err;

    if (supervisor_formats_parse(text, &u->main_formats, &err) != 0) {
        (void)err_wrap(&err, "%s cannot take over", s->path);
        supervisor_upgrade_refuse(s, err.text);
        return;
    }
    if (supervisor_formats_check(&s->formats, &u->main_formats, &u->face_formats, &err) != 0) {
        supervisor_upgrade_refuse(s, err.text);
        return;
    }
    if (status != 0) {
        refuse_report(s, s->path, status, text + line + (text[line] == '\n' ? 1 : 0));
        return;
    }
    u->stage = UPGRADE_STOP_JUDGE;
    u->due_at = mono_add(now, JUDGE_LEAVE_MS);
    (void)str_copy(leave.text, sizeof(leave.text), u->main_formats.version);
    if (s->judge.pid != 0)
        supervisor_tell_judge(s, &leave, NULL, 0);
}

void supervisor_upgrade_checked(struct supervisor *s, int status, struct mono now)
{
    char text[REPORT_BYTES];

    s->upgrade.checker.pid = 0;
    read_report(&s->upgrade, text);
    if (s->upgrade.stage == UPGRADE_CHECK_FACE)
        on_face_checked(s, status, text, now);
    else if (s->upgrade.stage == UPGRADE_CHECK_MAIN)
        on_main_checked(s, status, text, now);
}

/* ------------------------------------------------------------------ what is due */

/* The program to go back to must read what the new one would hand over. */
static struct supervisor_programs way_back(const struct supervisor *s)
{
    const struct supervisor_formats *f = &s->upgrade.main_formats;

    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->items[i].name, "hand-over") == 0 &&
            f->items[i].number == SUPERVISOR_HAND_OVER_FORMAT)
            return (struct supervisor_programs){ .main = s->judge_program.fd,
                                                 .face = s->face_program.fd };
    }
    return (struct supervisor_programs){ .main = -1, .face = -1 };
}

static void go(struct supervisor *s)
{
    struct supervisor_upgrade *u = &s->upgrade;
    const struct supervisor_programs next = { .main = u->main.fd, .face = u->face.fd };
    const struct supervisor_programs before = way_back(s);
    struct err err;

    log_info("upgrade", "version %s takes over from %s", u->main_formats.version,
             s->formats.version);
    supervisor_execute(s, &next, &before, &err);
    supervisor_upgrade_refuse(s, err.text);
}

int64_t supervisor_upgrade_due(struct supervisor *s, struct mono now)
{
    struct supervisor_upgrade *u = &s->upgrade;
    int64_t left_ms = mono_since(u->due_at, now);

    if (u->stage == UPGRADE_NONE)
        return INT32_MAX;
    if (s->stage != STAGE_RUN) {
        supervisor_upgrade_refuse(s, "it was told to stop");
        return INT32_MAX;
    }
    if (u->stage == UPGRADE_STOP_JUDGE && s->judge.pid == 0 && s->offered.generation == 0) {
        go(s);
        return INT32_MAX;
    }
    if (left_ms > 0)
        return left_ms;
    supervisor_upgrade_refuse(s, u->stage == UPGRADE_STOP_JUDGE
                                     ? "the judge has not stopped within 10 s: it hangs; kill it, "
                                       "then upgrade again"
                                     : "the new program has not said within 60 s whether it can "
                                       "take over");
    return INT32_MAX;
}
