#include "dnsflip/beacon/request.h"

#include <string.h>

static const char end_of_head[] = "\r\n\r\n";
#define END_BYTES (sizeof(end_of_head) - 1)

/* Length of the request without its empty line, or n if that has not come. */
static size_t head_length(const char *bytes, size_t n)
{
    for (size_t i = 0; i + END_BYTES <= n; i++) {
        if (memcmp(bytes + i, end_of_head, END_BYTES) == 0)
            return i;
    }
    return n;
}

/* Is text[0..n) this word? */
static bool is_word(const char *text, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(text, word, n) == 0;
}

static bool is_method(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] < 'A' || text[i] > 'Z')
            return false;
    }
    return n > 0;
}

static bool is_version(const char *text, size_t n)
{
    return n == 8 && memcmp(text, "HTTP/1.", 7) == 0 && text[7] >= '0' && text[7] <= '9';
}

static bool is_path(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return n > 0 && text[0] == '/';
}

static enum beacon_request_kind read_line(const char *line, size_t n, struct beacon_request *out)
{
    const char *space = memchr(line, ' ', n);
    size_t method_len = space == NULL ? n : (size_t)(space - line);

    if (space == NULL || !is_method(line, method_len))
        return BEACON_REQUEST_MALFORMED;
    const char *path = space + 1;
    size_t left = n - method_len - 1;
    space = memchr(path, ' ', left);
    size_t path_len = space == NULL ? left : (size_t)(space - path);
    if (space == NULL || !is_version(space + 1, left - path_len - 1))
        return BEACON_REQUEST_MALFORMED;
    bool is_head = is_word(line, method_len, "HEAD");
    if (!is_head && !is_word(line, method_len, "GET"))
        return BEACON_REQUEST_OTHER;
    if (!is_path(path, path_len))
        return BEACON_REQUEST_MALFORMED;
    *out = (struct beacon_request){ .is_head = is_head, .path = path, .path_len = path_len };
    return BEACON_REQUEST_WHOLE;
}

enum beacon_request_kind beacon_request_read(const char *bytes, size_t n,
                                             struct beacon_request *out)
{
    size_t limit = n < BEACON_REQUEST_BYTES ? n : BEACON_REQUEST_BYTES;
    size_t head = head_length(bytes, limit);

    if (head == limit)
        return n < BEACON_REQUEST_BYTES ? BEACON_REQUEST_PARTIAL : BEACON_REQUEST_TOO_LONG;
    const char *line_end = memchr(bytes, '\r', head);
    return read_line(bytes, line_end == NULL ? head : (size_t)(line_end - bytes), out);
}
