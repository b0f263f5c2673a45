#include "probes/probe.h"

#include <stddef.h>
#include <string.h>

const struct probe_ops *const probe_kinds[] = { &probe_http, &probe_airflow, &probe_tcp, NULL };

const struct probe_ops *probe_find(const char *kind)
{
    for (size_t i = 0; probe_kinds[i] != NULL; i++) {
        if (strcmp(probe_kinds[i]->kind, kind) == 0)
            return probe_kinds[i];
    }
    return NULL;
}

int probe_start(const struct probe_request *request, struct io *io, probe_done *done, void *arg,
                struct probe_run **run, struct err *err)
{
    const struct probe_ops *ops = probe_find(request->cfg->kind);
    if (ops == NULL)
        return err_set(err, ERR_CONFIG, "no probe is of kind '%s'", request->cfg->kind);
    return ops->start(request, io, done, arg, run, err);
}

void probe_cancel(struct probe_run *run)
{
    run->ops->cancel(run);
}
