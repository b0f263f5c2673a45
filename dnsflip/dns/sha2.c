#include "dnsflip/dns/sha2.h"

#include <string.h>

#define ROUNDS_256 64
#define ROUNDS_512 80

/* The fractional parts of the cube roots of the first 80 primes; SHA-256 uses the upper halves of
 * the first 64. */
static const uint64_t constants[80] = {
    UINT64_C(0x428a2f98d728ae22), UINT64_C(0x7137449123ef65cd), UINT64_C(0xb5c0fbcfec4d3b2f),
    UINT64_C(0xe9b5dba58189dbbc), UINT64_C(0x3956c25bf348b538), UINT64_C(0x59f111f1b605d019),
    UINT64_C(0x923f82a4af194f9b), UINT64_C(0xab1c5ed5da6d8118), UINT64_C(0xd807aa98a3030242),
    UINT64_C(0x12835b0145706fbe), UINT64_C(0x243185be4ee4b28c), UINT64_C(0x550c7dc3d5ffb4e2),
    UINT64_C(0x72be5d74f27b896f), UINT64_C(0x80deb1fe3b1696b1), UINT64_C(0x9bdc06a725c71235),
    UINT64_C(0xc19bf174cf692694), UINT64_C(0xe49b69c19ef14ad2), UINT64_C(0xefbe4786384f25e3),
    UINT64_C(0x0fc19dc68b8cd5b5), UINT64_C(0x240ca1cc77ac9c65), UINT64_C(0x2de92c6f592b0275),
    UINT64_C(0x4a7484aa6ea6e483), UINT64_C(0x5cb0a9dcbd41fbd4), UINT64_C(0x76f988da831153b5),
    UINT64_C(0x983e5152ee66dfab), UINT64_C(0xa831c66d2db43210), UINT64_C(0xb00327c898fb213f),
    UINT64_C(0xbf597fc7beef0ee4), UINT64_C(0xc6e00bf33da88fc2), UINT64_C(0xd5a79147930aa725),
    UINT64_C(0x06ca6351e003826f), UINT64_C(0x142929670a0e6e70), UINT64_C(0x27b70a8546d22ffc),
    UINT64_C(0x2e1b21385c26c926), UINT64_C(0x4d2c6dfc5ac42aed), UINT64_C(0x53380d139d95b3df),
    UINT64_C(0x650a73548baf63de), UINT64_C(0x766a0abb3c77b2a8), UINT64_C(0x81c2c92e47edaee6),
    UINT64_C(0x92722c851482353b), UINT64_C(0xa2bfe8a14cf10364), UINT64_C(0xa81a664bbc423001),
    UINT64_C(0xc24b8b70d0f89791), UINT64_C(0xc76c51a30654be30), UINT64_C(0xd192e819d6ef5218),
    UINT64_C(0xd69906245565a910), UINT64_C(0xf40e35855771202a), UINT64_C(0x106aa07032bbd1b8),
    UINT64_C(0x19a4c116b8d2d0c8), UINT64_C(0x1e376c085141ab53), UINT64_C(0x2748774cdf8eeb99),
    UINT64_C(0x34b0bcb5e19b48a8), UINT64_C(0x391c0cb3c5c95a63), UINT64_C(0x4ed8aa4ae3418acb),
    UINT64_C(0x5b9cca4f7763e373), UINT64_C(0x682e6ff3d6b2b8a3), UINT64_C(0x748f82ee5defb2fc),
    UINT64_C(0x78a5636f43172f60), UINT64_C(0x84c87814a1f0ab72), UINT64_C(0x8cc702081a6439ec),
    UINT64_C(0x90befffa23631e28), UINT64_C(0xa4506cebde82bde9), UINT64_C(0xbef9a3f7b2c67915),
    UINT64_C(0xc67178f2e372532b), UINT64_C(0xca273eceea26619c), UINT64_C(0xd186b8c721c0c207),
    UINT64_C(0xeada7dd6cde0eb1e), UINT64_C(0xf57d4f7fee6ed178), UINT64_C(0x06f067aa72176fba),
    UINT64_C(0x0a637dc5a2c898a6), UINT64_C(0x113f9804bef90dae), UINT64_C(0x1b710b35131c471b),
    UINT64_C(0x28db77f523047d84), UINT64_C(0x32caab7b40c72493), UINT64_C(0x3c9ebe0a15c9bebc),
    UINT64_C(0x431d67c49c100d4c), UINT64_C(0x4cc5d4becb3e42b6), UINT64_C(0x597f299cfc657e2a),
    UINT64_C(0x5fcb6fab3ad6faec), UINT64_C(0x6c44198c4a475817),
};

/* The fractional parts of the square roots of the first 8 primes, of which SHA-256 uses the upper
 * halves, and of the next 8. */
static const uint64_t start_512[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};
static const uint64_t start_384[8] = {
    UINT64_C(0xcbbb9d5dc1059ed8), UINT64_C(0x629a292a367cd507), UINT64_C(0x9159015a3070dd17),
    UINT64_C(0x152fecd8f70e5939), UINT64_C(0x67332667ffc00b31), UINT64_C(0x8eb44a8768581511),
    UINT64_C(0xdb0c2e0d64f98fa7), UINT64_C(0x47b5481dbefa4fa4),
};

static uint32_t rotate32(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint64_t rotate64(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t x = 0;

    for (size_t i = 0; i < n; i++)
        x = x << 8 | p[i];
    return x;
}

static void store(uint8_t *p, uint64_t x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(x >> (8 * (n - 1 - i)));
}

/* FIPS 180-4, 6.2.2.  The state is kept in 64-bit words, of which this uses the lower halves. */
static void block_256(uint64_t state[static 8], const uint8_t *block)
{
    uint32_t w[ROUNDS_256];
    uint32_t v[8];

    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)load(block + 4 * i, 4);
    for (int i = 16; i < ROUNDS_256; i++) {
        uint32_t a = rotate32(w[i - 15], 7) ^ rotate32(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate32(w[i - 2], 17) ^ rotate32(w[i - 2], 19) ^ w[i - 2] >> 10;

        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    for (int i = 0; i < 8; i++)
        v[i] = (uint32_t)state[i];
    for (int i = 0; i < ROUNDS_256; i++) {
        uint32_t s1 = rotate32(v[4], 6) ^ rotate32(v[4], 11) ^ rotate32(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choice + (uint32_t)(constants[i] >> 32) + w[i];
        uint32_t s0 = rotate32(v[0], 2) ^ rotate32(v[0], 13) ^ rotate32(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; i++)
        state[i] = (uint32_t)state[i] + v[i];
    explicit_bzero(w, sizeof(w));
    explicit_bzero(v, sizeof(v));
}

/* FIPS 180-4, 6.4.2. */
static void block_512(uint64_t state[static 8], const uint8_t *block)
{
    uint64_t w[ROUNDS_512];
    uint64_t v[8];

    for (size_t i = 0; i < 16; i++)
        w[i] = load(block + 8 * i, 8);
    for (int i = 16; i < ROUNDS_512; i++) {
        uint64_t a = rotate64(w[i - 15], 1) ^ rotate64(w[i - 15], 8) ^ w[i - 15] >> 7;
        uint64_t b = rotate64(w[i - 2], 19) ^ rotate64(w[i - 2], 61) ^ w[i - 2] >> 6;

        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(v, state, sizeof(v));
    for (int i = 0; i < ROUNDS_512; i++) {
        uint64_t s1 = rotate64(v[4], 14) ^ rotate64(v[4], 18) ^ rotate64(v[4], 41);
        uint64_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint64_t t1 = v[7] + s1 + choice + constants[i] + w[i];
        uint64_t s0 = rotate64(v[0], 28) ^ rotate64(v[0], 34) ^ rotate64(v[0], 39);
        uint64_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
    explicit_bzero(w, sizeof(w));
    explicit_bzero(v, sizeof(v));
}

size_t sha2_bytes(enum sha2_kind kind)
{
    switch (kind) {
    case SHA2_256:
        return 32;
    case SHA2_384:
        return 48;
    case SHA2_512:
        return 64;
    }
    return 0;
}

size_t sha2_block_bytes(enum sha2_kind kind)
{
    return kind == SHA2_256 ? 64 : 128;
}

void sha2_init(struct sha2 *s, enum sha2_kind kind)
{
    *s = (struct sha2){ .kind = kind };
    for (int i = 0; i < 8; i++) {
        uint64_t start = kind == SHA2_384 ? start_384[i] : start_512[i];

        s->state[i] = kind == SHA2_256 ? start >> 32 : start;
    }
}

static void take_block(struct sha2 *s, const uint8_t *block)
{
    if (s->kind == SHA2_256)
        block_256(s->state, block);
    else
        block_512(s->state, block);
}

void sha2_add(struct sha2 *s, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    size_t size = sha2_block_bytes(s->kind);

    s->total += n;
    if (s->n > 0) {
        size_t part = n < size - s->n ? n : size - s->n;

        memcpy(s->block + s->n, p, part);
        s->n += part;
        p += part;
        n -= part;
        if (s->n < size)
            return;
        take_block(s, s->block);
        s->n = 0;
    }
    for (; n >= size; p += size, n -= size)
        take_block(s, p);
    memcpy(s->block, p, n);
    s->n = n;
}

size_t sha2_end(struct sha2 *s, uint8_t out[static SHA2_BYTES_MAX])
{
    size_t size = sha2_block_bytes(s->kind);
    size_t word = size / 16;
    size_t n = sha2_bytes(s->kind);
    uint8_t digest[SHA2_BYTES_MAX];

    s->block[s->n++] = 0x80;
    if (s->n > size - 2 * word) {
        memset(s->block + s->n, 0, size - s->n);
        take_block(s, s->block);
        s->n = 0;
    }
    memset(s->block + s->n, 0, size - s->n);
    store(s->block + size - 8, s->total * 8, 8);
    take_block(s, s->block);
    for (size_t i = 0; i < 8; i++)
        store(digest + i * word, s->state[i], word);
    memcpy(out, digest, n);
    explicit_bzero(s, sizeof(*s));
    return n;
}
