#include "dnsflip/providers/beacon_live.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_xml.h"

#define CHECK "GetHealthCheckResponse/HealthCheck/"
#define CONFIG CHECK "HealthCheckConfig/"
#define TEXT_BYTES 1024

/* ---- reading ----------------------------------------------------------------------------------
 */

static bool read_number(const char *text, uint32_t *out)
{
    uint64_t number = 0;
    bool is_good = str_parse_u64(text, UINT32_MAX, &number);

    *out = (uint32_t)number;
    return is_good;
}

static bool read_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0;
    return *out || strcmp(text, "false") == 0;
}

/* False if the text is not what the element holds. */
static bool take(struct beacon_health_check *c, const struct aws_xml_path *path, const char *text)
{
    if (aws_xml_is(path, CHECK "Id"))
        return str_copy(c->id, sizeof(c->id), text);
    if (aws_xml_is(path, CONFIG "Type"))
        return str_copy(c->type, sizeof(c->type), text);
    if (aws_xml_is(path, CONFIG "ResourcePath"))
        return str_copy(c->path, sizeof(c->path), text);
    if (aws_xml_is(path, CONFIG "SearchString"))
        return str_copy(c->search, sizeof(c->search), text);
    if (aws_xml_is(path, CONFIG "Inverted"))
        return read_bool(text, &c->is_inverted);
    if (aws_xml_is(path, CONFIG "Disabled"))
        return read_bool(text, &c->is_disabled);
    if (aws_xml_is(path, CONFIG "FailureThreshold"))
        return read_number(text, &c->threshold);
    if (aws_xml_is(path, CONFIG "RequestInterval"))
        return read_number(text, &c->interval_s);
    return true;
}

static int check_close(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                       struct err *err)
{
    (void)n;
    if (take(arg, path, text))
        return 0;
    return err_set(err, ERR_REMOTE, "its %s is not what the service writes",
                   path->names[path->depth - 1]);
}

int beacon_live_read_check(const char *body, size_t n, struct beacon_health_check *out,
                           struct err *err)
{
    static const struct aws_xml_handler handler = { .close = check_close };

    *out = (struct beacon_health_check){ .id = "" };
    if (aws_xml_parse(body, n, &handler, out, err) != 0)
        return err_wrap(err, "health check");
    if (out->id[0] == '\0' || out->type[0] == '\0')
        return err_set(err, ERR_REMOTE, "the answer tells no health check with its type");
    return 0;
}

/* ---- comparing --------------------------------------------------------------------------------
 */

struct comparison {
    const struct beacon_setup *setup;
    const struct route53_zone *zones;
    size_t n_zones;
    const struct beacon_health_check *checks;
    size_t n_checks;
    bool may_move;
    beacon_live_tell *tell;
    void *arg;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void say(struct comparison *c, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    c->n++;
    c->tell(c->arg, text);
}

/* The public zone that holds the name, or NULL: checkers are of no use to a private one. */
static const struct route53_zone *zone_of(const struct route53_zone zones[], size_t n,
                                          const char *name)
{
    uint32_t found = route53_zones_of(zones, n, name);

    for (size_t i = 0; i < n; i++) {
        if ((found >> i & 1) != 0 && !zones[i].is_private)
            return &zones[i];
    }
    return NULL;
}

/* The set of that name and type with that part in a failover pair; NULL, and in *other any set of
 * the type. */
static const struct route53_record *find_live(const struct route53_zone *zone,
                                              const struct route53_wanted *want, const char *name,
                                              const struct route53_record **other)
{
    size_t first = 0;
    size_t n = route53_set_name(&zone->records, name, &first);

    *other = NULL;
    for (size_t i = first; i < first + n; i++) {
        const struct route53_record *r = zone->records.records[i];

        if (strcmp(r->type, route53_kind_name(want->kind)) != 0)
            continue;
        if (r->failover == want->failover)
            return r;
        *other = r;
    }
    return NULL;
}

static const char *part_name(enum route53_failover failover)
{
    return failover == ROUTE53_PRIMARY ? "PRIMARY" : "SECONDARY";
}

/* NULL and told if it is not there. */
static const struct route53_record *compare_record(struct comparison *c,
                                                   const struct route53_zone *zone,
                                                   struct route53_wanted want, const char *name)
{
    const struct route53_record *other = NULL;
    const struct route53_record *live = find_live(zone, &want, name, &other);
    char is[ROUTE53_FORMAT_BYTES], should[ROUTE53_FORMAT_BYTES];

    if (live == NULL) {
        say(c, "%s %s: %s", name, route53_kind_name(want.kind),
            other != NULL && other->failover == ROUTE53_FAILOVER_NONE
                ? "the records are no failover pair"
            : want.failover == ROUTE53_PRIMARY ? "there is no PRIMARY record"
                                               : "there is no SECONDARY record");
        return NULL;
    }
    want.set_id = live->set_id; /* whatever it is called */
    if (!route53_records_met(&want, live))
        say(c, "%s %s %s is %s, and should be %s", name, route53_kind_name(want.kind),
            part_name(want.failover), route53_records_format(live, is),
            route53_records_format_wanted(&want, should));
    return live;
}

/* What the check asks for; of a beacon that is not the group's: nothing, and *is_ours is false. */
static struct beacon_check check_of(const struct comparison *c, const struct route53_record *live,
                                    bool *is_ours)
{
    struct beacon_check out = { .asks = BEACON_ASKS_NOTHING };
    char path[BEACON_PATH_BYTES];

    if (live->health_check[0] == '\0')
        return out;
    for (size_t i = 0; i < c->n_checks; i++) {
        const struct beacon_health_check *check = &c->checks[i];

        if (strcmp(check->id, live->health_check) != 0)
            continue;
        if (check->is_disabled)
            return out; /* always healthy, as a record without one */
        for (unsigned place = 0; place < 2; place++) {
            (void)str_format(path, sizeof(path), "/beacon/%s/%s", c->setup->group.name,
                             c->setup->group.clusters[place]);
            if (strcmp(path, check->path) == 0)
                return (struct beacon_check){ .asks = place == 0 ? BEACON_ASKS_FOR_PRIMARY
                                                                 : BEACON_ASKS_FOR_SECONDARY,
                                              .is_inverted = check->is_inverted };
        }
    }
    *is_ours = false;
    return out;
}

static void compare_pair(struct comparison *c, const char *name, enum route53_kind kind,
                         const struct route53_record *primary,
                         const struct route53_record *secondary)
{
    bool is_ours = true;
    const struct beacon_layout layout = { .primary = check_of(c, primary, &is_ours),
                                          .secondary = check_of(c, secondary, &is_ours) };

    if (!is_ours) {
        say(c, "%s %s: a health check of its records asks for no beacon of group %s", name,
            route53_kind_name(kind), c->setup->group.name);
        return;
    }
    switch (beacon_layout_fit(&layout)) {
    case BEACON_FITS:
        break;
    case BEACON_MOVES:
        if (!c->may_move)
            say(c,
                "%s %s: silence would move it to %s while %s is active: let the check of PRIMARY "
                "be inverted and ask for %s",
                name, route53_kind_name(kind), c->setup->group.clusters[1],
                c->setup->group.clusters[0], c->setup->group.clusters[1]);
        break;
    case BEACON_DOES_NOT_FOLLOW:
        say(c, "%s %s: its health checks do not follow the beacon: %s", name,
            route53_kind_name(kind),
            primary->health_check[0] == '\0' ? "PRIMARY has none"
                                             : "see which cluster they ask for, and whether they "
                                               "are inverted or disabled");
        break;
    }
}

static void compare_host(struct comparison *c, const struct hostname_cfg *host)
{
    const struct route53_zone *zone = zone_of(c->zones, c->n_zones, host->name);
    struct route53_wanted wanted[ROUTE53_WANTED_MAX];

    if (zone == NULL) {
        say(c, "%s lies in no public zone of the provider", host->name);
        return;
    }
    size_t n = route53_records_wanted(
        &c->setup->group, host, 0, route53_records_have_aaaa(&zone->records, host->name), wanted);
    for (size_t i = 0; i + 1 < n; i += 2) {
        const struct route53_record *one = compare_record(c, zone, wanted[i], host->name);
        const struct route53_record *two = compare_record(c, zone, wanted[i + 1], host->name);

        if (one == NULL || two == NULL)
            continue;
        if (one->failover == ROUTE53_PRIMARY)
            compare_pair(c, host->name, wanted[i].kind, one, two);
        else
            compare_pair(c, host->name, wanted[i].kind, two, one);
    }
}

/* In the answer of the active cluster, and in no other. */
static bool tells_active(const struct comparison *c, const char *search)
{
    static const char *const states[] = { "active", "standby", "unadopted" };
    bool is_told[2][3] = { { false } };

    for (unsigned place = 0; place < 2; place++) {
        for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++) {
            char body[TEXT_BYTES];

            (void)str_format(body, sizeof(body),
                             "dnsflip group=%s cluster=%s state=%s epoch=", c->setup->group.name,
                             c->setup->group.clusters[place], states[k]);
            is_told[place][k] = strstr(body, search) != NULL;
        }
    }
    return (is_told[0][0] || is_told[1][0]) && !is_told[0][1] && !is_told[1][1] && !is_told[0][2] &&
           !is_told[1][2];
}

static void compare_check(struct comparison *c, const struct beacon_health_check *check)
{
    bool has_string =
        strcmp(check->type, "HTTP_STR_MATCH") == 0 || strcmp(check->type, "HTTPS_STR_MATCH") == 0;

    if (check->is_disabled)
        say(c, "health check %s is disabled, which is always healthy", check->id);
    if (!has_string)
        say(c,
            "health check %s is of type %s: any answer of any server would do; take "
            "HTTP_STR_MATCH",
            check->id, check->type);
    else if (!tells_active(c, check->search))
        say(c,
            "health check %s looks for \"%s\", which does not tell an active cluster from a "
            "standby",
            check->id, check->search);
    if (check->threshold * check->interval_s > BEACON_SLOW_S)
        say(c, "health check %s needs %u s to see a flip (%u checks, one every %u s)", check->id,
            check->threshold * check->interval_s, check->threshold, check->interval_s);
}

size_t beacon_live_checks(const struct beacon_setup *setup, const struct route53_zone zones[],
                          size_t n_zones, char ids[][ROUTE53_HEALTH_CHECK_BYTES], size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < setup->cfg->n_hostnames; i++) {
        const char *name = setup->cfg->hostnames[i].name;
        const struct route53_zone *zone = zone_of(zones, n_zones, name);
        size_t first = 0;
        size_t n_sets = zone == NULL ? 0 : route53_set_name(&zone->records, name, &first);

        for (size_t k = first; k < first + n_sets; k++) {
            const char *id = zone->records.records[k]->health_check;
            size_t same = 0;

            if (id[0] == '\0' || n > max)
                continue;
            while (same < n && strcmp(ids[same], id) != 0)
                same++;
            if (same == n && n < max)
                (void)str_copy(ids[n], ROUTE53_HEALTH_CHECK_BYTES, id);
            n += same == n;
        }
    }
    return n;
}

size_t beacon_live_compare(const struct beacon_setup *setup, const struct route53_zone zones[],
                           size_t n_zones, const struct beacon_health_check checks[],
                           size_t n_checks, bool may_move, beacon_live_tell *tell, void *arg)
{
    struct comparison c = { .setup = setup,
                            .zones = zones,
                            .n_zones = n_zones,
                            .checks = checks,
                            .n_checks = n_checks,
                            .may_move = may_move,
                            .tell = tell,
                            .arg = arg };

    for (size_t i = 0; i < n_checks; i++)
        compare_check(&c, &checks[i]);
    for (size_t i = 0; i < setup->cfg->n_hostnames; i++)
        compare_host(&c, &setup->cfg->hostnames[i]);
    return c.n;
}
