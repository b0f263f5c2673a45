#include "dnsflip/supervisor_notify.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/str.h"

#define USEC_PER_MS 1000
#define WATCHDOG_FEEDS 3 /* per time that it waits: one may be late */

static int open_socket(struct supervisor_notify *n, const char *name, struct err *err)
{
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len < 2)
        return err_set(err, ERR_CONFIG,
                       "NOTIFY_SOCKET is \"%s\": neither a path nor @ and an abstract name", name);
    if (len >= sizeof(n->addr.sun_path))
        return err_set(err, ERR_LIMIT, "NOTIFY_SOCKET has %zu bytes; at most %zu are possible", len,
                       sizeof(n->addr.sun_path) - 1);
    n->addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(n->addr.sun_path, name, len);
    if (name[0] == '@')
        n->addr.sun_path[0] = '\0';
    n->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return n->fd >= 0 ? 0 : err_sys(err, errno, "socket for the service manager");
}

int supervisor_notify_open(struct supervisor_notify *n, const char *socket_name,
                           const char *watchdog_usec, const char *watchdog_pid, pid_t self,
                           struct err *err)
{
    uint64_t usec = 0;
    uint64_t pid = 0;

    *n = (struct supervisor_notify){ .fd = -1 };
    if (socket_name == NULL)
        return 0;
    if (watchdog_usec != NULL && !str_parse_u64(watchdog_usec, INT64_MAX, &usec))
        return err_set(err, ERR_CONFIG, "WATCHDOG_USEC is \"%s\", not a number of microseconds",
                       watchdog_usec);
    if (watchdog_pid != NULL &&
        (!str_parse_u64(watchdog_pid, INT32_MAX, &pid) || pid != (uint64_t)self))
        usec = 0; /* meant for another process */
    if (open_socket(n, socket_name, err) != 0)
        return -1;
    n->watchdog_ms = (int64_t)(usec / USEC_PER_MS);
    return 0;
}

void supervisor_notify_close(struct supervisor_notify *n)
{
    if (n->fd >= 0)
        (void)close(n->fd);
    n->fd = -1;
}

/* The protocol is lines: a text from elsewhere must not make one of its own. */
static void one_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ')
            *text = ' ';
    }
}

bool supervisor_notify_compose(const struct supervisor_notify_state *told,
                               const struct supervisor_notify_state *now, uint64_t monotonic_usec,
                               char out[static SUPERVISOR_NOTIFY_BYTES])
{
    char status[SUPERVISOR_NOTIFY_STATUS_BYTES];
    char reloading[64] = "";
    bool is_stopping = now->is_stopping && !told->is_stopping;
    bool is_reloading = now->is_reloading && !told->is_reloading;
    bool is_ready = now->is_ready && !now->is_reloading && (!told->is_ready || told->is_reloading);

    if (!is_stopping && !is_reloading && !is_ready && strcmp(told->status, now->status) == 0)
        return false;
    (void)str_copy(status, sizeof(status), now->status);
    one_line(status);
    if (is_reloading)
        (void)str_format(reloading, sizeof(reloading), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
                         (unsigned long long)monotonic_usec);
    return str_format(out, SUPERVISOR_NOTIFY_BYTES, "%s%s%sSTATUS=%s\n",
                      is_stopping ? "STOPPING=1\n" : "", reloading, is_ready ? "READY=1\n" : "",
                      status);
}

static int send_text(const struct supervisor_notify *n, const char *text, struct err *err)
{
    ssize_t sent = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
                          (const struct sockaddr *)&n->addr, n->addr_len);

    return sent >= 0 ? 0 : err_sys(err, errno, "the service manager cannot be told");
}

int supervisor_notify_tell(struct supervisor_notify *n, const struct supervisor_notify_state *state,
                           bool is_healthy, struct mono now, struct err *err)
{
    char text[SUPERVISOR_NOTIFY_BYTES];

    if (n->fd < 0)
        return 0;
    if (supervisor_notify_compose(&n->told, state, (uint64_t)mono_awake_us(), text)) {
        if (send_text(n, text, err) != 0)
            return -1;
        n->told = *state;
    }
    if (n->watchdog_ms == 0 || !is_healthy ||
        mono_since(now, n->fed) < n->watchdog_ms / WATCHDOG_FEEDS)
        return 0;
    if (send_text(n, "WATCHDOG=1\n", err) != 0)
        return -1;
    n->fed = now;
    return 0;
}
