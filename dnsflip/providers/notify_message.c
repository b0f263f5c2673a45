#include "dnsflip/providers/notify_message.h"

#include <string.h>

#include "dnsflip/base/str.h"

void notify_make(struct notify_message *m, const char *zone, uint16_t id,
                 const struct transfer_key *key, uint64_t now_s)
{
    struct secrets_key wire_key;
    struct tsig tsig = { .key = &wire_key };

    *m = (struct notify_message){ .len = 0 };
    m->len = m->question_len = dns_wire_notify(zone, id, m->bytes);
    if (key == NULL || m->len == 0 || !secrets_key_make(key, &wire_key))
        return;
    m->len = tsig_sign(&tsig, m->bytes, m->len, now_s);
    m->mac_len = tsig.mac_len;
    memcpy(m->mac, tsig.mac, sizeof(m->mac));
    explicit_bzero(&wire_key, sizeof(wire_key));
}

static const char *error_name(unsigned error)
{
    switch ((enum tsig_error)error) {
    case TSIG_NOERROR:
        return "";
    case TSIG_BADSIG:
        return ", BADSIG: has it the same secret?";
    case TSIG_BADKEY:
        return ", BADKEY: does it know the key?";
    case TSIG_BADTIME:
        return ", BADTIME: is its clock right, and ours?";
    case TSIG_BADTRUNC:
        return ", BADTRUNC";
    }
    return "";
}

/* Whether msg is signed by whoever has the key; if not, *error is what it says itself. */
static bool is_genuine(const struct notify_message *m, const struct transfer_key *key,
                       const uint8_t *msg, size_t n, uint64_t now_s, unsigned *error)
{
    struct secrets_key wire_key;
    struct tsig tsig = { .mac_len = m->mac_len };
    struct tsig_record record;
    bool is = false;

    *error = TSIG_NOERROR;
    if (tsig_find(msg, n, &record) != TSIG_FOUND || !secrets_key_make(key, &wire_key))
        return false;
    *error = record.error;
    memcpy(tsig.mac, m->mac, sizeof(tsig.mac));
    if (record.name_len == wire_key.name_len &&
        memcmp(record.name, wire_key.name, wire_key.name_len) == 0)
        tsig.key = &wire_key;
    is = tsig_check(&tsig, msg, &record, now_s) == TSIG_NOERROR;
    explicit_bzero(&wire_key, sizeof(wire_key));
    return is;
}

enum notify_verdict notify_read(const struct notify_message *m, const struct transfer_key *key,
                                const uint8_t *msg, size_t n, uint64_t now_s,
                                char detail[static NOTIFY_DETAIL_BYTES])
{
    char text[DNS_RCODE_TEXT_BYTES];
    unsigned error;
    uint8_t rcode;

    detail[0] = '\0';
    if (!dns_wire_is_notified(msg, n, m->bytes, m->question_len, &rcode))
        return NOTIFY_NOT_OURS;
    if (m->mac_len > 0 && !is_genuine(m, key, msg, n, now_s, &error)) {
        (void)str_format(detail, NOTIFY_DETAIL_BYTES,
                         "it answers NOTIFY with %s%s, not signed with our key",
                         dns_rcode_text(rcode, text), error_name(error));
        return NOTIFY_UNTRUSTED;
    }
    if (rcode == DNS_RCODE_NOERROR)
        return NOTIFY_TAKEN;
    (void)str_format(detail, NOTIFY_DETAIL_BYTES,
                     "it answers NOTIFY with %s: does it know us as its primary?",
                     dns_rcode_text(rcode, text));
    return NOTIFY_REFUSED;
}
