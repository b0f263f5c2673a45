/* dnsflip/dns/secrets.h -- what the face must know and nobody else may: the TSIG keys of zone
 * transfers and the secrets of DNS cookies, in a sealed memory file of their own.  The judge makes
 * it, the supervisor keeps and hands it on unread, the face checks all of it.  A view holds none of
 * it. */
#ifndef DNSFLIP_DNS_SECRETS_H
#define DNSFLIP_DNS_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/dns/cookie.h"
#include "dnsflip/model/transfer_key.h"

#define SECRETS_MAGIC UINT64_C(0x3143535f50494c46) /* "FLIP_SC1" in memory order */
#define SECRETS_FORMAT 2

struct secrets_key {
    uint8_t name_len;  /* root label included */
    uint8_t algorithm; /* enum transfer_algorithm */
    uint16_t len;      /* of secret */
    uint32_t reserved;
    uint8_t name[TRANSFER_KEY_NAME_BYTES]; /* on the wire, lower case */
    uint8_t secret[TRANSFER_KEY_SECRET_BYTES];
};

struct secrets_cookies {
    uint64_t made_ms; /* wall clock: when the judge made the first one; 0 = it is of a file */
    struct cookie_secrets secrets;
};

/* The file itself. */
struct secrets {
    uint64_t magic;
    uint64_t checksum; /* of everything behind this field */
    uint32_t format;
    uint32_t n_keys;
    uint64_t size;       /* of the file */
    uint64_t generation; /* of the pair it belongs to */
    uint64_t reserved[8];
    struct secrets_cookies cookies;
    struct secrets_key keys[TRANSFER_KEYS_MAX]; /* in use: n_keys, no two of one name */
};

/* A key as it stands on the wire; false if its name is no domain name or its secret too long.
 * Whoever holds out wipes it. */
bool secrets_key_make(const struct transfer_key *key, struct secrets_key *out);

/* A memory file sealed WRITE|SHRINK|GROW with n keys (no two of one name) and what cookies are made
 * with (NULL = nothing), the caller's; readable for its owner alone.  No copy of a secret stays
 * behind.  -1 on failure. */
__attribute__((warn_unused_result)) int secrets_new(uint64_t generation,
                                                    const struct transfer_key keys[], size_t n,
                                                    const struct secrets_cookies *cookies,
                                                    struct err *err);

/* Maps fd (seals required) read-only, out of core dumps, and checks all of it.  Does not take fd
 * over.  ERR_REMOTE says what is wrong. */
__attribute__((warn_unused_result)) int secrets_open(int fd, const struct secrets **out,
                                                     struct err *err);

/* What cookies are made with; NULL = they are not spoken.  s may be NULL. */
static inline const struct cookie_secrets *secrets_cookies(const struct secrets *s)
{
    return s != NULL && s->cookies.secrets.n > 0 ? &s->cookies.secrets : NULL;
}

/* NULL does nothing. */
void secrets_close(const struct secrets *s);

/* The key of that name (on the wire, lower case), or NULL.  s may be NULL: there is none then. */
const struct secrets_key *secrets_find(const struct secrets *s, const uint8_t *name, size_t len);

#endif
