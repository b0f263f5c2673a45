#include "dnsflip/model/journal_entry.h"

#include <assert.h>
#include <stddef.h>

const char *entry_kind_name(enum entry_kind k)
{
    static const char *const names[ENTRY_KINDS] = {
        [ENTRY_INIT] = "init",
        [ENTRY_ADOPT] = "adopt",
        [ENTRY_START] = "start",
        [ENTRY_STOP] = "stop",
        [ENTRY_RELOAD] = "reload",
        [ENTRY_VERDICT] = "verdict",
        [ENTRY_DECISION] = "decision",
        [ENTRY_INTENT] = "intent",
        [ENTRY_REFUSED] = "refused",
        [ENTRY_STEP] = "step",
        [ENTRY_MOVED] = "moved",
        [ENTRY_SETTLED] = "settled",
        [ENTRY_OUTCOME] = "outcome",
        [ENTRY_FENCE] = "fence",
        [ENTRY_REJOIN] = "rejoin",
        [ENTRY_HOLD] = "hold",
        [ENTRY_RELEASE] = "release",
        [ENTRY_ACK] = "ack",
        [ENTRY_PAUSE] = "pause",
        [ENTRY_RESUME] = "resume",
        [ENTRY_ALARM] = "alarm",
        [ENTRY_ROTATED] = "rotated",
        [ENTRY_KEPT_PAUSE] = "kept-pause",
        [ENTRY_KEPT_GROUP] = "kept-group",
        [ENTRY_KEPT_FENCE] = "kept-fence",
        [ENTRY_KEPT_OPERATION] = "kept-operation",
        [ENTRY_KEPT_ENDED] = "kept-ended",
        [ENTRY_KEPT_OUTAGE] = "kept-outage",
        [ENTRY_KEPT_REQUEST] = "kept-request",
        [ENTRY_OVERFLOW] = "overflow",
    };

    assert((unsigned)k < ENTRY_KINDS);
    return names[k];
}
