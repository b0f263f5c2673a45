/* dnsflip/base/buf.h -- a byte buffer that grows up to a ceiling and no further. */
#ifndef DNSFLIP_BASE_BUF_H
#define DNSFLIP_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* owned; always terminated by a NUL that len does not count; NULL while empty */
    size_t len; /* bytes in use */
    size_t cap; /* bytes allocated */
    size_t max; /* ceiling for len */
    bool is_secret;  /* overwritten before its memory is given back; set it after buf_init */
    bool overflowed; /* an append did not fit under max: it and all later ones were dropped */
};

/* An empty buffer that never holds more than max bytes.  Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);

/* Forget the contents, keep the memory. */
void buf_reset(struct buf *b);

/* All append; false (and overflowed set) if the ceiling would be passed. */
bool buf_add(struct buf *b, const void *bytes, size_t n);
bool buf_puts(struct buf *b, const char *text);
bool buf_putc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* The text as a JSON string, quotes included: control characters escaped, each byte that is not
 * UTF-8 written as '?'. */
void buf_add_json(struct buf *b, const char *text);

/* Drops the first n bytes (n <= len) and moves the rest to the front. */
void buf_consume(struct buf *b, size_t n);

/* The contents as text, "" while empty.  Borrowed: valid until the next append. */
const char *buf_text(const struct buf *b);

#endif
