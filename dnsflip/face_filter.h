/* dnsflip/face_filter.h -- the system calls that the face may make once strangers can reach it: a
 * seccomp filter, written out, since the face links nothing but libc. */
#ifndef DNSFLIP_FACE_FILTER_H
#define DNSFLIP_FACE_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <sys/types.h>

#include "dnsflip/base/err.h"

#define FACE_FILTER_STEPS_MAX 700 /* of the program; the kernel's own limit is 4096 */

/* Writes the program for a process with the pid self; returns its length, 0 on an architecture
 * that it is not written for.  A call that no rule allows kills the process.  PURE. */
size_t face_filter_compile(struct sock_filter out[static FACE_FILTER_STEPS_MAX], pid_t self);

/* Sets it for every thread of this process and all that it starts later; it cannot be taken away
 * again.  no_new_privs must be set.  1 = it is on; 0 = there is none for this architecture or this
 * kernel, *err says which; -1 on failure. */
__attribute__((warn_unused_result)) int face_filter_set(struct err *err);

#endif
