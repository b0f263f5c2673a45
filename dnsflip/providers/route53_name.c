#include "dnsflip/providers/route53_name.h"

#include <string.h>

#include "dnsflip/base/str.h"

#define ESCAPE_BYTES 4 /* a backslash and three octal digits */

/* The byte that an escape at text stands for, or -1. */
static int escaped(const char *text)
{
    int byte = 0;

    if (text[0] != '\\')
        return -1;
    for (size_t i = 1; i < ESCAPE_BYTES; i++) {
        if (text[i] < '0' || text[i] > '7')
            return -1;
        byte = byte * 8 + (text[i] - '0');
    }
    return byte > 255 ? -1 : byte;
}

static size_t put_escape(unsigned byte, char *out)
{
    out[0] = '\\';
    out[1] = (char)('0' + byte / 64);
    out[2] = (char)('0' + byte / 8 % 8);
    out[3] = (char)('0' + byte % 8);
    return ESCAPE_BYTES;
}

bool route53_name_parse(const char *text, char out[static HOSTNAME_BYTES])
{
    size_t n = 0;

    for (const char *p = text; *p != '\0';) {
        int undone = escaped(p);
        unsigned byte = undone < 0 ? (unsigned char)*p : (unsigned)undone;
        bool is_plain = byte > ' ' && byte < 0x7f && byte != '\\' && (byte != '.' || undone < 0);

        if ((*p == '\\' && undone < 0) || n + (is_plain ? 1 : ESCAPE_BYTES) >= HOSTNAME_BYTES) {
            out[0] = '\0';
            return false;
        }
        if (is_plain)
            out[n++] = str_lower((char)byte);
        else
            n += put_escape(byte, out + n);
        p += undone < 0 ? 1 : ESCAPE_BYTES;
    }
    if (n > 0 && out[n - 1] == '.')
        n--;
    out[n] = '\0';
    return true;
}

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

const char *route53_name_format(const char *name, char out[static ROUTE53_NAME_TEXT_BYTES])
{
    size_t n = 0;

    for (const char *p = name; *p != '\0' && n + ESCAPE_BYTES + 1 < ROUTE53_NAME_TEXT_BYTES;) {
        if (is_bare(*p)) {
            out[n++] = *p++;
        } else if (escaped(p) >= 0) {
            memcpy(out + n, p, ESCAPE_BYTES);
            n += ESCAPE_BYTES;
            p += ESCAPE_BYTES;
        } else {
            n += put_escape((unsigned char)*p++, out + n);
        }
    }
    out[n++] = '.';
    out[n] = '\0';
    return out;
}

bool route53_name_is_in(const char *name, const char *zone)
{
    size_t n = strlen(name), m = strlen(zone);

    return m > 0 && n >= m && strcmp(name + n - m, zone) == 0 && (n == m || name[n - m - 1] == '.');
}
