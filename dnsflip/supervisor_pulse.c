#include "dnsflip/supervisor_pulse.h"

bool supervisor_pulse_tick(struct supervisor_pulse *p, bool is_wanted, bool is_running)
{
    bool has_beaten = p->has_beaten;

    p->has_beaten = false;
    p->lost = has_beaten || !is_wanted ? 0 : p->lost + 1;
    p->silent = has_beaten || !is_running ? 0 : p->silent + 1;
    if (p->silent < SUPERVISOR_SILENT_TICKS)
        return false;
    p->silent = 0;
    return true;
}

bool supervisor_pulse_is_healthy(const struct supervisor_pulse *p)
{
    return p->lost < SUPERVISOR_LOST_TICKS;
}
