/* dnsflip/ctl/conn.h -- one client of the control socket: its buffers, and who it is. */
#ifndef DNSFLIP_CTL_CONN_H
#define DNSFLIP_CTL_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/ctl/access.h"
#include "dnsflip/ctl/proto.h"

struct ctl_call;
struct ctl_conn;
struct loop;
struct loop_fd;

/* One whole line without its newline; runs inside the connection's own read. */
typedef void conn_line(struct ctl_conn *conn, const char *line, size_t len);
/* The connection has ended; it is freed when this turn ends. */
typedef void conn_gone(struct ctl_conn *conn);

struct ctl_conn {
    struct loop *loop;               /* borrowed */
    int fd;                          /* owned; -1 once closed */
    struct loop_fd *reader, *writer; /* owned; NULL = not waiting for that */
    struct loop_timer *more;         /* owned; set while whole lines wait for the next turn */
    struct buf in, out;
    struct access_peer peer;
    char actor[ACTOR_BYTES];
    struct mono used; /* last time it asked for something */
    bool is_subscribed;
    bool is_eof;    /* it has sent all; its answers still go out */
    bool is_taking; /* lines are being handed on */
    bool is_ending; /* close as soon as out is empty; nothing more is read */
    conn_line *on_line;
    conn_gone *on_gone;
    void *owner;            /* borrowed: the server */
    struct ctl_call *calls; /* not answered yet */
    size_t n_calls;
    struct ctl_conn *next; /* the server's list */
};

/* Takes fd over, on failure too. */
__attribute__((warn_unused_result)) int conn_new(struct loop *loop, int fd, conn_line *on_line,
                                                 conn_gone *on_gone, void *owner,
                                                 struct ctl_conn **out, struct err *err);

/* Has the client closed both directions? */
bool conn_has_left(const struct ctl_conn *conn);

/* Ends it: on_gone runs before this returns; a second time does nothing. */
void conn_close(struct ctl_conn *conn);

/* What was appended to conn->out goes out, now or when the client reads.  More than
 * CTL_OUTPUT_BYTES_MAX ends the connection. */
void conn_flush(struct ctl_conn *conn);

#endif
