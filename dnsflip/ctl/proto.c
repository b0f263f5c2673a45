#include "dnsflip/ctl/proto.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "dnsflip/base/str.h"

#define ID_NUMBER_MAX 9007199254740991.0 /* 2^53 - 1: every integer up to it is exact */

static const char *const members[] = { "jsonrpc", "id", "method", "params" };

__attribute__((format(printf, 3, 0))) static void set_error(struct proto_error *error, int code,
                                                            const char *fmt, va_list ap)
{
    *error = (struct proto_error){ .code = code };
    (void)vsnprintf(error->text, sizeof(error->text), fmt, ap);
}

int proto_fail(struct proto_error *error, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_error(error, code, fmt, ap);
    va_end(ap);
    return -1;
}

int proto_fail_exit(struct proto_error *error, int exit, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_error(error, PROTO_EXIT_BASE - exit, fmt, ap);
    va_end(ap);
    return -1;
}

/* Bytes of the UTF-8 sequence at p (n left), 0 if it is none: overlong forms, surrogates and what
 * lies above U+10FFFF are none. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max;
        size_t length;
    } forms[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };

    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (p[0] < forms[i].first_min || p[0] > forms[i].first_max || n < forms[i].length)
            continue;
        if (p[1] < forms[i].second_min || p[1] > forms[i].second_max)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++) {
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}

/* What cJSON lets pass and we do not: control characters, bytes that are not UTF-8, and a
 * backslash-u0000, which would end a C string early.  NULL = nothing found. */
static const char *text_problem(const char *line, size_t len)
{
    const unsigned char *p = (const unsigned char *)line;

    for (size_t i = 0; i < len;) {
        if ((p[i] < 0x20 && p[i] != '\t' && p[i] != '\r') || p[i] == 0x7f)
            return "a control character";
        if (p[i] == '\\' && i + 1 < len) {
            if (len - i >= 6 && memcmp(p + i, "\\u0000", 6) == 0)
                return "an escaped NUL";
            i += 2;
            continue;
        }
        size_t n = utf8_length(p + i, len - i);
        if (n == 0)
            return "bytes that are not UTF-8";
        i += n;
    }
    return NULL;
}

static const char *repeated_key(const cJSON *object)
{
    for (const cJSON *a = object->child; a != NULL; a = a->next) {
        for (const cJSON *b = a->next; b != NULL; b = b->next) {
            if (strcmp(a->string, b->string) == 0)
                return a->string;
        }
    }
    return NULL;
}

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
            return false;
    }
    return true;
}

static int read_id(const cJSON *root, struct proto_request *out, struct proto_error *error)
{
    cJSON *id = cJSON_GetObjectItemCaseSensitive(root, "id");
    char text[PROTO_ID_BYTES];

    if (id == NULL)
        return proto_fail(
            error, PROTO_INVALID_REQUEST,
            "the request has no \"id\": every request is answered, so each needs one");
    if (cJSON_IsNumber(id)) {
        double number = id->valuedouble;

        if (!(number >= -ID_NUMBER_MAX && number <= ID_NUMBER_MAX) ||
            (double)(int64_t)number != number)
            return proto_fail(error, PROTO_INVALID_REQUEST,
                              "\"id\" is a number, but not an integer below 2^53");
        /* Not by cJSON: from 10^15 on it writes fewer digits than there are. */
        (void)str_format(out->id, sizeof(out->id), "%.0f", number);
        return 0;
    }
    if (!cJSON_IsString(id) && !cJSON_IsNull(id))
        return proto_fail(error, PROTO_INVALID_REQUEST,
                          "\"id\" must be a string, an integer or null");
    if (!cJSON_PrintPreallocated(id, text, sizeof(text), 0))
        return proto_fail(error, PROTO_INVALID_REQUEST, "\"id\" is longer than %d bytes",
                          PROTO_ID_BYTES - 1);
    memcpy(out->id, text, sizeof(out->id));
    return 0;
}

static int check_members(const cJSON *root, struct proto_error *error)
{
    for (const cJSON *m = root->child; m != NULL; m = m->next) {
        bool is_known = false;

        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
            is_known = is_known || strcmp(m->string, members[i]) == 0;
        if (is_known)
            continue;
        const char *near = str_nearest(m->string, members, sizeof(members) / sizeof(members[0]));
        return proto_fail(error, PROTO_INVALID_REQUEST, "unknown member \"%.64s\"%s%s%s", m->string,
                          near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                          near != NULL ? "\"?" : "");
    }
    const char *twice = repeated_key(root);
    if (twice != NULL)
        return proto_fail(error, PROTO_INVALID_REQUEST, "\"%.64s\" is there twice", twice);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "jsonrpc");
    if (!cJSON_IsString(version) || strcmp(version->valuestring, "2.0") != 0)
        return proto_fail(error, PROTO_INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"");
    return 0;
}

static int read_call(const cJSON *root, struct proto_request *out, struct proto_error *error)
{
    const cJSON *method = cJSON_GetObjectItemCaseSensitive(root, "method");
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(root, "params");

    if (!cJSON_IsString(method))
        return proto_fail(error, PROTO_INVALID_REQUEST, "\"method\" must be a string");
    if (params != NULL && !cJSON_IsObject(params))
        return proto_fail(error, PROTO_INVALID_PARAMS,
                          "\"params\" must be an object: parameters have names here");
    const char *twice = params != NULL ? repeated_key(params) : NULL;
    if (twice != NULL)
        return proto_fail(error, PROTO_INVALID_PARAMS, "parameter \"%.64s\" is there twice", twice);
    out->method = method->valuestring;
    out->params = params;
    return 0;
}

int proto_parse(const char *line, size_t len, struct proto_request *out, struct proto_error *error)
{
    const char *end = NULL;

    *out = (struct proto_request){ .id = "null" };
    const char *problem = text_problem(line, len);
    if (problem != NULL)
        return proto_fail(error, PROTO_PARSE_ERROR, "the line holds %s", problem);
    cJSON *root = cJSON_ParseWithLengthOpts(line, len, &end, 0);
    if (root == NULL)
        return proto_fail(error, PROTO_PARSE_ERROR, "not JSON: one object a line is expected");
    if (!is_blank(end, len - (size_t)(end - line))) {
        cJSON_Delete(root);
        return proto_fail(error, PROTO_PARSE_ERROR, "more than one JSON value on the line");
    }
    int result;
    if (cJSON_IsArray(root))
        result = proto_fail(error, PROTO_INVALID_REQUEST,
                            "batches are not supported: send one object a line");
    else if (!cJSON_IsObject(root))
        result = proto_fail(error, PROTO_INVALID_REQUEST, "a request must be an object");
    else if ((result = read_id(root, out, error)) == 0 &&
             (result = check_members(root, error)) == 0)
        result = read_call(root, out, error);
    if (result != 0) {
        cJSON_Delete(root);
        out->method = NULL;
        out->params = NULL;
        return -1;
    }
    out->root = root;
    return 0;
}

void proto_request_fini(struct proto_request *request)
{
    cJSON_Delete(request->root);
    *request = (struct proto_request){ .id = "null" };
}

static void add_json(struct buf *out, const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);

    assert(text != NULL);
    (void)buf_puts(out, text);
    cJSON_free(text);
}

void proto_add_result(struct buf *out, const char *id, const cJSON *result)
{
    (void)buf_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":", id);
    add_json(out, result);
    (void)buf_puts(out, "}\n");
}

void proto_add_error(struct buf *out, const char *id, const struct proto_error *error)
{
    cJSON *object = cJSON_CreateObject();

    (void)cJSON_AddNumberToObject(object, "code", error->code);
    (void)cJSON_AddStringToObject(object, "message", error->text);
    if (error->rule[0] != '\0' || error->operation[0] != '\0') {
        cJSON *data = cJSON_AddObjectToObject(object, "data");

        if (error->rule[0] != '\0') {
            (void)cJSON_AddStringToObject(data, "rule", error->rule);
            if (error->may_override)
                (void)cJSON_AddStringToObject(data, "override", error->rule);
            else
                (void)cJSON_AddNullToObject(data, "override");
        }
        if (error->operation[0] != '\0')
            (void)cJSON_AddStringToObject(data, "operation", error->operation);
    }
    (void)buf_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":", id);
    add_json(out, object);
    (void)buf_puts(out, "}\n");
    cJSON_Delete(object);
}

void proto_add_event(struct buf *out, const char *method, const cJSON *params)
{
    (void)buf_printf(out, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":", method);
    add_json(out, params);
    (void)buf_puts(out, "}\n");
}
