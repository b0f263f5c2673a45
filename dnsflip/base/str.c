#include "dnsflip/base/str.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DURATION_MAX_MS (INT64_C(3650) * 24 * 3600 * 1000)
#define DISTANCE_LEN_MAX 64
#define NEAREST_EDITS_MIN 2

bool str_copy(char *out, size_t cap, const char *text)
{
    size_t n = strnlen(text, cap);
    bool fits = n < cap;

    if (!fits)
        n = cap - 1;
    memcpy(out, text, n);
    out[n] = '\0';
    return fits;
}

bool str_format(char *out, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(out, cap, fmt, ap);
    va_end(ap);
    return n >= 0 && (size_t)n < cap;
}

char str_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
    return c;
}

bool str_equal_nocase(const char *a, const char *b)
{
    while (*a != '\0' && str_lower(*a) == str_lower(*b)) {
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t n = strlen(text);
    size_t m = strlen(suffix);

    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

/* The digits at *p as a number up to max; *p is moved behind them. */
static bool number(const char **p, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;

    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        uint64_t digit = (uint64_t)(**p - '0');

        if (digit > max || n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

bool str_parse_u64(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;

    if (!number(&text, max, &n) || *text != '\0')
        return false;
    *out = n;
    return true;
}

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {
    { "d", INT64_C(24) * 3600 * 1000 },
    { "h", INT64_C(3600) * 1000 },
    { "m", INT64_C(60) * 1000 },
    { "s", 1000 },
    { "ms", 1 },
};
#define N_UNITS (sizeof(units) / sizeof(units[0]))

/* The index of the unit named by the letters at *p, or N_UNITS; *p is moved behind them. */
static size_t unit_at(const char **p)
{
    size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz");
    size_t i = 0;

    while (i < N_UNITS && (strlen(units[i].name) != len || memcmp(units[i].name, *p, len) != 0))
        i++;
    *p += len;
    return i;
}

bool str_parse_duration(const char *text, int64_t *out_ms)
{
    uint64_t sum = 0;
    size_t next = 0; /* units come from the largest down, each at most once */

    if (strcmp(text, "0") == 0) {
        *out_ms = 0;
        return true;
    }
    if (*text == '\0')
        return false;
    while (*text != '\0') {
        uint64_t n = 0;

        if (!number(&text, (uint64_t)DURATION_MAX_MS, &n))
            return false;
        size_t i = unit_at(&text);
        if (i < next || i == N_UNITS)
            return false;
        if (n > ((uint64_t)DURATION_MAX_MS - sum) / (uint64_t)units[i].ms)
            return false;
        sum += n * (uint64_t)units[i].ms;
        next = i + 1;
    }
    *out_ms = (int64_t)sum;
    return true;
}

const char *str_format_duration(int64_t ms, char out[static STR_DURATION_BYTES])
{
    uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    size_t len = 0;

    if (ms == 0) {
        (void)str_copy(out, STR_DURATION_BYTES, "0");
        return out;
    }
    if (ms < 0)
        out[len++] = '-';
    for (size_t i = 0; i < N_UNITS; i++) {
        uint64_t n = left / (uint64_t)units[i].ms;

        left %= (uint64_t)units[i].ms;
        if (n == 0)
            continue;
        (void)str_format(out + len, STR_DURATION_BYTES - len, "%llu%s", (unsigned long long)n,
                         units[i].name);
        len += strlen(out + len);
    }
    return out;
}

bool str_parse_size(const char *text, uint64_t max, uint64_t *out)
{
    static const struct {
        const char *name;
        unsigned shift;
    } sizes[] = { { "", 0 }, { "B", 0 }, { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 } };
    uint64_t n = 0;

    if (!number(&text, max, &n))
        return false;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (strcmp(text, sizes[i].name) != 0)
            continue;
        if (n > max >> sizes[i].shift)
            return false;
        *out = n << sizes[i].shift;
        return true;
    }
    return false;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned str_distance(const char *a, const char *b)
{
    size_t n = strnlen(a, DISTANCE_LEN_MAX + 1);
    size_t m = strnlen(b, DISTANCE_LEN_MAX + 1);
    unsigned rows[3][DISTANCE_LEN_MAX + 1] = { { 0 } }; /* row i of the table is rows[i % 3] */

    if (n > DISTANCE_LEN_MAX || m > DISTANCE_LEN_MAX)
        return UINT_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3];
        const unsigned *above2 = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *str_nearest(const char *text, const char *const words[], size_t n)
{
    size_t third = strlen(text) / 3;
    size_t limit = third > NEAREST_EDITS_MIN ? third : NEAREST_EDITS_MIN;
    const char *best = NULL;
    unsigned best_edits = UINT_MAX;

    for (size_t i = 0; i < n; i++) {
        unsigned edits = str_distance(text, words[i]);

        if (edits <= limit && edits < best_edits) {
            best = words[i];
            best_edits = edits;
        }
    }
    return best;
}

size_t str_utf8_length(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t code = p[0] & (0xffU >> (len + 1));

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fU);
    }
    bool is_overlong = (len == 3 && code < 0x800) || (len == 4 && code < 0x10000);
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return is_overlong || is_surrogate || code > 0x10ffff ? 0 : len;
}

bool str_is_utf8(const char *text)
{
    size_t n = strlen(text);

    while (n > 0) {
        size_t len = str_utf8_length(text, n);

        if (len == 0)
            return false;
        text += len;
        n -= len;
    }
    return true;
}

void str_hex(const void *bytes, size_t n, char *out)
{
    static const char letters[] = "0123456789abcdef";
    const unsigned char *in = bytes;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = letters[in[i] >> 4];
        out[2 * i + 1] = letters[in[i] & 15];
    }
    out[2 * n] = '\0';
}

bool str_unhex(const char *text, void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char *out = bytes;

    if (strlen(text) != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *high = strchr(digits, text[2 * i]), *low = strchr(digits, text[2 * i + 1]);

        if (high == NULL || low == NULL)
            return false;
        out[i] = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    return true;
}
