/* dnsflip/dns/answer_request.h -- one query while it is being answered: shared by answer.c (its
 * reading, and the fast path), answer_edns.c (OPT records) and answer_walk.c (all that takes more
 * than one lookup). */
#ifndef DNSFLIP_DNS_ANSWER_REQUEST_H
#define DNSFLIP_DNS_ANSWER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/view_format.h"

#define DNS_HEADER_BYTES 12
#define DNS_OPT_BYTES 11
#define DNS_PLAIN_BYTES 512 /* of an answer over UDP without EDNS (RFC 1035) */
#define DNS_TYPE_CNAME 5
#define DNS_TYPE_SOA 6
#define DNS_TYPE_OPT 41
#define DNS_TYPE_DS 43
#define DNS_TYPE_TSIG 250
#define DNS_TYPE_IXFR 251
#define DNS_TYPE_AXFR 252
#define DNS_TYPE_ANY 255
#define DNS_CLASS_IN 1

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_YXDOMAIN = 6,
    DNS_NOTAUTH = 9,
    DNS_BADVERS = 16, /* its upper bits travel in the OPT record */
    DNS_BADCOOKIE = 23,
};

/* Extended errors (RFC 8914). */
enum dns_ede {
    DNS_EDE_NONE = 0, /* "other error", which says nothing: never sent */
    DNS_EDE_NOT_READY = 14,
    DNS_EDE_PROHIBITED = 18,
    DNS_EDE_NOT_AUTHORITATIVE = 20,
    DNS_EDE_NOT_SUPPORTED = 21,
};

/* What the client's OPT record asks for (bits of answer_request.wants). */
enum answer_want {
    ANSWER_WANT_NSID = 1,
    ANSWER_WANT_KEEPALIVE = 2,
    ANSWER_WANT_COOKIE = 4,
    ANSWER_KEEPS_COOKIE = 8, /* the one that came goes back as it is */
};

/* A name in lower case, padded with zeros to whole words, and its hash. */
struct answer_name {
    uint64_t hash;
    size_t len; /* root label included */
    uint8_t bytes[VIEW_NAME_BYTES + 1 + 2 * sizeof(uint64_t)];
};

struct answer_request {
    const struct view *view;
    const struct page *page;
    struct answer_call *call;
    const uint8_t *query; /* the call's, as is_tcp and len */
    size_t len;
    uint8_t *out;
    uint32_t *counts;
    size_t question_end; /* bytes up to the end of the question; the header's if there is none */
    size_t limit;        /* of the answer without its OPT record */
    uint32_t place;      /* of what was found for the name: its node */
    uint16_t type;
    uint8_t wants; /* enum answer_want */
    bool is_tcp;
    bool has_opt;
    bool is_do; /* the DO bit, to be copied */
    bool has_tsig;
    const uint8_t *cookie; /* if ANSWER_WANT_COOKIE: what came, the client's part first */
    struct answer_name name;
};

/* What is put behind the question. */
struct answer_reply {
    size_t at; /* where the next record goes */
    uint16_t n_answer, n_authority, n_additional;
    enum dns_rcode rcode;
    enum dns_ede ede;
    bool is_authoritative;
    bool is_truncated;
};

static inline void answer_put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline unsigned answer_get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static inline void answer_put32(uint8_t *p, uint32_t v)
{
    answer_put16(p, v >> 16);
    answer_put16(p + 2, v & 0xffff);
}

/* Copies n bytes and up to 31 more: both sides have that room (ANSWER_SLACK_BYTES,
 * VIEW_PADDING_BYTES). */
static inline void answer_copy(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i += 32)
        memcpy(to + i, from + i, 32);
}

/* The node of a name (padded with zeros to whole words), or NULL. */
static inline const struct view_node *answer_find(const struct view *v, const uint8_t *name,
                                                  size_t len, uint64_t hash)
{
    const struct view_slot *slots = view_at(v, v->header.slots);
    uint32_t mask = (UINT32_C(1) << v->header.slot_bits) - 1;
    uint32_t tag = view_hash_tag(hash);

    for (uint32_t i = view_hash_slot(hash, v->header.slot_bits);; i = (i + 1) & mask) {
        const struct view_node *node = view_at(v, slots[i].node);
        size_t k = 0;

        if (slots[i].node == 0)
            return NULL;
        if (slots[i].tag != tag || node->name_len != len)
            continue;
        while (k < len && view_word(node->name + k) == view_word(name + k))
            k += sizeof(uint64_t);
        if (k >= len)
            return node;
    }
}

/* The directory that a node answers with now.  *is_unset: its group's word is not set, so that only
 * what the group does not own is there. */
static inline const struct view_directory *answer_directory(const struct view *v,
                                                            const struct page *page,
                                                            const struct view_node *node,
                                                            bool *is_unset)
{
    const uint32_t *directories =
        (const void *)((const unsigned char *)node + node->directories_at);
    unsigned index = 0;

    *is_unset = false;
    if (node->group != VIEW_NO_GROUP) {
        index = page_get(page, node->group).index;
        if (index > node->n_clusters)
            index = 0;
        *is_unset = index == 0;
    }
    return view_at(v, directories[index]);
}

static inline const struct view_answer *answer_entry(const struct view *v,
                                                     const struct view_directory *d, uint16_t type)
{
    for (uint32_t i = 0; i < d->n; i++) {
        if (d->entries[i].type == type)
            return view_at(v, d->entries[i].answer);
    }
    return NULL;
}

/* Where a node lies in the view: one number for the name. */
static inline uint32_t answer_place(const struct view *v, const struct view_node *node)
{
    return (uint32_t)((const unsigned char *)node - (const unsigned char *)v);
}

/* What a rate limit takes for the same answer: one type of one name, all that one name does not
 * have, all that one zone does not have, all below one delegation, all errors.  A wildcard is one
 * name. */
static inline uint64_t answer_kind(enum counter outcome, uint16_t type, uint32_t place)
{
    return (uint64_t)outcome << 48 | (uint64_t)type << 32 | place;
}

/* Notes what the n bytes of options at p ask for.  Options that we do not know, client subnets (RFC
 * 7871) among them, are passed over and not echoed.  False if they do not fill the bytes exactly,
 * or if a cookie has a length that none has (RFC 7873). */
bool answer_read_options(struct answer_request *r, const uint8_t *p, size_t n);

/* Whether the query is nothing but an OPT record with a cookie, which is right without a question
 * (RFC 7873 5.4); then its options have been read. */
bool answer_read_cookie_alone(struct answer_request *r);

/* The bytes that what is wanted takes in the answer. */
size_t answer_options_room(const struct answer_request *r);

/* Writes the options of an answer; returns how many bytes they take. */
size_t answer_put_options(const struct answer_request *r, const struct answer_reply *reply,
                          uint8_t *start);

/* Writes header and OPT record around what reply holds; returns the length of the answer.  The
 * question has been copied already. */
size_t answer_finish(const struct answer_request *r, const struct answer_reply *reply);

/* Answers a well-formed question of class IN by walking: wildcards, referrals, chains, redirects,
 * negative answers. */
size_t answer_walk(struct answer_request *r);

#endif
