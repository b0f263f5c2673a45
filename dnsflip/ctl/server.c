#include "dnsflip/ctl/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/ctl/call.h"
#include "dnsflip/ctl/conn.h"
#include "dnsflip/ctl/events.h"
#include "dnsflip/ctl/methods.h"
#include "dnsflip/ctl/views.h"
#include "dnsflip/ctl/waits.h"
#include "dnsflip/io/loop.h"

#define ACCEPTS_PER_TURN 16
#define SWEEP_MS INT64_C(1000) /* between looks for idle clients */

struct ctl_server {
    struct loop *loop;
    int listen_fd;
    struct engine *engine;
    const struct judge_ops *judge;
    uid_t own_uid;
    struct ctl_events *events; /* owned */
    struct ctl_waits *waits;   /* owned */
    struct loop_fd *listener;  /* owned; NULL while we cannot accept */
    struct loop_timer *sweep;  /* owned */
    struct ctl_conn *conns;    /* owned, all of the list */
    size_t n_conns;
};

/* ---- answers -------------------------------------------------------------------------------- */

static void end_call(struct ctl_call *call)
{
    struct ctl_conn *conn = call->conn;

    if (conn != NULL) {
        struct ctl_call **place = &conn->calls;

        while (*place != call)
            place = &(*place)->next;
        *place = call->next;
        conn->n_calls--;
    }
    mem_free(call);
}

void ctl_call_result(struct ctl_call *call, cJSON *result)
{
    struct ctl_conn *conn = call->conn;

    if (conn != NULL) {
        struct buf line;

        /* Apart first: an answer that is too long is an error, not the end of the connection. */
        buf_init(&line, CTL_OUTPUT_BYTES_MAX / 2);
        proto_add_result(&line, call->id, result);
        if (line.overflowed) {
            struct proto_error error;

            (void)proto_fail_exit(&error, 1,
                                  "the answer is longer than %u bytes: ask for one group",
                                  CTL_OUTPUT_BYTES_MAX / 2);
            proto_add_error(&conn->out, call->id, &error);
        } else {
            (void)buf_add(&conn->out, buf_text(&line), line.len);
        }
        buf_fini(&line);
    }
    cJSON_Delete(result);
    end_call(call);
    if (conn != NULL)
        conn_flush(conn);
}

void ctl_call_error(struct ctl_call *call, const struct proto_error *error)
{
    struct ctl_conn *conn = call->conn;

    if (conn != NULL)
        proto_add_error(&conn->out, call->id, error);
    end_call(call);
    if (conn != NULL)
        conn_flush(conn);
}

void ctl_call_subscribe(struct ctl_call *call)
{
    if (call->conn != NULL)
        call->conn->is_subscribed = true;
}

/* ---- requests ------------------------------------------------------------------------------- */

static int check_role(const struct ctl_conn *conn, enum access_role role,
                      const struct ctl_method *method, struct proto_error *error)
{
    if (role >= method->role)
        return 0;
    return proto_fail_exit(error, 1, "%s may not call %s: it needs the role %s (node.access.%s)",
                           conn->actor, method->name, access_role_name(method->role),
                           access_role_name(method->role));
}

static void run_request(struct ctl_conn *conn, const struct proto_request *request)
{
    struct ctl_server *server = conn->owner;
    const struct node_cfg *node = &engine_settings(server->engine)->node;
    enum access_role role = access_role_of(node, &conn->peer, server->own_uid);
    struct proto_error error;
    const struct ctl_method *method = methods_find(request->method, &error);

    if (method == NULL || check_role(conn, role, method, &error) != 0 ||
        params_check(request->params, method->params, &error) != 0) {
        proto_add_error(&conn->out, request->id, &error);
        conn_flush(conn);
        return;
    }
    struct ctl_call *call = mem_zalloc(sizeof(*call));
    *call = (struct ctl_call){ .engine = server->engine,
                               .judge = server->judge,
                               .events = server->events,
                               .waits = server->waits,
                               .method = method,
                               .params = request->params,
                               .role = role,
                               .conn = conn,
                               .next = conn->calls };
    (void)str_copy(call->actor, sizeof(call->actor), conn->actor);
    (void)str_copy(call->id, sizeof(call->id), request->id);
    conn->calls = call;
    conn->n_calls++;
    method->run(call);
}

static void on_line(struct ctl_conn *conn, const char *line, size_t len)
{
    struct proto_request request;
    struct proto_error error;

    if (len + 1 > PROTO_LINE_BYTES_MAX) {
        (void)proto_fail(&error, PROTO_INVALID_REQUEST, "a request is longer than %d bytes",
                         PROTO_LINE_BYTES_MAX);
        proto_add_error(&conn->out, "null", &error);
        conn_flush(conn);
        return;
    }
    if (proto_parse(line, len, &request, &error) != 0) {
        proto_add_error(&conn->out, request.id, &error);
        conn_flush(conn);
        return;
    }
    run_request(conn, &request);
    proto_request_fini(&request);
}

/* ---- clients -------------------------------------------------------------------------------- */

static void on_gone(struct ctl_conn *conn)
{
    struct ctl_server *server = conn->owner;
    struct ctl_conn **place = &server->conns;

    while (*place != conn)
        place = &(*place)->next;
    *place = conn->next;
    server->n_conns--;
    /* What they asked for goes on; only nobody waits for the answer any more. */
    for (struct ctl_call *call = conn->calls; call != NULL; call = call->next)
        call->conn = NULL;
    conn->calls = NULL;
}

static void refuse(int fd)
{
    static const char full[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32001,"
                               "\"message\":\"64 clients are connected: the limit\"}}\n";

    (void)send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}

static void on_connect(void *arg)
{
    struct ctl_server *server = arg;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct ctl_conn *conn;
        struct err err;

        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0) {
            /* No descriptors: the socket stays readable, so look away until the next sweep. */
            if (errno != EAGAIN) {
                loop_fd_free(server->listener);
                server->listener = NULL;
            }
            return;
        }
        if (server->n_conns >= CTL_CONNS_MAX) {
            refuse(fd);
            continue;
        }
        if (conn_new(server->loop, fd, on_line, on_gone, server, &conn, &err) != 0)
            continue;
        conn->next = server->conns;
        server->conns = conn;
        server->n_conns++;
    }
}

static void on_sweep(void *arg)
{
    struct ctl_server *server = arg;
    struct mono now = loop_now(server->loop).mono;
    struct ctl_conn *next;

    for (struct ctl_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        bool is_waiting = conn->is_subscribed || conn->n_calls > 0;

        if ((conn->is_eof && conn_has_left(conn)) ||
            (!is_waiting && mono_since(now, conn->used) > CTL_IDLE_MS))
            conn_close(conn);
    }
    if (server->listener == NULL)
        server->listener = loop_fd_new(server->loop, server->listen_fd, false, on_connect, server);
    loop_timer_set(server->sweep, mono_add(now, SWEEP_MS));
}

static void on_event(void *arg, const struct journal_entry *entry)
{
    struct ctl_server *server = arg;
    cJSON *view = NULL;
    struct ctl_conn *next;

    events_add(server->events, entry);
    waits_touch(server->waits);
    for (struct ctl_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        if (!conn->is_subscribed)
            continue;
        if (view == NULL)
            view = views_entry(entry);
        proto_add_event(&conn->out, "event", view);
        conn_flush(conn);
    }
    cJSON_Delete(view);
}

int ctl_server_new(struct loop *loop, int listen_fd, struct engine *engine,
                   const struct judge_ops *judge, struct ctl_server **out, struct err *err)
{
    int flags = fcntl(listen_fd, F_GETFL);

    *out = NULL;
    if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return err_sys(err, errno, "control socket");
    struct ctl_server *server = mem_zalloc(sizeof(*server));
    server->loop = loop;
    server->listen_fd = listen_fd;
    server->engine = engine;
    server->judge = judge;
    server->own_uid = geteuid();
    server->events = events_new();
    server->waits = waits_new(loop, engine);
    server->listener = loop_fd_new(loop, listen_fd, false, on_connect, server);
    server->sweep = loop_timer_new(loop, on_sweep, server);
    loop_timer_set(server->sweep, mono_add(loop_now(loop).mono, SWEEP_MS));
    engine_on_event(engine, on_event, server);
    *out = server;
    return 0;
}

void ctl_server_free(struct ctl_server *server)
{
    if (server == NULL)
        return;
    while (server->conns != NULL)
        conn_close(server->conns);
    waits_free(server->waits);
    loop_fd_free(server->listener);
    loop_timer_free(server->sweep);
    events_free(server->events);
    mem_free(server);
}
