/* dnsflip/io/dns_wire.h -- DNS messages of a client: questions written, answers of strangers read.
 * Pure and bounded; nothing from the network is ever printed but names in presentation form. */
#ifndef DNSFLIP_IO_DNS_WIRE_H
#define DNSFLIP_IO_DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/io/dns_client.h"

#define DNS_WIRE_QUESTION_MAX 272 /* header, a name of 255 bytes, type and class */

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_CNAME = 5, DNS_TYPE_SOA = 6, DNS_TYPE_AAAA = 28 };

enum dns_rcode { DNS_RCODE_NOERROR = 0, DNS_RCODE_SERVFAIL = 2, DNS_RCODE_NXDOMAIN = 3 };

/* "REFUSED", or "RCODE 12" for one without a name; out is room for the latter. */
#define DNS_RCODE_TEXT_BYTES 16
const char *dns_rcode_text(unsigned rcode, char out[static DNS_RCODE_TEXT_BYTES]);

/* The message that asks for name (presentation form, absolute, without the last dot; "" = root;
 * \DDD and \X escapes understood) and type.  Its length, or 0 if name is not a name. */
size_t dns_wire_question(const char *name, uint16_t type, uint16_t id, bool recurse,
                         uint8_t out[static DNS_WIRE_QUESTION_MAX]);

enum dns_wire_verdict {
    DNS_WIRE_ANSWER = 0, /* out is filled, status ANSWERED */
    DNS_WIRE_NOT_OURS,   /* no answer to question: to be ignored */
    DNS_WIRE_MALFORMED,  /* ours by id and question, but unreadable: status MALFORMED */
};

/* Reads msg as the answer to question (as dns_wire_question wrote it). */
enum dns_wire_verdict dns_wire_answer(const uint8_t *msg, size_t n, const uint8_t *question,
                                      size_t question_bytes, struct dns_answer *out);

/* The message that tells a secondary of zone that it has changed (RFC 1996).  As
 * dns_wire_question: its length, or 0. */
size_t dns_wire_notify(const char *zone, uint16_t id, uint8_t out[static DNS_WIRE_QUESTION_MAX]);

/* Is msg an answer to notify (as dns_wire_notify wrote it)?  Its RCODE in *rcode then. */
bool dns_wire_is_notified(const uint8_t *msg, size_t n, const uint8_t *notify, size_t notify_bytes,
                          uint8_t *rcode);

#endif
