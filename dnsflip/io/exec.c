#include "dnsflip/io/exec.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/io/loop.h"

#define CHUNK_BYTES 16384
#define FIRST_SOURCE_FD 10 /* above all descriptors that the program gets */

struct exec {
    struct loop *loop; /* borrowed */
    pid_t pid;         /* and its process group and session */
    int pidfd;
    int pipe_fd; /* read end, not blocking */
    struct loop_fd *exit_watch, *pipe_watch;
    struct loop_timer *timer; /* time-out, then SIGKILL */
    exec_done *done;          /* NULL = cancelled */
    void *arg;
    bool is_stopping; /* SIGTERM was sent */
    bool is_timed_out;
    struct exec_result result;
    char line[EXEC_LINE_BYTES]; /* being read */
    size_t line_bytes;
    struct buf output; /* max is 0 unless it was asked for */
};

/* ---- what may be run ------------------------------------------------------------------------ */

int exec_check(const char *path, struct err *err)
{
    struct stat st;

    if (path[0] != '/')
        return err_set(err, ERR_CONFIG, "command \"%s\" is not an absolute path", path);
    if (stat(path, &st) != 0)
        return err_sys(err, errno, "cannot run command %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_CONFIG, "command %s is not a regular file", path);
    if ((st.st_mode & (S_ISUID | S_ISGID)) != 0)
        return err_set(err, ERR_CONFIG,
                       "command %s has the %s bit: a hook runs with our rights and no others", path,
                       (st.st_mode & S_ISUID) != 0 ? "setuid" : "setgid");
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
        return err_sys(err, errno, "command %s is not executable for us", path);
    return 0;
}

/* ---- output --------------------------------------------------------------------------------- */

static void end_line(struct exec *x)
{
    size_t n = x->line_bytes;

    while (n > 0 && x->line[n - 1] == ' ')
        n--;
    if (n > 0) {
        memcpy(x->result.last_line, x->line, n);
        x->result.last_line[n] = '\0';
    }
    x->line_bytes = 0;
}

static void take_output(struct exec *x, const char *bytes, size_t n)
{
    x->result.output_bytes += n;
    if (x->output.max > 0) {
        size_t room = x->output.max - x->output.len;
        buf_add(&x->output, bytes, n < room ? n : room);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];

        if (c == '\n') {
            end_line(x);
            continue;
        }
        if (c == '\t' || c == '\r')
            c = ' ';
        else if ((unsigned char)c < 0x20 || c == 0x7f)
            c = '?';
        if (x->line_bytes < sizeof(x->line) - 1)
            x->line[x->line_bytes++] = c;
    }
}

/* Reads up to max bytes; false at the end of the output. */
static bool read_output(struct exec *x, size_t max)
{
    char chunk[CHUNK_BYTES];

    for (size_t total = 0; total < max;) {
        ssize_t n = read(x->pipe_fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
        take_output(x, chunk, (size_t)n);
        if (x->output.max > 0)
            explicit_bzero(chunk, (size_t)n);
        total += (size_t)n;
    }
    return true;
}

static void on_output(void *arg)
{
    struct exec *x = arg;

    if (read_output(x, EXEC_TURN_BYTES))
        return;
    loop_fd_free(x->pipe_watch);
    x->pipe_watch = NULL;
}

/* ---- the end -------------------------------------------------------------------------------- */

void exec_detach(struct exec *x)
{
    loop_fd_free(x->exit_watch);
    loop_fd_free(x->pipe_watch);
    loop_timer_free(x->timer);
    if (x->pidfd >= 0)
        close(x->pidfd);
    close(x->pipe_fd);
    buf_fini(&x->output);
    mem_free(x);
}

static void on_exit_of(void *arg)
{
    struct exec *x = arg;
    siginfo_t info = { 0 };

    (void)read_output(x, EXEC_PIPE_BYTES);
    end_line(x);
    /* Before it is reaped: as long as it is a zombie nobody else can get its group's number. */
    if (x->is_stopping)
        kill(-x->pid, SIGKILL);
    int rc = waitid(P_PIDFD, (id_t)x->pidfd, &info, WEXITED);
    assert(rc == 0);
    x->result.end = info.si_code == CLD_EXITED ? EXEC_EXITED : EXEC_SIGNALLED;
    x->result.code = info.si_status;
    if (x->is_timed_out)
        x->result.end = EXEC_TIMED_OUT;

    struct exec_result result = x->result;
    exec_done *done = x->done;
    void *done_arg = x->arg;
    struct buf output = x->output;
    buf_init(&x->output, 0);
    exec_detach(x);
    result.output = buf_text(&output);
    result.kept_bytes = output.len;
    if (done != NULL)
        done(done_arg, &result);
    buf_fini(&output);
}

static void stop(struct exec *x)
{
    if (x->is_stopping)
        return;
    x->is_stopping = true;
    kill(-x->pid, SIGTERM);
    loop_timer_set(x->timer, mono_add(mono_now(), EXEC_KILL_MS));
}

static void on_timer(void *arg)
{
    struct exec *x = arg;

    if (x->is_stopping) {
        kill(-x->pid, SIGKILL);
        return;
    }
    x->is_timed_out = true;
    stop(x);
}

void exec_cancel(struct exec *x)
{
    x->done = NULL;
    stop(x);
}

/* ---- the start ------------------------------------------------------------------------------ */

static int move_up(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SOURCE_FD);
}

/* Both ends above the descriptors that the program gets. */
static int make_pipe(int fds[2], struct err *err)
{
    int low[2];

    if (pipe2(low, O_CLOEXEC) != 0)
        return err_sys(err, errno, "cannot make a pipe");
    fds[0] = move_up(low[0]);
    fds[1] = move_up(low[1]);
    int saved = errno;
    close(low[0]);
    close(low[1]);
    if (fds[0] >= 0 && fds[1] >= 0) {
        /* A smaller one does as well, it only fills sooner. */
        (void)fcntl(fds[0], F_SETPIPE_SZ, EXEC_PIPE_BYTES);
        return 0;
    }
    if (fds[0] >= 0)
        close(fds[0]);
    return err_sys(err, saved, "cannot make a pipe");
}

/* The program's descriptors: 0 /dev/null, 1 and 2 the pipe, 3 the lock if there is one, then the
 * pipe's other end. */
static int set_descriptors(posix_spawn_file_actions_t *actions, const int pipe_fds[2], int lock_fd,
                           bool is_stderr_kept)
{
    int next = 3;
    int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, pipe_fds[1], 1);
    if (rc == 0)
        rc = is_stderr_kept
                 ? posix_spawn_file_actions_adddup2(actions, pipe_fds[1], 2)
                 : posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
    if (rc == 0 && lock_fd >= 0)
        rc = posix_spawn_file_actions_adddup2(actions, lock_fd, next++);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, pipe_fds[0], next++);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, next);
    if (rc == 0)
        rc = posix_spawn_file_actions_addchdir_np(actions, "/");
    return rc;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t set;
    int rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                      POSIX_SPAWN_SETSIGMASK);

    sigfillset(&set);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attributes, &set);
    sigemptyset(&set);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &set);
    return rc;
}

/* posix_spawn takes arrays of char * that it does not change. */
static char *const *words(const char *const *list)
{
    union {
        const char *const *in;
        char *const *out;
    } cast = { .in = list };

    return cast.out;
}

static int spawn(const struct exec_request *request, const int pipe_fds[2], int lock_fd, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = set_descriptors(&actions, pipe_fds, lock_fd, request->output_max_bytes == 0);
        if (rc == 0)
            rc = set_attributes(&attributes);
        if (rc == 0)
            rc = posix_spawn(pid, request->argv[0], &actions, &attributes, words(request->argv),
                             words(request->env));
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* Spawns with the lock moved out of the way. */
static int spawn_with_lock(const struct exec_request *request, const int pipe_fds[2], pid_t *pid,
                           struct err *err)
{
    int lock_fd = -1;

    if (request->lock_fd >= 0 && (lock_fd = move_up(request->lock_fd)) < 0)
        return err_sys(err, errno, "cannot hand the lock to %s", request->argv[0]);
    int rc = spawn(request, pipe_fds, lock_fd, pid);
    if (lock_fd >= 0)
        close(lock_fd);
    if (rc == ENOENT)
        return err_set(err, ERR_SYS, "cannot run %s: it or its interpreter does not exist",
                       request->argv[0]);
    if (rc == ENOEXEC)
        return err_set(err, ERR_SYS,
                       "cannot run %s: neither a program nor a script that begins with #!",
                       request->argv[0]);
    return rc == 0 ? 0 : err_sys(err, rc, "cannot run %s", request->argv[0]);
}

int exec_start(struct loop *loop, const struct exec_request *request, exec_done *done, void *arg,
               struct exec **out, struct err *err)
{
    int pipe_fds[2] = { -1, -1 };
    pid_t pid = 0;

    if (exec_check(request->argv[0], err) != 0 || make_pipe(pipe_fds, err) != 0)
        return -1;
    int rc = spawn_with_lock(request, pipe_fds, &pid, err);
    close(pipe_fds[1]);
    if (rc != 0) {
        close(pipe_fds[0]);
        return -1;
    }
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        rc = err_sys(err, errno, "cannot watch %s, so it was killed", request->argv[0]);
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(pipe_fds[0]);
        return rc;
    }
    /* Of the read end alone: the program's own writes go on blocking. */
    (void)fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
    struct exec *x = mem_zalloc(sizeof(*x));
    x->loop = loop;
    x->pid = pid;
    x->pidfd = pidfd;
    x->pipe_fd = pipe_fds[0];
    x->done = done;
    x->arg = arg;
    buf_init(&x->output, request->output_max_bytes);
    x->output.is_secret = true;
    x->timer = loop_timer_new(loop, on_timer, x);
    loop_timer_set(x->timer, mono_add(mono_now(), request->timeout_ms));
    x->exit_watch = loop_fd_new(loop, pidfd, false, on_exit_of, x);
    x->pipe_watch = loop_fd_new(loop, x->pipe_fd, false, on_output, x);
    *out = x;
    return 0;
}
