/* dnsflip/dns/hmac.h -- HMAC (RFC 2104) over SHA-2.  PURE. */
#ifndef DNSFLIP_DNS_HMAC_H
#define DNSFLIP_DNS_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/sha2.h"

struct hmac {
    struct sha2 inner, outer;
};

void hmac_init(struct hmac *h, enum sha2_kind kind, const void *key, size_t len);
void hmac_add(struct hmac *h, const void *bytes, size_t n);

/* Puts the code into out and wipes h.  Returns its length. */
size_t hmac_end(struct hmac *h, uint8_t out[static SHA2_BYTES_MAX]);

/* Whether n bytes are equal; how long it takes says nothing about where they differ. */
bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t n);

#endif
