/* dnsflip/dns/answer.h -- the bytes of one query -> the bytes of its answer.  PURE: no lock, no
 * allocation, no log, no clock; it reads the view, which view_open has checked, and the words of
 * the page, and nothing else. */
#ifndef DNSFLIP_DNS_ANSWER_H
#define DNSFLIP_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/view.h"

#define ANSWER_UDP_BYTES 1232 /* no UDP answer is longer (RFC 9715), whatever the client says */
#define ANSWER_TCP_BYTES 65535

/* Bytes behind the query that may be read (their value does not matter), and bytes behind the
 * answer that may be overwritten: every buffer handed to answer() has that many more than its
 * length says, so that the fast path moves whole words. */
#define ANSWER_SLACK_BYTES 64

/* Whether page is the page of view: same generation, a word for each of its groups.  To be asked
 * once, when a pair is adopted; answer() may be given no other pair. */
__attribute__((warn_unused_result)) int answer_check_pair(const struct view *view,
                                                          const struct page *page, struct err *err);

/* Answers query (len bytes, as it came from UDP, or from TCP without its length).  out has room for
 * ANSWER_UDP_BYTES, or ANSWER_TCP_BYTES if is_tcp, and the slack.  Returns the length of the
 * answer; 0 = send nothing.  Adds 1 to what it was in counts (indexed by enum counter): UDP_QUERIES
 * or TCP_QUERIES and one outcome, TRUNCATED besides where that is so, or DROPPED alone. */
size_t answer(const struct view *view, const struct page *page, const uint8_t *query, size_t len,
              bool is_tcp, uint8_t *out, uint32_t counts[static COUNTERS]);

#endif
