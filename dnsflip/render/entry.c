#include "dnsflip/render/entry.h"

#include <ldns/ldns.h>
#include <string.h>
#include <strings.h>

#include "dnsflip/base/str.h"

#define WORD_BYTES 64 /* of what is no owner and no data: TTL, class, type */

struct word {
    char *at;
    size_t n;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The word behind p; n = 0 at the end. */
static struct word word_at(char *p)
{
    p += strspn(p, " ");
    return (struct word){ .at = p, .n = strcspn(p, " ") };
}

/* Seconds in a unit; 0 = there is no such unit. */
static uint32_t unit_seconds(char c)
{
    switch (str_lower(c)) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 604800;
    default:
        return 0;
    }
}

bool entry_ttl_parse(const char *text, size_t n, uint32_t *out)
{
    uint64_t total = 0;
    size_t i = 0;

    if (n == 0)
        return false;
    while (i < n) {
        uint64_t v = 0;

        if (!is_digit(text[i]))
            return false;
        for (; i < n && is_digit(text[i]); i++) {
            v = v * 10 + (uint64_t)(text[i] - '0');
            if (v > ENTRY_TTL_MAX)
                return false;
        }
        if (i < n) {
            v *= unit_seconds(text[i]);
            if (unit_seconds(text[i++]) == 0)
                return false;
        }
        total += v;
        if (total > ENTRY_TTL_MAX)
            return false;
    }
    *out = (uint32_t)total;
    return true;
}

static bool is_class(struct word w)
{
    char text[WORD_BYTES];

    if (w.n == 0 || w.n >= sizeof(text))
        return false;
    memcpy(text, w.at, w.n);
    text[w.n] = '\0';
    return str_equal_nocase(text, "IN") || str_equal_nocase(text, "CH") ||
           str_equal_nocase(text, "HS") || str_equal_nocase(text, "CS") ||
           (w.n > 5 && strncasecmp(text, "CLASS", 5) == 0 && is_digit(text[5]));
}

/* Two neighbours change places; ldns knows a TTL only before the class. */
static void swap(struct word first, struct word second)
{
    char copy[2 * WORD_BYTES];
    size_t n = (size_t)(second.at - first.at) + second.n;

    if (first.n >= WORD_BYTES || second.n >= WORD_BYTES)
        return;
    memcpy(copy, second.at, second.n);
    copy[second.n] = ' ';
    memcpy(copy + second.n + 1, first.at, first.n);
    memset(first.at, ' ', n);
    memcpy(first.at, copy, first.n + second.n + 1);
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

/* ldns takes 70000 for 4464 where the field has 16 bits. */
static const char *number_problem(struct word type, char *data)
{
    char text[WORD_BYTES];
    const ldns_rr_descriptor *d;

    if (type.n == 0 || type.n >= sizeof(text))
        return NULL;
    memcpy(text, type.at, type.n);
    text[type.n] = '\0';
    d = ldns_rr_descript((uint16_t)ldns_get_rr_type_by_name(text));
    for (size_t i = 0; d != NULL && i < ldns_rr_descriptor_maximum(d); i++) {
        uint64_t max = field_max(ldns_rr_descriptor_field_type(d, i));
        struct word w = word_at(data);
        uint64_t v = 0;

        if (max == 0 || w.n == 0)
            return NULL;
        if (w.at[0] == '-')
            return "a number below 0";
        for (size_t k = 0; k < w.n && is_digit(w.at[k]); k++) {
            v = v * 10 + (uint64_t)(w.at[k] - '0');
            if (v > max)
                return max == UINT8_MAX ? "a number above 255, more than its field holds"
                                        : "a number above 65535, more than its field holds";
        }
        data = w.at + w.n;
    }
    return NULL;
}

/* ldns reads on over what is no hexadecimal digit. */
static const char *generic_problem(char *data, long *rdata_bytes)
{
    struct word w = word_at(data);
    size_t digits = 0;
    uint32_t n = 0;

    *rdata_bytes = -1;
    if (w.n != 2 || memcmp(w.at, "\\#", 2) != 0)
        return NULL;
    w = word_at(w.at + w.n);
    for (size_t i = 0; i < w.n && n <= UINT16_MAX; i++) {
        if (!is_digit(w.at[i]))
            return "\\# wants a number of bytes";
        n = n * 10 + (uint32_t)(w.at[i] - '0');
    }
    if (w.n == 0 || n > UINT16_MAX)
        return "\\# wants a number of bytes";
    for (w = word_at(w.at + w.n); w.n > 0; w = word_at(w.at + w.n)) {
        if (strspn(w.at, "0123456789abcdefABCDEF") < w.n)
            return "\\# wants hexadecimal digits behind its number";
        digits += w.n;
    }
    if (digits != 2 * (size_t)n)
        return "\\# announces another number of bytes than there are";
    *rdata_bytes = (long)n;
    return NULL;
}

static bool is_port(const char *text, size_t n)
{
    uint32_t v = 0;

    if (n > 1 && text[0] == '"' && text[n - 1] == '"')
        return is_port(text + 1, n - 2);
    for (size_t i = 0; i < n && v <= UINT16_MAX; i++) {
        if (!is_digit(text[i]))
            return false;
        v = v * 10 + (uint32_t)(text[i] - '0');
    }
    return n > 0 && v <= UINT16_MAX;
}

/* ldns takes port=70000 of a SVCB or HTTPS record for 4464. */
static const char *port_problem(struct word type, char *data)
{
    static const char port[] = "port=";
    const size_t n = sizeof(port) - 1;

    if (!(type.n == 4 && strncasecmp(type.at, "SVCB", 4) == 0) &&
        !(type.n == 5 && strncasecmp(type.at, "HTTPS", 5) == 0))
        return NULL;
    for (struct word w = word_at(data); w.n > 0; w = word_at(w.at + w.n)) {
        if (w.n >= n && strncasecmp(w.at, port, n) == 0 && !is_port(w.at + n, w.n - n))
            return "port= wants a number of 0 to 65535";
    }
    return NULL;
}

const char *entry_prepare(char *text, long *rdata_bytes)
{
    struct word class = { 0 };
    struct word w;
    const char *trouble;
    uint32_t ttl_s;

    *rdata_bytes = -1;
    if (text[0] != ' ')
        text += strcspn(text, " ");
    for (w = word_at(text); w.n > 0; w = word_at(w.at + w.n)) {
        if (is_digit(w.at[0])) {
            if (!entry_ttl_parse(w.at, w.n, &ttl_s))
                return "not a TTL of 0 to 2147483647 seconds";
            if (class.n > 0) {
                swap(class, w);
                w = word_at(w.at + w.n);
                break;
            }
        } else if (is_class(w) && class.n == 0) {
            class = w;
        } else {
            break;
        }
    }
    trouble = generic_problem(w.at + w.n, rdata_bytes);
    if (trouble == NULL)
        trouble = number_problem(w, w.at + w.n);
    return trouble != NULL ? trouble : port_problem(w, w.at + w.n);
}
