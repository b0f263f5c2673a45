#include "dnsflip/supervisor_state.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"

#define MESSAGES_PER_TURN 64 /* of one child, so that the other is heard too */

static void pair_drop(struct supervisor_pair *p)
{
    for (size_t i = 0; i < p->n_fds; i++)
        (void)close(p->fds[i]);
    *p = (struct supervisor_pair){ .generation = 0 };
}

/* ------------------------------------------------------------------ to the judge */

void supervisor_tell_judge(struct supervisor *s, const struct link_message *m, const int fds[],
                           size_t n_fds)
{
    struct err err;

    if (s->judge.link >= 0 && link_send(s->judge.link, m, fds, n_fds, &err) != 0)
        log_warn("judge", "message %u was not sent: %s", m->kind, err.text);
}

static void tell_judge_error(struct supervisor *s, uint64_t generation, const char *text)
{
    struct link_message m = link_message(LINK_ERROR);

    m.generation = generation;
    (void)str_copy(m.text, sizeof(m.text), text);
    supervisor_tell_judge(s, &m, NULL, 0);
}

static void tell_judge_counters(struct supervisor *s)
{
    struct link_message m = link_message(LINK_COUNTERS);

    if (s->counters >= 0 && s->is_judge_greeted)
        supervisor_tell_judge(s, &m, &s->counters, 1);
}

/* While a pair is offered it is not yet known which one a new judge must take up. */
static void tell_judge_kept(struct supervisor *s)
{
    struct link_message m = link_message(LINK_KEPT);

    if (!s->is_kept_asked || s->offered.generation != 0)
        return;
    s->is_kept_asked = false;
    s->is_judge_greeted = true;
    m.generation = s->kept.generation;
    m.upgrades = (uint32_t)s->count;
    supervisor_tell_judge(s, &m, s->kept.fds, s->kept.n_fds);
    tell_judge_counters(s);
}

/* ------------------------------------------------------------------ to the face */

/* A face that cannot be told is of no use any more: another one is, in milliseconds. */
static void tell_face(struct supervisor *s, int sent, const struct err *err)
{
    if (sent == 0)
        return;
    log_warn("face", "restarting it: %s", err->text);
    (void)kill(s->face.pid, SIGKILL);
}

void supervisor_send_sockets(struct supervisor *s)
{
    struct err err;

    if (s->face.pid == 0 || supervisor_holds_sockets(s) || s->face_changes == s->sockets.changes)
        return;
    s->face_changes = s->sockets.changes;
    tell_face(s, supervisor_sockets_send(&s->sockets, s->face.link, &err), &err);
}

static void send_pair(struct supervisor *s, const struct supervisor_pair *p)
{
    struct link_message m = link_message(LINK_PAIR);
    struct err err;

    m.generation = p->generation;
    if (s->face.pid != 0 && p->generation != 0)
        tell_face(s, link_send(s->face.link, &m, p->fds, p->n_fds, &err), &err);
}

void supervisor_start_face(struct supervisor *s, struct mono now)
{
    struct err err;

    if (supervisor_child_start(&s->face, &s->face_program, now, &err) != 0) {
        log_error("face", "%s", err.text);
        supervisor_child_ended(&s->face, &s->face_program, s->face.started);
        s->face.due = mono_add(now, s->face.waited_ms);
        return;
    }
    log_info("face", "started pid=%d", (int)s->face.pid);
    s->face_changes = s->sockets.changes - 1;
    supervisor_send_sockets(s);
    send_pair(s, &s->kept);
    send_pair(s, &s->offered);
}

void supervisor_stop_face(struct supervisor *s)
{
    struct link_message stop = link_message(LINK_STOP);
    struct err err;

    tell_face(s, link_send(s->face.link, &stop, NULL, 0, &err), &err);
}

/* ------------------------------------------------------------------ from the judge */

static void on_bind(struct supervisor *s, const struct link_message *m)
{
    const struct supervisor_socket *item = NULL;
    struct link_message bound = link_message(LINK_BOUND);
    struct err err;

    if (supervisor_sockets_bind(&s->sockets, m, &item, &err) != 0) {
        tell_judge_error(s, 0, err.text);
        return;
    }
    bool is_judges = item->role == LINK_ROLE_CONTROL || item->role == LINK_ROLE_HTTP;
    bound.role = m->role;
    bound.addr = item->addr;
    (void)str_copy(bound.path, sizeof(bound.path), item->path);
    supervisor_tell_judge(s, &bound, item->fds, is_judges ? 1 : 0);
}

static bool refuse_pair(struct supervisor *s, const struct link_message *m, size_t n_fds)
{
    char text[LINK_TEXT_BYTES] = "";

    if (n_fds < 2 || n_fds > LINK_PAIR_FDS_MAX)
        (void)str_format(text, sizeof(text),
                         "a pair is a view, a page, and secrets if there are any, not %zu "
                         "descriptors",
                         n_fds);
    else if (m->generation == 0 || m->generation == s->kept.generation)
        (void)str_format(text, sizeof(text), "generation %llu is no new one",
                         (unsigned long long)m->generation);
    else if (s->offered.generation != 0)
        (void)str_format(text, sizeof(text), "generation %llu is still being adopted",
                         (unsigned long long)s->offered.generation);
    if (text[0] == '\0')
        return false;
    tell_judge_error(s, m->generation, text);
    return true;
}

/* True if the descriptors were taken over. */
static bool on_pair(struct supervisor *s, const struct link_message *m, const int fds[],
                    size_t n_fds, struct mono now)
{
    if (refuse_pair(s, m, n_fds))
        return false;
    s->offered = (struct supervisor_pair){ .n_fds = n_fds, .generation = m->generation };
    memcpy(s->offered.fds, fds, n_fds * sizeof(fds[0]));
    s->offer_deaths = 0;
    if (s->face.pid == 0 && mono_since(now, s->face.due) >= 0) {
        supervisor_start_face(s, now);
    } else {
        supervisor_send_sockets(s);
        send_pair(s, &s->offered);
    }
    return true;
}

static bool on_judge_message(struct supervisor *s, const struct link_message *m, const int fds[],
                             size_t n_fds, struct mono now)
{
    switch (m->kind) {
    case LINK_HELLO:
        supervisor_sockets_forget(&s->sockets);
        s->is_kept_asked = true;
        tell_judge_kept(s);
        return false;
    case LINK_BIND:
        on_bind(s, m);
        return false;
    case LINK_DROP:
        supervisor_sockets_drop(&s->sockets);
        supervisor_send_sockets(s);
        return false;
    case LINK_PAIR:
        return on_pair(s, m, fds, n_fds, now);
    case LINK_RELOADED:
        s->is_reloading = false;
        (void)str_copy(s->reload_refusal, sizeof(s->reload_refusal), m->text);
        return false;
    case LINK_READY:
        if (s->stage == STAGE_FIRST_START)
            s->stage = STAGE_RUN;
        return false;
    case LINK_UPGRADE:
        supervisor_upgrade_begin(s, true, now);
        return false;
    case LINK_REFUSED:
        supervisor_upgrade_refuse(s, m->text);
        return false;
    default: /* a number from outside */
        log_warn("judge", "link message of unknown kind %u", m->kind);
        return false;
    }
}

/* ------------------------------------------------------------------ from the face */

void supervisor_tell_adopted(struct supervisor *s, uint64_t generation)
{
    struct link_message m = link_message(LINK_ADOPTED);

    m.generation = generation;
    supervisor_tell_judge(s, &m, NULL, 0);
}

static void on_adopted(struct supervisor *s, uint64_t generation, struct mono now)
{
    supervisor_take_over_adopted(s, now);
    if (s->offered.generation == 0 || generation != s->offered.generation)
        return; /* the kept pair, after a restart: the judge has known it for long */
    pair_drop(&s->kept);
    s->kept = s->offered;
    s->offered = (struct supervisor_pair){ .generation = 0 };
    if (s->take_over.leaver.pid != 0)
        s->take_over.adopted = generation; /* another face still answers from another pair */
    else
        supervisor_tell_adopted(s, generation);
    tell_judge_kept(s);
}

void supervisor_withdraw_offer(struct supervisor *s, const char *text)
{
    uint64_t generation = s->offered.generation;

    if (generation == 0)
        return;
    pair_drop(&s->offered);
    tell_judge_error(s, generation, text);
    tell_judge_kept(s);
}

static void on_refused(struct supervisor *s, uint64_t generation, const char *text)
{
    if (s->offered.generation != 0 && generation == s->offered.generation) {
        supervisor_withdraw_offer(s, text);
        return;
    }
    if (supervisor_holds_sockets(s)) {
        s->take_over.is_kept_refused = true;
        log_warn("upgrade",
                 "the new face cannot read the pair that is served (%s): the new judge "
                 "makes one first; the old face goes on answering",
                 text);
        return;
    }
    log_error("face", "refused the kept pair: %s", text);
    (void)kill(s->face.pid, SIGKILL);
}

static bool on_face_message(struct supervisor *s, const struct link_message *m, const int fds[],
                            size_t n_fds, struct mono now)
{
    switch (m->kind) {
    case LINK_COUNTERS:
        if (n_fds != 1)
            return false;
        if (s->counters >= 0)
            (void)close(s->counters);
        s->counters = fds[0];
        tell_judge_counters(s);
        return true;
    case LINK_ALIVE:
        s->pulse.has_beaten = true;
        return false;
    case LINK_ADOPTED:
        on_adopted(s, m->generation, now);
        return false;
    case LINK_ERROR:
        on_refused(s, m->generation, m->text);
        return false;
    default: /* a number from outside */
        log_warn("face", "link message of unknown kind %u", m->kind);
        return false;
    }
}

void supervisor_hear(struct supervisor *s, struct supervisor_child *c, struct mono now)
{
    struct link_message m;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    struct err err;

    for (int i = 0; i < MESSAGES_PER_TURN && c->link >= 0; i++) {
        int got = link_receive(c->link, &m, fds, &n_fds, &err);
        if (got < 0 && err.retry)
            return;
        if (got <= 0) {
            if (got < 0)
                log_error(c == &s->judge ? "judge" : "face", "killed: %s", err.text);
            (void)kill(c->pid, SIGKILL);
            (void)close(c->link);
            c->link = -1;
            return;
        }
        bool is_taken = c == &s->judge ? on_judge_message(s, &m, fds, n_fds, now)
                                       : on_face_message(s, &m, fds, n_fds, now);
        for (size_t k = 0; k < n_fds && !is_taken; k++)
            (void)close(fds[k]);
    }
}
