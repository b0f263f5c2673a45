/* dnsflip/supervisor_watch.c -- looks after the face's pulse, and tells the service manager how the
 * service is: once a second, and whenever something has changed. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/supervisor_state.h"

int supervisor_watch_open(struct supervisor *s, struct err *err)
{
    return supervisor_notify_open(&s->notify, getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"),
                                  getenv("WATCHDOG_PID"), getpid(), err);
}

static void write_status(const struct supervisor *s, char *out, size_t cap)
{
    bool is_answering = s->face.pid != 0 || supervisor_holds_sockets(s);
    const char *face = is_answering ? "answering" : "not answering, the face is restarted";
    const char *judge = s->judge.pid == 0 && supervisor_holds_judge(s)
                            ? "; no judge, an upgrade is under way"
                        : s->judge.pid == 0    ? "; no judge, it is restarted"
                        : !s->is_judge_greeted ? "; the judge starts"
                                               : "; judging";
    char refused[LINK_TEXT_BYTES + 40] = "";

    if (s->reload_refusal[0] != '\0')
        (void)str_format(refused, sizeof(refused), "; the last reload was refused: %s",
                         s->reload_refusal);
    switch (s->stage) {
    case STAGE_FIRST_START:
        (void)str_copy(out, cap, "starting");
        return;
    case STAGE_RUN:
        (void)str_format(out, cap, "%s%s%s", face, judge, refused);
        return;
    case STAGE_STOP_JUDGE:
    case STAGE_STOP_FACE:
    case STAGE_DONE:
        (void)str_copy(out, cap, "stopping");
        return;
    }
}

/* What cannot be told now is told again in a second: the log says it once. */
static void tell(struct supervisor *s, struct mono now)
{
    struct supervisor_notify_state state = {
        .is_ready = s->stage == STAGE_RUN && s->kept.generation != 0,
        .is_reloading = s->is_reloading,
        .is_stopping = s->stage > STAGE_RUN,
    };
    struct err err;

    write_status(s, state.status, sizeof(state.status));
    bool is_untold = supervisor_notify_tell(&s->notify, &state,
                                            supervisor_pulse_is_healthy(&s->pulse), now, &err) != 0;
    if (is_untold && !s->is_manager_untold)
        log_warn("notify", "%s", err.text);
    s->is_manager_untold = is_untold;
}

int64_t supervisor_watch(struct supervisor *s, struct mono now)
{
    bool is_going = s->stage == STAGE_FIRST_START || s->stage == STAGE_RUN;

    if (mono_since(now, s->tick) >= 0) {
        /* While the face of before an upgrade answers, a new one is not what all depends on. */
        bool is_wanted = is_going && !supervisor_holds_sockets(s) &&
                         (s->kept.generation != 0 || s->offered.generation != 0);
        s->tick = mono_add(now, SUPERVISOR_TICK_MS);
        if (supervisor_pulse_tick(&s->pulse, is_wanted, is_going && s->face.pid != 0)) {
            log_error("face", "killed: no sign of life for %d s",
                      SUPERVISOR_SILENT_TICKS * SUPERVISOR_TICK_MS / 1000);
            (void)kill(s->face.pid, SIGKILL);
        }
        if (s->pulse.lost == SUPERVISOR_LOST_TICKS)
            log_error("face", "no face lives: the service manager's watchdog is fed no more");
    }
    tell(s, now);
    return mono_since(s->tick, now);
}
