#include "dnsflip/model/operation.h"

const char *op_state_name(enum op_state s)
{
    static const char *const names[OP_STATES] = {
        [OP_NONE] = "none",           [OP_RECORDING] = "recording",
        [OP_FINDING] = "finding",     [OP_WAITING] = "waiting",
        [OP_FENCING] = "fencing",     [OP_PROMOTING] = "promoting",
        [OP_PROVING] = "proving",     [OP_SUBMITTING] = "submitting",
        [OP_SETTLING] = "settling",   [OP_VERIFYING] = "verifying",
        [OP_DONE] = "done",           [OP_NOT_CONVERGED] = "not-converged",
        [OP_PARTIAL] = "partial",     [OP_ATTENTION] = "needs-attention",
        [OP_REFUSED] = "refused",     [OP_ABANDONED] = "abandoned",
        [OP_FAILED] = "failed",       [OP_CONFLICT] = "conflict",
        [OP_CANCELLED] = "cancelled", [OP_SUPERSEDED] = "superseded",
    };

    return names[s];
}
