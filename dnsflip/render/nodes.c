#include "dnsflip/render/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/render/nodes_room.h"
#include "dnsflip/render/wire.h"
#include "dnsflip/render/zone_check.h"

static void add_entry(struct room *r, uint16_t type, const uint8_t *target, size_t len)
{
    struct nodes_directory *d = &r->directory;

    if (r->c.is_too_long || d->n == NODES_ENTRIES_MAX) {
        r->is_too_long = true;
        return;
    }
    d->entries[d->n++] =
        (struct view_entry){ .type = type, .answer = emit_answer(&r->e, &r->c, target, len) };
}

/* The target of a CNAME is looked for here if it lies in the same zone. */
static bool is_followed(const struct room *r, const struct names_name *name, const uint8_t *wire,
                        size_t len)
{
    return names_is_in(room_zone(r, name), wire, len) &&
           names_zone_of(r->ns, wire, len) == name->zone;
}

static void add_rrset(struct room *r, const struct names_name *name, uint32_t ttl_s,
                      const struct names_rrset *set)
{
    /* A DNAME is mostly the answer for a name below it. */
    const struct names_name *owner = set->type == WIRE_DNAME ? name : NULL;
    const uint8_t *target = NULL;
    size_t len = 0;

    compose_start(&r->c, room_zone(r, name));
    compose_rrset(&r->c, COMPOSE_ANSWER, owner, owner, ttl_s, set);
    if (set->type == WIRE_DNAME ||
        (set->type == WIRE_CNAME &&
         is_followed(r, name, set->rdatas[0].bytes, set->rdatas[0].len))) {
        target = set->rdatas[0].bytes;
        len = set->rdatas[0].len;
    }
    add_entry(r, set->type, target, len);
}

static void add_addresses(struct room *r, const struct names_name *name, uint16_t type,
                          uint32_t ttl_s, const struct inet_ip *ips, uint8_t n)
{
    struct names_rdata rdatas[ADDRESSES_MAX];
    struct names_rrset set = { .type = type, .n = n, .rdatas = rdatas };
    uint8_t bytes[ADDRESSES_MAX][16];

    for (uint8_t i = 0; i < n; i++) {
        memcpy(bytes[i], ips[i].bytes, sizeof(bytes[i]));
        rdatas[i] = (struct names_rdata){ .bytes = bytes[i], .len = type == WIRE_A ? 4 : 16 };
    }
    if (n > 0)
        add_rrset(r, name, ttl_s, &set);
}

/* What a managed name holds while cluster number k of its group is active. */
static void add_target(struct room *r, const struct names_name *name, unsigned k)
{
    const struct target *t = &name->host->targets[k];
    uint32_t ttl_s = t->ttl_s != 0 ? t->ttl_s : r->ns->settings->groups[name->group].ttl_s;
    uint8_t bytes[WIRE_RDATA_BYTES];
    struct names_rdata rdata = { .bytes = bytes };
    struct names_rrset set = { .n = 1, .rdatas = &rdata };
    struct err err;

    if (t->cname[0] != '\0') {
        rdata.len = (uint16_t)wire_name_parse(t->cname, bytes);
        set.type = WIRE_CNAME;
        add_rrset(r, name, ttl_s, &set);
        return;
    }
    add_addresses(r, name, WIRE_A, ttl_s, t->a, t->n_a);
    add_addresses(r, name, WIRE_AAAA, ttl_s, t->aaaa, t->n_aaaa);
    if (t->https[0] != '\0') {
        rdata.len = (uint16_t)wire_https_parse(t->https, bytes, sizeof(bytes), &err);
        set.type = WIRE_HTTPS;
        add_rrset(r, name, ttl_s, &set);
    }
}

static void add_glue(struct room *r, const struct names_name *cut, const struct names_rdata *server)
{
    static const uint16_t types[] = { WIRE_A, WIRE_AAAA };
    const struct names_name *name = names_find(r->ns, cut->zone, server->bytes, server->len);
    const struct names_name *above = name;

    if (name == NULL || (!names_is_cut(name) && names_cut_above(name) == NULL))
        return;
    while (above != NULL && above != cut)
        above = above->parent;
    if (above == NULL)
        above = room_zone(r, cut)->top;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const struct names_rrset *set = names_rrset(name, types[i]);

        if (set != NULL)
            compose_rrset(&r->c, COMPOSE_ADDITIONAL, name, above, set->ttl_s, set);
    }
}

/* The NS records of the cut and the addresses of those that nobody finds without (glue). */
static void add_referral(struct room *r, const struct names_name *cut)
{
    const struct names_rrset *set = names_rrset(cut, WIRE_NS);

    compose_start(&r->c, room_zone(r, cut));
    compose_rrset(&r->c, COMPOSE_AUTHORITY, cut, cut, set->ttl_s, set);
    for (size_t i = 0; i < set->n; i++)
        add_glue(r, cut, &set->rdatas[i]);
    add_entry(r, WIRE_NS, NULL, 0);
}

static void add_static(struct room *r, const struct names_name *name)
{
    const struct names_rrset *dname = names_rrset(name, WIRE_DNAME);

    /* Readers of the view expect a DNAME to be the first. */
    if (dname != NULL)
        add_rrset(r, name, dname->ttl_s, dname);
    for (const struct names_rrset *set = name->rrsets; set != NULL; set = set->next) {
        if (set != dname)
            add_rrset(r, name, set->ttl_s, set);
    }
}

static uint32_t put_directory(struct room *r)
{
    return emit_part(&r->e, &r->directory,
                     offsetof(struct nodes_directory, entries) +
                         r->directory.n * sizeof(struct view_entry));
}

/* The directory of the name while its group's word has this index. */
static uint32_t directory(struct room *r, const struct names_name *name, unsigned index)
{
    r->directory.n = 0;
    if (names_is_cut(name)) {
        add_referral(r, name);
    } else if (name->host == NULL) {
        add_static(r, name);
    } else if (name->cluster != 0) {
        add_target(r, name, name->cluster - 1U);
    } else {
        if (index > 0)
            add_target(r, name, index - 1);
        add_static(r, name);
    }
    return put_directory(r);
}

uint32_t nodes_referral(struct room *r, const struct names_name *cut)
{
    r->directory.n = 0;
    add_referral(r, cut);
    return put_directory(r);
}

uint32_t nodes_addresses(struct room *r, const struct names_name *name)
{
    static const uint16_t types[] = { WIRE_A, WIRE_AAAA };

    r->directory.n = 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const struct names_rrset *set = names_rrset(name, types[i]);

        if (set != NULL)
            add_rrset(r, name, set->ttl_s, set);
    }
    return put_directory(r);
}

static uint8_t flags_of(const struct names_name *name)
{
    if (names_is_cut(name))
        return VIEW_NODE_CUT;
    return names_rrset(name, WIRE_DNAME) != NULL ? VIEW_NODE_DNAME : 0;
}

static void put_in_slot(struct room *r, struct names_name *name, uint32_t node)
{
    const struct view_node *n = room_at(r, node);
    struct view_slot *slots = room_at(r, r->slots);
    uint64_t hash = view_hash_name(n->name, n->name_len);
    uint32_t i = view_hash_slot(hash, r->slot_bits);

    while (slots[i].node != 0)
        i = (i + 1) & ((UINT32_C(1) << r->slot_bits) - 1);
    slots[i] = (struct view_slot){ .tag = view_hash_tag(hash), .node = node };
    name->slot = i;
}

static bool has_word(const struct names_name *name)
{
    return name->host != NULL && name->cluster == 0;
}

uint32_t nodes_add(struct room *r, const struct names_name *name, const uint32_t *directories,
                   uint8_t n, uint8_t flags)
{
    size_t padded = ((size_t)name->len + 7) / 8 * 8;
    size_t directories_at = sizeof(struct view_node) + padded;
    uint32_t offset = emit_room(&r->e, directories_at + (n + 1U) * sizeof(uint32_t));
    struct view_node *node = room_at(r, offset);

    node->name_len = name->len;
    node->flags = flags;
    node->n_clusters = n;
    node->zone = name->zone;
    node->directories_at = (uint16_t)directories_at;
    node->group = n > 0 ? name->group : VIEW_NO_GROUP;
    memcpy(node->name, name->wire, name->len);
    memcpy((uint8_t *)node + directories_at, directories, (n + 1U) * sizeof(uint32_t));
    return offset;
}

static void add_node(struct room *r, struct names_name *name)
{
    uint8_t n = has_word(name) ? r->ns->settings->groups[name->group].n_clusters : 0;
    uint32_t directories[1 + CLUSTERS_MAX];

    for (unsigned i = 0; i <= n; i++)
        directories[i] = directory(r, name, i);
    put_in_slot(r, name, nodes_add(r, name, directories, n, flags_of(name)));
}

bool nodes_is_visible(const struct room *r, const struct names_name *name)
{
    return names_cut_above(name) == NULL && !zone_check_is_shadowed(r->ns, name);
}

static void count_labels(struct room *r, const struct names_name *name)
{
    uint32_t n = 0;

    for (size_t i = 0; name->wire[i] != 0; i += 1U + name->wire[i])
        n++;
    if (n > r->labels)
        r->labels = n;
}

/* A "*" is found through the name above it. */
static void link_wildcard(struct room *r, const struct names_name *name)
{
    struct view_slot *slots = room_at(r, r->slots);
    struct view_node *above;

    if (name->wire[0] != 1 || name->wire[1] != '*' || name->parent == NULL)
        return;
    above = room_at(r, slots[name->parent->slot].node);
    above->wildcard = name->slot + 1;
}

static void add_nodes(struct room *r)
{
    for (struct names_name *name = r->ns->first; name != NULL; name = name->next) {
        if (!nodes_is_visible(r, name))
            continue;
        add_node(r, name);
        if (r->e.is_too_long)
            return;
        count_labels(r, name);
    }
    for (const struct names_name *name = r->ns->first; name != NULL; name = name->next) {
        if (nodes_is_visible(r, name))
            link_wildcard(r, name);
    }
}

/* "Nothing there" in a zone: its SOA, to be kept no longer than its minimum (RFC 2308). */
static uint32_t negative(struct room *r, const struct names_zone *zone)
{
    const struct names_rrset *soa = names_rrset(zone->top, WIRE_SOA);
    uint32_t ttl_s = zone->cfg->soa.minimum_s < soa->ttl_s ? zone->cfg->soa.minimum_s : soa->ttl_s;

    compose_start(&r->c, zone);
    compose_rrset(&r->c, COMPOSE_AUTHORITY, zone->top, zone->top, ttl_s, soa);
    return emit_answer(&r->e, &r->c, NULL, 0);
}

static void add_zone(struct room *r, unsigned i)
{
    const struct names_zone *zone = &r->ns->zones[i];
    const struct settings *s = r->ns->settings;
    uint32_t *groups = mem_array(s->n_groups + 1, sizeof(*groups));
    bool *is_in = mem_array(s->n_groups + 1, sizeof(*is_in));
    struct view_zone out = { .apex_len = (uint32_t)zone->apex_len };

    for (const struct names_name *name = r->ns->first; name != NULL; name = name->next) {
        if (name->host != NULL && name->zone == i)
            is_in[name->group] = true;
    }
    for (uint32_t g = 0; g < s->n_groups; g++) {
        if (is_in[g])
            groups[out.n_groups++] = g;
    }
    out.apex = emit_part(&r->e, zone->apex, zone->apex_len);
    out.groups = emit_part(&r->e, groups, (out.n_groups + 1) * sizeof(*groups));
    out.negative = negative(r, zone);
    memcpy(room_at(r, r->zones + i * (uint32_t)sizeof(out)), &out, sizeof(out));
    mem_free(groups);
    mem_free(is_in);
}

static uint32_t add_text(struct room *r, const char *text)
{
    char padded[NAME_BYTES] = { 0 };

    str_copy(padded, sizeof(padded), text);
    return emit_part(&r->e, padded, sizeof(padded));
}

static void add_group(struct room *r, uint32_t i)
{
    const struct group_cfg *g = &r->ns->settings->groups[i];
    struct view_group out = { .n_clusters = g->n_clusters };

    out.name = add_text(r, g->name);
    for (uint8_t k = 0; k < g->n_clusters; k++)
        out.clusters[k] = add_text(r, r->ns->settings->clusters[g->clusters[k]].name);
    memcpy(room_at(r, r->groups + i * (uint32_t)sizeof(out)), &out, sizeof(out));
}

static bool has_beacon(const struct settings *s, const struct group_cfg *g)
{
    for (uint8_t i = 0; i < g->n_providers; i++) {
        if (strcmp(s->providers[g->providers[i]].kind, "beacon") == 0)
            return true;
    }
    return false;
}

struct beacon_name {
    const char *name;
    uint32_t group;
};

static int compare_beacons(const void *a, const void *b)
{
    return strcmp(((const struct beacon_name *)a)->name, ((const struct beacon_name *)b)->name);
}

/* Those groups whose state health checkers may ask for, by name. */
static void add_beacons(struct room *r)
{
    const struct settings *s = r->ns->settings;
    struct beacon_name *found = mem_array(s->n_groups + 1, sizeof(*found));

    r->n_beacons = 0;
    for (uint32_t i = 0; i < s->n_groups; i++) {
        if (has_beacon(s, &s->groups[i]))
            found[r->n_beacons++] = (struct beacon_name){ .name = s->groups[i].name, .group = i };
    }
    qsort(found, r->n_beacons, sizeof(*found), compare_beacons);
    r->beacons = emit_room(&r->e, r->n_beacons * sizeof(uint32_t));
    for (uint32_t i = 0; i < r->n_beacons; i++)
        ((uint32_t *)room_at(r, r->beacons))[i] = found[i].group;
    mem_free(found);
}

static void add_face(struct room *r, const struct dns_cfg *cfg)
{
    struct view_face *face = room_at(r, r->face);

    face->rate = cfg->rate_limit;
    face->slip = cfg->rate_slip;
    if (strcmp(cfg->nsid, "none") != 0) {
        face->nsid_len = (uint32_t)strlen(cfg->nsid);
        memcpy(face->nsid, cfg->nsid, face->nsid_len);
    }
    for (face->n_exempt = 0; face->n_exempt < cfg->n_exempt; face->n_exempt++) {
        const struct inet_net *net = &cfg->exempt[face->n_exempt];
        struct view_network *out = &face->exempt[face->n_exempt];

        out->ip_bytes = net->ip.family == 4 ? 4 : 16;
        out->bits = net->bits;
        memcpy(out->ip, net->ip.bytes, sizeof(out->ip));
    }
}

static void fill(struct room *r, uint64_t generation, uint32_t serial)
{
    uint32_t n_groups = (uint32_t)r->ns->settings->n_groups;
    struct view_header *h;

    (void)emit_room(&r->e, sizeof(*h));
    /* Half of the slots, at least, stay empty: searches stay short. */
    for (r->slot_bits = 4; r->ns->n_names * 2 > (size_t)1 << r->slot_bits;)
        r->slot_bits++;
    r->slots = emit_room(&r->e, sizeof(struct view_slot) << r->slot_bits);
    r->zones = emit_room(&r->e, r->ns->n_zones * sizeof(struct view_zone));
    r->groups = emit_room(&r->e, n_groups * sizeof(struct view_group));
    r->face = emit_room(&r->e, sizeof(struct view_face));
    add_face(r, &r->ns->settings->node.dns);
    add_beacons(r);
    for (unsigned i = 0; i < r->ns->n_zones; i++)
        add_zone(r, i);
    for (uint32_t i = 0; i < n_groups; i++)
        add_group(r, i);
    add_nodes(r);
    nodes_add_transfers(r);
    h = room_at(r, 0);
    *h = (struct view_header){
        .magic = VIEW_MAGIC,
        .format = VIEW_FORMAT,
        .serial = serial,
        .generation = generation,
        .slots = r->slots,
        .slot_bits = r->slot_bits,
        .zones = r->zones,
        .n_zones = r->ns->n_zones,
        .groups = r->groups,
        .n_groups = n_groups,
        .labels = r->labels,
        .face = r->face,
        .beacons = r->beacons,
        .n_beacons = r->n_beacons,
    };
}

int nodes_render(struct names *ns, uint64_t generation, uint32_t serial, struct err *err)
{
    struct room *r = mem_zalloc(sizeof(*r));
    int fd = -1;

    r->ns = ns;
    emit_init(&r->e);
    fill(r, generation, serial);
    if (r->is_too_long)
        err_set(err, ERR_LIMIT,
                "a name's answer is longer than %d bytes, or it has more than %d "
                "types",
                VIEW_BODY_BYTES_MAX, NODES_ENTRIES_MAX);
    else
        fd = emit_seal(&r->e, err);
    emit_fini(&r->e);
    mem_free(r);
    return fd;
}
