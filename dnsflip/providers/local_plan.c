#include "dnsflip/providers/local_plan.h"

#include <string.h>

#include "dnsflip/base/str.h"

/* Kinds whose step is the store of the group's word. */
static bool is_store(const struct provider_cfg *cfg)
{
    return strcmp(cfg->kind, "local") == 0 || strcmp(cfg->kind, "beacon") == 0;
}

bool local_plan_joins(const struct settings *settings, struct plan *plan, size_t n)
{
    for (unsigned i = 0; i < plan->n_steps; i++) {
        if (is_store(&settings->providers[plan->steps[i].provider])) {
            plan->steps[i].n += (uint32_t)n;
            return true;
        }
    }
    return false;
}

const char *local_plan_problem(const struct provider_cfg *cfg)
{
    if (cfg->local.n_listen == 0)
        return "a local provider needs at least one listen address";
    if (cfg->local.zone[0] == '\0')
        return "a local provider needs a zone";
    if (cfg->local.n_nameservers == 0)
        return "a local provider needs at least one name server";
    return NULL;
}

int local_plan_steps(const struct settings *settings, unsigned index,
                     const struct target_change changes[], size_t n, struct plan *plan,
                     struct err *err)
{
    const struct group_cfg *group = &settings->groups[plan->group];
    const char *from = settings->clusters[group->clusters[plan->from]].name;
    const char *to = settings->clusters[group->clusters[plan->to]].name;
    struct step *step;

    (void)changes;
    if (local_plan_joins(settings, plan, n))
        return 0;
    step = provider_add_step(index, n, plan, err);
    if (step == NULL)
        return -1;
    str_format(step->text, sizeof(step->text),
               "zone %s: answer %zu names of %s with %s (one store)",
               settings->providers[index].local.zone, n, group->name, to);
    str_format(step->inverse, sizeof(step->inverse), "zone %s: answer %zu names of %s with %s",
               settings->providers[index].local.zone, n, group->name, from);
    return 0;
}

void local_plan_silence(const struct settings *settings, unsigned index, uint32_t group,
                        struct silence *out)
{
    const struct local_cfg *cfg = &settings->providers[index].local;
    char expire[STR_DURATION_BYTES];

    (void)group;
    *out = (struct silence){ .moves_traffic = false };
    str_format_duration((int64_t)cfg->soa.expire_s * 1000, expire);
    str_format(
        out->text, sizeof(out->text),
        "names of %s stay where they are: a dead judge leaves the answers as they were; with "
        "the whole node dead %u notified secondaries go on for %s",
        cfg->zone, (unsigned)cfg->secondaries.n_notify, expire);
}

/* An address that stands for all of the machine's cannot be asked; its loopback can. */
static struct inet_addr askable(struct inet_addr addr)
{
    if (!inet_is_any(&addr.ip))
        return addr;
    if (addr.ip.family == 4)
        (void)inet_parse_ip("127.0.0.1", &addr.ip);
    else
        (void)inet_parse_ip("::1", &addr.ip);
    return addr;
}

size_t local_plan_servers(const struct settings *settings, unsigned index, struct inet_addr out[])
{
    const struct local_cfg *cfg = &settings->providers[index].local;

    for (unsigned i = 0; i < cfg->n_listen; i++)
        out[i] = askable(cfg->listen[i]);
    for (unsigned i = 0; i < cfg->secondaries.n_notify; i++)
        out[cfg->n_listen + i] = cfg->secondaries.notify[i];
    return (size_t)cfg->n_listen + cfg->secondaries.n_notify;
}
