/* dnsflip/render/nodes_transfer.c -- what a transfer of a zone holds beside what is answered with
 * its names, and who may have it. */
#include "dnsflip/render/nodes_room.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/render/wire.h"

/* The names of all zones, offsets of nodes, zone by zone. */
struct lists {
    uint32_t *nodes[PROVIDERS_MAX]; /* owned */
    uint32_t n[PROVIDERS_MAX];
};

static void add(struct lists *lists, const struct names_name *name, uint32_t node)
{
    lists->nodes[name->zone][lists->n[name->zone]++] = node;
}

/* A delegation and all below it may lie in another zone of the view, which answers there; the
 * records are this zone's even so. */
static void add_name(struct room *r, struct lists *lists, const struct names_name *name)
{
    const struct view_slot *slots = room_at(r, r->slots);
    bool is_below = names_cut_above(name) != NULL;
    bool is_cut = !is_below && names_is_cut(name);
    uint32_t directory;

    if (nodes_is_visible(r, name)) {
        add(lists, name, slots[name->slot].node);
    } else if (is_cut) {
        directory = nodes_referral(r, name);
        add(lists, name, nodes_add(r, name, &directory, 0, VIEW_NODE_CUT));
    }
    if ((is_cut || is_below) &&
        (names_rrset(name, WIRE_A) != NULL || names_rrset(name, WIRE_AAAA) != NULL)) {
        directory = nodes_addresses(r, name);
        add(lists, name, nodes_add(r, name, &directory, 0, 0));
    }
}

static void gather_names(struct room *r, struct lists *lists)
{
    for (unsigned i = 0; i < r->ns->n_zones; i++) {
        lists->n[i] = 0;
        /* A name may be there twice: as a delegation, and as glue. */
        lists->nodes[i] = mem_array(2 * r->ns->n_names + 1, sizeof(uint32_t));
        add_name(r, lists, r->ns->zones[i].top);
    }
    for (const struct names_name *name = r->ns->first; name != NULL && !r->e.is_too_long;
         name = name->next) {
        if (name != room_zone(r, name)->top)
            add_name(r, lists, name);
    }
}

static uint32_t add_networks(struct room *r, const struct secondaries_cfg *sec)
{
    struct view_network networks[ALLOW_TRANSFER_MAX + 1] = { { 0 } };

    for (uint8_t i = 0; i < sec->n_allow_transfer; i++) {
        const struct inet_net *net = &sec->allow_transfer[i];

        networks[i].ip_bytes = net->ip.family == 4 ? 4 : 16;
        networks[i].bits = net->bits;
        memcpy(networks[i].ip, net->ip.bytes, sizeof(networks[i].ip));
    }
    return emit_part(&r->e, networks, (sec->n_allow_transfer + 1U) * sizeof(networks[0]));
}

/* The names of keys are no secret. */
static uint32_t add_keys(struct room *r, const struct secondaries_cfg *sec)
{
    uint32_t keys[TRANSFER_KEYS_MAX + 1] = { 0 };
    uint8_t name[1 + WIRE_NAME_BYTES];

    for (size_t i = 0; i < sec->n_keys; i++) {
        name[0] = (uint8_t)wire_name_parse(sec->keys[i].name, name + 1);
        keys[i] = emit_part(&r->e, name, 1U + name[0]);
    }
    return emit_part(&r->e, keys, (sec->n_keys + 1) * sizeof(keys[0]));
}

void nodes_add_transfers(struct room *r)
{
    struct lists lists = { .n = { 0 } };

    gather_names(r, &lists);
    for (uint32_t i = 0; i < r->ns->n_zones; i++) {
        const struct secondaries_cfg *sec = &r->ns->zones[i].cfg->secondaries;
        uint32_t names = emit_part(&r->e, lists.nodes[i], lists.n[i] * sizeof(uint32_t));
        uint32_t networks = add_networks(r, sec);
        uint32_t keys = add_keys(r, sec);
        struct view_zone *zone = (struct view_zone *)room_at(r, r->zones) + i;

        if (!r->e.is_too_long) {
            zone->names = names;
            zone->n_names = lists.n[i];
            zone->networks = networks;
            /* Keys that this process could not read are needed even so. */
            zone->n_networks =
                sec->transfer_key_file[0] != '\0' && sec->n_keys == 0 ? 0 : sec->n_allow_transfer;
            zone->keys = keys;
            zone->n_keys = (uint32_t)sec->n_keys;
        }
        mem_free(lists.nodes[i]);
    }
}
