/* dnsflip/providers/route53_live.c -- what the zones that were read say of a group and of a step.
 */
#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_job.h"
#include "dnsflip/providers/route53_ownership.h"

/* Over all names and zones. */
struct tally {
    size_t n, nothing;
    uint16_t common; /* places that every name is at */
    uint32_t at[CLUSTERS_MAX];
    uint32_t strange;
    bool has_text;
    struct err first; /* the first record that is not where the others are */
};

static void tell(struct tally *t, const char *text)
{
    if (!t->has_text)
        (void)err_set(&t->first, ERR_CONFLICT, "%s", text);
    t->has_text = true;
}

/* A name in one of its zones.  Returns whether it has records there. */
static bool count_in_zone(const struct route53_job *job, const struct hostname_cfg *host,
                          const struct route53_zone *zone, struct tally *t)
{
    struct route53_where where;

    route53_records_where(&job->group, host, &zone->records, job->step.to, &where);
    if (where.at == ROUTE53_AT_NOTHING)
        return false;
    t->n++;
    if (where.text[0] != '\0')
        tell(t, where.text);
    if (where.at != ROUTE53_AT_PLACE) {
        t->strange++;
        t->common = 0;
        return true;
    }
    t->common &= where.places;
    for (unsigned place = 0; place < job->group.n_clusters; place++) {
        if ((where.places & (1U << place)) != 0) {
            t->at[place]++;
            break;
        }
    }
    return true;
}

/* zones: a bit for each; a name need not be in both of a public and a private twin. */
static void count_name(const struct route53_job *job, const struct hostname_cfg *host,
                       uint32_t zones, struct tally *t)
{
    struct route53_where where;
    bool is_there = false;

    for (size_t z = 0; z < job->zones->n; z++) {
        if ((zones & (1U << z)) != 0 && count_in_zone(job, host, &job->zones->zones[z], t))
            is_there = true;
    }
    if (is_there)
        return;
    for (size_t z = 0; z < job->zones->n; z++) {
        if ((zones & (1U << z)) == 0)
            continue;
        route53_records_where(&job->group, host, &job->zones->zones[z].records, job->step.to,
                              &where);
        tell(t, where.text);
        break;
    }
    t->n++;
    t->nothing++;
    t->common = 0;
}

/* The first name that ExternalDNS says is its own. */
static void find_claim(const struct route53_job *job, const struct route53_zone *zone,
                       struct live *out)
{
    struct route53_claims claims;
    char owner[NAME_BYTES];

    route53_claims_init(&claims, &zone->records);
    for (size_t i = 0; i < job->n_hosts && claims.n > 0 && out->foreign[0] == '\0'; i++) {
        const struct route53_record *claim = route53_claims_find(&claims, job->hosts[i]->name);

        if (claim != NULL)
            (void)str_format(out->foreign, sizeof(out->foreign),
                             "%s in zone %s belongs to ExternalDNS (owner '%s'), which would put "
                             "it back within a minute: its TXT record is %s",
                             job->hosts[i]->name, zone->id, route53_claims_owner(claim, owner),
                             claim->name);
    }
    route53_claims_fini(&claims);
}

uint32_t route53_newest_epoch(const struct route53_job *job)
{
    uint32_t newest = 0;

    for (size_t z = 0; z < job->zones->n; z++) {
        const struct route53_zone *zone = &job->zones->zones[z];
        const struct route53_record *record = NULL;
        struct route53_ownership owner;
        char name[HOSTNAME_BYTES];
        struct err ignored;

        if (route53_ownership_name(job->group.name, zone->name, name, &ignored) == 0 &&
            route53_ownership_find(&zone->records, name, &record, &owner, &ignored) == 0 &&
            record != NULL && owner.epoch > newest)
            newest = owner.epoch;
    }
    return newest;
}

static void set_mixed(const struct tally *t, struct live *out)
{
    out->status = LIVE_MIXED;
    for (unsigned place = 0; place < CLUSTERS_MAX; place++)
        out->names[place] = t->at[place];
    out->strange = t->strange + (uint32_t)t->nothing;
    out->err = t->first;
    if (!t->has_text)
        (void)err_set(&out->err, ERR_CONFLICT, "%zu of %zu names have no records", t->nothing,
                      t->n);
}

void route53_live(const struct route53_job *job, struct live *out)
{
    struct tally t = { .common = UINT16_MAX };

    *out = (struct live){ .epoch = route53_newest_epoch(job) };
    for (size_t z = 0; z < job->zones->n; z++)
        find_claim(job, &job->zones->zones[z], out);
    for (size_t i = 0; i < job->n_hosts; i++) {
        const struct hostname_cfg *host = job->hosts[i];
        uint32_t zones = route53_zones_of(job->zones->zones, job->zones->n, host->name);

        if (zones == 0) {
            (void)err_set(&out->err, ERR_CONFIG, "%s lies in none of the provider's hosted zones",
                          host->name);
            return;
        }
        count_name(job, host, zones, &t);
    }
    if (t.n == t.nothing) {
        out->status = LIVE_ABSENT;
        return;
    }
    if (t.common == 0) {
        set_mixed(&t, out);
        return;
    }
    out->status = LIVE_ONE;
    out->err = t.first;
    /* Clusters with the same targets cannot be told apart: the believed one it is. */
    if ((t.common & (1U << job->step.to)) != 0)
        out->place = (int8_t)job->step.to;
    while ((t.common & (1U << out->place)) == 0)
        out->place++;
}

struct route53_move route53_job_move(const struct route53_job *job)
{
    const struct step *step = &job->step;

    return (struct route53_move){ .group = &job->group,
                                  .hosts = job->hosts,
                                  .n_hosts = job->n_hosts,
                                  .from = step->from,
                                  .to = step->to,
                                  .epoch = step->epoch,
                                  .is_adopt = step->from == step->to,
                                  .takes_foreign = step->takes_foreign };
}

enum found route53_found(struct route53_job *job, struct err *why)
{
    struct route53_move move = route53_job_move(job);
    bool is_begun = route53_newest_epoch(job) == job->step.epoch;

    if (route53_plan_init(&job->plan, &move, job->zones->zones, job->zones->n, why) != 0)
        return is_begun ? FOUND_PARTIAL : FOUND_OTHER;
    if (!is_begun)
        return FOUND_NOT_APPLIED;
    return job->plan.n_batches == 0 ? FOUND_APPLIED : FOUND_PARTIAL;
}
