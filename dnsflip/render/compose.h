/* dnsflip/render/compose.h -- puts one answer together: its records as on the wire, pointers to the
 * name that is asked and to its zone left open (view_format.h, struct view_reloc). */
#ifndef DNSFLIP_RENDER_COMPOSE_H
#define DNSFLIP_RENDER_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/view_format.h"
#include "dnsflip/render/names.h"

#define COMPOSE_RELOCS_MAX 16384

enum compose_section { COMPOSE_ANSWER = 0, COMPOSE_AUTHORITY, COMPOSE_ADDITIONAL };

/* An answer in the making; large: keep one and use it again and again. */
struct compose {
    const struct names_zone *zone; /* of the name that is asked; borrowed */
    size_t len;                    /* of body */
    size_t n_suffixes, n_owners;
    uint16_t counts[3]; /* by section */
    uint16_t serial_at;
    bool is_too_long; /* it did not fit: the answer is useless */
    struct view_reloc suffixes[COMPOSE_RELOCS_MAX];
    struct view_reloc owners[COMPOSE_RELOCS_MAX];
    uint8_t body[VIEW_BODY_BYTES_MAX];
};

void compose_start(struct compose *c, const struct names_zone *zone);

/* Adds a set of records of the name that is asked (owner NULL) or of a name that it ends in, or,
 * for glue, of a name below one that it ends in: suffix, whose wire form is the end of owner's. */
void compose_rrset(struct compose *c, enum compose_section section, const struct names_name *owner,
                   const struct names_name *suffix, uint32_t ttl_s, const struct names_rrset *set);

#endif
