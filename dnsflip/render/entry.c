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
        ldns_rdf_type field = ldns_rr_descriptor_field_type(d, i);
        uint64_t max = field == LDNS_RDF_TYPE_INT8 ? UINT8_MAX : UINT16_MAX;
        struct word w = word_at(data);
        uint64_t v = 0;

        if ((field != LDNS_RDF_TYPE_INT8 && field != LDNS_RDF_TYPE_INT16) || w.n == 0)
            return NULL;
        if (w.at[0] == '-')
            return "a number below 0";
        if (!is_digit(w.at[0]))
            return NULL;
        for (size_t k = 0; k < w.n && is_digit(w.at[k]); k++) {
            v = v * 10 + (uint64_t)(w.at[k] - '0');
            if (v > max)
                return field == LDNS_RDF_TYPE_INT8
                           ? "a number above 255, more than its field holds"
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

const char *entry_prepare(char *text)
{
    struct word class = { 0 };
    struct word w;
    const char *trouble;
    uint32_t ttl_s;

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
    trouble = number_problem(w, w.at + w.n);
    return trouble != NULL ? trouble : port_problem(w, w.at + w.n);
}
