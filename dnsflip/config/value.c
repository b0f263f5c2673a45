#include "dnsflip/config/value.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/model/limits.h"

#define LABEL_BYTES_MAX 63
#define SECOND_MS 1000

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

const char *value_name_problem(const char *text)
{
    size_t n = strlen(text);

    if (n == 0 || n >= NAME_BYTES)
        return "a name has 1 to 63 characters";
    if (!is_lower_or_digit(text[0]) || !is_lower_or_digit(text[n - 1]))
        return "a name begins and ends with a-z or 0-9";
    for (size_t i = 0; i < n; i++) {
        if (!is_lower_or_digit(text[i]) && strchr("-_.", text[i]) == NULL)
            return "a name consists of a-z, 0-9 and inner '-', '_' or '.'";
    }
    return NULL;
}

static const char *label_problem(const char *label, size_t n, bool may_underscore)
{
    if (n == 0)
        return "a label between two dots is empty";
    if (n > LABEL_BYTES_MAX)
        return "a label is longer than 63 characters";
    if (label[0] == '-' || label[n - 1] == '-')
        return "a label begins or ends with '-'";
    for (size_t i = 0; i < n; i++) {
        char c = str_lower(label[i]);

        if (c == '_' && may_underscore)
            continue;
        if (c == '_')
            return "'_' is not allowed in a host name (no certificate can be had for it)";
        if (!is_lower_or_digit(c) && c != '-')
            return "a host name consists of letters, digits, '-' and dots";
    }
    return NULL;
}

const char *value_hostname_problem(const char *text, bool may_underscore)
{
    size_t n = strlen(text);

    if (n > 0 && text[n - 1] == '.')
        n--;
    if (n == 0)
        return "a host name is empty";
    if (n >= HOSTNAME_BYTES - 2)
        return "a host name is longer than 253 characters";

    size_t labels = 0;
    const char *last = text;

    for (size_t start = 0; start <= n; labels++) {
        const char *dot = memchr(text + start, '.', n - start);
        size_t end = dot == NULL ? n : (size_t)(dot - text);
        const char *problem = label_problem(text + start, end - start, may_underscore);

        if (problem != NULL)
            return problem;
        last = text + start;
        start = end + 1;
    }
    if (strspn(last, "0123456789.") == strlen(last))
        return "the last label is a number, so this looks like an address";
    if (labels < 2)
        return "a host name here is written in full, with at least one dot";
    return NULL;
}

bool value_copy_hostname(char *out, size_t cap, const char *text)
{
    bool fits = str_copy(out, cap, text);
    size_t n = strlen(out);

    for (size_t i = 0; i < n; i++)
        out[i] = str_lower(out[i]);
    if (n > 0 && out[n - 1] == '.')
        out[n - 1] = '\0';
    return fits;
}

bool value_join_path(char *out, size_t cap, const char *dir, const char *path)
{
    if (path[0] == '/' || dir[0] == '\0')
        return str_copy(out, cap, path);
    while (str_starts(path, "./"))
        path += 2;
    return str_format(out, cap, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, path);
}

static int store(const struct key_spec *key, void *object, const void *value, size_t n)
{
    assert(key->size == n);
    memcpy((char *)object + key->offset, value, n);
    return 0;
}

static const void *member(const struct key_spec *key, const void *object)
{
    return (const char *)object + key->offset;
}

static int refuse(const struct key_spec *key, const char *text, struct err *err)
{
    struct buf wanted;

    buf_init(&wanted, ERR_TEXT_BYTES);
    value_describe(key, &wanted);
    err_set(err, ERR_CONFIG, "'%.100s' is not %s", text, buf_text(&wanted));
    buf_fini(&wanted);
    return -1;
}

static bool is_in_range(const struct key_spec *key, int64_t value)
{
    return (key->min == 0 && key->max == 0) || (value >= key->min && value <= key->max);
}

static int parse_bool(const struct key_spec *key, const char *text, void *object, struct err *err)
{
    bool value = strcmp(text, "true") == 0;

    if (!value && strcmp(text, "false") != 0)
        return refuse(key, text, err);
    return store(key, object, &value, sizeof(value));
}

static int parse_number(const struct key_spec *key, const char *text, void *object, struct err *err)
{
    uint64_t wide = 0;
    bool is_number = key->type == KEY_SIZE ? str_parse_size(text, UINT32_MAX, &wide)
                                           : str_parse_u64(text, UINT32_MAX, &wide);
    uint32_t value = (uint32_t)wide;

    if (!is_number || !is_in_range(key, (int64_t)wide))
        return refuse(key, text, err);
    return store(key, object, &value, sizeof(value));
}

static int parse_port(const struct key_spec *key, const char *text, void *object, struct err *err)
{
    uint64_t wide = 0;

    if (!str_parse_u64(text, UINT16_MAX, &wide) || wide == 0)
        return refuse(key, text, err);

    uint16_t value = (uint16_t)wide;

    return store(key, object, &value, sizeof(value));
}

static int parse_duration(const struct key_spec *key, const char *text, void *object,
                          struct err *err)
{
    int64_t ms = 0;

    if (!str_parse_duration(text, &ms))
        return refuse(key, text, err);
    if (key->type == KEY_DURATION) {
        if (!is_in_range(key, ms))
            return refuse(key, text, err);
        return store(key, object, &ms, sizeof(ms));
    }
    if (ms % SECOND_MS != 0 || ms / SECOND_MS > INT32_MAX || !is_in_range(key, ms / SECOND_MS))
        return refuse(key, text, err);

    uint32_t seconds = (uint32_t)(ms / SECOND_MS);

    return store(key, object, &seconds, sizeof(seconds));
}

static int parse_enum(const struct key_spec *key, const char *text, void *object, struct err *err)
{
    for (int i = 0; key->words[i] != NULL; i++) {
        if (strcmp(key->words[i], text) == 0)
            return store(key, object, &i, sizeof(i));
    }
    return refuse(key, text, err);
}

static int store_text(const struct key_spec *key, const char *text, void *object, struct err *err)
{
    if (strlen(text) >= key->size)
        return err_set(err, ERR_CONFIG, "the text has %zu bytes, at most %zu are allowed",
                       strlen(text), key->size - 1);
    /* The rest of the member is cleared: equal values are then equal bytes. */
    memset((char *)object + key->offset, 0, key->size);
    memcpy((char *)object + key->offset, text, strlen(text));
    return 0;
}

const char *value_url_path_problem(const char *text)
{
    if (text[0] != '/')
        return "a path begins with '/'";
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}#", *p) != NULL)
            return "a path has no spaces, quotes, braces, '#' or characters that are not ASCII: "
                   "write them as %XX";
    }
    return NULL;
}

static int parse_text(const struct key_spec *key, const char *text, const char *dir, void *object,
                      struct err *err)
{
    char joined[PATH_BYTES];
    const char *stored = text;
    const char *problem = NULL;

    switch (key->type) {
    case KEY_NAME:
        problem = value_name_problem(text);
        break;
    case KEY_HOSTNAME:
        problem = value_hostname_problem(text, true);
        if (problem == NULL && !value_copy_hostname(joined, sizeof(joined), text))
            problem = "a host name is longer than 253 characters";
        stored = joined;
        break;
    case KEY_PATH:
        if (text[0] == '\0')
            break;
        if (!value_join_path(joined, sizeof(joined), dir, text))
            problem = "the path is too long";
        stored = joined;
        break;
    case KEY_URL_PATH:
        problem = value_url_path_problem(text);
        break;
    case KEY_TEXT:
    case KEY_BOOL:
    case KEY_UINT:
    case KEY_DURATION:
    case KEY_TTL:
    case KEY_SIZE:
    case KEY_ENUM:
    case KEY_PORT:
    case KEY_CUSTOM:
        break;
    }
    if (problem != NULL)
        return err_set(err, ERR_CONFIG, "'%.100s': %s", text, problem);
    return store_text(key, stored, object, err);
}

int value_parse(const struct key_spec *key, const char *text, const char *dir, void *object,
                struct err *err)
{
    switch (key->type) {
    case KEY_BOOL:
        return parse_bool(key, text, object, err);
    case KEY_UINT:
    case KEY_SIZE:
        return parse_number(key, text, object, err);
    case KEY_PORT:
        return parse_port(key, text, object, err);
    case KEY_DURATION:
    case KEY_TTL:
        return parse_duration(key, text, object, err);
    case KEY_ENUM:
        return parse_enum(key, text, object, err);
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_HOSTNAME:
    case KEY_PATH:
    case KEY_URL_PATH:
        return parse_text(key, text, dir, object, err);
    case KEY_CUSTOM:
        break;
    }
    assert(key->type != KEY_CUSTOM);
    return -1;
}

bool value_is_word(const char *text)
{
    static const char inner[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_./-%";
    static const char *const not_words[] = { "true", "false", "null", "yes", "no",
                                             "on",   "off",   "y",    "n" };

    if (text[0] == '\0' || strchr("-.%", text[0]) != NULL || text[strspn(text, inner)] != '\0')
        return false;
    for (size_t i = 0; i < sizeof(not_words) / sizeof(not_words[0]); i++) {
        if (str_equal_nocase(text, not_words[i]))
            return false;
    }
    return strspn(text, "0123456789._eE") != strlen(text);
}

void value_quote(const char *text, struct buf *out)
{
    if (value_is_word(text)) {
        buf_puts(out, text);
        return;
    }
    buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

bool value_is_set(const struct key_spec *key, const void *object)
{
    switch (key->type) {
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_HOSTNAME:
    case KEY_PATH:
    case KEY_URL_PATH:
        return ((const char *)member(key, object))[0] != '\0';
    case KEY_BOOL:
    case KEY_UINT:
    case KEY_DURATION:
    case KEY_TTL:
    case KEY_SIZE:
    case KEY_ENUM:
    case KEY_PORT:
        return true;
    case KEY_CUSTOM:
        return false;
    }
    return false;
}

static void format_size(uint32_t bytes, struct buf *out)
{
    static const char *const units[] = { "", "KiB", "MiB", "GiB" };
    size_t unit = 0;

    for (; unit < 3 && bytes > 0 && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    buf_printf(out, "%u%s", bytes, units[unit]);
}

static void format_number(const struct key_spec *key, int64_t value, struct buf *out)
{
    char text[STR_DURATION_BYTES];

    if (key->type == KEY_DURATION)
        buf_puts(out, str_format_duration(value, text));
    else if (key->type == KEY_TTL)
        buf_puts(out, str_format_duration(value * SECOND_MS, text));
    else if (key->type == KEY_SIZE)
        format_size((uint32_t)value, out);
    else
        buf_printf(out, "%lld", (long long)value);
}

static int64_t read_number(const struct key_spec *key, const void *object)
{
    uint16_t port = 0;
    uint32_t small = 0;
    int64_t wide = 0;

    if (key->size == sizeof(port)) {
        memcpy(&port, member(key, object), sizeof(port));
        return port;
    }
    if (key->size == sizeof(small)) {
        memcpy(&small, member(key, object), sizeof(small));
        return small;
    }
    assert(key->size == sizeof(wide));
    memcpy(&wide, member(key, object), sizeof(wide));
    return wide;
}

void value_format(const struct key_spec *key, const void *object, struct buf *out)
{
    bool truth = false;

    switch (key->type) {
    case KEY_BOOL:
        memcpy(&truth, member(key, object), sizeof(truth));
        buf_puts(out, truth ? "true" : "false");
        break;
    case KEY_UINT:
    case KEY_DURATION:
    case KEY_TTL:
    case KEY_SIZE:
    case KEY_PORT:
        format_number(key, read_number(key, object), out);
        break;
    case KEY_ENUM:
        buf_puts(out, key->words[read_number(key, object)]);
        break;
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_HOSTNAME:
    case KEY_PATH:
    case KEY_URL_PATH:
        value_quote(member(key, object), out);
        break;
    case KEY_CUSTOM:
        break;
    }
}

static void describe_range(const struct key_spec *key, const char *what, struct buf *out)
{
    buf_puts(out, what);
    if (key->min == 0 && key->max == 0)
        return;
    buf_puts(out, " from ");
    format_number(key, key->min, out);
    buf_puts(out, " to ");
    format_number(key, key->max, out);
}

static void describe_words(const struct key_spec *key, struct buf *out)
{
    buf_puts(out, "one of ");
    for (size_t i = 0; key->words[i] != NULL; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", key->words[i]);
}

void value_describe(const struct key_spec *key, struct buf *out)
{
    switch (key->type) {
    case KEY_BOOL:
        buf_puts(out, "true or false");
        break;
    case KEY_UINT:
        describe_range(key, "a number", out);
        break;
    case KEY_DURATION:
        describe_range(key, "a duration with its unit", out);
        break;
    case KEY_TTL:
        describe_range(key, "a duration with its unit, in whole seconds,", out);
        break;
    case KEY_SIZE:
        describe_range(key, "a size", out);
        break;
    case KEY_ENUM:
        describe_words(key, out);
        break;
    case KEY_PORT:
        buf_puts(out, "a port from 1 to 65535");
        break;
    case KEY_TEXT:
        buf_printf(out, "a text of at most %zu bytes", key->size - 1);
        break;
    case KEY_NAME:
        buf_puts(out, "a name");
        break;
    case KEY_HOSTNAME:
        buf_puts(out, "a host name");
        break;
    case KEY_PATH:
        buf_puts(out, "a file");
        break;
    case KEY_URL_PATH:
        buf_puts(out, "a path that begins with '/'");
        break;
    case KEY_CUSTOM:
        break;
    }
}
