#include "dnsflip/ctl/access.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define FIRST_GROUPS 64
#define PASSWD_LINE_BYTES 1024

int access_peer_read(int fd, struct access_peer *out, struct err *err)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    size_t room = FIRST_GROUPS;

    *out = (struct access_peer){ .uid = 0 };
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
        return err_sys(err, errno, "cannot ask who connected");
    gid_t *gids = mem_array(room + 1, sizeof(*gids));
    for (;;) {
        len = (socklen_t)(room * sizeof(*gids));
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids + 1, &len) == 0)
            break;
        if (errno != ERANGE || room >= ACCESS_GROUPS_MAX) {
            (void)err_sys(err, errno, "cannot ask for the groups of uid %u", (unsigned)cred.uid);
            mem_free(gids);
            return -1;
        }
        room = len / sizeof(*gids) > room ? len / sizeof(*gids) : room * 2;
        gids = mem_resize(gids, room + 1, sizeof(*gids));
    }
    gids[0] = cred.gid;
    out->uid = cred.uid;
    out->gids = gids;
    out->n_gids = 1 + len / sizeof(*gids);
    return 0;
}

void access_peer_fini(struct access_peer *peer)
{
    mem_free(peer->gids);
    *peer = (struct access_peer){ .uid = peer->uid };
}

static bool is_listed(const struct access_cfg *a, const struct access_peer *peer)
{
    for (unsigned i = 0; i < a->n_uids; i++) {
        if (a->uids[i] == peer->uid)
            return true;
    }
    for (unsigned i = 0; i < a->n_gids; i++) {
        for (size_t k = 0; k < peer->n_gids; k++) {
            if (a->gids[i] == peer->gids[k])
                return true;
        }
    }
    return false;
}

enum access_role access_role_of(const struct node_cfg *node, const struct access_peer *peer,
                                uid_t own_uid)
{
    if (peer->uid == 0 || peer->uid == own_uid || is_listed(&node->admin, peer))
        return ACCESS_ADMIN;
    if (is_listed(&node->operate, peer))
        return ACCESS_OPERATE;
    return is_listed(&node->read, peer) ? ACCESS_READ : ACCESS_NONE;
}

const char *access_role_name(enum access_role role)
{
    switch (role) {
    case ACCESS_NONE:
        return "none";
    case ACCESS_READ:
        return "read";
    case ACCESS_OPERATE:
        return "operate";
    case ACCESS_ADMIN:
        return "admin";
    }
    return "?";
}

const char *access_actor(uid_t uid, char out[static ACTOR_BYTES])
{
    FILE *file = fopen("/etc/passwd", "re");
    char line[PASSWD_LINE_BYTES];
    struct passwd entry, *found = NULL;

    (void)str_format(out, ACTOR_BYTES, "uid:%u", (unsigned)uid);
    if (file == NULL)
        return out;
    while (fgetpwent_r(file, &entry, line, sizeof(line), &found) == 0 && found != NULL) {
        if (found->pw_uid == uid) {
            (void)str_format(out, ACTOR_BYTES, "uid:%u %s", (unsigned)uid, found->pw_name);
            break;
        }
    }
    (void)fclose(file);
    return out;
}
