#include "dnsflip/dns/siphash.h"

#define ROUNDS_PER_WORD 2
#define ROUNDS_AT_THE_END 4

struct state {
    uint64_t a, b, c, d;
};

static inline uint64_t read_le64(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline uint64_t rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static inline void mix(struct state *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->a += s->b;
        s->c += s->d;
        s->b = rotate(s->b, 13) ^ s->a;
        s->d = rotate(s->d, 16) ^ s->c;
        s->a = rotate(s->a, 32);
        s->c += s->b;
        s->a += s->d;
        s->b = rotate(s->b, 17) ^ s->c;
        s->d = rotate(s->d, 21) ^ s->a;
        s->c = rotate(s->c, 32);
    }
}

static inline void take(struct state *s, uint64_t word)
{
    s->d ^= word;
    mix(s, ROUNDS_PER_WORD);
    s->a ^= word;
}

uint64_t siphash(const uint8_t key[static SIPHASH_KEY_BYTES], const uint8_t *bytes, size_t n)
{
    uint64_t k0 = read_le64(key, 8);
    uint64_t k1 = read_le64(key + 8, 8);
    /* "somepseudorandomlygeneratedbytes", as the authors chose. */
    struct state s = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                       k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
    size_t at = 0;

    for (; at + 8 <= n; at += 8)
        take(&s, read_le64(bytes + at, 8));
    take(&s, read_le64(bytes + at, n - at) | (uint64_t)(n & 0xff) << 56);
    s.c ^= 0xff;
    mix(&s, ROUNDS_AT_THE_END);
    return s.a ^ s.b ^ s.c ^ s.d;
}
