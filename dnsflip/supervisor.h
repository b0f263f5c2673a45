/* dnsflip/supervisor.h -- the first process: binds, keeps descriptors, starts and restarts judge
 * and face, stands between them.  Reads no configuration; its sources include base/ and link.h
 * only. */
#ifndef DNSFLIP_SUPERVISOR_H
#define DNSFLIP_SUPERVISOR_H

#include <stdbool.h>

#include "dnsflip/base/err.h"

#define SUPERVISOR_JUDGE_USER "dnsflip"
#define SUPERVISOR_FACE_USER "dnsflip-face"

struct supervisor_options {
    const char *const
        *judge_argv;  /* of the judge, which is this same executable; NULL at the end */
    bool single_user; /* as root too, all three keep the uid (lab, container) */
    /* For an upgrade: */
    const char *path;              /* where this program is installed */
    const char *formats;           /* its line: see supervisor_formats.h */
    char *const *argv;             /* its own, with which the new one is executed */
    const char *const *check_argv; /* of the new one, to be asked whether it could start here; it
                                      finds what would be handed over at LINK_FD */
};

/* Runs until SIGTERM or SIGINT has been obeyed, or until a judge failed its first start.  Returns
 * the exit code for the program: 0, or the judge's; -1 if nothing could be started. */
__attribute__((warn_unused_result)) int supervisor_run(const struct supervisor_options *o,
                                                       struct err *err);

#endif
