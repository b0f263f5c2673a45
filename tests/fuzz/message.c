#include "tests/fuzz/message.h"

#define HEADER_BYTES 12
#define NAME_BYTES_MAX 255
#define POINTER_BITS 0xc0
#define RECORD_BYTES 10 /* behind its owner and before its data */

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Where the name at `at` ends; 0 if it is none. */
static size_t skip_name(const uint8_t *m, size_t len, size_t at)
{
    size_t end = 0;
    size_t limit = len; /* a pointer leads before where its part began */
    size_t bytes = 0;
    size_t part = at;

    for (;;) {
        if (at >= limit)
            return 0;
        if ((m[at] & POINTER_BITS) == POINTER_BITS) {
            if (at + 2 > limit)
                return 0;
            if (end == 0)
                end = at + 2;
            at = get16(m + at) & 0x3fff;
            if (at >= part || at < HEADER_BYTES)
                return 0;
            limit = part;
            part = at;
            continue;
        }
        if ((m[at] & POINTER_BITS) != 0)
            return 0;
        bytes += 1U + m[at];
        if (bytes > NAME_BYTES_MAX)
            return 0;
        if (m[at] == 0)
            return end != 0 ? end : at + 1;
        at += 1U + m[at];
    }
}

/* Where the record at `at` ends; 0 if it is none. */
static size_t skip_record(const uint8_t *m, size_t len, size_t at)
{
    at = skip_name(m, len, at);
    if (at == 0 || len - at < RECORD_BYTES)
        return 0;
    at += RECORD_BYTES + get16(m + at + 8);
    return at <= len ? at : 0;
}

bool message_is_whole(const uint8_t *m, size_t len)
{
    size_t at = HEADER_BYTES;
    unsigned records;

    if (len < HEADER_BYTES)
        return false;
    for (unsigned i = get16(m + 4); i > 0; i--) {
        at = skip_name(m, len, at);
        if (at == 0 || len - at < 4)
            return false;
        at += 4;
    }
    records = get16(m + 6) + get16(m + 8) + get16(m + 10);
    for (unsigned i = 0; i < records; i++) {
        at = skip_record(m, len, at);
        if (at == 0)
            return false;
    }
    return at == len;
}
