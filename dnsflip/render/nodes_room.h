/* dnsflip/render/nodes_room.h -- the view while it is written: shared by nodes.c (names and what
 * they hold) and nodes_transfer.c (what a transfer of a zone holds, and who may have it). */
#ifndef DNSFLIP_RENDER_NODES_ROOM_H
#define DNSFLIP_RENDER_NODES_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/view_format.h"
#include "dnsflip/render/compose.h"
#include "dnsflip/render/emit.h"
#include "dnsflip/render/names.h"

#define NODES_ENTRIES_MAX 1024 /* types at one name */

/* As struct view_directory, with room for all entries. */
struct nodes_directory {
    uint32_t n;
    uint32_t reserved;
    struct view_entry entries[NODES_ENTRIES_MAX];
};

_Static_assert(offsetof(struct nodes_directory, entries) ==
                   offsetof(struct view_directory, entries),
               "both are the same in the file");

struct room {
    struct names *ns;
    struct emit e;
    struct compose c;
    struct nodes_directory directory;
    uint32_t labels; /* of the longest name */
    uint32_t slots, slot_bits, zones, groups, face, beacons;
    uint32_t n_beacons;
    bool is_too_long; /* some answer or directory was */
};

/* A place in the file; valid until something is added to it. */
static inline void *room_at(struct room *r, uint32_t offset)
{
    return r->e.bytes + offset;
}

static inline const struct names_zone *room_zone(const struct room *r,
                                                 const struct names_name *name)
{
    return &r->ns->zones[name->zone];
}

/* Whether the view answers with this name, rather than with a delegation or another zone. */
bool nodes_is_visible(const struct room *r, const struct names_name *name);

/* The referral of a delegation / the addresses of a name alone, as a directory: its offset. */
uint32_t nodes_referral(struct room *r, const struct names_name *cut);
uint32_t nodes_addresses(struct room *r, const struct names_name *name);

/* A node that no slot leads to yet, with n + 1 directories: its offset. */
uint32_t nodes_add(struct room *r, const struct names_name *name, const uint32_t *directories,
                   uint8_t n, uint8_t flags);

/* nodes_transfer.c: fills in, for each zone, the names of a transfer and who may have it.  All
 * nodes have been added. */
void nodes_add_transfers(struct room *r);

#endif
