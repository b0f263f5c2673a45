#include "dnsflip/ctl/params.h"

#include <assert.h>
#include <string.h>

#include <openssl/sha.h>

#include "dnsflip/base/str.h"
#include "dnsflip/model/decision.h"

#define PARAMS_MAX 16    /* of one method */
#define OVERRIDES_MAX 32 /* names in one request */
#define DIGEST_TEXT_MAX ((size_t)2 * PROTO_LINE_BYTES_MAX)

_Static_assert(PARAMS_DIGEST_BYTES == 2 * SHA256_DIGEST_LENGTH + 1, "a SHA-256 in hex");

static const char request_id_name[] = "request_id";

static const struct param_spec *find(const struct param_spec specs[], const char *name)
{
    for (const struct param_spec *s = specs; s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static int fail_unknown(const char *what, const char *name, const char *const words[], size_t n,
                        struct proto_error *error)
{
    const char *near = str_nearest(name, words, n);

    if (near != NULL)
        return proto_fail(error, PROTO_INVALID_PARAMS, "unknown %s \"%.64s\"; did you mean \"%s\"?",
                          what, name, near);
    return proto_fail(error, PROTO_INVALID_PARAMS, "unknown %s \"%.64s\"", what, name);
}

static int fail_unknown_param(const struct param_spec specs[], const char *name,
                              struct proto_error *error)
{
    const char *words[PARAMS_MAX];
    size_t n = 0;

    for (const struct param_spec *s = specs; s->name != NULL; s++) {
        assert(n < PARAMS_MAX);
        words[n++] = s->name;
    }
    if (n == 0)
        return proto_fail(error, PROTO_INVALID_PARAMS,
                          "unknown parameter \"%.64s\": this method takes none", name);
    return fail_unknown("parameter", name, words, n, error);
}

uint32_t params_override_bit(const char *name, struct proto_error *error)
{
    const char *words[32];
    size_t n = 0;

    for (unsigned bit = GUARD_RULES; bit < 32; bit++) {
        if (override_name(bit) != NULL && strcmp(name, override_name(bit)) == 0)
            return OVERRIDE_RULE(bit);
    }
    int rule = guard_rule_find(name);
    if (rule >= 0) {
        const struct guard_rule_info *info = guard_rule_info((enum guard_rule)rule);

        if (info->may_override)
            return OVERRIDE_RULE((unsigned)rule);
        (void)proto_fail(error, PROTO_INVALID_PARAMS, "\"%s\" cannot be overridden: %s", name,
                         info->ended_by);
        return 0;
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        if (override_name(bit) != NULL)
            words[n++] = override_name(bit);
    }
    (void)fail_unknown("override", name, words, n, error);
    return 0;
}

static int check_overrides(const struct param_spec *s, const cJSON *v, struct proto_error *error)
{
    if (cJSON_IsString(v))
        return params_override_bit(v->valuestring, error) != 0 ? 0 : -1;
    if (!cJSON_IsArray(v) || cJSON_GetArraySize(v) > OVERRIDES_MAX)
        return proto_fail(error, PROTO_INVALID_PARAMS,
                          "\"%s\" must be the name of a guard or a list of at most %d of them",
                          s->name, OVERRIDES_MAX);
    for (const cJSON *item = v->child; item != NULL; item = item->next) {
        if (!cJSON_IsString(item))
            return proto_fail(error, PROTO_INVALID_PARAMS, "\"%s\" holds what is not a string",
                              s->name);
        if (params_override_bit(item->valuestring, error) == 0)
            return -1;
    }
    return 0;
}

static int check_text(const struct param_spec *s, const cJSON *v, struct proto_error *error)
{
    if (!cJSON_IsString(v))
        return proto_fail(error, PROTO_INVALID_PARAMS, "\"%s\" must be a string", s->name);
    size_t len = strlen(v->valuestring);
    if (len == 0)
        return proto_fail(error, PROTO_INVALID_PARAMS, "\"%s\" is empty: leave it out instead",
                          s->name);
    if ((double)len > s->max)
        return proto_fail(error, PROTO_INVALID_PARAMS,
                          "\"%s\" is %zu bytes long, the limit is %.0f", s->name, len, s->max);
    for (const char *p = v->valuestring; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return proto_fail(error, PROTO_INVALID_PARAMS, "\"%s\" holds a control character",
                              s->name);
    }
    return 0;
}

static int check_number(const struct param_spec *s, const cJSON *v, double min,
                        struct proto_error *error)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= min && v->valuedouble <= s->max) ||
        (double)(int64_t)v->valuedouble != v->valuedouble)
        return proto_fail(error, PROTO_INVALID_PARAMS,
                          "\"%s\" must be a whole number from %.0f to %.0f", s->name, min, s->max);
    return 0;
}

static int check_duration(const struct param_spec *s, const cJSON *v, struct proto_error *error)
{
    int64_t ms;

    if (!cJSON_IsString(v) || !str_parse_duration(v->valuestring, &ms))
        return proto_fail(error, PROTO_INVALID_PARAMS,
                          "\"%s\" must be a duration with its unit in a string, such as \"30m\"",
                          s->name);
    return 0;
}

static int check_word(const struct param_spec *s, const cJSON *v, struct proto_error *error)
{
    size_t n = 0;

    for (; s->words[n] != NULL; n++) {
        if (cJSON_IsString(v) && strcmp(v->valuestring, s->words[n]) == 0)
            return 0;
    }
    if (!cJSON_IsString(v))
        return proto_fail(error, PROTO_INVALID_PARAMS, "\"%s\" must be a string", s->name);
    return fail_unknown(s->name, v->valuestring, s->words, n, error);
}

static int check_pairs(const struct param_spec *s, const cJSON *v, struct proto_error *error)
{
    const cJSON *item;

    if (!cJSON_IsArray(v))
        return proto_fail(error, PROTO_INVALID_PARAMS, "\"%s\" must be a list of strings", s->name);
    cJSON_ArrayForEach(item, v)
    {
        const char *text = cJSON_IsString(item) ? item->valuestring : "";
        const char *equals = strchr(text, '=');
        size_t left = equals == NULL ? 0 : (size_t)(equals - text);
        size_t right = equals == NULL ? 0 : strlen(equals + 1);

        if (left == 0 || right == 0 || (double)left > s->max || (double)right > s->max)
            return proto_fail(error, PROTO_INVALID_PARAMS,
                              "\"%s\" holds \"%.64s\", which is not NAME=NAME", s->name, text);
    }
    return 0;
}

static int check_value(const struct param_spec *s, const cJSON *v, struct proto_error *error)
{
    switch (s->type) {
    case PARAM_TEXT:
        return check_text(s, v, error);
    case PARAM_BOOL:
        return cJSON_IsBool(v) ? 0
                               : proto_fail(error, PROTO_INVALID_PARAMS,
                                            "\"%s\" must be true or false", s->name);
    case PARAM_COUNT:
        return check_number(s, v, 1, error);
    case PARAM_SEQ:
        return check_number(s, v, 0, error);
    case PARAM_DURATION:
        return check_duration(s, v, error);
    case PARAM_WORD:
        return check_word(s, v, error);
    case PARAM_OVERRIDES:
        return check_overrides(s, v, error);
    case PARAM_PAIRS:
        return check_pairs(s, v, error);
    }
    return -1;
}

int params_check(const cJSON *params, const struct param_spec specs[], struct proto_error *error)
{
    for (const cJSON *p = params != NULL ? params->child : NULL; p != NULL; p = p->next) {
        const struct param_spec *s = find(specs, p->string);

        if (s == NULL)
            return fail_unknown_param(specs, p->string, error);
        if (check_value(s, p, error) != 0)
            return -1;
    }
    for (const struct param_spec *s = specs; s->name != NULL; s++) {
        if (s->is_required && cJSON_GetObjectItemCaseSensitive(params, s->name) == NULL)
            return proto_fail(error, PROTO_INVALID_PARAMS, "parameter \"%s\" is missing", s->name);
    }
    return 0;
}

const char *params_text(const cJSON *params, const char *name, const char *fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(params, name);

    return v != NULL ? v->valuestring : fallback;
}

bool params_bool(const cJSON *params, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(params, name));
}

double params_number(const cJSON *params, const char *name, double fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(params, name);

    return v != NULL ? v->valuedouble : fallback;
}

int64_t params_duration_ms(const cJSON *params, const char *name, int64_t fallback)
{
    const char *text = params_text(params, name, NULL);
    int64_t ms;

    return text != NULL && str_parse_duration(text, &ms) ? ms : fallback;
}

int params_word(const cJSON *params, const char *name, const char *const words[], int fallback)
{
    const char *text = params_text(params, name, NULL);

    for (int i = 0; text != NULL && words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
    }
    return fallback;
}

uint32_t params_overrides(const cJSON *params, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(params, name);
    struct proto_error ignored;
    uint32_t set = 0;

    if (cJSON_IsString(v))
        return params_override_bit(v->valuestring, &ignored);
    for (const cJSON *item = v != NULL ? v->child : NULL; item != NULL; item = item->next)
        set |= params_override_bit(item->valuestring, &ignored);
    return set;
}

size_t params_pairs(const cJSON *params, const char *name)
{
    return (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(params, name));
}

void params_pair(const cJSON *params, const char *name, size_t n, char *left, char *right,
                 size_t cap)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(params, name);
    const char *text = cJSON_GetArrayItem(list, (int)n)->valuestring;
    const char *equals = strchr(text, '=');

    (void)str_format(left, cap, "%.*s", (int)(equals - text), text);
    (void)str_copy(right, cap, equals + 1);
}

/* In one form only, however it was written: sets as bits, durations in milliseconds. */
static void digest_value(struct buf *text, const struct param_spec *s, const cJSON *params)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(params, s->name);

    switch (s->type) {
    case PARAM_OVERRIDES:
        (void)buf_printf(text, "%u", params_overrides(params, s->name));
        return;
    case PARAM_DURATION:
        (void)buf_printf(text, "%lld", (long long)params_duration_ms(params, s->name, 0));
        return;
    case PARAM_COUNT:
    case PARAM_SEQ:
        (void)buf_printf(text, "%.0f", v->valuedouble);
        return;
    case PARAM_BOOL:
        (void)buf_puts(text, "true");
        return;
    case PARAM_PAIRS:
        for (const cJSON *item = v->child; item != NULL; item = item->next)
            (void)buf_printf(text, "%s,", item->valuestring);
        return;
    case PARAM_TEXT:
    case PARAM_WORD:
        (void)buf_puts(text, v->valuestring);
        return;
    }
}

void params_digest(const char *method, const cJSON *params, const struct param_spec specs[],
                   char out[static PARAMS_DIGEST_BYTES])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct buf text;

    buf_init(&text, DIGEST_TEXT_MAX);
    (void)buf_printf(&text, "%s\n", method);
    for (const struct param_spec *s = specs; s->name != NULL; s++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(params, s->name);

        /* "false" is what leaving it out means. */
        if (v == NULL || cJSON_IsFalse(v) || strcmp(s->name, request_id_name) == 0)
            continue;
        (void)buf_printf(&text, "%s=", s->name);
        digest_value(&text, s, params);
        (void)buf_putc(&text, '\n');
    }
    assert(!text.overflowed);
    (void)SHA256((const unsigned char *)buf_text(&text), text.len, digest);
    str_hex(digest, sizeof(digest), out);
    buf_fini(&text);
}
