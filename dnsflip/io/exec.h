/* dnsflip/io/exec.h -- a program run without a shell, watched through a pidfd: how it ended, and
 * the last line it wrote. */
#ifndef DNSFLIP_IO_EXEC_H
#define DNSFLIP_IO_EXEC_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"

struct exec;
struct loop;

#define EXEC_LINE_BYTES 200        /* of the last line kept */
#define EXEC_KILL_MS INT64_C(5000) /* from SIGTERM to SIGKILL */
#define EXEC_TURN_BYTES 65536      /* of output read in one turn: a flood does not hold the loop */
#define EXEC_PIPE_BYTES 1048576    /* of output that wait unread if nobody reads any more */

struct exec_request {
    const char *const *argv; /* ended by NULL; argv[0] an absolute path */
    const char *const *env;  /* NAME=VALUE, ended by NULL: all that the program gets */
    int64_t timeout_ms;      /* then SIGTERM to its process group, SIGKILL EXEC_KILL_MS later */
    size_t output_max_bytes; /* 0 = its last line is kept; else all of stdout up to this many
                              * bytes, and stderr goes to /dev/null */
    int lock_fd;             /* kept open in the program as descriptor 3; -1 = none */
};

enum exec_end { EXEC_EXITED = 0, EXEC_SIGNALLED, EXEC_TIMED_OUT };

struct exec_result {
    enum exec_end end;
    int code;                        /* exit status, or number of the signal */
    uint64_t output_bytes;           /* of stdout and stderr together */
    const char *output;              /* if asked for; borrowed while done runs, then overwritten */
    size_t kept_bytes;               /* of output; fewer than output_bytes if it did not fit */
    char last_line[EXEC_LINE_BYTES]; /* that is not blank; cut; control characters are '?' */
};

typedef void exec_done(void *arg, const struct exec_result *result);

/* 0 if path can be run by us: absolute, a regular file, executable, neither setuid nor setgid. */
__attribute__((warn_unused_result)) int exec_check(const char *path, struct err *err);

/* Starts it in a session of its own, in "/", stdin from /dev/null, signals at their defaults, every
 * other descriptor closed.  Its output goes to a pipe that it holds open itself, so that it does
 * not die of writing when we are gone.  done runs exactly once, never before this returns, unless
 * cancelled or detached; after a time-out what is left of its process group is killed first.
 * request is not kept. */
__attribute__((warn_unused_result)) int exec_start(struct loop *loop,
                                                   const struct exec_request *request,
                                                   exec_done *done, void *arg, struct exec **out,
                                                   struct err *err);

/* No callback any more; SIGTERM now, SIGKILL EXEC_KILL_MS later.  Frees itself once it has ended:
 * the loop must live that long, or exec_detach be called. */
void exec_cancel(struct exec *x);

/* No callback any more; the program goes on.  Also after exec_cancel.  Frees x. */
void exec_detach(struct exec *x);

#endif
