/* dnsflip/dns/sha2.h -- SHA-256, SHA-384 and SHA-512 (FIPS 180-4), for programs without a
 * cryptographic library.  PURE. */
#ifndef DNSFLIP_DNS_SHA2_H
#define DNSFLIP_DNS_SHA2_H

#include <stddef.h>
#include <stdint.h>

#define SHA2_BYTES_MAX 64        /* of a digest */
#define SHA2_BLOCK_BYTES_MAX 128 /* of what is taken at a time */

enum sha2_kind { SHA2_256 = 0, SHA2_384, SHA2_512 };

struct sha2 {
    enum sha2_kind kind;
    uint64_t state[8];
    uint64_t total; /* bytes taken, those in block included */
    size_t n;       /* of block in use */
    uint8_t block[SHA2_BLOCK_BYTES_MAX];
};

size_t sha2_bytes(enum sha2_kind kind); /* of its digest */
size_t sha2_block_bytes(enum sha2_kind kind);

void sha2_init(struct sha2 *s, enum sha2_kind kind);
void sha2_add(struct sha2 *s, const void *bytes, size_t n);

/* Puts the digest into out, whose other bytes stay, and wipes s.  Returns its length. */
size_t sha2_end(struct sha2 *s, uint8_t out[static SHA2_BYTES_MAX]);

#endif
