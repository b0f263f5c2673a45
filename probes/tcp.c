#include "dnsflip/base/str.h"
#include "dnsflip/io/connect.h"
#include "probes/check.h"
#include "probes/probe_keys.h"

struct tcp {
    struct check check; /* first */
    int fd;             /* -1 = none */
    size_t tried;       /* addresses begun before this one */
    struct loop_fd *watch;
    struct loop_timer *limit; /* of this address */
};

static const char *problem(const struct probe_cfg *cfg)
{
    return cfg->port == 0 ? "port must be 1 to 65535" : NULL;
}

static void hang_up(struct tcp *t)
{
    loop_fd_free(t->watch);
    t->watch = NULL;
    if (t->fd >= 0)
        connect_abort(t->fd);
    t->fd = -1;
}

static void fini(struct check *c)
{
    struct tcp *t = (struct tcp *)c;
    hang_up(t);
    loop_timer_free(t->limit);
}

static void try_address(struct tcp *t);

/* Another address is tried unless the fault is ours or time is up. */
static void fail(struct tcp *t, enum reason_code reason, int sys_errno)
{
    struct check *c = &t->check;
    hang_up(t);
    bool is_theirs = reason_code_info(reason)->outcome == OUTCOME_FAIL;
    if (is_theirs && t->tried + 1 < c->n_addresses && check_left_ms(c) > 0) {
        t->tried++;
        try_address(t);
        return;
    }
    struct err err;
    if (sys_errno != 0) {
        err_sys(&err, sys_errno, "connect");
        check_say(c, "%s", err.text);
    }
    check_set_both(c, reason);
    check_finish(c);
}

static void on_limit(void *arg)
{
    fail(arg, REASON_CONNECT_TIMEOUT, 0);
}

static void on_connected(void *arg)
{
    struct tcp *t = arg;
    struct check *c = &t->check;
    int sys_errno = connect_result(t->fd);
    if (sys_errno != 0) {
        fail(t, connect_reason(sys_errno), sys_errno);
        return;
    }
    c->seen.times.connect_us = (uint32_t)(mono_now_us() - c->began_us);
    check_set_both(c, REASON_OK);
    check_finish(c);
}

static void try_address(struct tcp *t)
{
    struct check *c = &t->check;
    struct inet_addr addr = { .ip = c->addresses[t->tried], .port = c->request->cfg->port };
    char text[INET_TEXT_BYTES];
    str_copy(c->seen.address.text, sizeof c->seen.address.text, inet_format_ip(&addr.ip, text));
    int sys_errno = 0;
    t->fd = connect_begin(&addr, &sys_errno);
    if (t->fd < 0) {
        fail(t, connect_reason(sys_errno), sys_errno);
        return;
    }
    t->watch = loop_fd_new(c->io->loop, t->fd, true, on_connected, t);
    int64_t share_ms = check_left_ms(c) / (int64_t)(c->n_addresses - t->tried);
    loop_timer_set(t->limit, mono_add(mono_now(), share_ms));
}

static void on_ready(struct check *c)
{
    struct tcp *t = (struct tcp *)c;
    t->limit = loop_timer_new(c->io->loop, on_limit, t);
    try_address(t);
}

static int start(const struct probe_request *request, struct io *io, probe_done *done, void *arg,
                 struct probe_run **run, struct err *err)
{
    (void)err;
    struct check *c = check_new(sizeof(struct tcp), &probe_tcp, request, io, done, arg);
    ((struct tcp *)c)->fd = -1;
    c->ready = on_ready;
    c->fini = fini;
    *run = &c->run;
    return 0;
}

const struct probe_ops probe_tcp = {
    .kind = "tcp",
    .keys = probe_tcp_keys,
    .problem = problem,
    .start = start,
    .cancel = check_cancel,
};
