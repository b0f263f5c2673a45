#include "tests/support/route53_zone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_name.h"

#define TEXT_BYTES 4096
#define RECORD_OPEN "<ResourceRecordSet>"

static const char *value_of(const char *word, const char *key)
{
    return str_starts(word, key) ? word + strlen(key) : NULL;
}

static uint32_t number(const char *text)
{
    uint64_t n = 0;

    assert(str_parse_u64(text, UINT32_MAX, &n));
    return (uint32_t)n;
}

static void read_alias(const char *text, char *zone, size_t cap, char *name)
{
    size_t n = strcspn(text, "/");

    str_format(zone, cap, "%.*s", (int)n, text);
    assert(text[n] == '/' && route53_name_parse(text + n + 1, name));
}

static void read_word(struct route53_record *r, const char *word)
{
    const char *value;

    if ((value = value_of(word, "set=")) != NULL)
        str_copy(r->set_id, sizeof(r->set_id), value);
    else if ((value = value_of(word, "ttl=")) != NULL)
        r->ttl_s = number(value);
    else if ((value = value_of(word, "weight=")) != NULL)
        r->weight = (int32_t)number(value);
    else if ((value = value_of(word, "check=")) != NULL)
        str_copy(r->health_check, sizeof(r->health_check), value);
    else if ((value = value_of(word, "alias=")) != NULL)
        read_alias(value, r->alias_zone, sizeof(r->alias_zone), r->alias_name);
    else if (strcmp(word, "primary") == 0)
        r->failover = ROUTE53_PRIMARY;
    else if (strcmp(word, "secondary") == 0)
        r->failover = ROUTE53_SECONDARY;
    else if (strcmp(word, "health") == 0)
        r->alias_evaluates_health = true;
    else if (strcmp(word, "more") == 0)
        r->has_more = true;
    else
        assert(route53_record_add_value(r, word, strlen(word)));
}

/* The next word of *text, which is cut out of it, or NULL. */
static char *next_word(char **text)
{
    char *word = *text + strspn(*text, " ");
    size_t n = strcspn(word, " ");

    if (n == 0)
        return NULL;
    *text = word + n + (word[n] != '\0');
    word[n] = '\0';
    return word;
}

/* Into its place among the sorted ones. */
static void put_record(struct route53_set *zone, struct route53_record *r)
{
    struct err err;

    assert(route53_set_add(zone, r, &err) == 0);
    for (size_t i = zone->n - 1; i > 0; i--) {
        struct route53_record *last = zone->records[i];
        int compared = route53_record_compare(zone->records[i - 1], last);

        assert(compared != 0);
        if (compared < 0)
            break;
        zone->records[i] = zone->records[i - 1];
        zone->records[i - 1] = last;
    }
}

void route53_zone_put(struct route53_set *zone, const char *text)
{
    char copy[TEXT_BYTES];
    char *rest = copy, *bar, *word;
    struct route53_record r;

    assert(str_copy(copy, sizeof(copy), text));
    route53_record_init(&r);
    bar = strchr(copy, '|');
    if (bar != NULL)
        *bar = '\0';
    assert(route53_name_parse(next_word(&rest), r.name));
    str_copy(r.type, sizeof(r.type), next_word(&rest));
    while ((word = next_word(&rest)) != NULL)
        read_word(&r, word);
    if (bar != NULL)
        assert(route53_record_add_value(&r, bar + 1, strlen(bar + 1)));
    if (r.ttl_s == ROUTE53_TTL_NONE && r.n_values > 0)
        r.ttl_s = 60;
    put_record(zone, &r);
}

static void target_word(struct target *out, const char *word)
{
    struct inet_ip ip;
    const char *value;

    if ((value = value_of(word, "cname=")) != NULL)
        str_copy(out->cname, sizeof(out->cname), value);
    else if ((value = value_of(word, "alias=")) != NULL)
        read_alias(value, out->alias_zone, sizeof(out->alias_zone), out->cname);
    else if ((value = value_of(word, "ttl=")) != NULL)
        out->ttl_s = number(value);
    else if (strcmp(word, "health") == 0)
        out->alias_evaluates_health = true;
    else if (inet_parse_ip(word, &ip) && ip.family == 4)
        out->a[out->n_a++] = ip;
    else if (inet_parse_ip(word, &ip))
        out->aaaa[out->n_aaaa++] = ip;
    else
        assert(false);
}

void route53_zone_target(struct target *out, const char *text)
{
    char copy[TEXT_BYTES];
    char *rest = copy, *https, *word;

    *out = (struct target){ .n_a = 0 };
    assert(str_copy(copy, sizeof(copy), text));
    https = strstr(copy, "https=");
    if (https != NULL) {
        str_copy(out->https, sizeof(out->https), https + strlen("https="));
        *https = '\0';
    }
    while ((word = next_word(&rest)) != NULL)
        target_word(out, word);
}

struct hostname_cfg *route53_zone_host(const char *name, ...)
{
    struct hostname_cfg *host = mem_zalloc(sizeof(*host));
    const char *text;
    unsigned n = 0;
    va_list ap;

    str_copy(host->name, sizeof(host->name), name);
    host->targets = mem_array(CLUSTERS_MAX, sizeof(host->targets[0]));
    va_start(ap, name);
    while ((text = va_arg(ap, const char *)) != NULL)
        route53_zone_target(&host->targets[n++], text);
    va_end(ap);
    return host;
}

void route53_zone_host_free(struct hostname_cfg *host)
{
    mem_free(host->targets);
    mem_free(host);
}

/* The text of the next <tag> in [p, end), its entities undone; NULL if there is none.  *behind is
 * where its end tag ends. */
static const char *element(const char *p, const char *end, const char *tag, char *out, size_t cap,
                           const char **behind)
{
    static const struct {
        const char *entity, *text;
    } entities[] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" }, { "&#13;", "\r" } };
    char open[64], close[64];
    const char *stop;
    size_t n = 0;

    str_format(open, sizeof(open), "<%s>", tag);
    str_format(close, sizeof(close), "</%s>", tag);
    p = strstr(p, open);
    if (p == NULL || p >= end)
        return NULL;
    p += strlen(open);
    stop = strstr(p, close);
    assert(stop != NULL && stop <= end);
    *behind = stop + strlen(close);
    while (p < stop) {
        size_t i = 0;

        assert(n + 1 < cap);
        while (i < 4 && !str_starts(p, entities[i].entity))
            i++;
        assert(i < 4 || *p != '&');
        out[n++] = (char)(i < 4 ? entities[i].text[0] : *p);
        p += i < 4 ? strlen(entities[i].entity) : 1;
    }
    out[n] = '\0';
    return out;
}

/* The children that dnsflip writes, in the one order that the service takes. */
static const char *const order[] = {
    "<Name>",         "<Type>", "<SetIdentifier>",   "<Weight>",
    "<Failover>",     "<TTL>",  "<ResourceRecords>", "<AliasTarget>",
    "<HealthCheckId>"
};

static bool is_in_order(const char *p, const char *end)
{
    const char *last = p;

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const char *at = strstr(p, order[i]);

        if (at == NULL || at >= end)
            continue;
        if (at < last)
            return false;
        last = at;
    }
    return true;
}

static void read_record(const char *p, const char *end, struct route53_record *r,
                        struct route53_taken *taken)
{
    char text[TEXT_BYTES];
    const char *behind = p;

    route53_record_init(r);
    assert(is_in_order(p, end));
    assert(element(p, end, "Name", text, sizeof(text), &behind) != NULL);
    assert(route53_name_parse(text, r->name));
    assert(element(p, end, "Type", r->type, sizeof(r->type), &behind) != NULL);
    (void)element(p, end, "SetIdentifier", r->set_id, sizeof(r->set_id), &behind);
    if (element(p, end, "Weight", text, sizeof(text), &behind) != NULL)
        r->weight = (int32_t)number(text);
    if (element(p, end, "Failover", text, sizeof(text), &behind) != NULL)
        r->failover = strcmp(text, "PRIMARY") == 0 ? ROUTE53_PRIMARY : ROUTE53_SECONDARY;
    if (element(p, end, "TTL", text, sizeof(text), &behind) != NULL)
        r->ttl_s = number(text);
    (void)element(p, end, "HealthCheckId", r->health_check, sizeof(r->health_check), &behind);
    if (element(p, end, "HostedZoneId", r->alias_zone, sizeof(r->alias_zone), &behind) != NULL) {
        assert(element(p, end, "DNSName", text, sizeof(text), &behind) != NULL);
        assert(route53_name_parse(text, r->alias_name));
        assert(element(p, end, "EvaluateTargetHealth", text, sizeof(text), &behind) != NULL);
        r->alias_evaluates_health = strcmp(text, "true") == 0;
        taken->elements++;
    }
    for (behind = p; element(behind, end, "Value", text, sizeof(text), &behind) != NULL;) {
        assert(route53_record_add_value(r, text, strlen(text)));
        taken->elements++;
        taken->characters += (unsigned)strlen(text);
    }
}

static void take_out(struct route53_set *zone, const struct route53_record *r)
{
    size_t i = 0;

    while (zone->records[i] != r)
        i++;
    route53_record_fini(zone->records[i]);
    mem_free(zone->records[i]);
    memmove(zone->records + i, zone->records + i + 1,
            (zone->n - i - 1) * sizeof(struct route53_record *));
    zone->n--;
}

static const char *apply_change(struct route53_set *zone, const char *action,
                                struct route53_record *r)
{
    struct route53_record *live = route53_set_find(zone, r->name, r->type, r->set_id);

    if (strcmp(action, "DELETE") == 0) {
        if (live == NULL)
            return "deleted, but not found";
        if (!route53_record_equal(live, r))
            return "deleted, but the values do not match";
        take_out(zone, live);
        route53_record_fini(r);
        return NULL;
    }
    if (live != NULL)
        return "created, but it is there already";
    put_record(zone, r);
    return NULL;
}

static const char *problem_of_pair(const struct route53_record *a, const struct route53_record *b)
{
    if (strcmp(a->name, b->name) != 0)
        return NULL;
    if (strcmp(a->type, b->type) != 0)
        return strcmp(a->type, "CNAME") == 0 || strcmp(b->type, "CNAME") == 0
                   ? "a CNAME beside other records"
                   : NULL;
    if ((a->weight >= 0) != (b->weight >= 0) ||
        (a->failover == ROUTE53_FAILOVER_NONE) != (b->failover == ROUTE53_FAILOVER_NONE))
        return "two routing policies";
    if (a->failover != ROUTE53_FAILOVER_NONE && a->failover == b->failover)
        return "two of one failover role";
    if (a->weight >= 0 && a->ttl_s != b->ttl_s && a->n_values > 0 && b->n_values > 0)
        return "weighted records of two TTLs";
    return NULL;
}

static const char *problem_of(const struct route53_set *zone)
{
    for (size_t i = 0; i < zone->n; i++) {
        const struct route53_record *r = zone->records[i];

        if (r->failover == ROUTE53_PRIMARY && r->n_values > 0 && r->health_check[0] == '\0')
            return "a PRIMARY without a health check";
        if (r->failover != ROUTE53_FAILOVER_NONE && r->n_values == 0 && !r->alias_evaluates_health)
            return "a failover alias that does not evaluate health";
        for (size_t j = i + 1;
             j < zone->n && strcmp(zone->records[i]->name, zone->records[j]->name) == 0; j++) {
            const char *problem = problem_of_pair(zone->records[i], zone->records[j]);

            if (problem != NULL)
                return problem;
        }
    }
    return NULL;
}

static void copy_zone(struct route53_set *out, const struct route53_set *zone)
{
    struct err err;

    *out = (struct route53_set){ .n = 0 };
    for (size_t i = 0; i < zone->n; i++) {
        struct route53_record r;

        route53_record_copy(&r, zone->records[i]);
        assert(route53_set_add(out, &r, &err) == 0);
    }
}

const char *route53_zone_apply(struct route53_set *zone, const char *body,
                               struct route53_taken *taken)
{
    const char *problem = NULL;
    struct route53_set after;

    *taken = (struct route53_taken){ .elements = 0 };
    copy_zone(&after, zone);
    for (const char *p = strstr(body, "<Change>"); p != NULL && problem == NULL;) {
        const char *stop = strstr(p, "</Change>"), *behind;
        char *change, action[16];
        struct route53_record r;

        assert(stop != NULL);
        /* A copy: what is searched for and missing is not looked for in all that follows. */
        change = mem_strndup(p, (size_t)(stop - p));
        assert(element(change, change + (stop - p), "Action", action, sizeof(action), &behind) !=
               NULL);
        read_record(change, change + (stop - p), &r, taken);
        problem = apply_change(&after, action, &r);
        route53_record_fini(&r);
        mem_free(change);
        taken->changes++;
        p = strstr(stop, "<Change>");
    }
    if (problem == NULL)
        problem = problem_of(&after);
    if (problem != NULL) {
        route53_set_fini(&after);
        return problem;
    }
    route53_set_fini(zone);
    *zone = after;
    return NULL;
}

void route53_zone_dump(const struct route53_set *zone, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < zone->n; i++) {
        const struct route53_record *r = zone->records[i];

        buf_printf(out, "%s %s set=%s weight=%d failover=%d ttl=%u alias=%s/%s/%d check=%s more=%d",
                   r->name, r->type, r->set_id, (int)r->weight, (int)r->failover,
                   (unsigned)r->ttl_s, r->alias_zone, r->alias_name, r->alias_evaluates_health,
                   r->health_check, r->has_more);
        for (size_t j = 0; j < r->n_values; j++)
            buf_printf(out, " [%s]", r->values[j]);
        buf_putc(out, '\n');
    }
    assert(!out->overflowed);
}
