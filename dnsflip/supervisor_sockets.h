/* dnsflip/supervisor_sockets.h -- the sockets the supervisor has bound and keeps. */
#ifndef DNSFLIP_SUPERVISOR_SOCKETS_H
#define DNSFLIP_SUPERVISOR_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/link.h"

struct supervisor_socket {
    enum link_role role;
    struct inet_addr addr; /* as bound; unset for LINK_ROLE_CONTROL */
    char path[LINK_PATH_BYTES];
    int fds[LINK_THREADS_MAX]; /* owned */
    uint32_t n_fds;            /* DNS_UDP: one per thread; else 1 */
    bool is_wanted;            /* by the judge that runs now */
};

struct supervisor_sockets {
    struct supervisor_socket items[LINK_SOCKETS_MAX];
    size_t n;
    uint32_t threads; /* of all DNS_UDP items: what the last LINK_BIND asked for */
    uint64_t changes; /* of the face's sockets, counted: it has the set of some count */
};

/* Carries out a LINK_BIND, and marks the socket wanted.  The item stays the set's. */
__attribute__((warn_unused_result)) int
supervisor_sockets_bind(struct supervisor_sockets *s, const struct link_message *ask,
                        const struct supervisor_socket **out, struct err *err);

/* From now on nothing is wanted until a bind asks for it. */
void supervisor_sockets_forget(struct supervisor_sockets *s);

/* Closes what is not wanted, then forgets the face's: the judge keeps its own for as long as
 * it lives. */
void supervisor_sockets_drop(struct supervisor_sockets *s);

/* Closes all, and removes the control socket's file. */
void supervisor_sockets_close(struct supervisor_sockets *s);

/* Sends the face's sockets as LINK_LISTEN messages. */
__attribute__((warn_unused_result)) int supervisor_sockets_send(const struct supervisor_sockets *s,
                                                                int link, struct err *err);

#endif
