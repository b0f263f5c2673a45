#include "dnsflip/render/entry_rdata.h"

#include <ldns/ldns.h>
#include <stdint.h>
#include <strings.h>

#include "dnsflip/base/str.h"

#define LOC_ALTITUDE_MIN_M (-100000)
#define LOC_ALTITUDE_MAX_M 42849672
#define LOC_SIZE_MAX_M 90000000
#define LOC_SIZES 3

static bool is_type(struct entry_word type, const char *name)
{
    return type.n == strlen(name) && strncasecmp(type.at, name, type.n) == 0;
}

/* The largest number that a field holds; 0 = it holds no number. */
static uint64_t field_max(ldns_rdf_type field)
{
    if (field == LDNS_RDF_TYPE_INT8 || field == LDNS_RDF_TYPE_ALG ||
        field == LDNS_RDF_TYPE_CERTIFICATE_USAGE || field == LDNS_RDF_TYPE_SELECTOR ||
        field == LDNS_RDF_TYPE_MATCHING_TYPE)
        return UINT8_MAX;
    return field == LDNS_RDF_TYPE_INT16 || field == LDNS_RDF_TYPE_CERT_ALG ? UINT16_MAX : 0;
}

/* Whole bytes of hexadecimal digits, down to the end; ldns makes up what is missing. */
static const char *hex_problem(char *data)
{
    size_t digits = 0;

    for (struct entry_word w = entry_word_at(data); w.n > 0; w = entry_word_at(w.at + w.n)) {
        if (strspn(w.at, "0123456789abcdefABCDEF") < w.n)
            return "hexadecimal digits are wanted";
        digits += w.n;
    }
    return digits % 2 != 0 ? "an odd number of hexadecimal digits" : NULL;
}

/* ldns takes 70000 for 4464 where the field has 16 bits. */
static const char *fields_problem(struct entry_word type, char *data)
{
    char text[ENTRY_WORD_BYTES];
    const ldns_rr_descriptor *d;

    if (type.n == 0 || type.n >= sizeof(text))
        return NULL;
    memcpy(text, type.at, type.n);
    text[type.n] = '\0';
    d = ldns_rr_descript((uint16_t)ldns_get_rr_type_by_name(text));
    for (size_t i = 0; d != NULL && i < ldns_rr_descriptor_maximum(d); i++) {
        uint64_t max = field_max(ldns_rr_descriptor_field_type(d, i));
        struct entry_word w = entry_word_at(data);
        uint64_t v = 0;

        if (ldns_rr_descriptor_field_type(d, i) == LDNS_RDF_TYPE_HEX)
            return hex_problem(data);
        if (max == 0 || w.n == 0)
            return NULL;
        if (w.at[0] == '-')
            return "a number below 0";
        for (size_t k = 0; k < w.n && entry_is_digit(w.at[k]); k++) {
            v = v * 10 + (uint64_t)(w.at[k] - '0');
            if (v > max)
                return max == UINT8_MAX ? "a number above 255, more than its field holds"
                                        : "a number above 65535, more than its field holds";
        }
        data = w.at + w.n;
    }
    return NULL;
}

static bool is_port(const char *text, size_t n)
{
    uint32_t v = 0;

    if (n > 1 && text[0] == '"' && text[n - 1] == '"')
        return is_port(text + 1, n - 2);
    for (size_t i = 0; i < n && v <= UINT16_MAX; i++) {
        if (!entry_is_digit(text[i]))
            return false;
        v = v * 10 + (uint32_t)(text[i] - '0');
    }
    return n > 0 && v <= UINT16_MAX;
}

/* ldns takes port=70000 of a SVCB or HTTPS record for 4464. */
static const char *port_problem(struct entry_word type, char *data)
{
    static const char port[] = "port=";
    const size_t n = sizeof(port) - 1;

    if (!is_type(type, "SVCB") && !is_type(type, "HTTPS"))
        return NULL;
    for (struct entry_word w = entry_word_at(data); w.n > 0; w = entry_word_at(w.at + w.n)) {
        if (w.n >= n && strncasecmp(w.at, port, n) == 0 && !is_port(w.at + n, w.n - n))
            return "port= wants a number of 0 to 65535";
    }
    return NULL;
}

/* ---- LOC (RFC 1876), of which ldns checks next to nothing -------------------------------------
 */

/* The number, with at most three places behind its point, in thousandths; -1 = it is none. */
static int64_t thousandths(const char *at, size_t n)
{
    int64_t v = 0;
    size_t i = 0;

    for (; i < n && entry_is_digit(at[i]) && v < INT32_MAX; i++)
        v = v * 10 + (at[i] - '0');
    if (i == 0)
        return -1;
    v *= 1000;
    if (i < n && at[i] == '.') {
        i++;
        for (int64_t place = 100; i < n && entry_is_digit(at[i]) && place > 0; place /= 10)
            v += place * (at[i++] - '0');
    }
    return i == n ? v : -1;
}

/* "52 22 23.000 N": takes it off *data.  False if it is no angle up to max degrees. */
static bool take_angle(char **data, int64_t max, const char directions[static 2])
{
    static const int64_t units[] = { 3600, 60, 1 };
    int64_t total = 0;

    for (int i = 0; i < 4; i++) {
        struct entry_word w = entry_word_at(*data);
        int64_t v = thousandths(w.at, w.n);

        *data = w.at + w.n;
        if (w.n == 1 &&
            (str_lower(w.at[0]) == directions[0] || str_lower(w.at[0]) == directions[1]))
            return i > 0 && total <= max * 3600 * 1000;
        if (i == 3 || v < 0 || (i < 2 && v % 1000 != 0) || (i > 0 && v >= INT64_C(60000)))
            return false;
        total += v * units[i];
    }
    return false;
}

/* "-24.5m" */
static bool is_metres(struct entry_word w, int64_t min, int64_t max)
{
    int64_t sign = w.n > 0 && w.at[0] == '-' ? -1 : 1;
    size_t n = w.n > 0 && str_lower(w.at[w.n - 1]) == 'm' ? w.n - 1 : w.n;
    size_t skip = sign < 0 ? 1 : 0;
    int64_t v = n > skip ? thousandths(w.at + skip, n - skip) : -1;

    return v >= 0 && sign * v >= min * 1000 && sign * v <= max * 1000;
}

static const char *loc_problem(char *data)
{
    struct entry_word w;
    unsigned sizes = 0;

    if (!take_angle(&data, 90, "ns"))
        return "LOC wants a latitude of at most 90 degrees: 52 22 23.000 N";
    if (!take_angle(&data, 180, "ew"))
        return "LOC wants a longitude of at most 180 degrees: 4 53 32.000 E";
    w = entry_word_at(data);
    if (!is_metres(w, LOC_ALTITUDE_MIN_M, LOC_ALTITUDE_MAX_M))
        return "LOC wants an altitude of -100000m to 42849672m behind its angles";
    for (w = entry_word_at(w.at + w.n); w.n > 0; w = entry_word_at(w.at + w.n)) {
        if (++sizes > LOC_SIZES || !is_metres(w, 0, LOC_SIZE_MAX_M))
            return "LOC wants at most a size and two precisions of 0m to 90000000m at its end";
    }
    return NULL;
}

const char *entry_rdata_problem(struct entry_word type, char *data)
{
    const char *trouble = fields_problem(type, data);

    if (trouble == NULL && is_type(type, "LOC"))
        trouble = loc_problem(data);
    return trouble != NULL ? trouble : port_problem(type, data);
}
