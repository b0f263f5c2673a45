/* dnsflip/supervisor_notify.h -- what a service manager is told over the socket that NOTIFY_SOCKET
 * names, as sd_notify(3) does. */
#ifndef DNSFLIP_SUPERVISOR_NOTIFY_H
#define DNSFLIP_SUPERVISOR_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/mono.h"

#define SUPERVISOR_NOTIFY_STATUS_BYTES 320
#define SUPERVISOR_NOTIFY_BYTES 512

/* What there is to tell. */
struct supervisor_notify_state {
    bool is_ready;
    bool is_reloading;
    bool is_stopping;
    char status[SUPERVISOR_NOTIFY_STATUS_BYTES]; /* one line for people */
};

struct supervisor_notify {
    int fd; /* owned; -1 = nobody asked to be told */
    struct sockaddr_un addr;
    socklen_t addr_len;
    int64_t watchdog_ms; /* longest silence that is not taken for death; 0 = any */
    struct mono fed;
    struct supervisor_notify_state told;
};

/* From the values of NOTIFY_SOCKET (a path, or @ and an abstract name), WATCHDOG_USEC and
 * WATCHDOG_PID, each NULL if not set; self: this process.  Without the first there is nobody to
 * tell, and that is no failure. */
__attribute__((warn_unused_result)) int supervisor_notify_open(struct supervisor_notify *n,
                                                               const char *socket_name,
                                                               const char *watchdog_usec,
                                                               const char *watchdog_pid, pid_t self,
                                                               struct err *err);
void supervisor_notify_close(struct supervisor_notify *n);

/* Writes what of now is news after told; monotonic_usec: CLOCK_MONOTONIC.  False if nothing is.
 * PURE. */
bool supervisor_notify_compose(const struct supervisor_notify_state *told,
                               const struct supervisor_notify_state *now, uint64_t monotonic_usec,
                               char out[static SUPERVISOR_NOTIFY_BYTES]);

/* Tells the news, never waits, and feeds the watchdog when it is due unless is_healthy is false.
 * On failure the news stay news for the next call. */
__attribute__((warn_unused_result)) int
supervisor_notify_tell(struct supervisor_notify *n, const struct supervisor_notify_state *state,
                       bool is_healthy, struct mono now, struct err *err);

#endif
