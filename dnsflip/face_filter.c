#include "dnsflip/face_filter.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

#define CLONE_NAMESPACES                                                                           \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

enum verdict {
    ALLOWED,       /* whatever its arguments are */
    ALLOWED_IF,    /* (argument & mask) == value */
    ALLOWED_ON_US, /* the argument is this process's pid */
    UNKNOWN_HERE,  /* fails with ENOSYS: libc then takes the older call, which can be looked into */
};

struct rule {
    uint32_t number;
    enum verdict verdict;
    unsigned argument;
    uint64_t mask, value;
};

#define ALLOW(name)                                                                                \
    {                                                                                              \
        .number = SYS_##name, .verdict = ALLOWED                                                   \
    }
#define ALLOW_IF(name, i, m, v)                                                                    \
    {                                                                                              \
        .number = SYS_##name, .verdict = ALLOWED_IF, .argument = (i), .mask = (m), .value = (v)    \
    }
#define WHOLE UINT64_MAX
#define INT_ARGUMENT UINT64_C(0xffffffff) /* the kernel looks at no more of it */

/* In the order in which they are looked for: what answers a query comes first.  Several rules for
 * one call: any of them may allow it. */
static const struct rule rules[] = {
    /* answering */
    ALLOW(recvmmsg),
    ALLOW(sendmmsg),
#ifdef SYS_epoll_wait
    ALLOW(epoll_wait),
#endif
    ALLOW(epoll_pwait),
    ALLOW(recvfrom),
    ALLOW(sendto),
    ALLOW(accept4),
    ALLOW(close),
#ifdef SYS_poll
    ALLOW(poll),
#endif
    ALLOW(ppoll),
    ALLOW(epoll_ctl),
    ALLOW(epoll_create1),
    ALLOW(recvmsg),
    ALLOW(sendmsg),
    ALLOW(read),
    ALLOW(write),
    ALLOW(readv),
    ALLOW(writev),
    ALLOW(shutdown),
    ALLOW(getsockname),
    ALLOW(getpeername),
    ALLOW(getsockopt),
    /* time: where the vdso cannot tell it the kernel is asked */
    ALLOW(clock_gettime),
    ALLOW(clock_getres),
    ALLOW(clock_nanosleep),
    ALLOW(nanosleep),
    ALLOW(gettimeofday),
#ifdef SYS_time
    ALLOW(time),
#endif
    /* memory, none of it executable; views and pages come as descriptors */
    ALLOW_IF(mmap, 2, PROT_EXEC, 0),
    ALLOW_IF(mprotect, 2, PROT_EXEC, 0),
    ALLOW(munmap),
    ALLOW(mremap),
    ALLOW(brk),
    ALLOW(madvise),
    ALLOW(fstat),
    ALLOW_IF(newfstatat, 3, AT_EMPTY_PATH, AT_EMPTY_PATH), /* how libc asks for fstat */
    ALLOW_IF(fcntl, 1, INT_ARGUMENT, F_GET_SEALS),
    ALLOW_IF(fcntl, 1, INT_ARGUMENT, F_GETFD),
    ALLOW_IF(fcntl, 1, INT_ARGUMENT, F_SETFD),
    ALLOW_IF(fcntl, 1, INT_ARGUMENT, F_GETFL),
    ALLOW_IF(fcntl, 1, INT_ARGUMENT, F_SETFL),
    ALLOW(getrandom),
    /* threads, which a change of listen addresses starts anew; never a process */
    ALLOW(futex),
    ALLOW_IF(clone, 0, CLONE_THREAD | CLONE_NAMESPACES, CLONE_THREAD),
    { .number = SYS_clone3, .verdict = UNKNOWN_HERE },
    ALLOW(set_robust_list),
#ifdef SYS_rseq
    ALLOW(rseq),
#endif
    ALLOW_IF(prctl, 0, INT_ARGUMENT, PR_SET_NAME),
    ALLOW_IF(prlimit64, 2, WHOLE, 0), /* to read a limit */
    ALLOW(sched_getaffinity),
    ALLOW(sched_yield),
    ALLOW(getpid),
    ALLOW(gettid),
    ALLOW(exit),
    ALLOW(exit_group),
    /* signals: between our threads, and abort(3) */
    ALLOW(rt_sigaction),
    ALLOW(rt_sigprocmask),
    ALLOW(rt_sigreturn),
    ALLOW(restart_syscall),
    { .number = SYS_tgkill, .verdict = ALLOWED_ON_US, .argument = 0 },
};

#define OFFSET_OF_LOW(i) (offsetof(struct seccomp_data, args) + (size_t)8 * (i))

static struct sock_filter load(size_t offset)
{
    return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter mask_with(uint32_t mask)
{
    return (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask);
}

/* Goes on with the next step if what is loaded is value, else skips so many. */
static struct sock_filter or_skip(uint32_t value, uint8_t steps)
{
    return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, steps);
}

static struct sock_filter end_with(uint32_t action)
{
    return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
}

/* The number of the call is loaded before a rule and behind it.  Returns the steps written. */
static size_t compile_rule(struct sock_filter *out, const struct rule *r, uint32_t self)
{
    uint64_t mask = r->verdict == ALLOWED_ON_US ? INT_ARGUMENT : r->mask;
    uint64_t value = r->verdict == ALLOWED_ON_US ? self : r->value;

    if (r->verdict == ALLOWED || r->verdict == UNKNOWN_HERE) {
        out[0] = or_skip(r->number, 1);
        out[1] = end_with(r->verdict == ALLOWED ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | ENOSYS);
        return 2;
    }
    const struct sock_filter steps[] = {
        or_skip(r->number, 8),
        load(OFFSET_OF_LOW(r->argument)),
        mask_with((uint32_t)mask),
        or_skip((uint32_t)value, 4),
        load(OFFSET_OF_LOW(r->argument) + 4),
        mask_with((uint32_t)(mask >> 32)),
        or_skip((uint32_t)(value >> 32), 1),
        end_with(SECCOMP_RET_ALLOW),
        load(offsetof(struct seccomp_data, nr)),
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        out[i] = steps[i];
    return sizeof(steps) / sizeof(steps[0]);
}

#define RULES (sizeof(rules) / sizeof(rules[0]))
#define RULE_STEPS_MAX 9
#define FRAME_STEPS 5

static_assert(FRAME_STEPS + RULES * RULE_STEPS_MAX <= FACE_FILTER_STEPS_MAX, "every rule fits");

size_t face_filter_compile(struct sock_filter out[static FACE_FILTER_STEPS_MAX], pid_t self)
{
    size_t n = 0;

    if (ARCHITECTURE == 0)
        return 0;
    /* Numbers mean other calls under another ABI: the 32-bit one of a 64-bit kernel has its own
     * architecture, and x32 has numbers that no rule has. */
    out[n++] = load(offsetof(struct seccomp_data, arch));
    out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    out[n++] = end_with(SECCOMP_RET_KILL_PROCESS);
    out[n++] = load(offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < RULES; i++)
        n += compile_rule(out + n, &rules[i], (uint32_t)self);
    out[n++] = end_with(SECCOMP_RET_KILL_PROCESS);
    return n;
}

int face_filter_set(struct err *err)
{
    struct sock_filter steps[FACE_FILTER_STEPS_MAX];
    size_t n = face_filter_compile(steps, getpid());
    const struct sock_fprog program = { .len = (unsigned short)n, .filter = steps };

    if (n == 0) {
        (void)err_set(err, ERR_SYS, "it is written for x86_64 and aarch64 only");
        return 0;
    }
    long failed =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (failed == 0)
        return 1;
    if (failed > 0)
        return err_set(err, ERR_SYS, "thread %ld has a filter of its own", failed);
    if (errno != ENOSYS && errno != EINVAL)
        return err_sys(err, errno, "seccomp");
    (void)err_sys(err, errno, "this kernel has no seccomp filters");
    return 0;
}
