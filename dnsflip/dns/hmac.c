#include "dnsflip/dns/hmac.h"

#include <string.h>

void hmac_init(struct hmac *h, enum sha2_kind kind, const void *key, size_t len)
{
    uint8_t block[SHA2_BLOCK_BYTES_MAX] = { 0 };
    uint8_t digest[SHA2_BYTES_MAX];
    size_t size = sha2_block_bytes(kind);

    if (len > size) {
        sha2_init(&h->inner, kind);
        sha2_add(&h->inner, key, len);
        len = sha2_end(&h->inner, digest);
        key = digest;
    }
    memcpy(block, key, len);
    for (size_t i = 0; i < size; i++)
        block[i] ^= 0x36;
    sha2_init(&h->inner, kind);
    sha2_add(&h->inner, block, size);
    for (size_t i = 0; i < size; i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha2_init(&h->outer, kind);
    sha2_add(&h->outer, block, size);
    explicit_bzero(block, sizeof(block));
    explicit_bzero(digest, sizeof(digest));
}

void hmac_add(struct hmac *h, const void *bytes, size_t n)
{
    sha2_add(&h->inner, bytes, n);
}

size_t hmac_end(struct hmac *h, uint8_t out[static SHA2_BYTES_MAX])
{
    uint8_t digest[SHA2_BYTES_MAX];
    size_t n = sha2_end(&h->inner, digest);

    sha2_add(&h->outer, digest, n);
    explicit_bzero(digest, sizeof(digest));
    return sha2_end(&h->outer, out);
}

bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    volatile uint8_t differences = 0;

    for (size_t i = 0; i < n; i++)
        differences = (uint8_t)(differences | (a[i] ^ b[i]));
    return differences == 0;
}
