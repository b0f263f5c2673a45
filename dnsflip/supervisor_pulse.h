/* dnsflip/supervisor_pulse.h -- whether the face lives: it sends a beat every second. */
#ifndef DNSFLIP_SUPERVISOR_PULSE_H
#define DNSFLIP_SUPERVISOR_PULSE_H

#include <stdbool.h>

#define SUPERVISOR_TICK_MS 1000
#define SUPERVISOR_SILENT_TICKS                                                                    \
    10                           /* then this face hangs: the next one is there in milliseconds    \
                                  */
#define SUPERVISOR_LOST_TICKS 30 /* then new faces do not help: a new start of everything may */

/* Counted in ticks of the supervisor, not in time: whoever was frozen together with the face has
 * missed no beat. */
struct supervisor_pulse {
    bool has_beaten; /* since the last tick */
    unsigned silent; /* ticks without a beat of the face that runs */
    unsigned lost;   /* ticks without a beat of any face that should run */
};

/* One tick.  is_wanted: there is something to answer; is_running: the face has a process, which
 * has had the time between two ticks.  True if that process hangs and is to be killed.  PURE. */
bool supervisor_pulse_tick(struct supervisor_pulse *p, bool is_wanted, bool is_running);

/* Whether a watchdog is to be fed.  PURE. */
bool supervisor_pulse_is_healthy(const struct supervisor_pulse *p);

#endif
