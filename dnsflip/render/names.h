/* dnsflip/render/names.h -- every name of every local zone with what it holds, between reading
 * the settings and writing the view; and the mistakes found on the way. */
#ifndef DNSFLIP_RENDER_NAMES_H
#define DNSFLIP_RENDER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/model/settings.h"

#define NAMES_WIRE_BYTES 255
#define NAMES_PROBLEMS_MAX 1000 /* kept; what comes later is only counted */

struct names_rdata {
    uint8_t *bytes; /* as on the wire, uncompressed; owned by the set of names */
    uint16_t len;
    unsigned line; /* of the records file; 0 = from the configuration */
};

struct names_rrset {
    struct names_rrset *next;
    struct names_rdata *rdatas; /* owned */
    size_t n;
    uint32_t ttl_s;
    uint16_t type;
    unsigned line;     /* where it began; 0 = from the configuration */
    bool is_ttl_wrong; /* a record had another TTL: said once */
};

struct names_zone {
    const struct local_cfg *cfg; /* borrowed */
    uint8_t apex[NAMES_WIRE_BYTES];
    size_t apex_len;
    struct names_name *top; /* the apex */
};

struct names_name {
    struct names_name *hash_next;
    struct names_name *next;         /* in the order in which names came */
    struct names_name *parent;       /* NULL: this is the zone's apex */
    struct names_rrset *rrsets;      /* in the order in which they came */
    const struct hostname_cfg *host; /* a managed name, or one cluster's own name of it; borrowed */
    uint32_t group;                  /* index into settings.groups, if host is set */
    uint32_t slot;                   /* in the view, once it is written */
    uint16_t zone;                   /* index into names.zones */
    uint8_t cluster; /* 1 + place of the cluster that this name always answers with; 0 = the
                        group's word says which */
    bool is_server;  /* an NS record of the zone points here */
    uint8_t len;
    uint8_t wire[]; /* lower case */
};

struct names_problem {
    const struct local_cfg *zone;
    unsigned line;
    unsigned number; /* keeps the order among those of one line */
    char *text;      /* owned */
};

struct names {
    const struct settings *settings; /* borrowed */
    struct names_zone zones[PROVIDERS_MAX];
    unsigned n_zones;
    struct names_name **buckets; /* owned */
    size_t n_buckets;            /* a power of two */
    size_t n_names;
    struct names_name *first, *last;
    struct names_problem *problems; /* owned */
    size_t n_problems;              /* found; at most NAMES_PROBLEMS_MAX are kept */
    struct names_problem *notes;    /* owned: no mistakes, but worth a word */
    size_t n_notes;
};

void names_init(struct names *ns, const struct settings *s);
void names_fini(struct names *ns);

/* A mistake / a remark.  Line 0: it lies in the configuration. */
void names_problem(struct names *ns, unsigned zone, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void names_note(struct names *ns, unsigned zone, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The zone with the longest apex that the name lies in, or -1. */
int names_zone_of(const struct names *ns, const uint8_t *wire, size_t len);

/* Whether name lies in zone, its apex included. */
bool names_is_in(const struct names_zone *zone, const uint8_t *wire, size_t len);

/* The name in the zone, or NULL.  wire is in lower case. */
struct names_name *names_find(const struct names *ns, unsigned zone, const uint8_t *wire,
                              size_t len);

/* The same, made if it is not there, with all names between it and the apex. */
struct names_name *names_add(struct names *ns, unsigned zone, const uint8_t *wire, size_t len);

struct names_rrset *names_rrset(const struct names_name *name, uint16_t type);

/* Adds one record; a duplicate and a TTL unlike the others' are reported, not added. */
void names_add_record(struct names *ns, struct names_name *name, uint16_t type, uint32_t ttl_s,
                      unsigned line, const uint8_t *rdata, size_t len);

/* The nearest name above this one that is a delegation, or NULL. */
const struct names_name *names_cut_above(const struct names_name *name);

/* Not the apex, and it has NS records. */
bool names_is_cut(const struct names_name *name);

#endif
