/* dnsflip/supervisor_hand_over.h -- what a supervisor tells the program that it executes in its
 * place: which of the descriptors that stay open are what.  Lines of text in a sealed memfd, whose
 * number is in the environment:
 *
 *     dnsflip-hand-over 1          format
 *     from 0.1.0                   version of who wrote it
 *     path /usr/sbin/dnsflip       where the program is installed
 *     count 3                      hand-overs since the service was started
 *     programs 11 12               executables of dnsflip and of dnsflip-face, opened
 *     before 13 14                 those of who wrote it, to go back to; missing if there is no way
 *     pair 7 5 6                   generation, descriptors; missing if there is none
 *     face 4711 8                  pid, link; missing if none runs
 *     socket 1 2 20 21 [::1]:53    role, how many, descriptors, address or path
 *     end
 *
 * A new line, or a new meaning of one, is a new format; a program reads its own and older ones. */
#ifndef DNSFLIP_SUPERVISOR_HAND_OVER_H
#define DNSFLIP_SUPERVISOR_HAND_OVER_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/supervisor_formats.h"
#include "dnsflip/supervisor_sockets.h"

#define SUPERVISOR_HAND_OVER_FORMAT 1
#define SUPERVISOR_HAND_OVER_BYTES_MAX (1U << 18)
#define SUPERVISOR_HAND_OVER_VARIABLE "DNSFLIP_HAND_OVER" /* "PID:DESCRIPTOR" */
#define SUPERVISOR_HAND_OVER_PAIR_MAX 4                   /* descriptors of a pair */

struct supervisor_programs {
    int main, face; /* -1 = none */
};

/* The descriptors belong to whoever made this. */
struct supervisor_hand_over {
    char version[SUPERVISOR_FORMATS_VERSION_BYTES];
    char path[PATH_MAX];
    uint64_t count;
    struct supervisor_programs programs, before;
    uint64_t generation; /* 0 = no pair */
    int pair[SUPERVISOR_HAND_OVER_PAIR_MAX];
    size_t n_pair;
    pid_t face; /* 0 = none */
    int face_link;
    struct supervisor_sockets sockets;
};

/* All -1 and 0. */
void supervisor_hand_over_init(struct supervisor_hand_over *h);

/* Writes h as text.  PURE but for the buffer. */
__attribute__((warn_unused_result)) int
supervisor_hand_over_print(const struct supervisor_hand_over *h, struct buf *out, struct err *err);

/* Reads it back; believes nothing: every number is checked, no descriptor comes twice.
 * ERR_CONFLICT: of a newer format; ERR_REMOTE: else.  PURE. */
__attribute__((warn_unused_result)) int supervisor_hand_over_parse(const char *text, size_t n,
                                                                   struct supervisor_hand_over *out,
                                                                   struct err *err);

/* A sealed memfd with its text, close-on-exec; -1 on failure. */
__attribute__((warn_unused_result)) int
supervisor_hand_over_write(const struct supervisor_hand_over *h, struct err *err);

/* Reads such a memfd; fd stays open. */
__attribute__((warn_unused_result)) int
supervisor_hand_over_read(int fd, struct supervisor_hand_over *out, struct err *err);

/* Calls visit with each descriptor that h names; stops at the first that fails. */
__attribute__((warn_unused_result)) int
supervisor_hand_over_each(const struct supervisor_hand_over *h,
                          int (*visit)(void *arg, int fd, struct err *err), void *arg,
                          struct err *err);

#endif
