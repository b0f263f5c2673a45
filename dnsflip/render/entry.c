#include "dnsflip/render/entry.h"

#include <string.h>
#include <strings.h>

#include "dnsflip/base/str.h"
#include "dnsflip/render/entry_rdata.h"

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

        if (!entry_is_digit(text[i]))
            return false;
        for (; i < n && entry_is_digit(text[i]); i++) {
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

static bool is_class(struct entry_word w)
{
    char text[ENTRY_WORD_BYTES];

    if (w.n == 0 || w.n >= sizeof(text))
        return false;
    memcpy(text, w.at, w.n);
    text[w.n] = '\0';
    return str_equal_nocase(text, "IN") || str_equal_nocase(text, "CH") ||
           str_equal_nocase(text, "HS") || str_equal_nocase(text, "CS") ||
           (w.n > 5 && strncasecmp(text, "CLASS", 5) == 0 && entry_is_digit(text[5]));
}

/* Two neighbours change places; ldns knows a TTL only before the class. */
static void swap(struct entry_word first, struct entry_word second)
{
    char copy[2 * ENTRY_WORD_BYTES];
    size_t n = (size_t)(second.at - first.at) + second.n;

    if (first.n >= ENTRY_WORD_BYTES || second.n >= ENTRY_WORD_BYTES)
        return;
    memcpy(copy, second.at, second.n);
    copy[second.n] = ' ';
    memcpy(copy + second.n + 1, first.at, first.n);
    memset(first.at, ' ', n);
    memcpy(first.at, copy, first.n + second.n + 1);
}

/* ldns reads on over what is no hexadecimal digit. */
static const char *generic_problem(char *data, long *rdata_bytes)
{
    struct entry_word w = entry_word_at(data);
    size_t digits = 0;
    uint32_t n = 0;

    *rdata_bytes = -1;
    if (w.n != 2 || memcmp(w.at, "\\#", 2) != 0)
        return NULL;
    w = entry_word_at(w.at + w.n);
    for (size_t i = 0; i < w.n && n <= UINT16_MAX; i++) {
        if (!entry_is_digit(w.at[i]))
            return "\\# wants a number of bytes";
        n = n * 10 + (uint32_t)(w.at[i] - '0');
    }
    if (w.n == 0 || n > UINT16_MAX)
        return "\\# wants a number of bytes";
    for (w = entry_word_at(w.at + w.n); w.n > 0; w = entry_word_at(w.at + w.n)) {
        if (strspn(w.at, "0123456789abcdefABCDEF") < w.n)
            return "\\# wants hexadecimal digits behind its number";
        digits += w.n;
    }
    if (digits != 2 * (size_t)n)
        return "\\# announces another number of bytes than there are";
    *rdata_bytes = (long)n;
    return NULL;
}

const char *entry_prepare(char *text, long *rdata_bytes)
{
    struct entry_word class = { 0 };
    struct entry_word w;
    const char *trouble;
    uint32_t ttl_s;

    *rdata_bytes = -1;
    if (text[0] != ' ')
        text += strcspn(text, " ");
    for (w = entry_word_at(text); w.n > 0; w = entry_word_at(w.at + w.n)) {
        if (entry_is_digit(w.at[0])) {
            if (!entry_ttl_parse(w.at, w.n, &ttl_s))
                return "not a TTL of 0 to 2147483647 seconds";
            if (class.n > 0) {
                swap(class, w);
                w = entry_word_at(w.at + w.n);
                break;
            }
        } else if (is_class(w) && class.n == 0) {
            class = w;
        } else {
            break;
        }
    }
    trouble = generic_problem(w.at + w.n, rdata_bytes);
    return trouble != NULL || *rdata_bytes >= 0 ? trouble : entry_rdata_problem(w, w.at + w.n);
}
