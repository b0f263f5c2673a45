#include "dnsflip/providers/route53_batch.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_name.h"
#include "dnsflip/providers/route53_plan.h"

#define FIRST_CAP 64

void route53_zone_fini(struct route53_zone *zone)
{
    route53_set_fini(&zone->records);
    *zone = (struct route53_zone){ .id = "" };
}

uint32_t route53_zones_of(const struct route53_zone zones[], size_t n, const char *name)
{
    size_t longest = 0;
    uint32_t found = 0;

    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(zones[i].name);

        if (length < longest || !route53_name_is_in(name, zones[i].name))
            continue;
        if (length > longest)
            found = 0;
        longest = length;
        found |= UINT32_C(1) << i;
    }
    return found;
}

void route53_draft_refuse(struct route53_draft *d, enum err_code code, const char *fmt, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list ap;

    if (d->n_obstacles++ > 0)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)err_set(d->err, code, "%s", text);
}

const struct route53_record *route53_plan_keep(struct route53_plan *plan, struct route53_record *r)
{
    struct route53_record *kept = mem_zalloc(sizeof(*kept));

    *kept = *r;
    route53_record_init(r);
    if (plan->n_created == plan->cap_created) {
        plan->cap_created = plan->cap_created == 0 ? FIRST_CAP : 2 * plan->cap_created;
        plan->created =
            mem_resize(plan->created, plan->cap_created, sizeof(struct route53_record *));
    }
    plan->created[plan->n_created++] = kept;
    return kept;
}

static void add_change(struct route53_draft *d, bool is_create, const struct route53_record *r)
{
    if (d->n_changes == d->cap_changes) {
        d->cap_changes = d->cap_changes == 0 ? FIRST_CAP : 2 * d->cap_changes;
        d->changes = mem_resize(d->changes, d->cap_changes, sizeof(d->changes[0]));
    }
    d->changes[d->n_changes++] = (struct route53_change){ .is_create = is_create, .record = r };
}

void route53_draft_delete(struct route53_draft *d, const struct route53_record *live)
{
    add_change(d, false, live);
}

void route53_draft_create(struct route53_draft *d, struct route53_record *r)
{
    add_change(d, true, route53_plan_keep(d->plan, r));
}

uint32_t route53_record_elements(const struct route53_record *r)
{
    return r->n_values == 0 ? 1 : (uint32_t)r->n_values;
}

uint32_t route53_record_characters(const struct route53_record *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_values; i++)
        n += strlen(r->values[i]);
    return (uint32_t)n;
}

/* What stands beside the moving sets of a name and cannot stay there. */
static bool stands_in_the_way(struct route53_draft *d, const struct hostname_cfg *host,
                              const struct route53_set *zone)
{
    const struct target *to = &host->targets[d->move->to];
    bool is_cname = to->cname[0] != '\0' && to->alias_zone[0] == '\0';
    size_t first;
    size_t n = route53_set_name(zone, host->name, &first);

    for (size_t i = first; is_cname && i < first + n; i++) {
        const struct route53_record *r = zone->records[i];

        if (route53_records_concern(r))
            continue;
        route53_draft_refuse(
            d, ERR_CONFLICT,
            "%.200s: %s records are there, and the CNAME of %s cannot stand beside "
            "them",
            host->name, r->type, d->move->group->clusters[d->move->to]);
        return true;
    }
    return false;
}

/* The changes of a name from what is there to what is wanted. */
struct host_change {
    const struct hostname_cfg *host;
    const struct route53_set *zone;
    struct route53_wanted want[ROUTE53_WANTED_MAX];
    size_t n_want;
    size_t first, n; /* the name's sets in the zone */
};

static const struct route53_wanted *find_wanted(const struct host_change *c,
                                                const struct route53_record *live)
{
    for (size_t i = 0; i < c->n_want; i++) {
        if (strcmp(route53_kind_name(c->want[i].kind), live->type) == 0 &&
            strcmp(c->want[i].set_id, live->set_id) == 0)
            return &c->want[i];
    }
    return NULL;
}

static const struct route53_record *find_live(const struct host_change *c,
                                              const struct route53_wanted *want)
{
    return route53_set_find(c->zone, c->host->name, route53_kind_name(want->kind), want->set_id);
}

/* All DELETEs come before the CREATEs: at no point between are there two PRIMARYs. */
static bool add_deletes(struct route53_draft *d, const struct host_change *c)
{
    for (size_t i = c->first; i < c->first + c->n; i++) {
        const struct route53_record *live = c->zone->records[i];
        const struct route53_wanted *want = find_wanted(c, live);

        if (!route53_records_concern(live) || (want != NULL && route53_records_met(want, live)))
            continue;
        if (want == NULL && live->health_check[0] != '\0') {
            route53_draft_refuse(
                d, ERR_CONFLICT,
                "%.200s %s %.60s would be withdrawn, and its health check %s with it", live->name,
                live->type, live->set_id, live->health_check);
            return false;
        }
        route53_draft_delete(d, live);
    }
    return true;
}

/* Route 53 takes no PRIMARY without a health check but an alias, which evaluates its target's. */
static bool may_be_created(struct route53_draft *d, const struct route53_wanted *want,
                           const struct route53_record *made)
{
    if (want->failover != ROUTE53_PRIMARY || made->health_check[0] != '\0' ||
        made->alias_zone[0] != '\0')
        return true;
    route53_draft_refuse(d, ERR_CONFLICT,
                         "%.200s %s %.60s has no health check and would become PRIMARY, which "
                         "Route 53 refuses: give both records of the pair a health check",
                         made->name, made->type, made->set_id);
    return false;
}

static bool add_creates(struct route53_draft *d, const struct host_change *c)
{
    for (size_t i = 0; i < c->n_want; i++) {
        const struct route53_record *live = find_live(c, &c->want[i]);
        struct route53_record r;

        if (live != NULL && route53_records_met(&c->want[i], live))
            continue;
        route53_records_make(&c->want[i], c->host->name, live == NULL ? "" : live->health_check,
                             &r);
        if (!may_be_created(d, &c->want[i], &r)) {
            route53_record_fini(&r);
            return false;
        }
        route53_draft_create(d, &r);
    }
    return true;
}

static void add_bundle(struct route53_draft *d, const struct hostname_cfg *host,
                       const struct route53_set *zone)
{
    struct host_change c = { .host = host, .zone = zone };
    struct route53_bundle b = { .first = d->n_changes };

    c.n_want = route53_records_wanted(d->move->group, host, d->move->to,
                                      route53_records_have_aaaa(zone, host->name), c.want);
    c.n = route53_set_name(zone, host->name, &c.first);
    /* No name ever loses its last address. */
    assert(c.n_want > 0);
    if (stands_in_the_way(d, host, zone) || !add_deletes(d, &c) || !add_creates(d, &c))
        return;
    b.n = d->n_changes - b.first;
    for (size_t i = b.first; i < d->n_changes; i++) {
        b.elements += route53_record_elements(d->changes[i].record);
        b.characters += route53_record_characters(d->changes[i].record);
    }
    d->bundles[d->n_bundles++] = b;
    d->plan->n_moved++;
}

static bool is_foreign(struct route53_draft *d, size_t zone, const struct hostname_cfg *host)
{
    const struct route53_record *claim = route53_claims_find(&d->claims[zone], host->name);
    char owner[NAME_BYTES];

    if (claim == NULL || d->move->takes_foreign)
        return false;
    route53_draft_refuse(
        d, ERR_DENIED,
        "%.150s in zone %s belongs to ExternalDNS (owner '%s'), which would put it "
        "back within a minute: its TXT record is %.150s",
        host->name, d->zones[zone].id, route53_claims_owner(claim, owner), claim->name);
    return true;
}

/* One name in one of its zones.  Returns whether it has records there. */
static bool plan_host(struct route53_draft *d, size_t zone, const struct hostname_cfg *host)
{
    const struct route53_move *move = d->move;
    unsigned expected = move->from == ROUTE53_ANYWHERE ? move->to : (unsigned)move->from;
    struct route53_where where;
    bool may_move;

    route53_records_where(move->group, host, &d->zones[zone].records, expected, &where);
    if (where.at == ROUTE53_AT_NOTHING)
        return false;
    if ((where.places & (1U << move->to)) != 0) {
        d->plan->n_there++;
        return true;
    }
    if (move->from == ROUTE53_ANYWHERE)
        may_move = where.at != ROUTE53_AT_STRANGE;
    else
        may_move = (where.places & (1U << move->from)) != 0;
    if (!may_move)
        route53_draft_refuse(d, ERR_CONFLICT, "zone %s: %s", d->zones[zone].id, where.text);
    else if (!is_foreign(d, zone, host))
        add_bundle(d, host, &d->zones[zone].records);
    return true;
}

/* Zones that hold no managed name are not looked at, but for adopt. */
static void plan_zone(struct route53_draft *d, size_t zone, const uint32_t zones_of[], bool *found)
{
    d->n_changes = 0;
    d->n_bundles = 0;
    for (size_t i = 0; i < d->move->n_hosts; i++) {
        if ((zones_of[i] & (UINT32_C(1) << zone)) != 0 && plan_host(d, zone, d->move->hosts[i]))
            found[i] = true;
    }
    if (d->n_obstacles == 0)
        route53_pack_zone(d, zone);
}

static bool check_hosts(struct route53_draft *d, uint32_t zones_of[])
{
    const struct route53_move *move = d->move;
    struct err err;

    for (size_t i = 0; i < move->n_hosts; i++) {
        const struct hostname_cfg *host = move->hosts[i];

        zones_of[i] = route53_zones_of(d->zones, d->n_zones, host->name);
        if (zones_of[i] == 0)
            route53_draft_refuse(d, ERR_CONFIG, "%.200s lies in none of the provider's zones",
                                 host->name);
        else if (route53_records_check(move->group, host, &err) != 0)
            route53_draft_refuse(d, err.code, "%s", err.text);
    }
    return d->n_obstacles == 0;
}

static void plan_all(struct route53_draft *d, uint32_t zones_of[], bool found[])
{
    const struct route53_move *move = d->move;

    if (!check_hosts(d, zones_of))
        return;
    for (size_t zone = 0; zone < d->n_zones; zone++)
        plan_zone(d, zone, zones_of, found);
    for (size_t i = 0; i < move->n_hosts; i++) {
        if (!found[i])
            route53_draft_refuse(
                d, ERR_CONFLICT, "%.200s has no records to move; create those of cluster %s first",
                move->hosts[i]->name,
                move->group
                    ->clusters[move->from == ROUTE53_ANYWHERE ? move->to : (unsigned)move->from]);
    }
}

int route53_plan_init(struct route53_plan *out, const struct route53_move *move,
                      const struct route53_zone zones[], size_t n_zones, struct err *err)
{
    struct route53_draft d = {
        .move = move, .zones = zones, .n_zones = n_zones, .plan = out, .err = err
    };
    size_t n = move->n_hosts + 1; /* never nothing */
    uint32_t *zones_of = mem_array(n, sizeof(zones_of[0]));
    bool *found = mem_array(n, sizeof(found[0]));

    assert(n_zones > 0 && n_zones <= ROUTE53_ZONES_MAX);
    *out = (struct route53_plan){ .n_batches = 0 };
    d.bundles = mem_array(n, sizeof(d.bundles[0]));
    for (size_t i = 0; i < n_zones; i++)
        route53_claims_init(&d.claims[i], &zones[i].records);
    plan_all(&d, zones_of, found);
    for (size_t i = 0; i < n_zones; i++)
        route53_claims_fini(&d.claims[i]);
    mem_free(d.bundles);
    mem_free(d.changes);
    mem_free(found);
    mem_free(zones_of);
    if (d.n_obstacles == 0)
        return 0;
    route53_plan_fini(out);
    if (d.n_obstacles > 1) {
        size_t used = strlen(err->text);

        str_format(err->text + used, sizeof(err->text) - used, "; and %zu more", d.n_obstacles - 1);
    }
    return -1;
}

void route53_plan_fini(struct route53_plan *plan)
{
    for (size_t i = 0; i < plan->n_created; i++) {
        route53_record_fini(plan->created[i]);
        mem_free(plan->created[i]);
    }
    mem_free(plan->created);
    mem_free(plan->changes);
    mem_free(plan->batches);
    *plan = (struct route53_plan){ .n_batches = 0 };
}
