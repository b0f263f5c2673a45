/* dnsflip/supervisor_child.h -- one child of the supervisor: privileges, start, end, back-off. */
#ifndef DNSFLIP_SUPERVISOR_CHILD_H
#define DNSFLIP_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/mono.h"

#define SUPERVISOR_GROUPS_MAX 64

/* A user to become; is_set false = stay who we are. */
struct supervisor_user {
    bool is_set;
    uid_t uid;
    gid_t gid;
    gid_t groups[SUPERVISOR_GROUPS_MAX];
    int n_groups;
};

/* How long to wait before a child is started again. */
struct supervisor_backoff {
    int64_t first_ms; /* after a child that lived for stable_ms or longer */
    int64_t min_ms;   /* after the first that did not; then doubled each time ... */
    int64_t max_ms;   /* ... up to here */
    int64_t stable_ms;
};

struct supervisor_program {
    const char *name; /* "judge" */
    int fd;           /* owned: the executable, so that a change of the file changes nothing */
    const char *const *argv; /* borrowed */
    struct supervisor_user user;
    struct supervisor_backoff backoff;
};

struct supervisor_child {
    pid_t pid; /* 0 = does not run */
    int link;  /* our end, not blocking; -1 = none */
    struct mono started;
    struct mono due;   /* when it may start again */
    int64_t waited_ms; /* the last back-off */
};

/* Looks a user up; ERR_CONFIG names the command that makes the user if there is none. */
__attribute__((warn_unused_result)) int
supervisor_user_find(const char *name, struct supervisor_user *out, struct err *err);

/* Opens an executable for supervisor_program.fd, O_PATH: to execute it needs no permission to read
 * it.  Its number is out of the way of what a child finds at fixed ones. */
__attribute__((warn_unused_result)) int supervisor_open_program(const char *path, struct err *err);

/* Opens the face's, which is looked for beside program, then in ../libexec/dnsflip. */
__attribute__((warn_unused_result)) int supervisor_open_face(const char *program, struct err *err);

/* Root may, and whoever was given CAP_SETUID and CAP_SETGID. */
bool supervisor_may_change_users(void);

/* Keeps NET_BIND_SERVICE, SETUID, SETGID, KILL and CHOWN of what this process may do now, and lets
 * no later program have more.  Root that stays root for judge and face (keeps_root) limits only
 * itself: hooks may then need what root may do. */
__attribute__((warn_unused_result)) int supervisor_limit_privileges(bool keeps_root,
                                                                    struct err *err);

/* Forks and executes p with a link at LINK_FD.  c must not run. */
__attribute__((warn_unused_result)) int supervisor_child_start(struct supervisor_child *c,
                                                               const struct supervisor_program *p,
                                                               struct mono now, struct err *err);

/* Forks and executes p without a link: it finds shown at LINK_FD, and what it prints goes to
 * report; both stay open here and have numbers above LINK_FD. */
__attribute__((warn_unused_result)) int supervisor_child_ask(struct supervisor_child *c,
                                                             const struct supervisor_program *p,
                                                             int shown, int report, struct mono now,
                                                             struct err *err);

/* The child has been waited for: closes its link and sets when it may start again. */
void supervisor_child_ended(struct supervisor_child *c, const struct supervisor_program *p,
                            struct mono now);

/* The back-off after one of last_ms (0 = none yet) and a life of lived_ms.  PURE. */
int64_t supervisor_backoff_next(const struct supervisor_backoff *b, int64_t last_ms,
                                int64_t lived_ms);

#endif
