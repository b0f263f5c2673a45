/* dnsflip/dns/view_format.h -- the layout of the view's file.  render/ writes it, view_open checks
 * it, answer.c reads it.  Offsets are in bytes from the start of the file; integers are the
 * machine's own, but for the bytes of answers and names, which are as on the wire.
 *
 *   header | slots | zones | groups | face | beacons | numbers of groups | nodes, directories,
 * answers, names * | padding
 *
 * A query's name is hashed and looked up among the slots; its slot leads to a node; the node has
 * a directory for each index of its group's word, the first for a word that is not set and for a
 * name that no group owns; a directory lists the types there are, each with an answer, whose body
 * is copied behind the question.
 * Equal answers and equal directories are stored once. */
#ifndef DNSFLIP_DNS_VIEW_FORMAT_H
#define DNSFLIP_DNS_VIEW_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dnsflip/model/limits.h"

#define VIEW_MAGIC UINT64_C(0x3157565f50494c46) /* "FLIP_VW1" in memory order */
#define VIEW_FORMAT 4
#define VIEW_BYTES_MAX (UINT32_C(1) << 31)
#define VIEW_PADDING_BYTES 64 /* behind the last byte in use: readers move whole words */
#define VIEW_NAME_BYTES 255   /* of a name on the wire */
#define VIEW_BODY_BYTES_MAX 65000
#define VIEW_NO_GROUP UINT32_MAX
#define VIEW_LABELS_MAX 127

struct view_header {
    uint64_t magic;
    uint64_t checksum; /* view_checksum of everything behind this field */
    uint32_t format;
    uint32_t serial; /* the view's own: a floor for every zone's SOA serial */
    uint64_t generation;
    uint64_t size;      /* of the file */
    uint32_t slots;     /* offset */
    uint32_t slot_bits; /* there are 1 << slot_bits of them; 1..28 */
    uint32_t zones;     /* offset */
    uint32_t n_zones;
    uint32_t groups; /* offset */
    uint32_t n_groups;
    uint32_t labels;  /* of the longest name in the view, in labels: nothing lies deeper */
    uint32_t face;    /* offset */
    uint32_t beacons; /* offset of n_beacons numbers of groups, by the groups' names: those whose
                         state health checkers may ask for */
    uint32_t n_beacons;
};

/* Open addressing: a name's slot is the first, from its hash on, that has its tag and its node. */
struct view_slot {
    uint32_t tag;  /* view_hash_tag of the name */
    uint32_t node; /* offset; 0 = empty */
};

struct view_zone {
    uint32_t apex; /* offset of the apex name, on the wire, lower case */
    uint32_t apex_len;
    uint32_t negative; /* answer: no records, the SOA in the authority section */
    uint32_t groups;   /* offset of n_groups numbers of groups: their epochs make the serial */
    uint32_t n_groups;
    uint32_t names; /* offset of n_names offsets of nodes: all that a transfer holds, the apex
                       first.  Glue has nodes of its own here, which no slot leads to, and so
                       has a delegation to another zone of the view. */
    uint32_t n_names;
    uint32_t networks; /* offset of n_networks view_network: who may transfer the zone */
    uint32_t n_networks;
    uint32_t keys; /* offset of n_keys offsets of a byte of length and a key's name, on the wire */
    uint32_t n_keys; /* not 0: one of these must sign; networks bind only if there are any */
    uint32_t reserved;
};

struct view_group {
    uint32_t name; /* offset of text with a NUL */
    uint32_t n_clusters;
    uint32_t clusters[CLUSTERS_MAX]; /* offsets of texts; place k is index k + 1 of the word */
};

/* Addresses whose first bits are those of ip. */
struct view_network {
    uint8_t ip_bytes; /* 4, 16 */
    uint8_t bits;     /* 0..8 * ip_bytes */
    uint8_t ip[16];
};

static inline bool view_network_has(const struct view_network *network, const uint8_t *ip,
                                    size_t ip_bytes)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;

    return network->ip_bytes == ip_bytes && memcmp(network->ip, ip, whole) == 0 &&
           (rest == 0 || (network->ip[whole] ^ ip[whole]) >> (8 - rest) == 0);
}

/* How the face treats its clients; nothing here is secret. */
struct view_face {
    uint32_t rate; /* answers of one kind to one network in a second; 0 = no limit */
    uint32_t slip; /* every so many past it are truncated, not dropped; 0 = none */
    uint8_t nsid[NSID_BYTES - 1];
    uint32_t nsid_len; /* 0 = none is told */
    uint32_t n_exempt;
    struct view_network exempt[EXEMPT_MAX]; /* from the limit, beside loopback */
};

enum view_node_flag {
    VIEW_NODE_CUT = 1,   /* a delegation: whatever is asked, the referral is the answer */
    VIEW_NODE_DNAME = 2, /* names below are redirected; the DNAME is its directory's first */
};

struct view_node {
    uint8_t name_len; /* 1..VIEW_NAME_BYTES, root label included */
    uint8_t flags;
    uint8_t n_clusters; /* of the group; 0 = no group owns the name */
    uint8_t reserved;
    uint16_t zone;
    uint16_t directories_at; /* from the start of the node: behind the padded name */
    uint32_t group;          /* whose word decides, or VIEW_NO_GROUP */
    uint32_t wildcard;       /* 1 + number of the slot of the "*" below this node; 0 = none */
    uint8_t name[]; /* lower case, padded with zeros to whole words; then uint32_t offsets of
                       1 + n_clusters directories, by the index of the group's word */
};

struct view_entry {
    uint32_t type;
    uint32_t answer; /* offset */
};

struct view_directory {
    uint32_t n;
    uint32_t reserved;
    struct view_entry entries[]; /* a CNAME is alone; a cut has one entry, the referral */
};

/* A pointer in the body that depends on the name that is being answered, which lies at P in the
 * message and is L long: suffix_len = 0 makes it P, else P + L - suffix_len. */
struct view_reloc {
    uint16_t at; /* in the body */
    uint16_t suffix_len;
};

struct view_answer {
    uint16_t len;      /* of the body */
    uint16_t n_answer; /* records in each section */
    uint16_t n_authority;
    uint16_t n_additional;
    uint16_t serial_at;       /* in the body: a SOA's serial; 0 = no SOA */
    uint16_t n_suffix_relocs; /* these come first, and are always applied ... */
    uint16_t n_relocs;        /* ... the others only if the name does not lie at offset 12 */
    uint16_t reserved;
    uint32_t relocs; /* offset */
    uint32_t target; /* CNAME that is to be followed, DNAME: offset of a byte of length and that
                        name; the record is the body's first and its rdata that
                        name, uncompressed; 0 = all else */
    uint8_t body[];
};

/* The rdata of a body's first record whose owner is a pointer. */
#define VIEW_RDATA_AT 12

/* What the file is mapped as. */
struct view {
    struct view_header header;
};

static inline const void *view_at(const struct view *v, uint32_t offset)
{
    return (const unsigned char *)v + offset;
}

/* Wordwise, so that names and files are read eight bytes at a time.  Nobody but the renderer can
 * put names into the table, so the hash needs speed, not strength. */
static inline uint64_t view_hash_word(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static inline uint64_t view_word(const void *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}

#define VIEW_HASH_START UINT64_C(0x6a09e667f3bcc909)

static inline uint32_t view_hash_tag(uint64_t h)
{
    return (uint32_t)h;
}

static inline uint32_t view_hash_slot(uint64_t h, uint32_t slot_bits)
{
    return (uint32_t)(h >> (64 - slot_bits));
}

/* Of a lower-case name of len bytes, padded with zeros to whole words. */
static inline uint64_t view_hash_name(const uint8_t *name, size_t len)
{
    uint64_t h = VIEW_HASH_START;

    for (size_t i = 0; i < len; i += sizeof(uint64_t))
        h = view_hash_word(h, view_word(name + i));
    return h;
}

/* size is a multiple of 8. */
static inline uint64_t view_checksum(const void *file, size_t size)
{
    const unsigned char *p = file;
    uint64_t h = size;

    for (size_t i = offsetof(struct view_header, format); i < size; i += sizeof(uint64_t))
        h = view_hash_word(h, view_word(p + i));
    return h;
}

#endif
