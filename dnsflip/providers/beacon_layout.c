#include "dnsflip/providers/beacon_layout.h"

#include "dnsflip/base/str.h"

/* Is the beacon that a check asks for 200? */
static bool says_200(enum beacon_asks asks, enum beacon_state state)
{
    switch (state) {
    case BEACON_PRIMARY_ACTIVE:
        return asks == BEACON_ASKS_FOR_PRIMARY;
    case BEACON_SECONDARY_ACTIVE:
        return asks == BEACON_ASKS_FOR_SECONDARY;
    case BEACON_SILENT:
        break;
    }
    return false;
}

/* A record without a check is never unhealthy. */
static bool is_healthy(const struct beacon_check *check, enum beacon_state state)
{
    return check->asks == BEACON_ASKS_NOTHING || says_200(check->asks, state) != check->is_inverted;
}

/* SECONDARY is answered with while PRIMARY is unhealthy and it is not.  When both are, Route 53
 * treats all as healthy, which is PRIMARY again. */
enum beacon_record beacon_layout_answer(const struct beacon_layout *layout, enum beacon_state state)
{
    return !is_healthy(&layout->primary, state) && is_healthy(&layout->secondary, state)
               ? BEACON_RECORD_SECONDARY
               : BEACON_RECORD_PRIMARY;
}

enum beacon_fit beacon_layout_fit(const struct beacon_layout *layout)
{
    if (beacon_layout_answer(layout, BEACON_PRIMARY_ACTIVE) != BEACON_RECORD_PRIMARY ||
        beacon_layout_answer(layout, BEACON_SECONDARY_ACTIVE) != BEACON_RECORD_SECONDARY)
        return BEACON_DOES_NOT_FOLLOW;
    return beacon_layout_answer(layout, BEACON_SILENT) == BEACON_RECORD_PRIMARY ? BEACON_FITS
                                                                                : BEACON_MOVES;
}

bool beacon_layout_is_convergent(const struct beacon_layout *layout,
                                 const struct beacon_holds *holds, unsigned destination)
{
    static const enum beacon_state states[] = { BEACON_PRIMARY_ACTIVE, BEACON_SECONDARY_ACTIVE,
                                                BEACON_SILENT };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        bool is_primary = beacon_layout_answer(layout, states[i]) == BEACON_RECORD_PRIMARY;

        if ((is_primary ? holds->primary : holds->secondary) != destination)
            return false;
    }
    return true;
}

struct beacon_layout beacon_layout_of(bool is_inverted)
{
    return (struct beacon_layout){
        .primary = { .asks = is_inverted ? BEACON_ASKS_FOR_SECONDARY : BEACON_ASKS_FOR_PRIMARY,
                     .is_inverted = is_inverted },
    };
}

const char *beacon_layout_silence(const struct beacon_layout *layout, const char *primary,
                                  const char *secondary, char *out, size_t cap)
{
    bool stays = beacon_layout_answer(layout, BEACON_SILENT) == BEACON_RECORD_PRIMARY;

    if (stays)
        (void)str_format(out, cap,
                         "names stay with %s while it is active, and after a flip to %s go back to "
                         "%s: no failover pair holds both",
                         primary, secondary, primary);
    else
        (void)str_format(out, cap,
                         "names leave %s for %s while %s is active, and stay with %s after a flip "
                         "to it: no failover pair holds both",
                         primary, secondary, primary, secondary);
    return out;
}
