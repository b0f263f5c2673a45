/* dnsflip/dns/answer.h -- the bytes of one query -> the bytes of its answer.  PURE: no lock, no
 * allocation, no log, no clock; it reads the view, which view_open has checked, and the words of
 * the page, and nothing else. */
#ifndef DNSFLIP_DNS_ANSWER_H
#define DNSFLIP_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/dns/cookie.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/view.h"

#define ANSWER_UDP_BYTES 1232 /* no UDP answer is longer (RFC 9715), whatever the client says */
#define ANSWER_TCP_BYTES 65535

/* Bytes behind the query that may be read (their value does not matter), and bytes behind the
 * answer that may be overwritten: every buffer handed to answer() has that many more than its
 * length says, so that the fast path moves whole words. */
#define ANSWER_SLACK_BYTES 64

/* What a query wants that takes more than a view and a page (signed_query.h does it). */
enum answer_need {
    ANSWER_NEEDS_SIGNATURE = 1, /* it is signed */
    ANSWER_NEEDS_TRANSFER = 2,
};

/* One query: what is known of it besides its bytes, and what answer() notes about its answer. */
struct answer_call {
    const uint8_t *query; /* as it came from UDP, or from TCP without its length */
    size_t len;
    bool is_tcp;
    uint16_t keepalive_100ms; /* TCP: how long an idle connection lives (RFC 7828) */
    uint8_t ip_bytes;         /* of the client's address: 4, 16; 0 = not known, no cookies */
    const uint8_t *ip;
    const struct cookie_secrets *cookies; /* NULL = not spoken */
    uint32_t now_s;                       /* of the clock on the wall, for cookies */
    /* Set once answer() has noted a need, when it is asked again (signed_query.h). */
    uint8_t rcode;      /* with which it is to be refused, 0 = it is not, and ... */
    uint8_t ede;        /* ... the extended error beside it */
    uint16_t reserve;   /* bytes to be left free behind the answer */
    bool is_soa_enough; /* whatever the type, the answer is the name's SOA */
    bool is_signed;     /* and rightly so */
    /* What is noted. */
    uint8_t needs; /* enum answer_need; not 0 after the first call: nothing was answered yet */
    bool has_opt;  /* noted with a need: the query has an OPT record */
    /* What is noted besides, unless there is no answer. */
    uint16_t question_end; /* bytes of header and question in the answer ... */
    uint16_t opt_at;       /* ... and where its OPT record starts; its length if there is none */
    bool has_cookie;       /* a client's cookie came ... */
    bool is_known;         /* ... and ours with it: the client's address is not forged */
    uint64_t kind;         /* equal for answers that a rate limit takes for the same */
};

/* Whether page is the page of view: same generation, a word for each of its groups.  To be asked
 * once, when a pair is adopted; answer() may be given no other pair. */
__attribute__((warn_unused_result)) int answer_check_pair(const struct view *view,
                                                          const struct page *page, struct err *err);

/* Answers one query.  out has room for ANSWER_UDP_BYTES, or ANSWER_TCP_BYTES if is_tcp, and the
 * slack.  Returns the length of the answer; 0 = send nothing.  Adds 1 to what it was in counts
 * (indexed by enum counter): UDP_QUERIES or TCP_QUERIES and one outcome, TRUNCATED besides where
 * that is so, or DROPPED alone.  A query that needs more than this is noted in call, and returns 0
 * with an outcome still to come. */
size_t answer(const struct view *view, const struct page *page, struct answer_call *call,
              uint8_t *out, uint32_t counts[static COUNTERS]);

/* Cuts an answer of len bytes down to header, question and OPT record: "come again with the cookie
 * that is in it" (BADCOOKIE) for whoever has a client's cookie, else "come again over TCP". Returns
 * its new length. */
size_t answer_slip(const struct answer_call *call, uint8_t *out, size_t len);

#endif
