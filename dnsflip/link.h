/* dnsflip/link.h -- the messages between supervisor, judge and face: one struct link_message per
 * SOCK_SEQPACKET message, descriptors beside it.  The supervisor stands between the other two. */
#ifndef DNSFLIP_LINK_H
#define DNSFLIP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/fdpass.h"
#include "dnsflip/base/inet.h"

#define LINK_VERSION 1
#define LINK_SOCKETS_MAX 64 /* listen addresses x {udp, tcp}, beacons, control, HTTP */
#define LINK_THREADS_MAX 63 /* UDP threads of the face; one more serves TCP */
#define LINK_FD 3           /* a child finds its end of the socket pair here */
#define LINK_PATH_BYTES 108
#define LINK_TEXT_BYTES 256
#define LINK_PAIR_FDS_MAX 3 /* view, page, secrets */

enum link_kind {
    /* judge -> supervisor -------------------------------------------------------------- */
    LINK_HELLO = 1, /* first message of a judge; answered by LINK_KEPT */
    LINK_BIND,      /* bind; answered by LINK_BOUND or LINK_ERROR.  A socket that the supervisor
                       already holds for the same {role, address} is reused. */
    LINK_DROP,      /* close the sockets that this judge does not want: the face's that no
                       LINK_BIND since its last LINK_DROP (or LINK_HELLO) asked for, CONTROL and
                       HTTP that none since its LINK_HELLO did; unanswered */
    LINK_PAIR,    /* fds: view, page, and the secrets that go with them, if there are any (n_fds 3);
                     generation.  Kept, handed to the face (with its sockets, if they changed);
                     answered by LINK_ADOPTED or LINK_ERROR */
    LINK_READY,   /* the first start succeeded: from now on a dead judge is restarted */
    LINK_UPGRADE, /* the installed program is to take over; answered by LINK_LEAVE or LINK_REFUSED
                   */
    LINK_RELOADED, /* a reload, whoever asked for it, has ended; text: why it was refused, else
                      empty */
    /* supervisor -> judge -------------------------------------------------------------- */
    LINK_KEPT,     /* fds as in LINK_PAIR if a pair is kept; generation of it, else 0;
                      upgrades */
    LINK_BOUND,    /* fds: the socket, for role CONTROL and HTTP; none for the face's */
    LINK_ADOPTED,  /* generation: every thread of the face has passed its quiet point on it */
    LINK_COUNTERS, /* fd: the face's counters; sent whenever a face starts */
    LINK_ERROR,    /* text: what failed */
    LINK_RELOAD,   /* SIGHUP came */
    LINK_STOP,     /* SIGTERM or SIGINT came: the judge records what it must and exits 0 */
    LINK_LEAVE,    /* the program whose version is in text may take over: the judge stops as for
                      LINK_STOP, or answers LINK_REFUSED with its reason in text */
    LINK_REFUSED,  /* fd: a memory file that says why there is no upgrade; all goes on */
    /* supervisor -> face: LINK_LISTEN, LINK_PAIR, LINK_STOP;  face -> supervisor: LINK_COUNTERS,
     * LINK_ADOPTED, LINK_ERROR, LINK_ALIVE ---------------------------------------------- */
    LINK_LISTEN, /* fds: the sockets of one {role, address}, one per thread for UDP, else
                    one; role and addr say which.  While more is set another LINK_LISTEN follows;
                    after the last one the face serves exactly this set.  A lone one without fds: no
                    socket */
    LINK_ALIVE,  /* once a second: the face's own loop and its threads go on */
    /* The end of the link tells a face that another one has taken over: it takes no more queries,
     * ends what it has begun and exits 0. */
};

enum link_role {
    LINK_ROLE_DNS_UDP = 1,
    LINK_ROLE_DNS_TCP,
    LINK_ROLE_CONTROL, /* Unix socket, 0660, group as given */
    LINK_ROLE_HTTP,
    LINK_ROLE_BEACON, /* HTTP too, but the face's */
};

struct link_message {
    uint32_t version; /* LINK_VERSION */
    uint32_t kind;
    uint32_t role;
    uint32_t more;       /* LISTEN: another one follows */
    uint32_t threads;    /* BIND of DNS_UDP: answer threads wanted, 0 = one per core; LISTEN: had */
    uint32_t mode;       /* CONTROL: file mode */
    int32_t gid;         /* CONTROL: group, -1 = unchanged; stays what it is if we are not root */
    uint32_t upgrades;   /* KEPT: since the service was started */
    uint64_t generation; /* PAIR, KEPT, ADOPTED; in ERROR: of the pair refused, 0 = no pair */
    struct inet_addr addr;      /* BIND (port 0 = any free one); BOUND: as bound */
    char path[LINK_PATH_BYTES]; /* CONTROL */
    char text[LINK_TEXT_BYTES]; /* ERROR, RELOADED */
};

/* Sends m with n_fds descriptors (they stay open here). */
__attribute__((warn_unused_result)) int link_send(int sock, const struct link_message *m,
                                                  const int fds[], size_t n_fds, struct err *err);

/* Sends m if that can be done at once; whether it was is not told.  For what is said again and
 * again: the end of the link is seen by whoever reads it. */
void link_send_or_drop(int sock, const struct link_message *m);

/* A message of one kind, all else zero (gid -1). */
struct link_message link_message(enum link_kind kind);

/* Receives one message: 1 and *m, 0 at end of file, -1 on failure (retry set on EAGAIN).
 * Descriptors are the caller's.  A message of another size or version fails with ERR_REMOTE and
 * its descriptors closed. */
__attribute__((warn_unused_result)) int link_receive(int sock, struct link_message *m,
                                                     int fds[static FDPASS_FDS_MAX], size_t *n_fds,
                                                     struct err *err);

/* The first call of judge and face: makes LINK_FD close-on-exec, asks for SIGKILL when the
 * supervisor dies (again after each change of uid), and fails with ERR_SYS if it is already dead
 * or if LINK_FD is not a link.  Both hold secrets: core dumps and ptrace of them are forbidden. */
__attribute__((warn_unused_result)) int link_child_guard(struct err *err);

#endif
