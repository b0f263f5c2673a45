#include "dnsflip/model/operation.h"
#include "dnsflip/providers/beacon_plan.h"
#include "dnsflip/providers/store.h"

static int beacon_open(const struct settings *settings, unsigned index, struct io *io,
                       struct provider **out, struct err *err)
{
    (void)settings;
    (void)index;
    (void)err;
    *out = store_new(&provider_beacon, io);
    return 0;
}

const struct provider_ops provider_beacon = {
    .kind = "beacon",
    .problem = beacon_plan_problem,
    .open = beacon_open,
    .read = store_read,
    .plan = beacon_plan_steps,
    .silence = beacon_plan_silence,
    .servers = beacon_plan_servers,
    .submit = store_submit,
    .settle = store_settle,
    .find = store_find,
    .cancel = store_cancel,
    .close = store_close,
    .submit_ms = OP_SUBMIT_MS,
    .settle_ms = OP_SETTLE_LOCAL_MS,
};
