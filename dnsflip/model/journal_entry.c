#include "dnsflip/model/journal_entry.h"

#include <assert.h>
#include <stddef.h>

const char *entry_kind_name(enum entry_kind k)
{
    static const char *const names[ENTRY_KINDS] = {
        [ENTRY_INIT] = "init",         [ENTRY_ADOPT] = "adopt",     [ENTRY_START] = "start",
        [ENTRY_STOP] = "stop",         [ENTRY_RELOAD] = "reload",   [ENTRY_VERDICT] = "verdict",
        [ENTRY_DECISION] = "decision", [ENTRY_INTENT] = "intent",   [ENTRY_REFUSED] = "refused",
        [ENTRY_STEP] = "step",         [ENTRY_MOVED] = "moved",     [ENTRY_SETTLED] = "settled",
        [ENTRY_OUTCOME] = "outcome",   [ENTRY_FENCE] = "fence",     [ENTRY_REJOIN] = "rejoin",
        [ENTRY_HOLD] = "hold",         [ENTRY_RELEASE] = "release", [ENTRY_ACK] = "ack",
        [ENTRY_PAUSE] = "pause",       [ENTRY_RESUME] = "resume",   [ENTRY_ALARM] = "alarm",
    };

    assert((unsigned)k < ENTRY_KINDS);
    return names[k];
}
