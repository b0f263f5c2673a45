#include "dnsflip/dns/tsig.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/dns/hmac.h"

#define HEADER_BYTES 12
#define FIXED_BYTES 10 /* of a record, between its name and its rdata */
#define TIMERS_BYTES 8 /* time and fudge */
#define TYPE_TSIG 250
#define CLASS_ANY 255
#define MAC_BYTES_MIN 10 /* of a code that was cut (RFC 8945, 5.2.2.1) */
#define OTHER_BYTES 6    /* the server's time, with TSIG_BADTIME; else there are none */
#define POINTERS_MAX 16  /* of one name */

/* Of the algorithms, on the wire, by enum sha2_kind. */
static const uint8_t names[][13] = {
    { "\013hmac-sha256" },
    { "\013hmac-sha384" },
    { "\013hmac-sha512" },
};

static enum sha2_kind kind_of(const struct secrets_key *key)
{
    switch ((enum transfer_algorithm)key->algorithm) {
    case TRANSFER_HMAC_SHA256:
        return SHA2_256;
    case TRANSFER_HMAC_SHA384:
        return SHA2_384;
    case TRANSFER_HMAC_SHA512:
        return SHA2_512;
    }
    return SHA2_256;
}

/* The name of its algorithm, on the wire. */
static const uint8_t *algorithm_of(const struct secrets_key *key)
{
    return names[kind_of(key)];
}

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put(uint8_t *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The end of the name at message[at]; 0 if it is malformed. */
static size_t skip_name(const uint8_t *message, size_t len, size_t at)
{
    while (at < len) {
        unsigned label = message[at];

        if (label == 0)
            return at + 1;
        if (label >= 0xc0)
            return at + 2 <= len ? at + 2 : 0;
        if (label > 63)
            return 0;
        at += 1 + label;
    }
    return 0;
}

/* Copies the name at message[at] in lower case, its pointers followed.  Returns its length, 0 if it
 * is malformed. */
static uint8_t copy_name(const uint8_t *message, size_t len, size_t at,
                         uint8_t out[static TSIG_NAME_BYTES])
{
    size_t n = 0;

    for (int pointers = 0; at < len && pointers <= POINTERS_MAX;) {
        unsigned label = message[at];

        if (label >= 0xc0) {
            if (at + 2 > len)
                return 0;
            at = get16(message + at) & 0x3fff;
            pointers++;
            continue;
        }
        if (label > 63 || at + 1 + label > len || n + 1 + label > TSIG_NAME_BYTES)
            return 0;
        out[n] = (uint8_t)label;
        for (size_t i = 1; i <= label; i++) {
            uint8_t c = message[at + i];

            out[n + i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
        }
        n += 1 + label;
        if (label == 0)
            return (uint8_t)n;
        at += 1 + label;
    }
    return 0;
}

/* Reads the rdata, message[at..end). */
static bool read_rdata(const uint8_t *message, size_t at, size_t end, struct tsig_record *out)
{
    size_t fixed = skip_name(message, end, at);
    const uint8_t *p = message + fixed;

    out->algorithm_len = copy_name(message, end, at, out->algorithm);
    if (fixed == 0 || out->algorithm_len == 0 || end - fixed < TIMERS_BYTES + 2)
        return false;
    out->time_s = (uint64_t)get16(p) << 32 | (uint64_t)get16(p + 2) << 16 | get16(p + 4);
    out->fudge_s = (uint16_t)get16(p + 6);
    out->mac_len = (uint16_t)get16(p + TIMERS_BYTES);
    out->mac = p + TIMERS_BYTES + 2;
    fixed += TIMERS_BYTES + 2U;
    if (end - fixed < out->mac_len || end - fixed - out->mac_len < 6)
        return false;
    p = out->mac + out->mac_len;
    out->original_id = (uint16_t)get16(p);
    out->error = (uint16_t)get16(p + 2);
    out->other_len = (uint16_t)get16(p + 4);
    if (end - fixed - out->mac_len - 6 != out->other_len)
        return false;
    for (size_t i = 0; out->other_len == OTHER_BYTES && i < OTHER_BYTES; i++)
        out->other_s = out->other_s << 8 | p[6 + i];
    return true;
}

static bool read_record(const uint8_t *message, size_t len, size_t name_end,
                        struct tsig_record *out)
{
    const uint8_t *p = message + name_end;
    size_t rdata = name_end + FIXED_BYTES;

    out->name_len = copy_name(message, len, out->at, out->name);
    return out->name_len != 0 && get16(p + 2) == CLASS_ANY && get16(p + 4) == 0 &&
           get16(p + 6) == 0 && rdata + get16(p + 8) == len && read_rdata(message, rdata, len, out);
}

enum tsig_found tsig_find(const uint8_t *message, size_t len, struct tsig_record *out)
{
    size_t at = HEADER_BYTES;
    unsigned n_questions, n_records;

    if (len < HEADER_BYTES)
        return TSIG_MALFORMED;
    n_questions = get16(message + 4);
    n_records = get16(message + 6) + get16(message + 8) + get16(message + 10);
    for (unsigned i = 0; i < n_questions; i++) {
        at = skip_name(message, len, at);
        if (at == 0 || len - at < 4)
            return TSIG_MALFORMED;
        at += 4;
    }
    for (unsigned i = 0; i < n_records; i++) {
        size_t end = skip_name(message, len, at);

        if (end == 0 || len - end < FIXED_BYTES ||
            len - end - FIXED_BYTES < get16(message + end + 8))
            return TSIG_MALFORMED;
        if (get16(message + end) == TYPE_TSIG) {
            *out = (struct tsig_record){ .at = at };
            return i + 1 == n_records && get16(message + 10) > 0 &&
                           read_record(message, len, end, out)
                       ? TSIG_FOUND
                       : TSIG_MALFORMED;
        }
        at = end + FIXED_BYTES + get16(message + end + 8);
    }
    return TSIG_NONE;
}

/* ---- codes ---------------------------------------------------------------------------------- */

static size_t other_bytes(uint16_t error)
{
    return error == TSIG_BADTIME ? OTHER_BYTES : 0;
}

/* What stands in the record besides names and code. */
struct variables {
    uint64_t time_s;
    uint16_t fudge_s;
    uint16_t error;
    uint64_t other_s; /* the server's time, with TSIG_BADTIME */
};

/* The code of message[0..len), which counts no TSIG record; id stands in its header's place
 * (RFC 8945, 4.3). */
static size_t make_code(const struct tsig *t, const uint8_t *message, size_t len, uint16_t id,
                        bool is_counted, const struct variables *v,
                        uint8_t out[static SHA2_BYTES_MAX])
{
    uint8_t bytes[16 + 6];
    uint8_t header[HEADER_BYTES];
    struct hmac h;

    hmac_init(&h, kind_of(t->key), t->key->secret, t->key->len);
    if (t->mac_len > 0) {
        put(bytes, t->mac_len, 2);
        hmac_add(&h, bytes, 2);
        hmac_add(&h, t->mac, t->mac_len);
    }
    memcpy(header, message, sizeof(header));
    put(header, id, 2);
    put(header + 10, get16(message + 10) - (is_counted ? 1U : 0U), 2);
    hmac_add(&h, header, sizeof(header));
    hmac_add(&h, message + HEADER_BYTES, len - HEADER_BYTES);
    if (!t->is_later) {
        hmac_add(&h, t->key->name, t->key->name_len);
        put(bytes, (uint64_t)CLASS_ANY << 32, 6); /* class, TTL */
        hmac_add(&h, bytes, 6);
        hmac_add(&h, algorithm_of(t->key), sizeof(names[0]));
    }
    put(bytes, v->time_s, 6);
    put(bytes + 6, v->fudge_s, 2);
    hmac_add(&h, bytes, TIMERS_BYTES);
    if (!t->is_later) {
        size_t other_len = other_bytes(v->error);

        put(bytes, v->error, 2);
        put(bytes + 2, other_len, 2);
        put(bytes + 4, v->other_s, 6);
        hmac_add(&h, bytes, 4 + other_len);
    }
    return hmac_end(&h, out);
}

bool tsig_is_for(const struct secrets_key *key, const struct tsig_record *record)
{
    return record->algorithm_len == sizeof(names[0]) &&
           memcmp(record->algorithm, algorithm_of(key), sizeof(names[0])) == 0;
}

bool tsig_is_possible(const struct secrets_key *key, const struct tsig_record *record)
{
    size_t n = sha2_bytes(kind_of(key));

    return record->mac_len <= n && record->mac_len >= MAC_BYTES_MIN && record->mac_len >= n / 2;
}

enum tsig_error tsig_check(struct tsig *t, const uint8_t *message, const struct tsig_record *record,
                           uint64_t now_s)
{
    struct variables v = { .time_s = record->time_s,
                           .fudge_s = record->fudge_s,
                           .error = record->error,
                           .other_s = record->other_s };
    uint8_t code[SHA2_BYTES_MAX];
    size_t n;
    uint64_t apart_s = now_s > record->time_s ? now_s - record->time_s : record->time_s - now_s;

    if (t->key == NULL || !tsig_is_for(t->key, record))
        return TSIG_BADKEY;
    n = make_code(t, message, record->at, record->original_id, true, &v, code);
    if (!tsig_is_possible(t->key, record) || record->other_len != other_bytes(record->error) ||
        !hmac_equal(code, record->mac, record->mac_len))
        return TSIG_BADSIG;
    memcpy(t->mac, record->mac, record->mac_len);
    t->mac_len = (uint8_t)record->mac_len;
    if (apart_s > record->fudge_s)
        return TSIG_BADTIME;
    return record->mac_len < n ? TSIG_BADTRUNC : TSIG_NOERROR;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The record's owner, algorithm and code are these; returns the message's new length. */
static size_t put_record(uint8_t *message, size_t len, const uint8_t *name, size_t name_len,
                         const uint8_t *algorithm, size_t algorithm_len, const uint8_t *code,
                         size_t code_len, const struct variables *v)
{
    size_t other_len = other_bytes(v->error);
    uint8_t *p = message + len;

    memcpy(p, name, name_len);
    p += name_len;
    put(p, (uint64_t)TYPE_TSIG << 48 | (uint64_t)CLASS_ANY << 32, 8); /* and TTL 0 */
    put(p + 8, algorithm_len + TIMERS_BYTES + 2 + code_len + 6 + other_len, 2);
    p += FIXED_BYTES;
    memcpy(p, algorithm, algorithm_len);
    p += algorithm_len;
    put(p, v->time_s, 6);
    put(p + 6, v->fudge_s, 2);
    put(p + 8, code_len, 2);
    p += TIMERS_BYTES + 2;
    if (code_len > 0)
        memcpy(p, code, code_len);
    p += code_len;
    memcpy(p, message, 2); /* the id: nobody has changed it on the way */
    put(p + 2, v->error, 2);
    put(p + 4, other_len, 2);
    put(p + 6, v->other_s, other_len);
    put(message + 10, get16(message + 10) + 1U, 2);
    return (size_t)(p + 6 + other_len - message);
}

static size_t sign(struct tsig *t, uint8_t *message, size_t len, const struct variables *v)
{
    uint8_t code[SHA2_BYTES_MAX];
    size_t n = make_code(t, message, len, (uint16_t)get16(message), false, v, code);

    assert(n <= sizeof(t->mac));
    len = put_record(message, len, t->key->name, t->key->name_len, algorithm_of(t->key),
                     sizeof(names[0]), code, n, v);
    memcpy(t->mac, code, n);
    t->mac_len = (uint8_t)n;
    t->is_later = true;
    return len;
}

size_t tsig_sign(struct tsig *t, uint8_t *message, size_t len, uint64_t now_s)
{
    struct variables v = { .time_s = now_s, .fudge_s = TSIG_FUDGE_S };

    return sign(t, message, len, &v);
}

size_t tsig_refuse(struct tsig *t, enum tsig_error error, const struct tsig_record *query,
                   uint8_t *message, size_t len, uint64_t now_s)
{
    struct variables v = { .time_s = query->time_s,
                           .fudge_s = query->fudge_s,
                           .error = (uint16_t)error,
                           .other_s = now_s };

    if (error == TSIG_BADTIME || error == TSIG_BADTRUNC)
        return sign(t, message, len, &v);
    return put_record(message, len, query->name, query->name_len, query->algorithm,
                      query->algorithm_len, NULL, 0, &v);
}
