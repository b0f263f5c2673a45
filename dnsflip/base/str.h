/* dnsflip/base/str.h -- text: bounded copies, strict numbers, durations, nearest word. */
#ifndef DNSFLIP_BASE_STR_H
#define DNSFLIP_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies text into out (cap bytes, cap > 0), always terminated.  False if it was cut. */
bool str_copy(char *out, size_t cap, const char *text);

/* snprintf that returns false if the text was cut. */
bool str_format(char *out, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ASCII only, independent of any locale. */
char str_lower(char c);
bool str_equal_nocase(const char *a, const char *b);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* Whole text as a decimal number 0..max; no sign, no space, nothing behind it. */
bool str_parse_u64(const char *text, uint64_t max, uint64_t *out);

/* "250ms" "5s" "10m" "1h" "2d", also joined ("1h30m"); a unit is required, "0" is allowed.
 * At most 10 years. */
bool str_parse_duration(const char *text, int64_t *out_ms);

/* The shortest text that str_parse_duration reads back as ms, for example "1h30m".  Returns out. */
#define STR_DURATION_BYTES 48
const char *str_format_duration(int64_t ms, char out[static STR_DURATION_BYTES]);

/* "64", "64B", "4KiB", "1MiB", "1GiB". */
bool str_parse_size(const char *text, uint64_t max, uint64_t *out);

/* Edits (insert, delete, replace, swap of neighbours) between a and b; texts longer than 64
 * bytes count as far apart. */
unsigned str_distance(const char *a, const char *b);

/* The word of words[0..n) nearest to text, or NULL if none is within a third of its length
 * (at least 2 edits).  Borrowed from words. */
const char *str_nearest(const char *text, const char *const words[], size_t n);

/* The bytes, 1 to 4, of the UTF-8 character (RFC 3629) that text, n > 0 bytes, starts with; 0 if it
 * starts with none. */
size_t str_utf8_length(const char *text, size_t n);
bool str_is_utf8(const char *text);

/* Hexadecimal, lower case; out holds 2 n + 1 bytes. */
void str_hex(const void *bytes, size_t n, char *out);

/* The n bytes that text, 2n lower-case hex digits, stands for; false if it is anything else. */
bool str_unhex(const char *text, void *bytes, size_t n);

#endif
