#include "dnsflip/providers/route53_records.h"

#include <string.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/str.h"

#define VALUE_BYTES 320 /* of a value in a form to be compared: a name, an https text */

static const char *const kind_names[ROUTE53_KINDS] = { "A", "AAAA", "CNAME", "HTTPS" };

const char *route53_kind_name(enum route53_kind kind)
{
    return kind_names[kind];
}

void route53_group_init(struct route53_group *out, const struct settings *settings,
                        const struct route53_cfg *cfg, uint32_t group)
{
    const struct group_cfg *g = &settings->groups[group];

    *out = (struct route53_group){
        .name = g->name, .n_clusters = g->n_clusters, .routing = cfg->routing, .ttl_s = g->ttl_s
    };
    for (unsigned i = 0; i < g->n_clusters; i++)
        out->clusters[i] = settings->clusters[g->clusters[i]].name;
}

static bool is_alias(const struct target *t)
{
    return t->alias_zone[0] != '\0';
}

static bool all_are_aliases(const struct route53_group *group, const struct hostname_cfg *host)
{
    for (unsigned i = 0; i < group->n_clusters; i++) {
        if (!is_alias(&host->targets[i]))
            return false;
    }
    return true;
}

static bool has_kind(const struct target *t, enum route53_kind kind)
{
    switch (kind) {
    case ROUTE53_A:
        return is_alias(t) || t->n_a > 0;
    case ROUTE53_AAAA:
        return is_alias(t) || t->n_aaaa > 0;
    case ROUTE53_CNAME:
        return !is_alias(t) && t->cname[0] != '\0';
    case ROUTE53_HTTPS:
        return t->https[0] != '\0';
    }
    return false;
}

static bool has_values(const struct target *t, enum route53_kind kind)
{
    return !is_alias(t) || kind == ROUTE53_HTTPS;
}

static uint32_t ttl_of(const struct route53_group *group, const struct target *t,
                       enum route53_kind kind)
{
    if (!has_values(t, kind))
        return ROUTE53_TTL_NONE;
    return t->ttl_s != 0 ? t->ttl_s : group->ttl_s;
}

/* What the service asks of a weighted set: one value each, and one TTL for all. */
static int check_weighted(const struct route53_group *group, const struct hostname_cfg *host,
                          unsigned place, struct err *err)
{
    const struct target *t = &host->targets[place];
    uint32_t ttl_s = t->ttl_s != 0 ? t->ttl_s : group->ttl_s;
    uint32_t first_s = host->targets[0].ttl_s != 0 ? host->targets[0].ttl_s : group->ttl_s;

    if (t->n_a > 1 || t->n_aaaa > 1)
        return err_set(
            err, ERR_CONFIG,
            "%.200s: a weighted record holds one address, and the target in %s has more; "
            "give it one, or take routing simple or failover",
            host->name, group->clusters[place]);
    if (ttl_s != first_s)
        return err_set(err, ERR_CONFIG,
                       "%.200s: weighted records have one TTL, and it is %u s in %s but %u s in %s",
                       host->name, (unsigned)first_s, group->clusters[0], (unsigned)ttl_s,
                       group->clusters[place]);
    return 0;
}

int route53_records_check(const struct route53_group *group, const struct hostname_cfg *host,
                          struct err *err)
{
    if (group->routing == ROUTE53_ROUTING_FAILOVER && group->n_clusters != 2)
        return err_set(
            err, ERR_CONFIG,
            "group %s has %u clusters, and a failover pair has exactly two: take routing "
            "simple or weighted",
            group->name, group->n_clusters);
    for (unsigned i = 0; i < group->n_clusters; i++) {
        const struct target *t = &host->targets[i];

        if (group->routing == ROUTE53_ROUTING_FAILOVER && is_alias(t) && !t->alias_evaluates_health)
            return err_set(err, ERR_CONFIG,
                           "%.200s: the alias in %s has to evaluate the health of its target to be "
                           "half of a failover pair",
                           host->name, group->clusters[i]);
        if (!target_is_set(t))
            return err_set(err, ERR_CONFIG, "%.200s has no target in %s", host->name,
                           group->clusters[i]);
        if (group->routing == ROUTE53_ROUTING_SIMPLE)
            continue;
        if (has_kind(t, ROUTE53_CNAME) != has_kind(&host->targets[0], ROUTE53_CNAME))
            return err_set(err, ERR_CONFIG,
                           "%.200s is a CNAME in one of %s and %s and not in the other, and under "
                           "routing %s both would be there at once; take routing simple",
                           host->name, group->clusters[0], group->clusters[i],
                           group->routing == ROUTE53_ROUTING_WEIGHTED ? "weighted" : "failover");
        if (group->routing == ROUTE53_ROUTING_WEIGHTED && check_weighted(group, host, i, err) != 0)
            return -1;
    }
    return 0;
}

static struct route53_wanted wanted_of(const struct route53_group *group,
                                       const struct hostname_cfg *host, enum route53_kind kind,
                                       unsigned place, unsigned active)
{
    const struct target *t = &host->targets[place];
    struct route53_wanted want = {
        .kind = kind, .set_id = "", .weight = -1, .ttl_s = ttl_of(group, t, kind), .target = t
    };

    switch (group->routing) {
    case ROUTE53_ROUTING_SIMPLE:
        break;
    case ROUTE53_ROUTING_WEIGHTED:
        want.set_id = group->clusters[place];
        want.weight = place == active ? ROUTE53_WEIGHT_ACTIVE : 0;
        break;
    case ROUTE53_ROUTING_FAILOVER:
        want.set_id = group->clusters[place];
        want.failover = place == active ? ROUTE53_PRIMARY : ROUTE53_SECONDARY;
        break;
    }
    return want;
}

size_t route53_records_wanted(const struct route53_group *group, const struct hostname_cfg *host,
                              unsigned place, bool has_aaaa,
                              struct route53_wanted out[static ROUTE53_WANTED_MAX])
{
    bool may_lack_aaaa = !has_aaaa && all_are_aliases(group, host);
    size_t n = 0;

    for (int k = 0; k < ROUTE53_KINDS; k++) {
        enum route53_kind kind = (enum route53_kind)k;

        if (!has_kind(&host->targets[place], kind) || (kind == ROUTE53_AAAA && may_lack_aaaa))
            continue;
        for (unsigned i = 0; i < group->n_clusters; i++) {
            if (group->routing == ROUTE53_ROUTING_SIMPLE && i != place)
                continue;
            if (has_kind(&host->targets[i], kind))
                out[n++] = wanted_of(group, host, kind, i, place);
        }
    }
    return n;
}

bool route53_records_have_aaaa(const struct route53_set *zone, const char *name)
{
    size_t first;
    size_t n = route53_set_name(zone, name, &first);

    for (size_t i = first; i < first + n; i++) {
        if (strcmp(zone->records[i]->type, "AAAA") == 0)
            return true;
    }
    return false;
}

/* An address in its one form, a CNAME in lower case without a last dot, HTTPS data with single
 * spaces and no quotes: what the service takes to be the same. */
static void normalise(enum route53_kind kind, const char *value, char out[static VALUE_BYTES])
{
    struct inet_ip ip;
    size_t n = 0;

    if ((kind == ROUTE53_A || kind == ROUTE53_AAAA) && inet_parse_ip(value, &ip)) {
        char text[INET_TEXT_BYTES];

        str_copy(out, VALUE_BYTES, inet_format_ip(&ip, text));
        return;
    }
    for (const char *p = value; *p != '\0' && n + 1 < VALUE_BYTES; p++) {
        if (kind == ROUTE53_HTTPS && (*p == '"' || (*p == ' ' && (n == 0 || out[n - 1] == ' '))))
            continue;
        /* Names are the same in any case; what else HTTPS data may hold is not. */
        out[n] = *p;
        if (kind == ROUTE53_CNAME)
            out[n] = str_lower(*p);
        n++;
    }
    if (n > 0 && ((kind == ROUTE53_CNAME && out[n - 1] == '.') || out[n - 1] == ' '))
        n--;
    out[n] = '\0';
}

static size_t n_values_of(const struct route53_wanted *want)
{
    if (!has_values(want->target, want->kind))
        return 0;
    if (want->kind == ROUTE53_A)
        return want->target->n_a;
    return want->kind == ROUTE53_AAAA ? want->target->n_aaaa : 1;
}

/* The i-th value as it is created. */
static void value_of(const struct route53_wanted *want, size_t i, char out[static VALUE_BYTES])
{
    const struct target *t = want->target;
    char text[INET_TEXT_BYTES];

    switch (want->kind) {
    case ROUTE53_A:
        str_copy(out, VALUE_BYTES, inet_format_ip(&t->a[i], text));
        return;
    case ROUTE53_AAAA:
        str_copy(out, VALUE_BYTES, inet_format_ip(&t->aaaa[i], text));
        return;
    case ROUTE53_CNAME:
        str_copy(out, VALUE_BYTES, t->cname);
        return;
    case ROUTE53_HTTPS:
        str_copy(out, VALUE_BYTES, t->https);
        return;
    }
}

static bool has_value(const struct route53_wanted *want, const struct route53_record *live,
                      const char *value)
{
    char a[VALUE_BYTES], b[VALUE_BYTES];

    normalise(want->kind, value, a);
    for (size_t i = 0; i < live->n_values; i++) {
        normalise(want->kind, live->values[i], b);
        if (strcmp(a, b) == 0)
            return true;
    }
    return false;
}

static bool values_met(const struct route53_wanted *want, const struct route53_record *live)
{
    size_t n = n_values_of(want);
    char value[VALUE_BYTES];

    /* The service keeps no value twice, so equal numbers and one inclusion are enough. */
    if (live->n_values != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        value_of(want, i, value);
        if (!has_value(want, live, value))
            return false;
    }
    return true;
}

static bool is_same_set(const struct route53_wanted *want, const struct route53_record *live)
{
    return strcmp(live->type, kind_names[want->kind]) == 0 &&
           strcmp(live->set_id, want->set_id) == 0;
}

static bool alias_met(const struct route53_wanted *want, const struct route53_record *live)
{
    const struct target *t = want->target;

    if (has_values(t, want->kind))
        return live->alias_zone[0] == '\0';
    return strcmp(live->alias_zone, t->alias_zone) == 0 &&
           strcmp(live->alias_name, t->cname) == 0 &&
           live->alias_evaluates_health == t->alias_evaluates_health;
}

bool route53_records_met(const struct route53_wanted *want, const struct route53_record *live)
{
    return !live->has_more && is_same_set(want, live) && live->weight == want->weight &&
           live->failover == want->failover && live->ttl_s == want->ttl_s &&
           alias_met(want, live) && values_met(want, live);
}

void route53_records_make(const struct route53_wanted *want, const char *name,
                          const char *health_check, struct route53_record *out)
{
    const struct target *t = want->target;
    size_t n = n_values_of(want);
    char value[VALUE_BYTES];

    route53_record_init(out);
    str_copy(out->name, sizeof(out->name), name);
    str_copy(out->type, sizeof(out->type), kind_names[want->kind]);
    str_copy(out->set_id, sizeof(out->set_id), want->set_id);
    str_copy(out->health_check, sizeof(out->health_check), health_check);
    out->weight = want->weight;
    out->failover = want->failover;
    out->ttl_s = want->ttl_s;
    if (n == 0) {
        str_copy(out->alias_zone, sizeof(out->alias_zone), t->alias_zone);
        str_copy(out->alias_name, sizeof(out->alias_name), t->cname);
        out->alias_evaluates_health = t->alias_evaluates_health;
    }
    for (size_t i = 0; i < n; i++) {
        value_of(want, i, value);
        (void)route53_record_add_value(out, value, strlen(value));
    }
}

bool route53_records_concern(const struct route53_record *live)
{
    for (size_t i = 0; i < ROUTE53_KINDS; i++) {
        if (strcmp(live->type, kind_names[i]) == 0)
            return true;
    }
    return strcmp(live->type, "SVCB") == 0;
}

const char *route53_records_format(const struct route53_record *r,
                                   char out[static ROUTE53_FORMAT_BYTES])
{
    char more[64] = "", values[ROUTE53_FORMAT_BYTES - sizeof(more)] = "";
    size_t n = 0;

    if (r->alias_zone[0] != '\0')
        str_format(values, sizeof(values), "alias %.90s in %s%s", r->alias_name, r->alias_zone,
                   r->alias_evaluates_health ? ", evaluating its health" : "");
    for (size_t i = 0; i < r->n_values && n < sizeof(values); i++) {
        str_format(values + n, sizeof(values) - n, "%s%s", i == 0 ? "" : ", ", r->values[i]);
        n = strlen(values);
    }
    if (r->ttl_s != ROUTE53_TTL_NONE)
        str_format(more, sizeof(more), " TTL %u", (unsigned)r->ttl_s);
    n = strlen(more);
    if (r->weight >= 0)
        str_format(more + n, sizeof(more) - n, " weight %d", (int)r->weight);
    else if (r->failover != ROUTE53_FAILOVER_NONE)
        str_format(more + n, sizeof(more) - n, " %s",
                   r->failover == ROUTE53_PRIMARY ? "PRIMARY" : "SECONDARY");
    n = strlen(more);
    if (r->has_more)
        str_format(more + n, sizeof(more) - n, ", settings unknown here");
    str_format(out, ROUTE53_FORMAT_BYTES, "%s%s", values, more);
    return out;
}

const char *route53_records_format_wanted(const struct route53_wanted *want,
                                          char out[static ROUTE53_FORMAT_BYTES])
{
    struct route53_record r;

    route53_records_make(want, "", "", &r);
    route53_records_format(&r, out);
    route53_record_fini(&r);
    return out;
}
