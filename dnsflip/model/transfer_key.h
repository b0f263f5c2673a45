/* dnsflip/model/transfer_key.h -- a TSIG key (RFC 8945) of zone transfers. */
#ifndef DNSFLIP_MODEL_TRANSFER_KEY_H
#define DNSFLIP_MODEL_TRANSFER_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/model/limits.h"

#define TRANSFER_KEYS_MAX 64          /* of all zones together */
#define TRANSFER_KEY_NAME_BYTES 128   /* of a key's name, on the wire as in text */
#define TRANSFER_KEY_SECRET_BYTES 128 /* a longer one is hashed before it is used: no gain */
#define TRANSFER_KEY_SECRET_MIN 16    /* a shorter one can be guessed */
#define TRANSFER_KEY_FILE_BYTES 32768 /* of a key file */

enum transfer_algorithm {
    TRANSFER_HMAC_SHA256 = 1,
    TRANSFER_HMAC_SHA384,
    TRANSFER_HMAC_SHA512,
};

struct transfer_key {
    char name[TRANSFER_KEY_NAME_BYTES]; /* lower case, no last dot */
    enum transfer_algorithm algorithm;
    uint16_t len;                              /* of secret */
    uint8_t secret[TRANSFER_KEY_SECRET_BYTES]; /* never printed, wiped with its owner */
};

/* "hmac-sha256" ...; NULL for a number that is none of them. */
const char *transfer_algorithm_name(enum transfer_algorithm algorithm);

/* The algorithm of that name, 0 if there is none. */
enum transfer_algorithm transfer_algorithm_find(const char *name);

#endif
