#include "dnsflip/dns/signed_query.h"

#include <string.h>

#include "dnsflip/base/serial.h"
#include "dnsflip/dns/answer_request.h"
#include "dnsflip/dns/tsig.h"

#define SOA_NUMBERS_BYTES 20

static size_t refuse(const struct signed_query *q, struct answer_call *call, enum dns_rcode rcode,
                     enum dns_ede ede, uint8_t *out, uint32_t counts[static COUNTERS])
{
    call->rcode = (uint8_t)rcode;
    call->ede = (uint8_t)ede;
    return answer(q->view, q->page, call, out, counts);
}

/* ---- transfers ------------------------------------------------------------------------------ */

static bool is_key_of(const struct view *v, const struct view_zone *zone,
                      const struct secrets_key *key)
{
    const uint32_t *keys = view_at(v, zone->keys);

    for (uint32_t i = 0; key != NULL && i < zone->n_keys; i++) {
        const uint8_t *name = view_at(v, keys[i]);

        if (name[0] == key->name_len && memcmp(name + 1, key->name, key->name_len) == 0)
            return true;
    }
    return false;
}

/* A zone that has keys wants one; addresses alone are enough for a zone without. */
static bool may_transfer(const struct signed_query *q, const struct view_zone *zone,
                         const struct secrets_key *key)
{
    const struct view_network *networks = view_at(q->view, zone->networks);
    bool is_near = zone->n_networks == 0 && zone->n_keys > 0;

    for (uint32_t i = 0; !is_near && i < zone->n_networks; i++)
        is_near = view_network_has(&networks[i], q->ip, q->ip_bytes);
    return is_near && (zone->n_keys == 0 || is_key_of(q->view, zone, key));
}

static const struct view_zone *find_zone(const struct signed_query *q,
                                         const struct answer_call *call)
{
    uint8_t name[VIEW_NAME_BYTES];
    size_t len = call->question_end - DNS_HEADER_BYTES - 4U;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = call->query[DNS_HEADER_BYTES + i];

        /* Lengths of labels are no letters. */
        name[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    return transfer_zone(q->view, name, len);
}

/* The end of the name at message[at], which may be compressed; 0 if it is cut off. */
static size_t skip_name(const uint8_t *message, size_t len, size_t at)
{
    while (at < len) {
        unsigned label = message[at];

        if (label == 0 || label >= 0xc0)
            return at + (label == 0 ? 1 : 2);
        at += 1 + label;
    }
    return 0;
}

/* The serial that an IXFR's asker has (RFC 1995, 3): false if it does not say. */
static bool read_serial(const struct answer_call *call, uint32_t *serial)
{
    const uint8_t *m = call->query;
    size_t at = skip_name(m, call->len, call->question_end);
    size_t end;

    if (answer_get16(m + 8) != 1 || at == 0 || at + 10 > call->len ||
        answer_get16(m + at) != DNS_TYPE_SOA)
        return false;
    end = at + 10 + answer_get16(m + at + 8);
    at = skip_name(m, call->len, at + 10);
    at = at == 0 ? 0 : skip_name(m, call->len, at);
    if (at == 0 || end > call->len || at + SOA_NUMBERS_BYTES != end)
        return false;
    *serial = (uint32_t)answer_get16(m + at) << 16 | answer_get16(m + at + 2);
    return true;
}

/* Over UDP an IXFR is told the serial alone: what changed comes over TCP. */
static size_t answer_serial(const struct signed_query *q, struct answer_call *call, uint8_t *out,
                            uint32_t counts[static COUNTERS])
{
    call->is_soa_enough = true;
    return answer(q->view, q->page, call, out, counts);
}

static size_t answer_transfer(const struct signed_query *q, struct answer_call *call,
                              const struct tsig *tsig, uint8_t *out,
                              uint32_t counts[static COUNTERS])
{
    const struct view_zone *zone = find_zone(q, call);
    bool is_ixfr = answer_get16(call->query + call->question_end - 4) == DNS_TYPE_IXFR;
    uint32_t serial = 0;

    if (zone == NULL)
        return refuse(q, call, DNS_NOTAUTH, DNS_EDE_NOT_AUTHORITATIVE, out, counts);
    if (!may_transfer(q, zone, tsig->key)) {
        counts[COUNTER_TRANSFERS_REFUSED]++;
        return refuse(q, call, DNS_REFUSED, DNS_EDE_PROHIBITED, out, counts);
    }
    if (is_ixfr && !read_serial(call, &serial))
        return refuse(q, call, DNS_FORMERR, DNS_EDE_NONE, out, counts);
    if (is_ixfr &&
        (!call->is_tcp || !serial_is_newer(transfer_serial(q->view, q->page, zone), serial)))
        return answer_serial(q, call, out, counts);
    if (!call->is_tcp) /* AXFR knows TCP alone */
        return refuse(q, call, DNS_REFUSED, DNS_EDE_NOT_SUPPORTED, out, counts);
    if (q->transfer == NULL || !transfer_begin(q->transfer, q->view, q->page, zone, tsig,
                                               call->query, call->question_end)) {
        counts[COUNTER_TRANSFERS_REFUSED]++;
        return refuse(q, call, DNS_REFUSED, DNS_EDE_NOT_READY, out, counts);
    }
    q->transfer->has_opt = call->has_opt;
    return 0;
}

/* ---- signatures ----------------------------------------------------------------------------- */

static size_t answer_checked(const struct signed_query *q, struct answer_call *call,
                             const struct tsig *tsig, uint8_t *out,
                             uint32_t counts[static COUNTERS])
{
    if ((call->needs & ANSWER_NEEDS_TRANSFER) != 0)
        return answer_transfer(q, call, tsig, out, counts);
    return answer(q->view, q->page, call, out, counts);
}

size_t signed_query_answer(const struct signed_query *q, struct answer_call *call, uint8_t *out,
                           uint32_t counts[static COUNTERS])
{
    struct tsig tsig = { .key = NULL };
    struct tsig_record record;
    enum tsig_error error;
    size_t n;

    if ((call->needs & ANSWER_NEEDS_SIGNATURE) == 0)
        return answer_checked(q, call, &tsig, out, counts);
    if (tsig_find(call->query, call->len, &record) != TSIG_FOUND)
        return refuse(q, call, DNS_FORMERR, DNS_EDE_NONE, out, counts);
    tsig.key = secrets_find(q->secrets, record.name, record.name_len);
    /* A code of a length that none of the key's has is no signature at all. */
    if (tsig.key != NULL && tsig_is_for(tsig.key, &record) && !tsig_is_possible(tsig.key, &record))
        return refuse(q, call, DNS_FORMERR, DNS_EDE_NONE, out, counts);
    error = tsig_check(&tsig, call->query, &record, q->now_s);
    if (error != TSIG_NOERROR) {
        n = refuse(q, call, DNS_NOTAUTH, DNS_EDE_NONE, out, counts);
        return tsig_refuse(&tsig, error, &record, out, n, q->now_s);
    }
    call->is_signed = true;
    call->reserve = TSIG_BYTES_MAX;
    n = answer_checked(q, call, &tsig, out, counts);
    return n == 0 ? 0 : tsig_sign(&tsig, out, n, q->now_s);
}
