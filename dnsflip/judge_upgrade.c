/* dnsflip/judge_upgrade.c -- another version is to take over: the judge asks for it, and leaves
 * when nothing of its own would be cut short. */
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/judge_state.h"

#define EXIT_BAD 1
#define REASON_BYTES 8192

static void report(struct judge *j, int exit, const char *text)
{
    void (*done)(void *arg, int exit, const char *text) = j->upgrade_done;

    j->upgrade_done = NULL;
    if (done != NULL)
        done(j->upgrade_arg, exit, text);
}

/* Why this judge must not be replaced now, or NULL. */
static const char *obstacle_of(const struct judge *j)
{
    if (j->is_stopping)
        return "the judge is stopping already";
    if (j->next.settings != NULL)
        return "a reload is under way: upgrade in a moment";
    if (j->engine != NULL && engine_busy(j->engine) != NULL)
        return "an operation is running: upgrade when it has settled";
    return NULL;
}

void judge_upgrade(void *judge, const char *actor,
                   void (*done)(void *arg, int exit, const char *text), void *arg)
{
    struct judge *j = judge;
    struct link_message ask = link_message(LINK_UPGRADE);
    const char *obstacle = obstacle_of(j);
    struct err err;

    log_info("judge", "upgrade asked for by %s", actor);
    if (j->upgrade_done != NULL)
        obstacle = "an upgrade is under way already";
    else if (obstacle == NULL && judge_link_send(&ask, NULL, 0, &err) < 0)
        obstacle = err.text;
    if (obstacle != NULL) {
        log_warn("judge", "not upgraded: %s", obstacle);
        done(arg, EXIT_BAD, obstacle);
        return;
    }
    j->upgrade_done = done;
    j->upgrade_arg = arg;
}

void judge_upgrade_leave(struct judge *j, const char *version)
{
    struct link_message refused = link_message(LINK_REFUSED);
    const char *obstacle = obstacle_of(j);
    struct err err;

    if (obstacle != NULL) {
        (void)str_copy(refused.text, sizeof(refused.text), obstacle);
        if (judge_link_send(&refused, NULL, 0, &err) < 0)
            log_error("judge", "%s", err.text);
        return; /* the supervisor says it to all, us included */
    }
    log_info("judge", "leaving to version %s", version);
    if (j->engine != NULL)
        engine_allow_moves(j->engine, false);
    report(j, 0, version);
    judge_link_stop(j);
}

void judge_upgrade_refused(struct judge *j, const int fds[], size_t n_fds)
{
    char text[REASON_BYTES];
    ssize_t n = n_fds == 1 ? pread(fds[0], text, sizeof(text) - 1, 0) : -1;

    text[n > 0 ? n : 0] = '\0';
    report(j, EXIT_BAD, n > 0 ? text : "the log of the supervisor says why");
}
