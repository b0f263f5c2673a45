#include "dnsflip/io/aws_error.h"

#include <stdbool.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_xml.h"

#define CODE_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* From these words on a message tells of the request itself. */
static const char *const private_words[] = {
    "canonical string", "string-to-sign", "string to sign", "authorization=",
    "credential=",      "signature=",     "token:"
};

static void take_code(struct aws_error *out, const char *code)
{
    if (out->code[0] == '\0' && strlen(code) < AWS_CODE_BYTES &&
        strspn(code, CODE_CHARACTERS) == strlen(code))
        str_copy(out->code, AWS_CODE_BYTES, code);
}

static size_t public_length(const char *text)
{
    size_t n = strcspn(text, "\r\n");

    for (size_t i = 0; i < sizeof(private_words) / sizeof(private_words[0]); i++) {
        const char *at = strcasestr(text, private_words[i]);
        if (at != NULL && (size_t)(at - text) < n)
            n = (size_t)(at - text);
    }
    return n;
}

static void add_message(struct aws_error *out, const char *text)
{
    const size_t length = public_length(text);
    size_t used = strlen(out->message);

    if (length == 0)
        return;
    if (used > 0 && used + 2 < AWS_MESSAGE_BYTES) {
        str_copy(out->message + used, AWS_MESSAGE_BYTES - used, "; ");
        used += 2;
    }
    for (size_t i = 0; i < length && used + 1 < AWS_MESSAGE_BYTES; i++) {
        const bool is_printable = text[i] >= ' ' && text[i] <= '~';
        out->message[used++] = (char)(is_printable ? text[i] : '?');
    }
    out->message[used] = '\0';
}

static int on_close(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                    struct err *err)
{
    struct aws_error *out = arg;
    const char *name = path->names[path->depth - 1];
    const char *parent = path->depth > 1 ? path->names[path->depth - 2] : "";

    (void)n;
    (void)err;
    if (strcmp(name, "Code") == 0 && strcmp(parent, "Error") == 0)
        take_code(out, text);
    else if (strcmp(name, "Message") == 0 &&
             (strcmp(parent, "Error") == 0 || strcmp(parent, "Messages") == 0))
        add_message(out, text);
    return 0;
}

/* An error that has an element of its own is named by it: <InvalidChangeBatch>. */
static int on_open(void *arg, const struct aws_xml_path *path, struct err *err)
{
    (void)err;
    if (path->depth == 2 && strcmp(path->names[1], "Messages") == 0 &&
        strcmp(path->names[0], "ErrorResponse") != 0)
        take_code(arg, path->names[0]);
    return 0;
}

static const char *string_of(const struct cJSON *root, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, key));

    return text != NULL ? text : "";
}

/* "com.amazonaws.service#ValidationException:http://..." names ValidationException. */
static void take_type(struct aws_error *out, const char *type)
{
    char code[AWS_CODE_BYTES];
    const char *hash = strchr(type, '#');
    const char *start = hash != NULL ? hash + 1 : type;

    if (strcspn(start, ":") >= sizeof(code))
        return;
    str_copy(code, sizeof(code), start);
    code[strcspn(code, ":")] = '\0';
    take_code(out, code);
}

static void read_json(const char *body, size_t n, struct aws_error *out)
{
    struct cJSON *root = cJSON_ParseWithLength(body, n);

    take_type(out, string_of(root, "__type"));
    take_type(out, string_of(root, "code"));
    add_message(out, string_of(root, "message"));
    if (out->message[0] == '\0')
        add_message(out, string_of(root, "Message"));
    cJSON_Delete(root);
}

void aws_error_read(const char *body, size_t n, const char *error_type, struct aws_error *out)
{
    static const struct aws_xml_handler handler = { .open = on_open, .close = on_close };
    struct err ignored = { 0 };
    size_t i = 0;

    *out = (struct aws_error){ 0 };
    take_type(out, error_type);
    while (i < n && strchr(" \t\r\n", body[i]) != NULL && body[i] != '\0')
        i++;
    if (i < n && body[i] == '{')
        read_json(body + i, n - i, out);
    else if (aws_xml_parse(body, n, &handler, out, &ignored) != 0)
        return; /* what was read before the mistake counts */
}
