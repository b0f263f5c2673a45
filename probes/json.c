#include "probes/json.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/str.h"

#define INDEX_MAX 1000000 /* of an array element in a pointer */

struct cJSON *json_parse(const char *text, size_t n)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, n, &end, 0);
    if (root == NULL)
        return NULL;
    while (end < text + n && (*end == ' ' || *end == '\t' || *end == '\r' || *end == '\n'))
        end++;
    if (end == text + n)
        return root;
    cJSON_Delete(root);
    return NULL;
}

/* The reference token at *pointer, unescaped into out; *pointer moves behind it. */
static bool take_token(const char **pointer, char *out, size_t cap)
{
    const char *p = *pointer + 1; /* behind the '/' */
    size_t n = 0;
    for (; *p != '\0' && *p != '/'; p++) {
        char c = *p;
        if (c == '~') {
            p++;
            if (*p != '0' && *p != '1')
                return false;
            c = *p == '0' ? '~' : '/';
        }
        if (n + 1 >= cap)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    *pointer = p;
    return true;
}

static const cJSON *child_of(const cJSON *node, const char *token)
{
    uint64_t index = 0;
    if (cJSON_IsObject(node))
        return cJSON_GetObjectItemCaseSensitive(node, token);
    if (!cJSON_IsArray(node) || (token[0] == '0' && token[1] != '\0') ||
        !str_parse_u64(token, INDEX_MAX, &index))
        return NULL;
    return cJSON_GetArrayItem(node, (int)index);
}

const struct cJSON *json_at(const struct cJSON *root, const char *pointer)
{
    const cJSON *node = root;
    char token[sizeof(((struct json_rule *)0)->pointer)];
    while (*pointer != '\0' && node != NULL) {
        if (*pointer != '/' || !take_token(&pointer, token, sizeof token))
            return NULL;
        node = child_of(node, token);
    }
    return node;
}

const char *json_pointer_problem(const char *text)
{
    char token[sizeof(((struct json_rule *)0)->pointer)];
    while (*text != '\0') {
        if (*text != '/')
            return "a JSON pointer is empty or starts with '/'";
        if (!take_token(&text, token, sizeof token))
            return "in a JSON pointer '~' stands before 0 or 1 only";
    }
    return NULL;
}

static bool equals(const cJSON *node, const struct json_rule *rule)
{
    switch (rule->type) {
    case JSON_RULE_STRING:
        return cJSON_IsString(node) && strcmp(node->valuestring, rule->text) == 0;
    case JSON_RULE_NUMBER:
        return cJSON_IsNumber(node) && !(node->valuedouble < rule->number) &&
               !(node->valuedouble > rule->number);
    case JSON_RULE_BOOL:
        return cJSON_IsBool(node) && cJSON_IsTrue(node) == (rule->truth ? 1 : 0);
    case JSON_RULE_NULL:
        return cJSON_IsNull(node);
    }
    return false;
}

static void format_expected(const struct json_rule *rule, char *out, size_t cap)
{
    switch (rule->type) {
    case JSON_RULE_STRING:
        str_format(out, cap, "\"%s\"", rule->text);
        return;
    case JSON_RULE_NUMBER:
        str_format(out, cap, "%.15g", rule->number);
        return;
    case JSON_RULE_BOOL:
        str_copy(out, cap, rule->truth ? "true" : "false");
        return;
    case JSON_RULE_NULL:
        str_copy(out, cap, "null");
        return;
    }
}

static void format_found(const cJSON *node, char *out, size_t cap)
{
    if (node == NULL)
        str_copy(out, cap, "missing");
    else if (cJSON_IsString(node))
        str_format(out, cap, "\"%s\"", node->valuestring);
    else if (cJSON_IsNumber(node))
        str_format(out, cap, "%.15g", node->valuedouble);
    else if (cJSON_IsBool(node))
        str_copy(out, cap, cJSON_IsTrue(node) ? "true" : "false");
    else if (cJSON_IsNull(node))
        str_copy(out, cap, "null");
    else
        str_copy(out, cap, cJSON_IsArray(node) ? "an array" : "an object");
}

bool json_rule_holds(const struct cJSON *root, const struct json_rule *rule, char *detail,
                     size_t cap)
{
    const cJSON *node = json_at(root, rule->pointer);
    if (node != NULL && equals(node, rule))
        return true;
    char found[40];
    char expected[40];
    format_found(node, found, sizeof found);
    format_expected(rule, expected, sizeof expected);
    str_format(detail, cap, "%s is %s, expected %s", rule->pointer, found, expected);
    return false;
}
