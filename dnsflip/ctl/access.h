/* dnsflip/ctl/access.h -- who is at the other end of the control socket, and what they may do. */
#ifndef DNSFLIP_CTL_ACCESS_H
#define DNSFLIP_CTL_ACCESS_H

#include <stddef.h>
#include <sys/types.h>

#include "dnsflip/base/err.h"
#include "dnsflip/model/settings.h"

#define ACCESS_GROUPS_MAX 65536 /* the kernel's own limit for one process */

/* As the kernel saw the peer when it connected. */
struct access_peer {
    uid_t uid;
    gid_t *gids; /* owned; the effective group first, then the supplementary ones */
    size_t n_gids;
};

__attribute__((warn_unused_result)) int access_peer_read(int fd, struct access_peer *out,
                                                         struct err *err);
void access_peer_fini(struct access_peer *peer);

/* The highest role that peer holds; uid 0 and own_uid hold all.  Pure. */
enum access_role access_role_of(const struct node_cfg *node, const struct access_peer *peer,
                                uid_t own_uid);

const char *access_role_name(enum access_role role); /* "none" "read" "operate" "admin" */

/* "uid:1000 alice", the name as /etc/passwd has it: asking a directory service could hang in the
 * very outage that this is for.  Returns out. */
const char *access_actor(uid_t uid, char out[static ACTOR_BYTES]);

#endif
