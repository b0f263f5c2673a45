#include "dnsflip/model/operation.h"
#include "dnsflip/providers/local_plan.h"
#include "dnsflip/providers/store.h"

static int local_open(const struct settings *settings, unsigned index, struct io *io,
                      struct provider **out, struct err *err)
{
    (void)settings;
    (void)index;
    (void)err;
    *out = store_new(&provider_local, io);
    return 0;
}

const struct provider_ops provider_local = {
    .kind = "local",
    .problem = local_plan_problem,
    .open = local_open,
    .read = store_read,
    .plan = local_plan_steps,
    .silence = local_plan_silence,
    .servers = local_plan_servers,
    .submit = store_submit,
    .settle = store_settle,
    .find = store_find,
    .cancel = store_cancel,
    .close = store_close,
    .submit_ms = OP_SUBMIT_MS,
    .settle_ms = OP_SETTLE_LOCAL_MS,
};
