/* dnsflip/judge_link.c -- the judge's side of the link to its supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/model/journal_entry.h"
#include "dnsflip/providers/secondaries.h"

#define CONTROL_GROUP "dnsflip"

int judge_link_send(const struct link_message *m, const int fds[], size_t n_fds, struct err *err)
{
    if (link_send(LINK_FD, m, fds, n_fds, err) < 0)
        return err_wrap(err, "the link to the supervisor");
    return 0;
}

static void close_all(const int fds[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

static void take_counters(struct judge *j, const int fds[], size_t n_fds)
{
    const struct counters *before = j->counters;
    struct err err;

    if (n_fds != 1 || counters_map(fds[0], &j->counters, &err) < 0) {
        log_warn("judge", "the face's counters are unusable%s%s", n_fds == 1 ? ": " : "",
                 n_fds == 1 ? err.text : "");
        j->counters = NULL;
    }
    judge_site_counters(&j->site, j->counters);
    judge_site_counters(&j->next, j->counters);
    judge_site_counters(&j->retired, j->counters);
    counters_unmap(before);
    close_all(fds, n_fds);
}

static void on_stopped(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    struct judge *j = arg;

    (void)entry;
    (void)ok;
    (void)err;
    loop_stop(j->loop);
}

static void on_stop_late(void *arg)
{
    struct judge *j = arg;

    log_warn("judge", "stopping without a last journal entry: the disk does not answer");
    loop_stop(j->loop);
}

void judge_link_stop(struct judge *j)
{
    struct journal_entry entry = { .kind = ENTRY_STOP };

    if (j->is_stopping)
        return;
    j->is_stopping = true;
    if (j->journal == NULL || j->link_watch == NULL)
        exit(0); /* told to stop before anything was started */
    entry.time = loop_now(j->loop).wall;
    journal_append(j->journal, &entry, on_stopped, j);
    j->stop_timer = loop_timer_new(j->loop, on_stop_late, j);
    loop_timer_set(j->stop_timer, mono_add(loop_now(j->loop).mono, JOURNAL_CLOSE_MS));
}

static void adopted(struct judge *j, uint64_t generation)
{
    struct link_message ready = link_message(LINK_READY), drop = link_message(LINK_DROP);
    struct err err;

    if (generation == j->site.pair.generation && !j->is_ready) {
        j->is_ready = true;
        engine_allow_moves(j->engine, true);
        secondaries_serve(j->secondaries);
        /* Sockets that only the judge before us wanted go now. */
        if (judge_link_send(&ready, NULL, 0, &err) < 0 || judge_link_send(&drop, NULL, 0, &err) < 0)
            log_error("judge", "%s", err.text);
        log_info("judge", "ready generation=%llu", (unsigned long long)generation);
        judge_truth_save(j);
        return;
    }
    judge_reload_adopted(j, generation);
}

/* Without a pair of its own that the face serves this judge can do nothing; the next one may. */
static void refused(struct judge *j, uint64_t generation, const char *text)
{
    log_error("judge", "the supervisor says: %s", text);
    if (generation == j->site.pair.generation && !j->is_ready) {
        j->exit = 1;
        loop_stop(j->loop);
        return;
    }
    judge_reload_failed(j, generation, text);
}

static void obey(struct judge *j, const struct link_message *m, const int fds[], size_t n_fds)
{
    switch (m->kind) {
    case LINK_COUNTERS:
        take_counters(j, fds, n_fds);
        return;
    case LINK_STOP:
        judge_link_stop(j);
        break;
    case LINK_LEAVE:
        judge_upgrade_leave(j, m->text);
        break;
    case LINK_REFUSED:
        judge_upgrade_refused(j, fds, n_fds);
        break;
    case LINK_RELOAD:
        judge_reload_signalled(j);
        break;
    case LINK_ADOPTED:
        adopted(j, m->generation);
        break;
    case LINK_ERROR:
        refused(j, m->generation, m->text);
        break;
    default:
        break;
    }
    close_all(fds, n_fds);
}

/* One message: 1 if it is of the awaited kind (kept in j->reply), 0 if it was obeyed or none came.
 */
static int receive(struct judge *j, int kind, struct err *err)
{
    struct link_message m;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds;
    int got = link_receive(LINK_FD, &m, fds, &n_fds, err);

    if (got < 0)
        return err->retry ? 0 : -1;
    if (got == 0)
        return err_set(err, ERR_SYS, "the supervisor is gone");
    if (kind != 0 && m.kind == LINK_ERROR) {
        close_all(fds, n_fds);
        return err_set(err, ERR_SYS, "%s", m.text);
    }
    if ((int)m.kind != kind) {
        obey(j, &m, fds, n_fds);
        return 0;
    }
    j->reply = m;
    memcpy(j->reply_fds, fds, sizeof(fds));
    j->n_reply_fds = n_fds;
    return 1;
}

int judge_link_await(struct judge *j, enum link_kind kind, struct err *err)
{
    struct mono deadline = mono_add(mono_now(), JUDGE_LINK_MS);

    for (;;) {
        struct pollfd p = { .fd = LINK_FD, .events = POLLIN };
        int64_t left = mono_since(deadline, mono_now());
        int got;

        if (left <= 0)
            return err_set(err, ERR_TIMEOUT, "the supervisor did not answer within %d s",
                           JUDGE_LINK_MS / 1000);
        if (poll(&p, 1, (int)left) <= 0)
            continue;
        got = receive(j, (int)kind, err);
        if (got != 0)
            return got < 0 ? -1 : 0;
    }
}

static void on_readable(void *arg)
{
    struct judge *j = arg;
    struct err err;

    if (receive(j, 0, &err) < 0) {
        log_error("judge", "%s", err.text);
        j->exit = 1;
        loop_stop(j->loop);
    }
}

void judge_link_watch(struct judge *j)
{
    j->link_watch = loop_fd_new(j->loop, LINK_FD, false, on_readable, j);
}

/* ---- binding ----------------------------------------------------------------------------------
 */

/* Binds one and takes the descriptor that comes back, if the role has one (else -1). */
static int bind_one(struct judge *j, const struct link_message *m, int *fd, struct err *err)
{
    if (judge_link_send(m, NULL, 0, err) < 0 || judge_link_await(j, LINK_BOUND, err) < 0)
        return -1;
    *fd = j->n_reply_fds == 1 ? j->reply_fds[0] : -1;
    if (j->n_reply_fds > 1)
        close_all(j->reply_fds, j->n_reply_fds);
    return 0;
}

static int bind_zone(struct judge *j, const struct settings *s, const struct local_cfg *zone,
                     struct err *err)
{
    for (unsigned i = 0; i < zone->n_listen; i++) {
        struct link_message m = link_message(LINK_BIND);
        char text[INET_TEXT_BYTES];
        int fd;

        m.addr = zone->listen[i];
        m.threads = s->node.threads;
        for (m.role = LINK_ROLE_DNS_UDP; m.role <= LINK_ROLE_DNS_TCP; m.role++) {
            if (bind_one(j, &m, &fd, err) < 0)
                return err_wrap(err, "listen %s of zone %s", inet_format_addr(&m.addr, text),
                                zone->zone);
        }
    }
    return 0;
}

static int bind_beacon(struct judge *j, const struct provider_cfg *provider, struct err *err)
{
    for (unsigned i = 0; i < provider->beacon.n_listen; i++) {
        struct link_message m = link_message(LINK_BIND);
        char text[INET_TEXT_BYTES];
        int fd;

        m.role = LINK_ROLE_BEACON;
        m.addr = provider->beacon.listen[i];
        if (bind_one(j, &m, &fd, err) < 0)
            return err_wrap(err, "listen %s of beacon %s", inet_format_addr(&m.addr, text),
                            provider->name);
    }
    return 0;
}

/* Whoever may use the socket must be able to open it: its group is that of the daemon where it
 * exists, else the first group with a role; what a peer may do is asked of its credentials. */
static gid_t control_gid(const struct settings *s)
{
    struct group entry, *found = NULL;
    char buf[4096];

    if (getgrnam_r(CONTROL_GROUP, &entry, buf, sizeof(buf), &found) == 0 && found != NULL)
        return entry.gr_gid;
    if (s->node.operate.n_gids > 0)
        return s->node.operate.gids[0];
    return s->node.read.n_gids > 0 ? s->node.read.gids[0] : (gid_t)-1;
}

static int bind_control(struct judge *j, const struct settings *s, struct err *err)
{
    struct link_message m = link_message(LINK_BIND);

    if (j->control_fd >= 0)
        return 0; /* its path may not change while the program runs */
    m.role = LINK_ROLE_CONTROL;
    m.mode = 0660;
    m.gid = (int32_t)control_gid(s); /* the supervisor may be root where we are not */
    str_copy(m.path, sizeof(m.path), s->node.control_socket);
    if (bind_one(j, &m, &j->control_fd, err) < 0)
        return err_wrap(err, "control socket %s", s->node.control_socket);
    return 0;
}

static int bind_http(struct judge *j, const struct settings *s, struct err *err)
{
    struct link_message m = link_message(LINK_BIND);
    char text[INET_TEXT_BYTES];

    if (s->node.http.port == 0 || j->http_fd >= 0)
        return 0;
    m.role = LINK_ROLE_HTTP;
    m.addr = s->node.http;
    if (bind_one(j, &m, &j->http_fd, err) < 0)
        return err_wrap(err, "HTTP listener %s", inet_format_addr(&m.addr, text));
    return 0;
}

int judge_link_bind(struct judge *j, const struct settings *s, struct err *err)
{
    for (size_t i = 0; i < s->n_providers; i++) {
        if (strcmp(s->providers[i].kind, "local") == 0 &&
            bind_zone(j, s, &s->providers[i].local, err) < 0)
            return -1;
        if (strcmp(s->providers[i].kind, "beacon") == 0 &&
            bind_beacon(j, &s->providers[i], err) < 0)
            return -1;
    }
    if (bind_control(j, s, err) < 0 || bind_http(j, s, err) < 0)
        return -1;
    return 0;
}
