/* dnsflip/dns/transfer.h -- one transfer of a zone to a secondary (AXFR, RFC 5936): its messages,
 * one after the other, from one state of the page that is copied when it begins.  PURE. */
#ifndef DNSFLIP_DNS_TRANSFER_H
#define DNSFLIP_DNS_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/tsig.h"
#include "dnsflip/dns/view.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/model/limits.h"

/* A message is no longer, but for a record that does not fit: pointers reach no further. */
#define TRANSFER_MESSAGE_BYTES 16384

enum transfer_stage {
    TRANSFER_FIRST_SOA = 0,
    TRANSFER_NAMES,
    TRANSFER_LAST_SOA,
    TRANSFER_DONE,
    TRANSFER_BROKEN, /* the view is not what it should be: the secondary must not keep this */
};

#define TRANSFER_QUESTION_BYTES (VIEW_NAME_BYTES + 4)

struct transfer {
    enum transfer_stage stage;
    const struct view *view; /* borrowed, as all of it and tsig.key */
    const struct view_zone *zone;
    struct tsig tsig; /* key NULL = unsigned */
    uint32_t serial;
    uint32_t n_messages;
    bool has_opt; /* the query had an OPT record, and so will the first message (RFC 5936, 2.2.5) */
    /* Where the next record is: of the zone's names, of the types there, in that answer. */
    uint32_t name, entry;
    const struct view_answer *answer; /* NULL = the next one */
    uint16_t records_left;
    size_t at; /* in its body */
    unsigned suffix_reloc, owner_reloc;
    uint8_t head[4]; /* id and flags of every message */
    uint8_t question[TRANSFER_QUESTION_BYTES];
    size_t question_len;
    uint64_t words[GROUPS_MAX]; /* of the zone's groups, as they were at one moment */
};

/* The zone of that name, lower case, on the wire, or NULL. */
const struct view_zone *transfer_zone(const struct view *view, const uint8_t *name, size_t len);

/* The zone's SOA serial now. */
uint32_t transfer_serial(const struct view *view, const struct page *page,
                         const struct view_zone *zone);

/* Begins the transfer of zone that query (a well-formed question, question_end bytes with it) asks
 * for; tsig is that of the query, checked.  False if the page changes faster than it can be
 * read. */
bool transfer_begin(struct transfer *t, const struct view *view, const struct page *page,
                    const struct view_zone *zone, const struct tsig *tsig, const uint8_t *query,
                    size_t question_end);

/* Puts the next message into out, which has room for ANSWER_TCP_BYTES; returns its length, 0 if
 * there is none any more: stage says why. */
size_t transfer_next(struct transfer *t, uint8_t *out, uint64_t now_s);

#endif
