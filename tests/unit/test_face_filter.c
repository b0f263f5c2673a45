/* tests/unit/test_face_filter.c -- what the filter says to every system call, by running its
 * program here, and what the kernel makes of it, in children that it may kill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dnsflip/face_filter.h"
#include "tests/support/skip.h"

#define SELF 4711
#define NUMBERS 1024 /* more system calls than any kernel has */

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

static struct sock_filter steps[FACE_FILTER_STEPS_MAX];
static size_t n_steps;

static int compile(void **state)
{
    (void)state;
    n_steps = face_filter_compile(steps, SELF);
    return 0;
}

/* The five instructions that the program is made of; any other fails the test. */
static uint32_t run(const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t i = 0; i < n_steps; i++) {
        const struct sock_filter *s = &steps[i];
        switch (s->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(s->k % 4 == 0 && s->k + 4 <= sizeof(*data));
            memcpy(&a, (const char *)data + s->k, sizeof(a));
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= s->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            i += a == s->k ? s->jt : s->jf;
            break;
        case BPF_RET | BPF_K:
            return s->k;
        default:
            fail_msg("step %zu has the code %u", i, s->code);
        }
    }
    fail_msg("the program has no end");
    return 0;
}

static uint32_t ask(long number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    const struct seccomp_data data = { .nr = (int)number,
                                       .arch = NATIVE,
                                       .args = { a0, a1, a2, a3 } };

    return run(&data);
}

#define assert_allowed(...) assert_int_equal(ask(__VA_ARGS__), SECCOMP_RET_ALLOW)
#define assert_killed(...) assert_int_equal(ask(__VA_ARGS__), SECCOMP_RET_KILL_PROCESS)

static void what_answers_a_query_is_allowed(void **state)
{
    static const long numbers[] = { SYS_recvmmsg, SYS_sendmmsg, SYS_recvfrom,  SYS_sendto,
                                    SYS_recvmsg,  SYS_sendmsg,  SYS_accept4,   SYS_close,
                                    SYS_read,     SYS_write,    SYS_ppoll,     SYS_epoll_pwait,
                                    SYS_munmap,   SYS_futex,    SYS_madvise,   SYS_getrandom,
                                    SYS_fstat,    SYS_exit,     SYS_exit_group };

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_allowed(numbers[i], 0, 0, 0, 0);
}

/* Whoever adds a rule thinks of this list first. */
static void what_leads_out_of_the_process_is_not(void **state)
{
    static const long numbers[] = { SYS_openat,
                                    SYS_openat2,
                                    SYS_socket,
                                    SYS_connect,
                                    SYS_bind,
                                    SYS_listen,
                                    SYS_socketpair,
                                    SYS_setsockopt,
                                    SYS_execve,
                                    SYS_execveat,
                                    SYS_ptrace,
                                    SYS_process_vm_readv,
                                    SYS_kill,
                                    SYS_tkill,
                                    SYS_pidfd_open,
                                    SYS_pidfd_getfd,
                                    SYS_memfd_create,
                                    SYS_bpf,
                                    SYS_io_uring_setup,
                                    SYS_io_uring_enter,
                                    SYS_userfaultfd,
                                    SYS_keyctl,
                                    SYS_perf_event_open,
                                    SYS_unshare,
                                    SYS_setns,
                                    SYS_mount,
                                    SYS_chroot,
                                    SYS_setuid,
                                    SYS_setresuid,
                                    SYS_capset,
                                    SYS_seccomp,
                                    SYS_personality,
                                    SYS_shmat,
                                    SYS_pkey_mprotect,
                                    SYS_unlinkat,
                                    SYS_linkat,
                                    SYS_renameat2,
                                    SYS_mkdirat,
                                    SYS_fchmodat,
                                    SYS_fchownat,
                                    SYS_getdents64,
                                    SYS_readlinkat,
                                    SYS_statx,
                                    SYS_ioctl,
                                    SYS_dup3,
                                    SYS_pipe2,
                                    SYS_rt_sigqueueinfo,
                                    SYS_process_madvise,
                                    SYS_timer_create,
                                    SYS_eventfd2,
                                    SYS_name_to_handle_at };

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_killed(numbers[i], 0, 0, 0, 0);
}

static void no_memory_becomes_executable(void **state)
{
    (void)state;
    for (uint64_t prot = 0; prot < 16; prot++) {
        bool is_executable = (prot & PROT_EXEC) != 0;
        uint32_t verdict = is_executable ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW;
        assert_int_equal(ask(SYS_mmap, 0, 4096, prot, MAP_PRIVATE), verdict);
        assert_int_equal(ask(SYS_mprotect, 0, 4096, prot, 0), verdict);
    }
}

static void a_thread_may_start_but_no_process_and_no_namespace(void **state)
{
    const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND |
                            CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID |
                            CLONE_CHILD_CLEARTID;

    (void)state;
    assert_allowed(SYS_clone, thread, 0, 0, 0);
    assert_killed(SYS_clone, SIGCHLD, 0, 0, 0);
    assert_killed(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0);
    assert_killed(SYS_clone, thread | CLONE_NEWUSER, 0, 0, 0);
    assert_killed(SYS_clone, thread | CLONE_NEWNET, 0, 0, 0);
    assert_int_equal(ask(SYS_clone3, 0, 88, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
#ifdef SYS_fork
    assert_killed(SYS_fork, 0, 0, 0, 0);
    assert_killed(SYS_vfork, 0, 0, 0, 0);
#endif
}

static void signals_go_to_this_process_alone(void **state)
{
    (void)state;
    assert_allowed(SYS_tgkill, SELF, SELF + 1, SIGUSR1, 0);
    assert_killed(SYS_tgkill, SELF + 1, SELF + 1, SIGKILL, 0);
    assert_killed(SYS_tgkill, 1, 1, SIGKILL, 0);
}

static void a_limit_may_be_read_and_not_set(void **state)
{
    (void)state;
    assert_allowed(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, 0x7fff0000);
    assert_killed(SYS_prlimit64, 0, RLIMIT_NOFILE, 0x7fff0000, 0);
    assert_killed(SYS_prlimit64, 0, RLIMIT_NOFILE, UINT64_C(1) << 32, 0); /* a pointer too */
}

static void of_these_calls_only_some_uses_are_allowed(void **state)
{
    (void)state;
    assert_allowed(SYS_prctl, PR_SET_NAME, 0, 0, 0);
    assert_killed(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0);
    assert_killed(SYS_prctl, PR_SET_SECCOMP, 0, 0, 0);
    assert_allowed(SYS_fcntl, 4, F_GET_SEALS, 0, 0);
    assert_allowed(SYS_fcntl, 4, F_SETFL, O_NONBLOCK, 0);
    assert_killed(SYS_fcntl, 4, F_SETOWN, 1, 0);
    assert_killed(SYS_fcntl, 4, F_DUPFD, 1, 0);
    assert_allowed(SYS_newfstatat, 4, 0, 0, AT_EMPTY_PATH);
    assert_killed(SYS_newfstatat, 4, 0, 0, 0);
}

static void numbers_of_another_abi_kill(void **state)
{
    struct seccomp_data data = { .arch = AUDIT_ARCH_I386 };

    (void)state;
    for (data.nr = 0; data.nr < NUMBERS; data.nr++)
        assert_int_equal(run(&data), SECCOMP_RET_KILL_PROCESS);
    data.arch = NATIVE;
    for (int i = 0; i < NUMBERS; i++) { /* x32 */
        data.nr = 0x40000000 | i;
        assert_int_equal(run(&data), SECCOMP_RET_KILL_PROCESS);
    }
}

static void no_call_is_unknown_but_clone3(void **state)
{
    struct seccomp_data data = { .arch = NATIVE };
    unsigned n_allowed = 0;

    (void)state;
    for (data.nr = 0; data.nr < NUMBERS; data.nr++) {
        uint32_t verdict = run(&data);
        n_allowed += verdict == SECCOMP_RET_ALLOW;
        assert_true(verdict == SECCOMP_RET_ALLOW || verdict == SECCOMP_RET_KILL_PROCESS ||
                    data.nr == SYS_clone3);
    }
    assert_in_range(n_allowed, 30, 64);
}

/* ------------------------------------------------------------------ in the kernel */

/* How a child ends that sets the filter and then does this: its signal, or -1 - its exit code. */
static int end_of(void (*act)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = { 0 };
        struct err err;
        int quiet = open("/dev/null", O_WRONLY);
        (void)dup2(quiet, STDERR_FILENO);
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)signal(SIGSYS, SIG_DFL);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || face_filter_set(&err) != 1)
            _exit(99);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1 - WEXITSTATUS(status);
}

static void need_kernel(void)
{
#ifdef DNSFLIP_WITHOUT_FACE_FILTER
    SKIP_BECAUSE("a sanitizer's run time makes calls that the filter forbids");
#endif
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
                &(const uint32_t){ SECCOMP_RET_KILL_PROCESS }) != 0)
        SKIP_BECAUSE("this kernel has no seccomp filters");
}

static void open_a_file(void)
{
    (void)open("/dev/null", O_RDONLY);
}

static void make_a_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void execute(void)
{
    static char *const none[] = { NULL };

    (void)execve("/bin/true", none, none);
}

static void fork_once(void)
{
    (void)fork();
}

static void map_executable(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void kill_the_parent(void)
{
    (void)kill(getppid(), 0);
}

static void the_kernel_kills_for_what_is_forbidden(void **state)
{
    static void (*const acts[])(void) = { open_a_file,    make_a_socket,  execute,
                                          fork_once,      map_executable, make_executable,
                                          kill_the_parent };

    (void)state;
    need_kernel();
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        assert_int_equal(end_of(acts[i]), SIGSYS);
}

static void *in_a_thread(void *arg)
{
    char *block = malloc(200000);

    (void)prctl(PR_SET_NAME, "threaded");
    if (block == NULL)
        _exit(1);
    memset(block, 1, 200000);
    free(block);
    return arg;
}

/* With a second one, so that libc reuses a stack too. */
static void start_threads(void)
{
    pthread_t id;

    for (int i = 0; i < 3; i++) {
        if (pthread_create(&id, NULL, in_a_thread, NULL) != 0 || pthread_join(id, NULL) != 0)
            _exit(1);
    }
}

static void ask_for_memory(void)
{
    for (size_t n = 16; n < (64U << 20); n *= 2) {
        char *block = malloc(n);
        if (block == NULL)
            _exit(1);
        block[n - 1] = 1;
        block = realloc(block, 2 * n);
        if (block == NULL)
            _exit(1);
        free(block);
    }
}

/* As where the vdso cannot tell it. */
static void ask_the_time(void)
{
    struct timespec ts = { 0 };

    if (syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &ts) != 0)
        _exit(1);
    ts = (struct timespec){ .tv_nsec = 1 };
    if (nanosleep(&ts, NULL) != 0)
        _exit(1);
}

static void say_something(void)
{
    (void)fprintf(stderr, "%s %d\n", "said", 7);
}

static void threads_memory_time_and_words_go_on(void **state)
{
    (void)state;
    need_kernel();
    assert_int_equal(end_of(start_threads), -1);
    assert_int_equal(end_of(ask_for_memory), -1);
    assert_int_equal(end_of(ask_the_time), -1);
    assert_int_equal(end_of(say_something), -1);
}

static void abort_itself(void)
{
    abort();
}

static void free_what_was_never_given(void)
{
    char *volatile block = malloc(4000);
    char *volatile inside = block + 8;

    free(inside); // NOLINT(clang-analyzer-unix.Malloc): on purpose
}

/* A crash must be seen as what it is, with the words of libc in the log. */
static void an_abort_is_an_abort(void **state)
{
    (void)state;
    need_kernel();
    assert_int_equal(end_of(abort_itself), SIGABRT);
    assert_int_equal(end_of(free_what_was_never_given), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_answers_a_query_is_allowed),
        cmocka_unit_test(what_leads_out_of_the_process_is_not),
        cmocka_unit_test(no_memory_becomes_executable),
        cmocka_unit_test(a_thread_may_start_but_no_process_and_no_namespace),
        cmocka_unit_test(signals_go_to_this_process_alone),
        cmocka_unit_test(a_limit_may_be_read_and_not_set),
        cmocka_unit_test(of_these_calls_only_some_uses_are_allowed),
        cmocka_unit_test(numbers_of_another_abi_kill),
        cmocka_unit_test(no_call_is_unknown_but_clone3),
        cmocka_unit_test(the_kernel_kills_for_what_is_forbidden),
        cmocka_unit_test(threads_memory_time_and_words_go_on),
        cmocka_unit_test(an_abort_is_an_abort),
    };

    return cmocka_run_group_tests_name("face_filter", tests, compile, NULL);
}
