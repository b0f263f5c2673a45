/* dnsflip/dns/signed_query.h -- queries that answer() leaves: signed ones (TSIG) and those for a
 * transfer (AXFR, IXFR).  Who may ask is decided here.  PURE: the time comes from the caller. */
#ifndef DNSFLIP_DNS_SIGNED_QUERY_H
#define DNSFLIP_DNS_SIGNED_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/transfer.h"
#include "dnsflip/dns/view.h"

struct signed_query {
    const struct view *view;
    const struct page *page;
    const struct secrets *secrets; /* NULL = there are no keys */
    const uint8_t *ip;             /* who asks: 4 or 16 bytes */
    size_t ip_bytes;
    uint64_t now_s;            /* since 1970 */
    struct transfer *transfer; /* for one that begins; NULL = there is no room for one */
};

/* Answers what call notes a need of.  out has the room that answer() wants.  Returns the length of
 * the answer; 0: q->transfer has begun, and its messages are the answer.  Counts as answer() does,
 * transfers that are refused besides. */
size_t signed_query_answer(const struct signed_query *q, struct answer_call *call, uint8_t *out,
                           uint32_t counts[static COUNTERS]);

#endif
