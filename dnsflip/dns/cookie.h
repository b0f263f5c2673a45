/* dnsflip/dns/cookie.h -- DNS cookies (RFC 7873), whose server part any server of an anycast set
 * can check that shares the secret (RFC 9018).  Who brings a right one is where he says he is.
 * PURE. */
#ifndef DNSFLIP_DNS_COOKIE_H
#define DNSFLIP_DNS_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/model/limits.h"

#define COOKIE_CLIENT_BYTES 8
#define COOKIE_SERVER_BYTES 16 /* of ours; those of others have 8 to 32 */
#define COOKIE_BYTES (COOKIE_CLIENT_BYTES + COOKIE_SERVER_BYTES)
#define COOKIE_AGE_S 3600  /* an older one is not taken ... */
#define COOKIE_AHEAD_S 300 /* ... nor one from further in the future: clocks differ */
#define COOKIE_RENEW_S 1800

/* The first makes cookies, all of them are taken: so secrets can be changed without a gap. */
struct cookie_secrets {
    uint32_t n; /* 0 = cookies are not spoken */
    uint32_t reserved;
    uint8_t secret[COOKIE_SECRETS_MAX][COOKIE_SECRET_BYTES];
};

/* Whether a COOKIE option may have n bytes. */
bool cookie_is_length(size_t n);

/* What is to be done about a client's option. */
enum cookie_check {
    COOKIE_UNKNOWN = 0, /* no server part, one of others, or one that is not right: no proof */
    COOKIE_RIGHT,
    COOKIE_RIGHT_TO_RENEW, /* right, and its client is to have a new one */
};

/* Checks the n bytes of an option from a client of that address (4 or 16 bytes) at a time. */
enum cookie_check cookie_check(const struct cookie_secrets *secrets, const uint8_t *option,
                               size_t n, const uint8_t *ip, size_t ip_bytes, uint32_t now_s);

/* The option's bytes for the answer; client: the client's part of his. */
void cookie_make(const struct cookie_secrets *secrets, const uint8_t *client, const uint8_t *ip,
                 size_t ip_bytes, uint32_t now_s, uint8_t out[static COOKIE_BYTES]);

#endif
