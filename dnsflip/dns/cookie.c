#include "dnsflip/dns/cookie.h"

#include <string.h>

#include "dnsflip/dns/siphash.h"

#define SERVER_BYTES_MIN 8
#define SERVER_BYTES_MAX 32
#define VERSION 1
#define HASH_AT 16  /* behind the client's part, version, reserved bytes and time */
#define IP_BYTES 16 /* at most */
#define TIME_AT 12

_Static_assert(COOKIE_SECRET_BYTES == SIPHASH_KEY_BYTES, "a secret is a key of the hash");

bool cookie_is_length(size_t n)
{
    return n == COOKIE_CLIENT_BYTES || (n >= COOKIE_CLIENT_BYTES + SERVER_BYTES_MIN &&
                                        n <= COOKIE_CLIENT_BYTES + SERVER_BYTES_MAX);
}

/* Over what stands before the hash, and the client's address. */
static void put_hash(const uint8_t *secret, const uint8_t *cookie, const uint8_t *ip,
                     size_t ip_bytes, uint8_t out[static 8])
{
    uint8_t bytes[HASH_AT + IP_BYTES];
    uint64_t hash;

    memcpy(bytes, cookie, HASH_AT);
    memcpy(bytes + HASH_AT, ip, ip_bytes);
    hash = siphash(secret, bytes, HASH_AT + ip_bytes);
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(hash >> (8 * i));
}

/* In a time that does not tell how many bytes are right. */
static bool is_equal(const uint8_t *a, const uint8_t *b)
{
    unsigned differ = 0;

    for (int i = 0; i < 8; i++)
        differ |= a[i] ^ b[i];
    return differ == 0;
}

enum cookie_check cookie_check(const struct cookie_secrets *secrets, const uint8_t *option,
                               size_t n, const uint8_t *ip, size_t ip_bytes, uint32_t now_s)
{
    const uint8_t *time = option + TIME_AT;
    uint8_t hash[8];
    int32_t age_s;

    if (n != COOKIE_BYTES || option[COOKIE_CLIENT_BYTES] != VERSION)
        return COOKIE_UNKNOWN;
    /* Serial arithmetic (RFC 1982): 2106 comes. */
    age_s = (int32_t)(now_s - ((uint32_t)time[0] << 24 | (uint32_t)time[1] << 16 |
                               (uint32_t)time[2] << 8 | time[3]));
    if (age_s > COOKIE_AGE_S || age_s < -COOKIE_AHEAD_S)
        return COOKIE_UNKNOWN;
    for (uint32_t i = 0; i < secrets->n; i++) {
        put_hash(secrets->secret[i], option, ip, ip_bytes, hash);
        if (is_equal(hash, option + HASH_AT))
            return i > 0 || age_s > COOKIE_RENEW_S ? COOKIE_RIGHT_TO_RENEW : COOKIE_RIGHT;
    }
    return COOKIE_UNKNOWN;
}

void cookie_make(const struct cookie_secrets *secrets, const uint8_t *client, const uint8_t *ip,
                 size_t ip_bytes, uint32_t now_s, uint8_t out[static COOKIE_BYTES])
{
    memcpy(out, client, COOKIE_CLIENT_BYTES);
    out[COOKIE_CLIENT_BYTES] = VERSION;
    memset(out + COOKIE_CLIENT_BYTES + 1, 0, 3);
    for (int i = 0; i < 4; i++)
        out[TIME_AT + i] = (uint8_t)(now_s >> (24 - 8 * i));
    put_hash(secrets->secret[0], out, ip, ip_bytes, out + HASH_AT);
}
