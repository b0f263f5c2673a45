#include "dnsflip/providers/route53.h"

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/model/operation.h"
#include "dnsflip/providers/route53_job.h"
#include "dnsflip/providers/route53_servers.h"
#include "dnsflip/providers/route53_steps.h"

static struct route53 *route53_of(struct provider *p)
{
    return (struct route53 *)(void *)p;
}

/* ---- one call ------------------------------------------------------------------------------- */

struct route53_job *route53_job_new(struct provider *p, const struct step *step, void *arg)
{
    struct route53 *route53 = route53_of(p);
    const struct settings *s = route53->settings;
    const struct group_cfg *group = &s->groups[step->group];
    struct route53_job *job = mem_zalloc(sizeof(*job));

    job->call.ops = &provider_route53;
    job->route53 = route53;
    job->step = *step;
    job->arg = arg;
    buf_init(&job->body, ROUTE53_BODY_BYTES);
    route53_group_init(&job->group, s, route53->api.cfg, step->group);
    job->hosts = mem_array(group->n_hostnames + 1, sizeof(const struct hostname_cfg *));
    for (size_t i = 0; i < group->n_hostnames; i++) {
        if (group->hostnames[i].provider == route53->index)
            job->hosts[job->n_hosts++] = &group->hostnames[i];
    }
    return job;
}

void route53_job_end(struct route53_job *job)
{
    route53_zones_cancel(job->reading);
    if (job->request != NULL)
        aws_cancel(job->request);
    route53_plan_fini(&job->plan);
    route53_zones_free(job->zones);
    buf_fini(&job->body);
    loop_timer_free(job->timer);
    mem_free(job->hosts);
    loop_defer_free(job->route53->api.loop, job);
}

static void route53_cancel(struct provider_call *call)
{
    route53_job_end((struct route53_job *)(void *)call);
}

void route53_job_read(struct route53_job *job, enum aws_lane lane, route53_zones_done *fn)
{
    job->reading = route53_zones_read(&job->route53->api, lane, fn, job);
}

/* ---- what is there --------------------------------------------------------------------------- */

static void on_read(void *arg, struct route53_zones *zones, const struct err *err)
{
    struct route53_job *job = arg;
    provider_read_done *done = job->done.read;
    void *done_arg = job->arg;
    struct live live = { .status = LIVE_UNREADABLE };

    job->reading = NULL;
    job->zones = zones;
    if (zones == NULL)
        live.err = *err;
    else
        route53_live(job, &live);
    if (zones != NULL) {
        route53_keep(job->route53, zones);
        job->zones = NULL;
    }
    route53_job_end(job);
    done(done_arg, &live);
}

static struct provider_call *route53_read(struct provider *p, uint32_t group, int8_t believed,
                                          provider_read_done *done, void *arg)
{
    uint8_t place = believed < 0 ? 0 : (uint8_t)believed;
    struct step step = { .group = group, .from = place, .to = place };
    struct route53_job *job = route53_job_new(p, &step, arg);

    job->done.read = done;
    route53_job_read(job, AWS_LANE_REFRESH, on_read);
    return &job->call;
}

static void on_find(void *arg, struct route53_zones *zones, const struct err *err)
{
    struct route53_job *job = arg;
    provider_find_done *done = job->done.find;
    void *done_arg = job->arg;
    struct err why = { 0 };
    enum found found = FOUND_UNREADABLE;

    job->reading = NULL;
    job->zones = zones;
    if (zones == NULL)
        why = *err;
    else
        found = route53_found(job, &why);
    route53_job_end(job);
    done(done_arg, found, why.text);
}

static struct provider_call *route53_find(struct provider *p, const struct step *step,
                                          provider_find_done *done, void *arg)
{
    struct route53_job *job = route53_job_new(p, step, arg);

    job->done.find = done;
    route53_job_read(job, AWS_LANE_FLIP, on_find);
    return &job->call;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int route53_open(const struct settings *settings, unsigned index, struct io *io,
                        struct provider **out, struct err *err)
{
    struct route53 *route53 = mem_zalloc(sizeof(*route53));

    route53->provider.ops = &provider_route53;
    route53->settings = settings;
    route53->index = index;
    if (route53_api_init(&route53->api, &settings->providers[index].route53, io, err) != 0) {
        mem_free(route53);
        return -1;
    }
    route53->servers = route53_servers_new(io);
    *out = &route53->provider;
    return 0;
}

static void route53_close(struct provider *p)
{
    struct route53 *route53 = route53_of(p);

    route53_api_fini(&route53->api);
    route53_zones_free(route53->kept);
    route53_servers_free(route53->servers);
    mem_free(route53);
}

static int64_t route53_refresh_ms(const struct provider_cfg *cfg)
{
    return cfg->route53.refresh_ms;
}

/* PURE: the servers that the configuration names. */
static size_t route53_servers(const struct settings *settings, unsigned index,
                              struct inet_addr out[])
{
    const struct route53_cfg *cfg = &settings->providers[index].route53;

    for (unsigned i = 0; i < cfg->n_verify; i++)
        out[i] = cfg->verify[i];
    return cfg->n_verify;
}

static size_t route53_learned(const struct provider *p, const char *name, struct inet_addr out[])
{
    return route53_servers_of(((const struct route53 *)(const void *)p)->servers, name, out);
}

const struct provider_ops provider_route53 = {
    .kind = "route53",
    .problem = route53_steps_problem,
    .open = route53_open,
    .read = route53_read,
    .plan = route53_steps_plan,
    .silence = route53_steps_silence,
    .servers = route53_servers,
    .learned = route53_learned,
    .submit = route53_submit,
    .settle = route53_settle,
    .find = route53_find,
    .preview = route53_preview,
    .cancel = route53_cancel,
    .close = route53_close,
    .refresh_ms = route53_refresh_ms,
    .submit_ms = ROUTE53_SUBMIT_MS,
    .settle_ms = OP_SETTLE_MS,
};
