/* dnsflip/providers/route53_preview.c -- what a step would do to the records that were read last:
 * batches, quotas, time, and each name's live records. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/route53_job.h"
#include "dnsflip/providers/route53_servers.h"

#define SECOND_MS INT64_C(1000)
#define LIVE_BYTES 1024
#define PAGE_RECORDS 300
/* What a resolver keeps of an alias: the service answers with the target's TTL, 60 s for its load
 * balancers. */
#define ALIAS_TTL_S 60

void route53_keep(struct route53 *route53, struct route53_zones *zones)
{
    bool is_new = route53->kept != zones; /* groups share what is read */

    route53_zones_free(route53->kept);
    route53->kept = zones;
    if (is_new)
        route53_servers_learn(route53->servers, zones);
    route53->kept_at = loop_now(route53->api.loop).mono;
}

/* "A 198.51.100.10 TTL 60; AAAA 2001:db8::1 TTL 60" */
static void format_live(const struct route53_zone *zone, const char *name,
                        char out[static LIVE_BYTES])
{
    size_t first = 0;
    size_t n = route53_set_name(&zone->records, name, &first), used = 0;

    out[0] = '\0';
    for (size_t i = first; i < first + n; i++) {
        const struct route53_record *r = zone->records.records[i];
        char text[ROUTE53_FORMAT_BYTES];

        if (!route53_records_concern(r))
            continue;
        (void)str_format(out + used, LIVE_BYTES - used, "%s%s %s", used > 0 ? "; " : "", r->type,
                         route53_records_format(r, text));
        used = strlen(out);
    }
}

static void show_names(const struct route53_job *job, preview_look *each, void *arg)
{
    const struct route53_zones *zones = job->zones;
    char text[LIVE_BYTES];

    for (size_t i = 0; i < job->n_hosts; i++) {
        const char *name = job->hosts[i]->name;
        uint32_t in = route53_zones_of(zones->zones, zones->n, name);

        if (in == 0)
            each(arg, name, "", "lies in none of the provider's hosted zones");
        for (size_t z = 0; z < zones->n; z++) {
            if ((in & (1U << z)) == 0)
                continue;
            format_live(&zones->zones[z], name, text);
            each(arg, name, zones->zones[z].id, text);
        }
    }
}

static void count_batches(const struct route53_plan *plan, struct preview *out)
{
    out->batches = (uint32_t)plan->n_batches;
    for (size_t i = 0; i < plan->n_batches; i++) {
        const struct route53_batch *b = &plan->batches[i];

        out->elements = b->elements > out->elements ? b->elements : out->elements;
        out->characters = b->characters > out->characters ? b->characters : out->characters;
    }
}

/* The longest that a resolver goes on with what the step deletes. */
static int64_t cache_ms(const struct route53_plan *plan)
{
    uint32_t longest_s = 0;

    for (size_t i = 0; i < plan->n_changes; i++) {
        const struct route53_record *r = plan->changes[i].record;
        uint32_t ttl_s = r->ttl_s == ROUTE53_TTL_NONE ? ALIAS_TTL_S : r->ttl_s;

        if (!plan->changes[i].is_create && route53_records_concern(r) && ttl_s > longest_s)
            longest_s = ttl_s;
    }
    return (int64_t)longest_s * SECOND_MS;
}

/* The zones are read before anything is sent; past the burst, requests wait for the budget. */
static void count_time(const struct route53_job *job, struct preview *out)
{
    for (size_t z = 0; z < job->zones->n; z++)
        out->requests += 2 + (uint32_t)(job->zones->zones[z].records.n / PAGE_RECORDS);
    out->requests += out->batches;
    out->submit_ms = (int64_t)out->requests * ROUTE53_REQUEST_TYPICAL_MS;
    if (out->requests > AWS_FLIP_BURST)
        out->submit_ms += (out->requests - AWS_FLIP_BURST) * SECOND_MS / AWS_FLIP_PER_S;
    out->settle_ms = out->batches > 0 ? ROUTE53_INSYNC_MS : 0;
}

static void show_zones(const struct route53_zones *zones, struct preview *out)
{
    out->n_zones = zones->n;
    for (size_t z = 0; z < zones->n; z++)
        out->zones[z] = (struct preview_zone){ .id = zones->zones[z].id,
                                               .name = zones->zones[z].name,
                                               .accelerated = zones->facts[z].accelerated,
                                               .is_private = zones->zones[z].is_private };
}

void route53_preview(struct provider *p, const struct step *step, struct preview *out,
                     preview_look *each, void *arg)
{
    struct route53 *route53 = (struct route53 *)(void *)p;
    struct route53_job *job;
    struct route53_move move;
    struct err why = { 0 };

    *out = (struct preview){ .is_read = route53->kept != NULL };
    if (!out->is_read)
        return;
    out->age_ms = mono_since(loop_now(route53->api.loop).mono, route53->kept_at);
    job = route53_job_new(p, step, NULL);
    job->zones = route53->kept;
    move = route53_job_move(job);
    if (route53_plan_init(&job->plan, &move, job->zones->zones, job->zones->n, &why) != 0)
        (void)str_copy(out->refusal, sizeof(out->refusal), why.text);
    count_batches(&job->plan, out);
    count_time(job, out);
    out->moved = (uint32_t)job->plan.n_moved;
    out->there = (uint32_t)job->plan.n_there;
    out->cache_ms = cache_ms(&job->plan);
    show_zones(job->zones, out);
    show_names(job, each, arg);
    job->zones = NULL; /* borrowed */
    route53_job_end(job);
}
