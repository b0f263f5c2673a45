#include "dnsflip/io/dns_wire.h"

#include <string.h>

#include "dnsflip/base/str.h"

#define HEADER_BYTES 12
#define LABEL_MAX 63
#define NAME_MAX_BYTES 255
#define POINTER 0xc0
#define JUMPS_MAX 64 /* pointers in one name */
#define CLASS_IN 1
#define FLAG_RESPONSE 0x80
#define FLAG_AUTHORITATIVE 0x04
#define FLAG_TRUNCATED 0x02
#define FLAG_RECURSE 0x01
#define OPCODE_MASK 0x78
#define OPCODE_NOTIFY (4 << 3)

/* One byte of a label in presentation form at *text, which moves behind it.  -1 = not one. */
static int read_char(const char **text)
{
    const char *p = *text;
    if (*p != '\\') {
        *text = p + 1;
        return (unsigned char)*p;
    }
    p++;
    if (*p < '0' || *p > '9') {
        *text = p + (*p != '\0');
        return *p == '\0' ? -1 : (unsigned char)*p;
    }
    int value = 0;
    for (int i = 0; i < 3; i++, p++) {
        if (*p < '0' || *p > '9')
            return -1;
        value = value * 10 + (*p - '0');
    }
    *text = p;
    return value <= UINT8_MAX ? value : -1;
}

/* name in wire form at out (NAME_MAX_BYTES).  Its length, or 0. */
static size_t write_name(const char *name, uint8_t *out)
{
    size_t n = 0;
    while (*name != '\0') {
        size_t length_at = n++;
        while (*name != '\0' && *name != '.') {
            int c = read_char(&name);
            if (c < 0 || n - length_at > LABEL_MAX || n + 1 >= NAME_MAX_BYTES)
                return 0;
            out[n++] = (uint8_t)c;
        }
        size_t label = n - length_at - 1;
        if (label == 0)
            return 0;
        out[length_at] = (uint8_t)label;
        if (*name == '.')
            name++;
    }
    out[n++] = 0;
    return n;
}

static void put16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)(value & 0xff);
}

size_t dns_wire_question(const char *name, uint16_t type, uint16_t id, bool recurse,
                         uint8_t out[static DNS_WIRE_QUESTION_MAX])
{
    memset(out, 0, HEADER_BYTES);
    put16(out, id);
    out[2] = recurse ? FLAG_RECURSE : 0;
    put16(out + 4, 1);
    size_t n = write_name(name, out + HEADER_BYTES);
    if (n == 0)
        return 0;
    put16(out + HEADER_BYTES + n, type);
    put16(out + HEADER_BYTES + n + 2, CLASS_IN);
    return HEADER_BYTES + n + 4;
}

struct reader {
    const uint8_t *msg;
    size_t n;
    size_t at;
    bool is_bad; /* something reached past the end; all later reads give 0 */
};

static uint32_t take(struct reader *r, size_t bytes)
{
    if (r->is_bad || bytes > r->n - r->at) {
        r->is_bad = true;
        return 0;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | r->msg[r->at++];
    return value;
}

/* A byte of a label in presentation form, lower case; false if out is full. */
static bool add_char(char *out, size_t cap, size_t *n, uint8_t c)
{
    bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '-' || c == '_' || c == '*';
    if (*n + 5 > cap)
        return false;
    if (is_plain) {
        out[(*n)++] = str_lower((char)c);
        return true;
    }
    out[(*n)++] = '\\';
    out[(*n)++] = (char)('0' + c / 100);
    out[(*n)++] = (char)('0' + c / 10 % 10);
    out[(*n)++] = (char)('0' + c % 10);
    return true;
}

/* Passes over a name without following its pointer. */
static void skip_name(struct reader *r)
{
    for (;;) {
        uint32_t length = take(r, 1);
        if (r->is_bad || length == 0)
            return;
        if (length >= POINTER) {
            (void)take(r, 1);
            return;
        }
        if (length > LABEL_MAX || length > r->n - r->at) {
            r->is_bad = true;
            return;
        }
        r->at += length;
    }
}

/* Reads the labels up to the end of the name or a pointer; returns where that leads, 0 = ended. */
static size_t take_labels(struct reader *r, char *out, size_t cap, size_t *n)
{
    for (;;) {
        uint32_t length = take(r, 1);
        if (r->is_bad || length == 0)
            return 0;
        if (length >= POINTER)
            return (length & ~(uint32_t)POINTER) << 8 | take(r, 1);
        if (length > LABEL_MAX || length > r->n - r->at || *n + 1 >= cap) {
            r->is_bad = true;
            return 0;
        }
        if (*n > 0)
            out[(*n)++] = '.';
        for (uint32_t i = 0; i < length && !r->is_bad; i++)
            r->is_bad = !add_char(out, cap, n, r->msg[r->at++]);
    }
}

/* Reads a name.  Pointers lead backwards only, and out bounds the labels, so that the walk ends. */
static void take_name(struct reader *r, char *out, size_t cap)
{
    size_t n = 0;
    size_t limit = r->at;
    size_t to = take_labels(r, out, cap, &n);
    size_t end = r->at;
    for (int jumps = 0; to != 0 && !r->is_bad; jumps++) {
        if (to >= limit || jumps >= JUMPS_MAX) {
            r->is_bad = true;
            break;
        }
        r->at = limit = to;
        to = take_labels(r, out, cap, &n);
    }
    r->at = end;
    out[r->is_bad ? 0 : n] = '\0';
}

static void add_ip(struct dns_answer *out, const struct reader *r, uint8_t family, size_t bytes)
{
    if (out->n_ips >= DNS_CLIENT_ANSWERS_MAX)
        return;
    struct inet_ip ip = { .family = family };
    memcpy(ip.bytes, r->msg + r->at, bytes);
    out->ips[out->n_ips++] = ip;
}

/* The data of one record of class IN, [r->at, r->at + length). */
static void take_data(struct reader *r, uint16_t type, size_t length, bool is_answer,
                      struct dns_answer *out)
{
    struct reader data = { .msg = r->msg, .n = r->at + length, .at = r->at };
    switch (type) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        if (length != (type == DNS_TYPE_A ? 4 : 16))
            r->is_bad = true;
        else if (is_answer)
            add_ip(out, &data, type == DNS_TYPE_A ? 4 : 6, length);
        return;
    case DNS_TYPE_CNAME:
        if (!is_answer || out->cname[0] != '\0')
            return;
        take_name(&data, out->cname, sizeof out->cname);
        break;
    case DNS_TYPE_SOA:
        skip_name(&data);
        skip_name(&data);
        out->serial = take(&data, 4);
        out->has_serial = !data.is_bad;
        (void)take(&data, 16);
        break;
    default:
        return;
    }
    if (data.is_bad || data.at != data.n)
        r->is_bad = true;
}

static void take_record(struct reader *r, bool is_answer, struct dns_answer *out, bool *has_ttl)
{
    skip_name(r);
    uint16_t type = (uint16_t)take(r, 2);
    uint16_t class = (uint16_t)take(r, 2);
    uint32_t ttl_s = take(r, 4);
    size_t length = take(r, 2);
    if (r->is_bad || length > r->n - r->at) {
        r->is_bad = true;
        return;
    }
    if (ttl_s > INT32_MAX)
        ttl_s = 0; /* RFC 2181 section 8 */
    if (class == CLASS_IN) {
        if (is_answer && (!*has_ttl || ttl_s < out->ttl_s)) {
            out->ttl_s = ttl_s;
            *has_ttl = true;
        }
        take_data(r, type, length, is_answer, out);
    }
    r->at += length;
}

static bool same_question(const uint8_t *msg, size_t n, const uint8_t *question,
                          size_t question_bytes)
{
    if (n < question_bytes)
        return false;
    for (size_t i = HEADER_BYTES; i < question_bytes; i++) {
        /* Length bytes are below 'A', so lowering the case leaves them as they are. */
        if (str_lower((char)msg[i]) != str_lower((char)question[i]))
            return false;
    }
    return true;
}

enum dns_wire_verdict dns_wire_answer(const uint8_t *msg, size_t n, const uint8_t *question,
                                      size_t question_bytes, struct dns_answer *out)
{
    *out = (struct dns_answer){ .status = DNS_ASK_ANSWERED };
    if (n < HEADER_BYTES || msg[0] != question[0] || msg[1] != question[1] ||
        (msg[2] & FLAG_RESPONSE) == 0 || (msg[2] & OPCODE_MASK) != 0)
        return DNS_WIRE_NOT_OURS;
    struct reader r = { .msg = msg, .n = n, .at = 4 };
    uint32_t questions = take(&r, 2);
    uint32_t answers = take(&r, 2);
    uint32_t authorities = take(&r, 2);
    out->rcode = msg[3] & 0x0f;
    out->authoritative = (msg[2] & FLAG_AUTHORITATIVE) != 0;
    out->truncated = (msg[2] & FLAG_TRUNCATED) != 0;
    if (questions == 0 && out->rcode != DNS_RCODE_NOERROR)
        return DNS_WIRE_ANSWER; /* refused before the question was read */
    if (questions != 1 || !same_question(msg, n, question, question_bytes))
        return DNS_WIRE_NOT_OURS;
    if (out->truncated)
        return DNS_WIRE_ANSWER; /* what was left out cannot be known: nothing is read */

    r.at = question_bytes;
    bool has_ttl = false;
    for (uint32_t i = 0; i < answers && !r.is_bad; i++)
        take_record(&r, true, out, &has_ttl);
    for (uint32_t i = 0; i < authorities && !r.is_bad; i++)
        take_record(&r, false, out, &has_ttl);
    if (!r.is_bad)
        return DNS_WIRE_ANSWER;
    *out = (struct dns_answer){ .status = DNS_ASK_MALFORMED };
    str_format(out->detail, sizeof out->detail,
               "answer of %zu bytes breaks off or lies about itself", n);
    return DNS_WIRE_MALFORMED;
}

size_t dns_wire_notify(const char *zone, uint16_t id, uint8_t out[static DNS_WIRE_QUESTION_MAX])
{
    size_t n = dns_wire_question(zone, DNS_TYPE_SOA, id, false, out);

    out[2] = OPCODE_NOTIFY | FLAG_AUTHORITATIVE;
    return n;
}

bool dns_wire_is_notified(const uint8_t *msg, size_t n, const uint8_t *notify, size_t notify_bytes,
                          uint8_t *rcode)
{
    if (n < HEADER_BYTES || msg[0] != notify[0] || msg[1] != notify[1] ||
        (msg[2] & FLAG_RESPONSE) == 0 || (msg[2] & OPCODE_MASK) != OPCODE_NOTIFY)
        return false;
    *rcode = msg[3] & 0x0f;
    if (msg[4] == 0 && msg[5] == 0 && *rcode != DNS_RCODE_NOERROR)
        return true; /* refused before the question was read */
    return msg[4] == 0 && msg[5] == 1 && same_question(msg, n, notify, notify_bytes);
}

const char *dns_rcode_text(unsigned rcode, char out[static DNS_RCODE_TEXT_BYTES])
{
    static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                         "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                         "NXRRSET", "NOTAUTH", "NOTZONE" };

    if (rcode < sizeof(names) / sizeof(names[0]))
        return names[rcode];
    str_format(out, DNS_RCODE_TEXT_BYTES, "RCODE %u", rcode);
    return out;
}
