/* dnsflip/render/wire.h -- names and rdata between text and wire form. */
#ifndef DNSFLIP_RENDER_WIRE_H
#define DNSFLIP_RENDER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"

#define WIRE_NAME_BYTES 255
#define WIRE_RDATA_BYTES 65535

enum wire_type {
    WIRE_A = 1,
    WIRE_NS = 2,
    WIRE_CNAME = 5,
    WIRE_SOA = 6,
    WIRE_PTR = 12,
    WIRE_MX = 15,
    WIRE_AAAA = 28,
    WIRE_SRV = 33,
    WIRE_DNAME = 39,
    WIRE_SVCB = 64,
    WIRE_HTTPS = 65,
};

/* Text of a name as a zone file would have it, without its last dot. */
struct wire_text {
    char text[4 * WIRE_NAME_BYTES + 1];
};
const char *wire_name_format(const uint8_t *wire, size_t len, struct wire_text *out);

/* "TXT", "TYPE999".  Returns out. */
struct wire_type_text {
    char text[16];
};
const struct wire_type_text *wire_type_format(uint16_t type, struct wire_type_text *out);

/* A name in text form, absolute whether or not it ends in a dot, \DDD and \X understood, to wire
 * form in lower case.  Returns its length, 0 if it is none. */
size_t wire_name_parse(const char *text, uint8_t out[static WIRE_NAME_BYTES]);

/* A mailbox (hostmaster@example.com) as the name a SOA holds: what stands before the @ is one
 * label.  Without @ it is taken for such a name.  0 if it is neither. */
size_t wire_mailbox_parse(const char *mail, uint8_t out[static WIRE_NAME_BYTES]);

/* The rdata of a HTTPS record, in presentation form, to wire form.  Returns its length, 0 and
 * *err if it is malformed. */
size_t wire_https_parse(const char *text, uint8_t *out, size_t cap, struct err *err);

/* Where the name that may be compressed starts in the rdata of type (RFC 3597: of the types of
 * RFC 1035 alone); -1 = there is none.  CNAME is left whole: chains point to its target. */
int wire_name_at(uint16_t type);

/* What is wrong with the parameters of a SVCB or HTTPS record (RFC 9460), NULL = nothing: they come
 * in order, each once, with a value of their kind, and those that are mandatory are there. */
const char *wire_svcb_problem(const uint8_t *rdata, size_t len);

/* What is wrong with an APL record (RFC 3123), NULL = nothing: no prefix is longer than its
 * family's addresses. */
const char *wire_apl_problem(const uint8_t *rdata, size_t len);

/* Whether every label is what a host name has, or "*": letters, digits, hyphen; the underscore is
 * let pass. */
bool wire_is_host_name(const uint8_t *wire, size_t len);

#endif
