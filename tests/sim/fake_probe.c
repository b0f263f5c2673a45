/* tests/sim/fake_probe.c -- probes/probe.h: what a probe would see of the simulated clusters. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "probes/probe.h"
#include "tests/sim/world.h"

#define QUICK_MS 5

struct fake_run {
    struct probe_run run; /* first */
    struct loop *loop;
    struct loop_timer *timer;
    struct observation seen;
    probe_done *done;
    void *arg;
};

/* The cluster that owns the address probed, or NULL: then it is a reference. */
static struct world_cluster *cluster_of(const struct target *t)
{
    for (size_t i = 0; i < world.settings->n_clusters; i++) {
        const struct target *own = &world.settings->clusters[i].target;
        bool v4 = t->n_a > 0 && own->n_a > 0 && inet_ip_equal(&t->a[0], &own->a[0]);
        bool v6 = t->n_aaaa > 0 && own->n_aaaa > 0 && inet_ip_equal(&t->aaaa[0], &own->aaaa[0]);

        if (v4 || v6 || (t->cname[0] != '\0' && strcmp(t->cname, own->cname) == 0))
            return &world.clusters[i];
    }
    return NULL;
}

static uint32_t hostname_number(const char *name)
{
    for (size_t g = 0; g < world.settings->n_groups; g++) {
        for (uint32_t i = 0; i < world.settings->groups[g].n_hostnames; i++) {
            if (strcmp(world.settings->groups[g].hostnames[i].name, name) == 0)
                return i;
        }
    }
    return UINT32_MAX;
}

static void both(struct observation *seen, enum reason_code code)
{
    seen->reason[PROFILE_ACTIVE] = seen->reason[PROFILE_STANDBY] = code;
}

static void see_app(const struct world_cluster *c, const char *hostname, struct observation *seen)
{
    if (c->app == APP_SICK || hostname_number(hostname) < c->broken)
        both(seen, REASON_HTTP_SERVER_ERROR);
    else if (c->app == APP_WAITING && !c->is_promoted)
        seen->reason[PROFILE_ACTIVE] = REASON_AIRFLOW_SCHEDULER;
}

/* Fills seen; returns how long it takes. */
static int64_t look(const struct probe_request *request, struct observation *seen)
{
    struct world_cluster *c = cluster_of(request->target);
    int64_t now = loop_now(world.loop).mono.ms;
    enum world_net net = c == NULL ? NET_OK : c->net;

    seen->reused = c != NULL && c->is_stale && !request->fresh;
    if (world.is_uplink_down)
        net = NET_HANG;
    else if (seen->reused || (c != NULL && c->flap_ms > 0 && now / c->flap_ms % 2 == 1))
        net = NET_REFUSE;
    if (c != NULL)
        str_copy(seen->address.text, sizeof(seen->address.text), c->address);
    switch (net) {
    case NET_OK:
        if (c != NULL)
            see_app(c, request->hostname, seen);
        return QUICK_MS;
    case NET_REFUSE:
        both(seen, REASON_CONNECT_REFUSED);
        return QUICK_MS;
    case NET_HANG:
        both(seen, REASON_CONNECT_TIMEOUT);
        return request->cfg->timeout_ms;
    case NET_NOROUTE:
        both(seen, REASON_NO_ROUTE);
        return QUICK_MS;
    }
    return QUICK_MS;
}

static void on_timer(void *arg)
{
    struct fake_run run = *(struct fake_run *)arg;

    loop_timer_free(run.timer);
    mem_free(arg);
    run.done(run.arg, &run.seen);
}

/* Starts of this second and how many of them: a reference is none of the clusters' checks. */
static void count_start(const struct target *t)
{
    static struct mono starts[1024];
    static uint64_t n;
    uint32_t max = world.settings->node.max_checks_per_second;
    struct mono now = loop_now(world.loop).mono;

    if (cluster_of(t) == NULL)
        return;
    if (world.probes_run == 0)
        n = 0;
    world.probes_run++;
    if (max == 0 || max > sizeof(starts) / sizeof(starts[0]))
        return;
    world.hurried_checks += n >= max && mono_since(now, starts[n % max]) < 1000;
    starts[n++ % max] = now;
}

int probe_start(const struct probe_request *request, struct io *io, probe_done *done, void *arg,
                struct probe_run **run, struct err *err)
{
    struct fake_run *fake = mem_zalloc(sizeof(*fake));
    struct mono at;

    if (world.is_spent) {
        mem_free(fake);
        return err_set(err, ERR_SYS, "too many open files");
    }
    count_start(request->target);
    fake->loop = io->loop;
    fake->done = done;
    fake->arg = arg;
    at = mono_add(loop_now(io->loop).mono, look(request, &fake->seen));
    fake->timer = loop_timer_new(io->loop, on_timer, fake);
    loop_timer_set(fake->timer, at);
    *run = &fake->run;
    return 0;
}

void probe_cancel(struct probe_run *run)
{
    struct fake_run *fake = (struct fake_run *)(void *)run;

    loop_timer_free(fake->timer);
    mem_free(fake);
}
