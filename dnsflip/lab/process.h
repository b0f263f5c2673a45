/* dnsflip/lab/process.h -- children of the lab: they end when it does, whatever ends it. */
#ifndef DNSFLIP_LAB_PROCESS_H
#define DNSFLIP_LAB_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"

/* fork(2): 0 in the child, which is in a process group of its own, has signals as a program starts
 * with them, writes both outputs to log_path and gets end_signal when its parent dies. */
__attribute__((warn_unused_result)) pid_t process_fork(const char *name, const char *log_path,
                                                       int end_signal, struct err *err);

/* The same and execv(2). */
__attribute__((warn_unused_result)) pid_t process_start(const char *name, const char *log_path,
                                                        int end_signal, const char *const argv[],
                                                        struct err *err);

/* Sends SIGTERM, SIGKILL after limit_ms, and waits.  pid 0: nothing. */
void process_stop(pid_t pid, int64_t limit_ms);

/* Runs a program to its end; its standard output is appended to out, or (out NULL) is ours.
 * Returns its exit code, 128 + signal, or -1 with err if it did not start. */
__attribute__((warn_unused_result)) int process_run(const char *const argv[], struct buf *out,
                                                    struct err *err);

#endif
