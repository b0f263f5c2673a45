#include "dnsflip/model/secondary.h"

const char *secondary_state_name(enum secondary_state s)
{
    static const char *const names[] = { "unknown", "follows", "lags", "ahead" };

    return names[s];
}

uint32_t secondary_behind(const struct secondary_status *s)
{
    return s->state == SECONDARY_LAGS ? s->ours - s->serial : 0;
}
