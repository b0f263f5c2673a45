#include "dnsflip/render/compose.h"

#include <string.h>

#include "dnsflip/render/wire.h"

#define SOA_NUMBERS_BYTES 20
#define CLASS_IN 1

void compose_start(struct compose *c, const struct names_zone *zone)
{
    c->zone = zone;
    c->len = 0;
    c->n_suffixes = 0;
    c->n_owners = 0;
    memset(c->counts, 0, sizeof(c->counts));
    c->serial_at = 0;
    c->is_too_long = false;
}

static void put(struct compose *c, const void *bytes, size_t n)
{
    if (n > sizeof(c->body) - c->len)
        c->is_too_long = true;
    if (c->is_too_long)
        return;
    memcpy(c->body + c->len, bytes, n);
    c->len += n;
}

static void put16(struct compose *c, unsigned v)
{
    uint8_t bytes[2] = { (uint8_t)(v >> 8), (uint8_t)v };

    put(c, bytes, sizeof(bytes));
}

static void put32(struct compose *c, uint32_t v)
{
    put16(c, v >> 16);
    put16(c, v & 0xffff);
}

/* A pointer to the name that is asked (0), or to its last suffix_len bytes. */
static void put_pointer(struct compose *c, size_t suffix_len)
{
    struct view_reloc reloc = { .at = (uint16_t)c->len, .suffix_len = (uint16_t)suffix_len };
    size_t *n = suffix_len == 0 ? &c->n_owners : &c->n_suffixes;
    struct view_reloc *relocs = suffix_len == 0 ? c->owners : c->suffixes;

    if (*n == COMPOSE_RELOCS_MAX)
        c->is_too_long = true;
    if (!c->is_too_long)
        relocs[(*n)++] = reloc;
    /* Where the name lies nearly always. */
    put16(c, 0xc000 | 12);
}

/* A name whose last suffix_len bytes are those of the name that is asked. */
static void put_name_over(struct compose *c, const uint8_t *wire, size_t len, size_t suffix_len)
{
    put(c, wire, len - suffix_len);
    put_pointer(c, suffix_len);
}

static void put_name(struct compose *c, const uint8_t *wire, size_t len)
{
    if (names_is_in(c->zone, wire, len))
        put_name_over(c, wire, len, c->zone->apex_len);
    else
        put(c, wire, len);
}

static size_t name_length(const uint8_t *wire)
{
    size_t at = 0;

    while (wire[at] != 0)
        at += 1U + wire[at];
    return at + 1;
}

static void put_rdata(struct compose *c, uint16_t type, const struct names_rdata *rdata)
{
    int name_at = wire_name_at(type);

    if (type == WIRE_SOA) {
        size_t mname = name_length(rdata->bytes);

        put_name(c, rdata->bytes, mname);
        put_name(c, rdata->bytes + mname, rdata->len - mname - SOA_NUMBERS_BYTES);
        c->serial_at = (uint16_t)c->len;
        put(c, rdata->bytes + rdata->len - SOA_NUMBERS_BYTES, SOA_NUMBERS_BYTES);
    } else if (name_at >= 0) {
        put(c, rdata->bytes, (size_t)name_at);
        put_name(c, rdata->bytes + name_at, rdata->len - (size_t)name_at);
    } else {
        put(c, rdata->bytes, rdata->len);
    }
}

void compose_rrset(struct compose *c, enum compose_section section, const struct names_name *owner,
                   const struct names_name *suffix, uint32_t ttl_s, const struct names_rrset *set)
{
    for (size_t i = 0; i < set->n; i++) {
        size_t length_at;

        if (owner == NULL)
            put_pointer(c, 0);
        else
            put_name_over(c, owner->wire, owner->len, suffix->len);
        put16(c, set->type);
        put16(c, CLASS_IN);
        put32(c, ttl_s);
        length_at = c->len;
        put16(c, 0);
        put_rdata(c, set->type, &set->rdatas[i]);
        if (c->is_too_long)
            return;
        c->body[length_at] = (uint8_t)((c->len - length_at - 2) >> 8);
        c->body[length_at + 1] = (uint8_t)(c->len - length_at - 2);
        c->counts[section]++;
    }
}
