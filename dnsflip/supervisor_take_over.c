#include "dnsflip/supervisor_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define NEW_FACE_MS                                                                                \
    20000                  /* for a new face to take up a pair; then back to the program of before \
                            */
#define FACE_LEAVE_MS 4000 /* for the face of before to end what it has begun, then SIGKILL */
#define LEAVER_GONE_MS 1000 /* between two more tries to kill it */

bool supervisor_holds_sockets(const struct supervisor *s)
{
    return s->take_over.leaver.pid != 0 && !s->take_over.is_leaver_told;
}

bool supervisor_holds_judge(const struct supervisor *s)
{
    if (s->upgrade.stage == UPGRADE_STOP_JUDGE)
        return true;
    return s->take_over.leaver.pid != 0 && !s->take_over.is_kept_refused;
}

/* ------------------------------------------------------------------ at the start */

/* The memory file's descriptor; -1 if nobody hands over to this process. */
static int find_memory(void)
{
    const char *value = getenv(SUPERVISOR_HAND_OVER_VARIABLE);
    char pid[16];
    uint64_t fd = 0;
    bool is_ours = false;

    if (value == NULL)
        return -1;
    (void)str_format(pid, sizeof(pid), "%d:", (int)getpid());
    is_ours = str_starts(value, pid) && str_parse_u64(value + strlen(pid), INT_MAX, &fd);
    (void)unsetenv(SUPERVISOR_HAND_OVER_VARIABLE);
    return is_ours ? (int)fd : -1;
}

static int set_closed(void *arg, int fd, struct err *err)
{
    (void)arg;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0
               ? 0
               : err_sys(err, errno, "hand-over: descriptor %d", fd);
}

static int take(struct supervisor *s, const struct supervisor_hand_over *h, struct mono now,
                struct err *err)
{
    struct supervisor_take_over *t = &s->take_over;

    if (supervisor_hand_over_each(h, set_closed, NULL, err) != 0)
        return -1;
    if (h->n_pair > LINK_PAIR_FDS_MAX)
        return err_set(err, ERR_LIMIT, "hand-over: a pair of %zu descriptors; at most %d are known",
                       h->n_pair, LINK_PAIR_FDS_MAX);
    (void)str_copy(s->path, sizeof(s->path), h->path);
    s->count = h->count;
    s->judge_program.fd = h->programs.main;
    s->face_program.fd = h->programs.face;
    s->kept = (struct supervisor_pair){ .n_fds = h->n_pair, .generation = h->generation };
    memcpy(s->kept.fds, h->pair, h->n_pair * sizeof(h->pair[0]));
    s->sockets = h->sockets;
    t->before = h->before;
    t->leaver = (struct supervisor_child){ .pid = h->face, .link = h->face_link, .started = now };
    t->due_at = mono_add(now, NEW_FACE_MS);
    s->stage = STAGE_RUN;
    log_info("upgrade", "version %s has taken over from %s: generation=%llu sockets=%zu face=%d",
             s->formats.version, h->version, (unsigned long long)h->generation, h->sockets.n,
             (int)h->face);
    return 1;
}

int supervisor_take_over(struct supervisor *s, struct mono now, struct err *err)
{
    int memory = find_memory();

    if (memory < 0)
        return 0;
    struct supervisor_hand_over *h = mem_zalloc(sizeof(*h));
    int result = supervisor_hand_over_read(memory, h, err);
    if (result == 0)
        result = take(s, h, now, err);
    mem_free(h);
    (void)close(memory);
    return result;
}

/* ------------------------------------------------------------------ one face, then the other */

static void close_before(struct supervisor_take_over *t)
{
    if (t->before.main >= 0) {
        (void)close(t->before.main);
        (void)close(t->before.face);
    }
    t->before = (struct supervisor_programs){ .main = -1, .face = -1 };
}

/* The end of its link: a face of any version understands that. */
void supervisor_take_over_adopted(struct supervisor *s, struct mono now)
{
    struct supervisor_take_over *t = &s->take_over;

    if (!supervisor_holds_sockets(s))
        return;
    t->is_leaver_told = true;
    t->due_at = mono_add(now, FACE_LEAVE_MS);
    supervisor_send_sockets(s);
    (void)shutdown(t->leaver.link, SHUT_WR);
    log_info("upgrade", "the new face answers; the old one, pid=%d, ends what it has begun",
             (int)t->leaver.pid);
}

void supervisor_take_over_left(struct supervisor *s, int status)
{
    struct supervisor_take_over *t = &s->take_over;
    uint64_t adopted = t->adopted;

    if (t->leaver.link >= 0)
        (void)close(t->leaver.link);
    t->leaver = (struct supervisor_child){ .link = -1 };
    if (!t->is_leaver_told)
        log_error("upgrade", "the old face ended before the new one answered");
    else if (status != 0)
        log_warn("upgrade", "the old face did not end by itself");
    else
        log_info("upgrade", "the old face has left");
    close_before(t);
    t->adopted = 0;
    supervisor_send_sockets(s);
    if (adopted != 0)
        supervisor_tell_adopted(s, adopted);
}

/* ------------------------------------------------------------------ what is due */

/* A face that does not come up would leave nobody to decide: better the program of before. */
static void go_back(struct supervisor *s, struct mono now)
{
    struct supervisor_take_over *t = &s->take_over;
    const struct supervisor_programs none = { .main = -1, .face = -1 };
    struct err err;

    t->due_at = mono_add(now, NEW_FACE_MS);
    /* A new judge may have written what the version before cannot read. */
    if (t->before.main < 0 || t->is_kept_refused) {
        log_error("upgrade",
                  "the new face has taken up no pair; the old one goes on answering; "
                  "install a version that works and send SIGUSR2 to pid %d",
                  (int)getpid());
        return;
    }
    log_error("upgrade", "the new face has taken up no pair in %d s: back to the version before",
              NEW_FACE_MS / 1000);
    supervisor_execute(s, &t->before, &none, &err);
    log_error("upgrade", "the version before cannot be had back: %s", err.text);
    close_before(t);
}

int64_t supervisor_take_over_due(struct supervisor *s, struct mono now)
{
    struct supervisor_take_over *t = &s->take_over;
    int64_t left_ms = mono_since(t->due_at, now);

    if (t->leaver.pid == 0)
        return INT32_MAX;
    if (left_ms > 0)
        return left_ms;
    if (supervisor_holds_sockets(s)) {
        go_back(s, now);
        return NEW_FACE_MS;
    }
    (void)kill(t->leaver.pid, SIGKILL);
    t->due_at = mono_add(now, LEAVER_GONE_MS);
    return LEAVER_GONE_MS;
}
