#include "dnsflip/config/reload.h"

#include <string.h>

#include <openssl/sha.h>

#include "dnsflip/base/str.h"
#include "dnsflip/config/name_map.h"
#include "dnsflip/config/schema.h"
#include "dnsflip/config/value.h"

#define VALUE_BYTES 8192
#define ANSWER_BYTES 4096
#define DIFFERENCES_BYTES (CONFIG_MESSAGES_MAX * (2UL * ANSWER_BYTES + HOSTNAME_BYTES))

static const struct config_place nowhere = { 0 };

static size_t report_fixed(struct config_report *report, const char *section, const char *key,
                           const struct buf *before, const struct buf *after)
{
    if (strcmp(buf_text(before), buf_text(after)) == 0)
        return 0;
    config_report_add(report, CONFIG_ERROR, nowhere,
                      "%s.%s: changes from %s to %s, which takes a restart: the reload is "
                      "refused",
                      section, key, before->len == 0 ? "nothing" : buf_text(before),
                      after->len == 0 ? "nothing" : buf_text(after));
    return 1;
}

/* All plain keys of a section that a reload cannot change. */
static size_t fixed_keys(const char *section, const struct key_spec *keys, const void *before,
                         const void *after, struct config_report *report)
{
    size_t n = 0;

    for (; keys->name != NULL; keys++) {
        struct buf a;
        struct buf b;

        if (keys->may_reload || keys->type == KEY_CUSTOM)
            continue;
        buf_init(&a, VALUE_BYTES);
        buf_init(&b, VALUE_BYTES);
        value_format(keys, before, &a);
        value_format(keys, after, &b);
        n += report_fixed(report, section, keys->name, &a, &b);
        buf_fini(&a);
        buf_fini(&b);
    }
    return n;
}

static void format_addrs(const struct inet_addr *addrs, size_t n, struct buf *out)
{
    char text[INET_TEXT_BYTES];

    for (size_t i = 0; i < n; i++) {
        if (addrs[i].port > 0)
            buf_printf(out, "%s%s", i == 0 ? "" : ", ", inet_format_addr(&addrs[i], text));
    }
}

static size_t fixed_addrs(const char *section, const char *key, const struct inet_addr *before,
                          size_t n_before, const struct inet_addr *after, size_t n_after,
                          struct config_report *report)
{
    struct buf a;
    struct buf b;
    size_t n = 0;

    buf_init(&a, VALUE_BYTES);
    buf_init(&b, VALUE_BYTES);
    format_addrs(before, n_before, &a);
    format_addrs(after, n_after, &b);
    n = report_fixed(report, section, key, &a, &b);
    buf_fini(&a);
    buf_fini(&b);
    return n;
}

static const struct provider_cfg *find_provider(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_providers; i++) {
        if (strcmp(s->providers[i].name, name) == 0)
            return &s->providers[i];
    }
    return NULL;
}

static size_t fixed_listens(const struct settings *before, const struct settings *after,
                            struct config_report *report)
{
    static const struct provider_cfg none;
    char section[NAME_BYTES + 16];
    size_t n = 0;

    for (size_t i = 0; i < before->n_providers + after->n_providers; i++) {
        bool is_old = i < before->n_providers;
        const struct provider_cfg *p =
            is_old ? &before->providers[i] : &after->providers[i - before->n_providers];
        const struct provider_cfg *other = find_provider(is_old ? after : before, p->name);

        /* A provider in both is compared once, from the old side. */
        if (!is_old && other != NULL)
            continue;
        if (other == NULL)
            other = &none;
        (void)str_format(section, sizeof(section), "providers.%s", p->name);
        const struct provider_cfg *old = is_old ? p : other, *new = is_old ? other : p;
        n += fixed_addrs(section, "listen", old->local.listen, old->local.n_listen,
                         new->local.listen, new->local.n_listen, report);
        n += fixed_addrs(section, "listen", old->beacon.listen, old->beacon.n_listen,
                         new->beacon.listen, new->beacon.n_listen, report);
    }
    return n;
}

size_t reload_fixed(const struct settings *before, const struct settings *after,
                    struct config_report *report)
{
    size_t n = fixed_keys("node", schema_keys(SCHEMA_NODE), &before->node, &after->node, report);

    n += fixed_addrs("node", "http", &before->node.http, 1, &after->node.http, 1, report);
    return n + fixed_listens(before, after, report);
}

/* Where a name is managed, and what it answers with now. */
struct answer {
    const struct group_cfg *group; /* NULL = not managed */
    const struct target *target;   /* NULL = not served */
    const char *cluster;           /* active; NULL = the group is unadopted */
};

static struct answer answer_of(const struct settings *s, size_t group, size_t hostname,
                               reload_active *active, void *arg)
{
    const struct group_cfg *g = &s->groups[group];
    struct answer a = { .group = g, .cluster = active(arg, g->name) };
    int cluster = a.cluster == NULL ? -1 : settings_find_cluster(s, a.cluster);
    int place = cluster < 0 ? -1 : group_find_cluster(g, (unsigned)cluster);

    if (place >= 0)
        a.target = &g->hostnames[hostname].targets[place];
    return a;
}

static bool same_set(const struct inet_ip *a, uint8_t n, const struct inet_ip *b, uint8_t m)
{
    if (n != m)
        return false;
    for (uint8_t i = 0; i < n; i++) {
        bool is_there = false;

        for (uint8_t k = 0; k < m && !is_there; k++)
            is_there = inet_ip_equal(&a[i], &b[k]);
        if (!is_there)
            return false;
    }
    return true;
}

static bool same_answer(const struct target *a, const struct target *b)
{
    return same_set(a->a, a->n_a, b->a, b->n_a) &&
           same_set(a->aaaa, a->n_aaaa, b->aaaa, b->n_aaaa) && strcmp(a->cname, b->cname) == 0 &&
           strcmp(a->alias_zone, b->alias_zone) == 0 && strcmp(a->https, b->https) == 0;
}

/* "A 192.0.2.1 AAAA 2001:db8::1" */
static void format_answer(const struct target *t, struct buf *out)
{
    char text[INET_TEXT_BYTES];

    for (uint8_t i = 0; i < t->n_a; i++)
        buf_printf(out, "%sA %s", out->len == 0 ? "" : " ", inet_format_ip(&t->a[i], text));
    for (uint8_t i = 0; i < t->n_aaaa; i++)
        buf_printf(out, "%sAAAA %s", out->len == 0 ? "" : " ", inet_format_ip(&t->aaaa[i], text));
    if (t->cname[0] != '\0')
        buf_printf(out, "%s%s %s", out->len == 0 ? "" : " ",
                   t->alias_zone[0] != '\0' ? "ALIAS" : "CNAME", t->cname);
    if (t->https[0] != '\0')
        buf_printf(out, "%sHTTPS %s", out->len == 0 ? "" : " ", t->https);
}

static void describe_after(const struct answer *after, struct buf *out)
{
    if (after->group == NULL)
        buf_puts(out, "no longer managed");
    else if (after->cluster == NULL)
        buf_printf(out, "not served (group %s is not adopted)", after->group->name);
    else if (after->target == NULL)
        buf_printf(out, "not served (group %s has no cluster %s)", after->group->name,
                   after->cluster);
    else
        format_answer(after->target, out);
}

static void report_move(struct config_report *report, const struct answer *before,
                        const struct answer *after, const char *name)
{
    struct buf a;
    struct buf b;

    buf_init(&a, ANSWER_BYTES);
    buf_init(&b, ANSWER_BYTES);
    format_answer(before->target, &a);
    describe_after(after, &b);
    config_report_add(report, CONFIG_ERROR, nowhere, "%s: %s %s -> %s", before->group->name, name,
                      buf_text(&a), buf_text(&b));
    buf_fini(&a);
    buf_fini(&b);
}

static void index_hostnames(const struct settings *s, struct name_map *out)
{
    name_map_init(out);
    for (size_t i = 0; i < s->n_groups; i++) {
        for (size_t k = 0; k < s->groups[i].n_hostnames; k++)
            name_map_add(out, s->groups[i].hostnames[k].name, (uint64_t)i << 32 | k);
    }
}

size_t reload_moves(const struct settings *before, const struct settings *after,
                    reload_active *active, void *arg, uint32_t by_group[],
                    struct config_report *report)
{
    struct name_map names;
    size_t moves = 0;

    index_hostnames(after, &names);
    for (size_t i = 0; i < before->n_groups; i++) {
        size_t earlier = moves;

        for (size_t k = 0; k < before->groups[i].n_hostnames; k++) {
            const char *name = before->groups[i].hostnames[k].name;
            struct answer old = answer_of(before, i, k, active, arg);
            struct answer new = { 0 };
            uint64_t at = 0;

            if (old.target == NULL)
                continue;
            if (name_map_get(&names, name, &at))
                new = answer_of(after, (size_t)(at >> 32), (uint32_t)at, active, arg);
            if (new.target != NULL && same_answer(old.target, new.target))
                continue;
            report_move(report, &old, &new, name);
            moves++;
        }
        if (by_group != NULL)
            by_group[i] = (uint32_t)(moves - earlier);
    }
    name_map_fini(&names);
    return moves;
}

void reload_digest(const struct settings *after, const struct config_report *differences,
                   char out[static RELOAD_DIGEST_BYTES])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct buf text;

    buf_init(&text, DIFFERENCES_BYTES);
    buf_printf(&text, "%s\n", after->digest);
    config_report_print(differences, &text);
    SHA256((const unsigned char *)buf_text(&text), text.len, digest);
    str_hex(digest, (RELOAD_DIGEST_BYTES - 1) / 2, out);
    buf_fini(&text);
}

void reload_take_fixed(struct settings *to, const struct settings *from)
{
    to->node = from->node;
    for (size_t i = 0; i < to->n_providers; i++) {
        struct local_cfg *local = &to->providers[i].local;
        struct beacon_cfg *beacon = &to->providers[i].beacon;
        const struct provider_cfg *other = find_provider(from, to->providers[i].name);

        if (other == NULL)
            continue;
        memcpy(local->listen, other->local.listen, sizeof(local->listen));
        local->n_listen = other->local.n_listen;
        memcpy(beacon->listen, other->beacon.listen, sizeof(beacon->listen));
        beacon->n_listen = other->beacon.n_listen;
    }
}
