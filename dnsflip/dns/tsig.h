/* dnsflip/dns/tsig.h -- signatures of DNS messages (TSIG, RFC 8945): read, checked, made.  PURE:
 * the time comes from the caller.  For both sides of an exchange. */
#ifndef DNSFLIP_DNS_TSIG_H
#define DNSFLIP_DNS_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/sha2.h"

#define TSIG_FUDGE_S 300 /* clocks may differ by so much */
#define TSIG_NAME_BYTES 255
/* The longest record that tsig_sign writes: name, fixed part, name of the algorithm, code, time. */
#define TSIG_BYTES_MAX (TRANSFER_KEY_NAME_BYTES + 10 + 13 + 16 + SHA2_BYTES_MAX + 6)
/* The longest that tsig_refuse writes: it repeats names of any length. */
#define TSIG_REFUSAL_BYTES_MAX (2 * TSIG_NAME_BYTES + 10 + 16 + SHA2_BYTES_MAX + 6)

enum tsig_error {
    TSIG_NOERROR = 0,
    TSIG_BADSIG = 16,
    TSIG_BADKEY = 17,
    TSIG_BADTIME = 18,
    TSIG_BADTRUNC = 22,
};

/* A TSIG record as it was read; pointers lead into the message. */
struct tsig_record {
    size_t at; /* where it starts: the end of the message that it signs */
    uint8_t name_len, algorithm_len;
    uint8_t name[TSIG_NAME_BYTES]; /* of the key, lower case */
    uint8_t algorithm[TSIG_NAME_BYTES];
    uint64_t time_s;
    uint16_t fudge_s;
    uint16_t mac_len;
    const uint8_t *mac;
    uint16_t original_id;
    uint16_t error;
    uint16_t other_len;
    uint64_t other_s; /* with TSIG_BADTIME: the server's time */
};

enum tsig_found { TSIG_NONE = 0, TSIG_FOUND, TSIG_MALFORMED };

/* Looks for a TSIG record in a message that is otherwise well formed.  It must be the last of all
 * records, and the only one. */
enum tsig_found tsig_find(const uint8_t *message, size_t len, struct tsig_record *out);

/* One exchange: whose key, and what the next code covers besides its message. */
struct tsig {
    const struct secrets_key *key; /* borrowed; NULL = nothing is signed */
    bool is_later;                 /* not the first message of an answer */
    uint8_t mac_len;               /* of the message before; 0 = there was none */
    uint8_t mac[SHA2_BYTES_MAX];
};

/* Whether key is used with the algorithm that record names. */
bool tsig_is_for(const struct secrets_key *key, const struct tsig_record *record);

/* Whether record's code is as long as one of that key may be, whole or cut (RFC 8945, 5.2.2.1). */
bool tsig_is_possible(const struct secrets_key *key, const struct tsig_record *record);

/* Checks what record, found in message, says.  t->key is the key of that name (NULL = unknown), and
 * t has the code of the message before, if there was one.  t then has this one's, unless the key or
 * the signature is wrong.  Says so too if the time, now_s, is wrong: the other two are right
 * then. */
enum tsig_error tsig_check(struct tsig *t, const uint8_t *message, const struct tsig_record *record,
                           uint64_t now_s);

/* Puts a TSIG record behind a message of len bytes, counts it, and returns the new length; t then
 * has this message's code.  There is room for TSIG_BYTES_MAX more. */
size_t tsig_sign(struct tsig *t, uint8_t *message, size_t len, uint64_t now_s);

/* Puts the record of an answer that refuses a query's signature behind it: unsigned, but for
 * TSIG_BADTIME and TSIG_BADTRUNC, which t signs.  There is room for
 * TSIG_REFUSAL_BYTES_MAX more.  Returns the new length. */
size_t tsig_refuse(struct tsig *t, enum tsig_error error, const struct tsig_record *query,
                   uint8_t *message, size_t len, uint64_t now_s);

#endif
