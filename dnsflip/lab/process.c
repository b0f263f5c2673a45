#include "dnsflip/lab/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES 16384
#define NOT_STARTED 127

/* Of the child, before it is anything else. */
static void settle(const char *name, int end_signal, pid_t parent)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, end_signal);
    if (getppid() != parent)
        _exit(NOT_STARTED);
    prctl(PR_SET_NAME, name);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void redirect(int from, int to)
{
    if (from >= 0)
        (void)dup2(from, to);
}

pid_t process_fork(const char *name, const char *log_path, int end_signal, struct err *err)
{
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t parent = getpid();
    pid_t pid = log >= 0 ? fork() : -1;

    if (pid < 0)
        err_sys(err, errno, log >= 0 ? "fork" : "%s", log_path);
    if (pid == 0) {
        settle(name, end_signal, parent);
        /* Ctrl-C at a terminal is for the lab, which ends the others in order. */
        (void)setpgid(0, 0);
        redirect(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        redirect(log, STDOUT_FILENO);
        redirect(log, STDERR_FILENO);
    }
    if (log >= 0)
        close(log);
    return pid;
}

/* execv takes words that it does not change as words that it may. */
static void become(const char *const argv[])
{
    union {
        const char *const *given;
        char *const *taken;
    } words = { .given = argv };

    execv(argv[0], words.taken);
    _exit(NOT_STARTED);
}

pid_t process_start(const char *name, const char *log_path, int end_signal,
                    const char *const argv[], struct err *err)
{
    pid_t pid = process_fork(name, log_path, end_signal, err);

    if (pid == 0)
        become(argv);
    return pid;
}

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_stop(pid_t pid, int64_t limit_ms)
{
    struct pollfd ended = { .events = POLLIN };

    if (pid <= 0)
        return;
    ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
    kill(pid, SIGTERM);
    if (ended.fd < 0 || poll(&ended, 1, (int)limit_ms) == 0)
        kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (ended.fd >= 0)
        close(ended.fd);
}

static void read_all(int fd, struct buf *out)
{
    char bytes[READ_BYTES];
    ssize_t n;

    do {
        n = read(fd, bytes, sizeof(bytes));
        if (n > 0)
            buf_add(out, bytes, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
}

int process_run(const char *const argv[], struct buf *out, struct err *err)
{
    int pipe_fds[2] = { -1, -1 };
    int status = 0;
    pid_t parent = getpid();

    if (out != NULL && pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_sys(err, errno, "pipe");

    pid_t pid = fork();

    if (pid == 0) {
        settle("dnsflip", SIGTERM, parent);
        redirect(pipe_fds[1], STDOUT_FILENO);
        become(argv);
    }
    if (pipe_fds[1] >= 0)
        close(pipe_fds[1]);
    if (pid < 0) {
        err_sys(err, errno, "fork");
    } else {
        if (out != NULL)
            read_all(pipe_fds[0], out);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    if (pipe_fds[0] >= 0)
        close(pipe_fds[0]);
    return pid < 0 ? -1 : exit_code(status);
}
