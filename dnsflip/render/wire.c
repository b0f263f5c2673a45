#include "dnsflip/render/wire.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/render/entry.h"

#define APL_ITEM_BYTES 4
#define APL_IPV4 1
#define APL_IPV6 2
#define LABEL_BYTES_MAX 63
#define SVCB_MANDATORY 0
#define SVCB_ALPN 1
#define SVCB_NO_DEFAULT_ALPN 2
#define SVCB_PORT 3
#define SVCB_IPV4HINT 4
#define SVCB_ECH 5
#define SVCB_IPV6HINT 6
#define HTTPS_LINE_BYTES 1024

const char *wire_name_format(const uint8_t *wire, size_t len, struct wire_text *out)
{
    char *p = out->text;

    for (size_t at = 0; at < len && wire[at] != 0;) {
        size_t end = at + 1 + wire[at];

        if (at > 0)
            *p++ = '.';
        for (at++; at < end; at++) {
            if (wire[at] <= ' ' || wire[at] > '~')
                p += snprintf(p, 5, "\\%03u", (unsigned)wire[at]);
            else if (strchr(".\\\"();@$", wire[at]) != NULL)
                p += snprintf(p, 3, "\\%c", wire[at]);
            else
                *p++ = (char)wire[at];
        }
    }
    if (p == out->text)
        *p++ = '.';
    *p = '\0';
    return out->text;
}

const struct wire_type_text *wire_type_format(uint16_t type, struct wire_type_text *out)
{
    const ldns_rr_descriptor *d = ldns_rr_descript(type);

    if (d != NULL && d->_name != NULL && d->_name[0] != '\0')
        str_copy(out->text, sizeof(out->text), d->_name);
    else
        str_format(out->text, sizeof(out->text), "TYPE%u", (unsigned)type);
    return out;
}

/* One character of a name, escapes resolved.  Moves *text on; -1 = a bad escape. */
static int next_byte(const char **text)
{
    const char *p = *text;
    int v;

    if (p[0] != '\\') {
        *text = p + 1;
        return (unsigned char)str_lower(p[0]);
    }
    if (p[1] == '\0')
        return -1;
    if (p[1] < '0' || p[1] > '9') {
        *text = p + 2;
        return (unsigned char)str_lower(p[1]);
    }
    v = 0;
    for (int i = 1; i <= 3; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    *text = p + 4;
    return v <= UINT8_MAX ? (unsigned char)str_lower((char)v) : -1;
}

/* One label up to a dot or the end: its length byte and bytes at out[at].  Returns the place
 * behind it, 0 if it is none. */
static size_t parse_label(const char **text, uint8_t *out, size_t at)
{
    size_t length_at = at++;

    while (**text != '.' && **text != '\0') {
        int c = next_byte(text);

        /* The root label needs the last byte. */
        if (c < 0 || at >= WIRE_NAME_BYTES - 1 || at - length_at > LABEL_BYTES_MAX)
            return 0;
        out[at++] = (uint8_t)c;
    }
    out[length_at] = (uint8_t)(at - length_at - 1);
    return out[length_at] == 0 ? 0 : at;
}

static size_t parse_labels(const char *text, uint8_t *out, size_t at)
{
    while (*text != '\0') {
        at = at < WIRE_NAME_BYTES - 1 ? parse_label(&text, out, at) : 0;
        if (at == 0)
            return 0;
        if (*text == '.')
            text++;
    }
    out[at++] = 0;
    return at;
}

size_t wire_name_parse(const char *text, uint8_t out[static WIRE_NAME_BYTES])
{
    if (strcmp(text, ".") == 0)
        text = "";
    else if (text[0] == '\0')
        return 0;
    return parse_labels(text, out, 0);
}

size_t wire_mailbox_parse(const char *mail, uint8_t out[static WIRE_NAME_BYTES])
{
    const char *sign = strchr(mail, '@');
    size_t n;

    if (sign == NULL)
        return wire_name_parse(mail, out);
    n = (size_t)(sign - mail);
    if (n == 0 || n > LABEL_BYTES_MAX || sign[1] == '\0')
        return 0;
    out[0] = (uint8_t)n;
    memcpy(out + 1, mail, n);
    return parse_labels(sign + 1, out, n + 1);
}

size_t wire_https_parse(const char *text, uint8_t *out, size_t cap, struct err *err)
{
    char line[HTTPS_LINE_BYTES];
    ldns_rr *rr = NULL;
    ldns_buffer *buffer = NULL;
    ldns_status status;
    const char *trouble;
    long ignored;
    size_t len = 0;

    if (!str_format(line, sizeof(line), "x. 0 IN HTTPS %s", text) || strchr(text, '\n') != NULL) {
        err_set(err, ERR_CONFIG, "\"%.64s...\" is too long", text);
        return 0;
    }
    trouble = entry_prepare(line, &ignored);
    if (trouble != NULL) {
        err_set(err, ERR_CONFIG, "\"%s\": %s", text, trouble);
        return 0;
    }
    status = ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL);
    if (status != LDNS_STATUS_OK || rr == NULL) {
        err_set(err, ERR_CONFIG, "\"%s\": %s", text, ldns_get_errorstr_by_id(status));
        return 0;
    }
    buffer = ldns_buffer_new(LDNS_MAX_PACKETLEN);
    if (buffer == NULL)
        err_set(err, ERR_NOMEM, "no memory for an HTTPS record");
    else if (ldns_rr_rdata2buffer_wire(buffer, rr) != LDNS_STATUS_OK ||
             ldns_buffer_position(buffer) > cap || ldns_buffer_position(buffer) < 3)
        err_set(err, ERR_CONFIG, "\"%s\" is no HTTPS record", text);
    else if (wire_svcb_problem(ldns_buffer_begin(buffer), ldns_buffer_position(buffer)) != NULL)
        err_set(err, ERR_CONFIG, "\"%s\": %s", text,
                wire_svcb_problem(ldns_buffer_begin(buffer), ldns_buffer_position(buffer)));
    else
        len = ldns_buffer_position(buffer);
    if (len > 0)
        memcpy(out, ldns_buffer_begin(buffer), len);
    ldns_buffer_free(buffer);
    ldns_rr_free(rr);
    return len;
}

int wire_name_at(uint16_t type)
{
    if (type == WIRE_NS || type == WIRE_PTR)
        return 0;
    return type == WIRE_MX ? 2 : -1;
}

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Where the parameters of a SVCB or HTTPS record start: behind priority and target. */
static size_t svcb_parameters(const uint8_t *rdata, size_t len)
{
    size_t at = 2;

    while (at < len && rdata[at] != 0)
        at += 1U + rdata[at];
    return at + 1;
}

/* The place of a parameter, 0 if it is not there. */
static size_t find_parameter(const uint8_t *rdata, size_t len, unsigned key)
{
    size_t at = svcb_parameters(rdata, len);

    while (at + 4 <= len) {
        if (get16(rdata + at) == key)
            return at;
        at += 4 + (size_t)get16(rdata + at + 2);
    }
    return 0;
}

/* Whether strings, each behind its length and none empty, fill p[0..n).  A backslash in one is what
 * ldns leaves of an escape that it misread. */
static bool is_alpn(const uint8_t *p, size_t n)
{
    size_t at = 0;

    while (at < n && p[at] != 0)
        at += 1U + p[at];
    return n > 0 && at == n && memchr(p, '\\', n) == NULL;
}

/* What is wrong with the value of one parameter, of n bytes at p; NULL = nothing. */
static const char *value_problem(unsigned key, const uint8_t *p, size_t n)
{
    if (key == SVCB_MANDATORY && (n == 0 || n % 2 != 0 || get16(p) == SVCB_MANDATORY))
        return "mandatory= wants a list of other parameters";
    if (key == SVCB_ALPN && !is_alpn(p, n))
        return "alpn= wants a list of names, without backslashes";
    if (key == SVCB_NO_DEFAULT_ALPN && n != 0)
        return "no-default-alpn has no value";
    if (key == SVCB_PORT && n != 2)
        return "port= wants a number of 0 to 65535";
    if ((key == SVCB_IPV4HINT && (n == 0 || n % 4 != 0)) ||
        (key == SVCB_IPV6HINT && (n == 0 || n % 16 != 0)))
        return "an address hint wants addresses";
    if (key == SVCB_ECH && n == 0)
        return "ech= wants a value";
    return NULL;
}

static const char *values_problem(const uint8_t *rdata, size_t len)
{
    for (size_t at = svcb_parameters(rdata, len); at < len;) {
        size_t n = get16(rdata + at + 2);
        const char *problem = value_problem(get16(rdata + at), rdata + at + 4, n);

        if (problem != NULL)
            return problem;
        at += 4 + n;
    }
    if (find_parameter(rdata, len, SVCB_NO_DEFAULT_ALPN) != 0 &&
        find_parameter(rdata, len, SVCB_ALPN) == 0)
        return "no-default-alpn wants an alpn= beside it";
    return NULL;
}

const char *wire_svcb_problem(const uint8_t *rdata, size_t len)
{
    size_t at = svcb_parameters(rdata, len);
    size_t mandatory;
    long last = -1;

    while (at + 4 <= len) {
        if ((long)get16(rdata + at) <= last)
            return "a parameter stands there twice, or out of order";
        last = (long)get16(rdata + at);
        at += 4 + (size_t)get16(rdata + at + 2);
    }
    if (at != len)
        return "its parameters are malformed";
    mandatory = find_parameter(rdata, len, SVCB_MANDATORY);
    for (size_t i = 0; mandatory != 0 && i + 2 <= get16(rdata + mandatory + 2); i += 2) {
        if (find_parameter(rdata, len, get16(rdata + mandatory + 4 + i)) == 0)
            return "a mandatory parameter is missing";
    }
    return values_problem(rdata, len);
}

const char *wire_apl_problem(const uint8_t *rdata, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t bytes;

        if (len - at < APL_ITEM_BYTES)
            return "the data end too early";
        bytes = rdata[at + 3] & 0x7f;
        if (rdata[at] == 0 && (rdata[at + 1] == APL_IPV4 || rdata[at + 1] == APL_IPV6) &&
            (rdata[at + 2] > (rdata[at + 1] == APL_IPV4 ? 32 : 128) ||
             bytes > (rdata[at + 1] == APL_IPV4 ? 4 : 16)))
            return "a prefix is longer than an address of its family";
        if (bytes > len - at - APL_ITEM_BYTES)
            return "the data end too early";
        at += APL_ITEM_BYTES + bytes;
    }
    return NULL;
}

static bool is_host_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool wire_is_host_name(const uint8_t *wire, size_t len)
{
    for (size_t at = 0; at < len && wire[at] != 0; at += 1U + wire[at]) {
        if (wire[at] == 1 && wire[at + 1] == '*')
            continue;
        for (size_t i = 1; i <= wire[at]; i++) {
            if (!is_host_byte(wire[at + i]))
                return false;
        }
    }
    return true;
}
