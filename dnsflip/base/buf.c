#include "dnsflip/base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define FIRST_CAP_BYTES 256

void buf_init(struct buf *b, size_t max)
{
    assert(max < SIZE_MAX);
    *b = (struct buf){ .max = max };
}

void buf_fini(struct buf *b)
{
    if (b->is_secret && b->data != NULL)
        explicit_bzero(b->data, b->cap);
    mem_free(b->data);
    *b = (struct buf){ .max = b->max, .is_secret = b->is_secret };
}

void buf_reset(struct buf *b)
{
    if (b->is_secret && b->data != NULL)
        explicit_bzero(b->data, b->cap);
    b->len = 0;
    b->overflowed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

/* As mem_resize, which would leave a copy of a secret where it was. */
static void grow(struct buf *b, size_t cap)
{
    if (!b->is_secret) {
        b->data = mem_resize(b->data, cap, 1);
    } else {
        char *data = mem_zalloc(cap);
        if (b->data != NULL) {
            memcpy(data, b->data, b->len + 1);
            explicit_bzero(b->data, b->cap);
            mem_free(b->data);
        }
        b->data = data;
    }
    b->cap = cap;
}

/* Room for n more bytes and the NUL, or false with overflowed set. */
static bool reserve(struct buf *b, size_t n)
{
    if (b->overflowed || n > b->max - b->len) {
        b->overflowed = true;
        return false;
    }
    size_t need = b->len + n + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP_BYTES;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    grow(b, cap);
    return true;
}

bool buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (!reserve(b, n))
        return false;
    if (n > 0)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
    return true;
}

bool buf_puts(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

bool buf_putc(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    bool done = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return done;
}

bool buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    assert(n >= 0);
    bool fits = reserve(b, (size_t)n);
    if (fits) {
        int m = vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);

        assert(m == n);
        b->len += (size_t)m;
    }
    va_end(again);
    return fits;
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n + 1);
    if (b->is_secret)
        explicit_bzero(b->data + b->len - n + 1, n);
    b->len -= n;
}

const char *buf_text(const struct buf *b)
{
    return b->data != NULL ? b->data : "";
}

void buf_add_json(struct buf *b, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = strlen(text);

    buf_putc(b, '"');
    while (n > 0) {
        size_t len = str_utf8_length((const char *)p, n);

        /* One byte for one byte: a text that fitted before still fits when it is read. */
        if (len == 0)
            buf_putc(b, '?');
        else if (p[0] == '"' || p[0] == '\\')
            buf_printf(b, "\\%c", p[0]);
        else if (p[0] < 0x20 || p[0] == 0x7f)
            buf_printf(b, "\\u%04x", p[0]);
        else
            buf_add(b, p, len);
        p += len > 0 ? len : 1;
        n -= len > 0 ? len : 1;
    }
    buf_putc(b, '"');
}
