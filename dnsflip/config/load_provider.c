#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/value.h"

#define DNS_PORT 53
#define BEACON_PORT 8080

/* Is name the zone itself or below it? */
static bool is_in_zone(const char *name, const char *zone)
{
    size_t n = strlen(name);
    size_t m = strlen(zone);

    return n >= m && strcmp(name + n - m, zone) == 0 && (n == m || name[n - m - 1] == '.');
}

static void load_nameserver(struct loader *l, const struct yaml_node *node, const char *zone,
                            struct nameserver_cfg *out)
{
    const char *problem = value_hostname_problem(node->key, false);

    if (problem != NULL) {
        loader_key_error(l, node, "%s", problem);
        return;
    }
    value_copy_hostname(out->name, sizeof(out->name), node->key);

    const struct yaml_node *addresses = node;

    if (node->kind == YAML_TREE_MAP) {
        loader_section(l, node, schema_keys(SCHEMA_NAMESERVER), out);
        addresses = yaml_tree_find(node, "addresses");
    }
    out->n_ips = loader_ips(l, addresses, 0, ADDRESSES_MAX, out->ips);
    if (zone[0] == '\0')
        return;
    if (is_in_zone(out->name, zone) && out->n_ips == 0)
        loader_error(l, node, "lies in the zone %s, so it needs its addresses here", zone);
    if (!is_in_zone(out->name, zone) && out->n_ips > 0)
        loader_error(l, node,
                     "lies outside the zone %s, which cannot give its addresses: write an empty "
                     "list, []",
                     zone);
}

static void load_nameservers(struct loader *l, const struct yaml_node *map, struct local_cfg *out)
{
    if (!loader_is_map(l, map, NAMESERVERS_MAX))
        return;
    if (map->n_children == 0)
        loader_error(l, map, "is empty, a zone needs at least one name server");
    for (const struct yaml_node *c = map->child; c != NULL; c = c->next) {
        load_nameserver(l, c, out->zone, &out->nameservers[out->n_nameservers]);
        for (uint8_t i = 0; i < out->n_nameservers; i++) {
            const char *name = out->nameservers[out->n_nameservers].name;

            if (name[0] != '\0' && strcmp(out->nameservers[i].name, name) == 0)
                loader_key_error(l, c, "the name server is there twice");
        }
        out->n_nameservers++;
    }
}

static bool is_mail_address(const char *text)
{
    const char *at = strchr(text, '@');

    return at != NULL && at != text && strchr(at + 1, '@') == NULL &&
           value_hostname_problem(at + 1, false) == NULL;
}

/* A zone may have a name that no mail address can have: too long, or with an underscore. */
static void check_contact(struct loader *l, const struct yaml_node *provider,
                          const struct yaml_node *soa, const struct local_cfg *cfg)
{
    const struct yaml_node *contact = yaml_tree_find(soa, "contact");

    if (is_mail_address(cfg->soa.contact))
        return;
    if (contact != NULL)
        loader_error(l, contact, "'%.100s' is not a mail address like hostmaster@example.com",
                     cfg->soa.contact);
    else if (cfg->zone[0] != '\0')
        loader_error(l, provider,
                     "soa.contact is not set, and hostmaster@%.100s is no mail address: write one "
                     "like hostmaster@example.com",
                     cfg->zone);
}

static void load_soa(struct loader *l, const struct yaml_node *provider, struct local_cfg *out)
{
    const struct yaml_node *map = yaml_tree_find(provider, "soa");
    struct soa_cfg *soa = &out->soa;
    const struct key_spec *keys = schema_keys(SCHEMA_SOA);

    loader_defaults(keys, soa);
    if (!str_format(soa->contact, sizeof(soa->contact), "hostmaster@%s", out->zone))
        soa->contact[0] = '\0';
    bool is_well = map == NULL || loader_section(l, map, keys, soa);
    check_contact(l, provider, map, out);
    if (map == NULL || !is_well)
        return;
    if (soa->retry_s > soa->refresh_s)
        loader_error(l, map, "retry (%us) is longer than refresh (%us)", soa->retry_s,
                     soa->refresh_s);
    if (soa->expire_s < soa->refresh_s + soa->retry_s)
        loader_error(l, map, "expire (%us) is shorter than refresh and retry together (%us)",
                     soa->expire_s, soa->refresh_s + soa->retry_s);
}

static void load_secondaries(struct loader *l, const struct yaml_node *map, struct local_cfg *out)
{
    struct secondaries_cfg *sec = &out->secondaries;

    if (map == NULL || !loader_section(l, map, schema_keys(SCHEMA_SECONDARIES), sec))
        return;
    sec->n_notify =
        loader_addrs(l, yaml_tree_find(map, "notify"), DNS_PORT, SECONDARIES_MAX, sec->notify);

    const struct yaml_node *key = yaml_tree_find(map, "transfer_key_file");
    const struct yaml_node *allowed = yaml_tree_find(map, "allow_transfer");

    sec->n_allow_transfer = loader_nets(l, allowed, ALLOW_TRANSFER_MAX, sec->allow_transfer);
    /* Whoever is told that the zone has changed may have it, if nothing else is said. */
    for (uint8_t i = 0; allowed == NULL && key == NULL && i < sec->n_notify; i++)
        sec->allow_transfer[sec->n_allow_transfer++] =
            (struct inet_net){ .ip = sec->notify[i].ip,
                               .bits = sec->notify[i].ip.family == 4 ? 32 : 128 };

    if (key != NULL && sec->transfer_key_file[0] != '\0')
        load_transfer_keys(l, key, sec);
}

static void load_records(struct loader *l, const struct yaml_node *node, struct local_cfg *out)
{
    struct buf text;
    struct err err;

    if (node == NULL || out->records_path[0] == '\0')
        return;
    buf_init(&text, SCHEMA_RECORDS_BYTES_MAX);
    if (fsio_read(out->records_path, &text, &err) != 0)
        loader_error(l, node, "%s", err.text);
    else
        out->records = mem_strdup(buf_text(&text));
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
        loader_error(l, node, "%s holds a NUL character", out->records_path);
    buf_fini(&text);
}

static void load_local(struct loader *l, const struct yaml_node *map, struct local_cfg *out)
{
    if (!loader_section(l, map, schema_keys(SCHEMA_PROVIDER), out))
        return;

    const struct yaml_node *listen = yaml_tree_find(map, "listen");

    out->n_listen = loader_addrs(l, listen, DNS_PORT, LISTENS_MAX, out->listen);
    if (listen != NULL && listen->kind == YAML_TREE_LIST && listen->child == NULL)
        loader_error(l, listen, "is empty, at least one address is needed");
    load_nameservers(l, yaml_tree_find(map, "nameservers"), out);
    load_soa(l, map, out);
    load_secondaries(l, yaml_tree_find(map, "secondaries"), out);
    load_records(l, yaml_tree_find(map, "records"), out);
}

static void load_beacon(struct loader *l, const struct yaml_node *map, struct beacon_cfg *out)
{
    if (!loader_section(l, map, schema_keys(SCHEMA_BEACON), out))
        return;

    const struct yaml_node *listen = yaml_tree_find(map, "listen");

    out->n_listen = loader_addrs(l, listen, BEACON_PORT, LISTENS_MAX, out->listen);
    if (listen != NULL && listen->kind == YAML_TREE_LIST && listen->child == NULL)
        loader_error(l, listen, "is empty, at least one address is needed");
    out->n_nameservers = loader_addrs(l, yaml_tree_find(map, "nameservers"), DNS_PORT,
                                      SECONDARIES_MAX, out->nameservers);
}

static void load_provider(struct loader *l, const struct yaml_node *node, struct provider_cfg *out)
{
    const struct yaml_node *kind = yaml_tree_find(node, "kind");

    loader_name(l, node, out->name);
    if (kind != NULL && !loader_is_value(l, kind))
        return;
    if (kind != NULL && strcmp(kind->text, "beacon") == 0) {
        str_copy(out->kind, sizeof(out->kind), "beacon");
        load_beacon(l, node, &out->beacon);
        return;
    }
    if (kind != NULL && strcmp(kind->text, "route53") == 0) {
        str_copy(out->kind, sizeof(out->kind), "route53");
        load_route53(l, node, &out->route53);
        return;
    }
    if (kind != NULL && strcmp(kind->text, "arc") == 0) {
        str_copy(out->kind, sizeof(out->kind), "arc");
        load_arc(l, node, &out->arc);
        return;
    }
    if (kind != NULL && strcmp(kind->text, "local") != 0) {
        loader_error(l, kind, "the kind '%.64s' is unknown; known kinds: %s", kind->text,
                     schema_provider_kinds);
        return;
    }
    str_copy(out->kind, sizeof(out->kind), "local");
    load_local(l, node, &out->local);
}

/* Whoever writes to a hosted zone must be the only one of us that does. */
static void check_hosted_zones(struct loader *l, const struct yaml_node *node, size_t n)
{
    const struct route53_cfg *a = &l->s->providers[n].route53;

    for (size_t i = 0; i < n; i++) {
        const struct route53_cfg *b = &l->s->providers[i].route53;

        for (uint8_t k = 0; k < a->n_zones * b->n_zones; k++) {
            if (strcmp(a->zones[k % a->n_zones], b->zones[k / a->n_zones]) == 0)
                loader_error(l, yaml_tree_find(node, "zones"),
                             "the zone %s is provider %s's already", a->zones[k % a->n_zones],
                             l->s->providers[i].name);
        }
    }
}

/* Two providers never share a zone or an address to answer on. */
static void check_unique(struct loader *l, const struct yaml_node *node, size_t n)
{
    const struct local_cfg *a = &l->s->providers[n].local;

    for (size_t i = 0; i < n; i++) {
        const struct local_cfg *b = &l->s->providers[i].local;

        if (a->zone[0] != '\0' && strcmp(a->zone, b->zone) == 0)
            loader_error(l, yaml_tree_find(node, "zone"), "the zone %s is provider %s's already",
                         a->zone, l->s->providers[i].name);
    }
}

/* records of a beacon names a provider of the file. */
static void check_records(struct loader *l, const struct provider_cfg *p,
                          const struct yaml_node *node)
{
    const char *name = p->beacon.records;

    if (name[0] == '\0')
        return;
    for (size_t i = 0; i < l->s->n_providers; i++) {
        if (strcmp(l->s->providers[i].name, name) == 0 &&
            strcmp(l->s->providers[i].kind, "route53") == 0)
            return;
    }
    loader_error(l, yaml_tree_find(node, "records"), "'%s' is no provider of kind route53", name);
}

void load_providers(struct loader *l, const struct yaml_node *map)
{
    struct settings *s = l->s;

    if (!loader_is_map(l, map, PROVIDERS_MAX))
        return;
    if (map->n_children == 0)
        loader_error(l, map, "is empty, at least one provider is needed");
    s->providers = mem_array(map->n_children + 1U, sizeof(s->providers[0]));
    for (const struct yaml_node *c = map->child; c != NULL; c = c->next) {
        l->providers[s->n_providers] = c;
        load_provider(l, c, &s->providers[s->n_providers]);
        check_unique(l, c, s->n_providers);
        check_hosted_zones(l, c, s->n_providers);
        s->n_providers++;
    }
    load_compare_keys(l);
    for (size_t i = 0; i < s->n_providers; i++)
        check_records(l, &s->providers[i], l->providers[i]);
}
