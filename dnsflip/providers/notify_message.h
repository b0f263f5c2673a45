/* dnsflip/providers/notify_message.h -- one NOTIFY (RFC 1996), signed if there is a key (RFC 8945),
 * and what an answer to it is worth.  PURE. */
#ifndef DNSFLIP_PROVIDERS_NOTIFY_MESSAGE_H
#define DNSFLIP_PROVIDERS_NOTIFY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/tsig.h"
#include "dnsflip/io/dns_wire.h"
#include "dnsflip/model/transfer_key.h"

struct notify_message {
    uint8_t bytes[DNS_WIRE_QUESTION_MAX + TSIG_BYTES_MAX];
    size_t len;
    size_t question_len; /* without the signature */
    uint8_t mac_len;     /* 0 = it is not signed */
    uint8_t mac[SHA2_BYTES_MAX];
};

/* key NULL: it is not signed. */
void notify_make(struct notify_message *m, const char *zone, uint16_t id,
                 const struct transfer_key *key, uint64_t now_s);

enum notify_verdict {
    NOTIFY_NOT_OURS = 0, /* no answer to this message: to be ignored */
    NOTIFY_TAKEN,        /* the secondary knows */
    NOTIFY_REFUSED,      /* it answers with an error, and that is sure; detail says which */
    NOTIFY_UNTRUSTED,    /* an answer that anybody may have sent; detail says why */
};

#define NOTIFY_DETAIL_BYTES 160

/* Reads msg as the answer to m, which was made with key. */
enum notify_verdict notify_read(const struct notify_message *m, const struct transfer_key *key,
                                const uint8_t *msg, size_t n, uint64_t now_s,
                                char detail[static NOTIFY_DETAIL_BYTES]);

#endif
