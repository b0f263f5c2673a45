#include "dnsflip/io/aws_document.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_xml.h"

void aws_keys_fini(struct aws_keys *keys)
{
    secret_free(keys->secret_key);
    secret_free(keys->session_token);
    *keys = (struct aws_keys){ 0 };
}

/* It goes into a header as it is. */
static bool is_key_id(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n >= AWS_ACCESS_KEY_ID_BYTES)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == ',' || text[i] == '/')
            return false;
    }
    return true;
}

static bool is_header_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~')
            return false;
    }
    return true;
}

int aws_keys_init(struct aws_keys *keys, const char *access_key_id, const char *secret_key,
                  const char *token, const char *expiration, struct err *err)
{
    *keys = (struct aws_keys){ 0 };
    if (!is_key_id(access_key_id))
        return err_set(err, ERR_CONFIG, "the access key id is not 1 to %d letters and digits",
                       AWS_ACCESS_KEY_ID_BYTES - 1);
    if (secret_key == NULL || secret_key[0] == '\0')
        return err_set(err, ERR_CONFIG, "there is an access key id and no secret access key");
    if (strlen(secret_key) > SECRET_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the secret access key is longer than %d bytes",
                       SECRET_BYTES_MAX);
    bool has_token = token != NULL && token[0] != '\0';
    if (has_token && (strlen(token) > SECRET_BYTES_MAX || !is_header_text(token)))
        return err_set(err, ERR_LIMIT,
                       "the session token is longer than %d bytes, or holds a byte that no header "
                       "may",
                       SECRET_BYTES_MAX);
    struct err time_err;
    if (expiration != NULL && expiration[0] != '\0' &&
        wall_parse(expiration, &keys->expires, &time_err) != 0)
        return err_set(err, ERR_CONFIG, "the expiration is not a time like 2026-11-23T03:04:05Z");
    str_copy(keys->access_key_id, sizeof keys->access_key_id, access_key_id);
    keys->secret_key = secret_new(secret_key, strlen(secret_key));
    if (has_token)
        keys->session_token = secret_new(token, strlen(token));
    return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void wipe(cJSON *item)
{
    for (; item != NULL; item = item->next) {
        if (item->valuestring != NULL)
            explicit_bzero(item->valuestring, strlen(item->valuestring));
        wipe(item->child); /* cJSON nests no deeper than CJSON_NESTING_LIMIT */
    }
}

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* Present, and no text or an empty one: not "none". */
static bool is_void(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    const char *text = cJSON_GetStringValue(item);
    return item != NULL && !cJSON_IsNull(item) && (text == NULL || text[0] == '\0');
}

static int from_object(const cJSON *object, bool is_process, struct aws_keys *keys, struct err *err)
{
    const char *code = text_of(object, "Code");
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(object, "Version");
    if (!cJSON_IsObject(object))
        return err_set(err, ERR_REMOTE, "the answer is not a JSON object");
    if (is_process &&
        (!cJSON_IsNumber(version) || version->valuedouble < 1 || version->valuedouble > 1))
        return err_set(err, ERR_REMOTE, "the answer has no \"Version\": 1");
    if (!is_process && code != NULL && strcmp(code, "Success") != 0)
        return err_set(err, ERR_REMOTE, "the answer has a \"Code\" other than \"Success\"");
    const char *id = text_of(object, "AccessKeyId");
    const char *secret = text_of(object, "SecretAccessKey");
    const char *token_key = is_process ? "SessionToken" : "Token";
    const char *token = text_of(object, token_key);
    const char *expiration = text_of(object, "Expiration");
    if (id == NULL || secret == NULL)
        return err_set(err, ERR_REMOTE, "the answer has no %s",
                       id == NULL ? "AccessKeyId" : "SecretAccessKey");
    if (!is_process && (token == NULL || expiration == NULL))
        return err_set(err, ERR_REMOTE, "the answer has no %s",
                       token == NULL ? "Token" : "Expiration");
    if (is_void(object, "Expiration") || (!is_process && token[0] == '\0'))
        return err_set(err, ERR_REMOTE, "the answer's %s is empty or no text",
                       is_void(object, "Expiration") ? "Expiration" : token_key);
    if (aws_keys_init(keys, id, secret, token, expiration, err) != 0) {
        err->code = ERR_REMOTE;
        return err_wrap(err, "the answer");
    }
    return 0;
}

int aws_document_json(const char *text, size_t n, bool is_process, struct aws_keys *keys,
                      struct err *err)
{
    *keys = (struct aws_keys){ 0 };
    if (n > AWS_DOCUMENT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the answer is longer than %d bytes",
                       AWS_DOCUMENT_BYTES_MAX);
    /* cJSON would take a text to end there. */
    if (memchr(text, '\0', n) != NULL)
        return err_set(err, ERR_REMOTE, "the answer holds a NUL byte");
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text, n, &end, 0);
    if (json == NULL)
        return err_set(err, ERR_REMOTE, "the answer is not JSON");
    while (end < text + n && strchr(" \t\r\n", *end) != NULL)
        end++;
    int rc = end == text + n ? from_object(json, is_process, keys, err)
                             : err_set(err, ERR_REMOTE, "the answer goes on behind its JSON");
    wipe(json);
    cJSON_Delete(json);
    return rc;
}

/* ---- XML of STS ------------------------------------------------------------------------------ */

struct sts {
    struct secret *id, *secret, *token, *expiration; /* owned, NULL = not seen */
    char code[AWS_STS_CODE_BYTES];
};

static int on_close(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                    struct err *err)
{
    struct sts *sts = arg;
    static const char response[] = "Response"; /* AssumeRoleResponse and its sibling */
    if (aws_xml_is(path, "ErrorResponse/Error/Code"))
        str_copy(sts->code, sizeof sts->code, text);
    if (path->depth != 4 || !str_ends(path->names[0], response) ||
        !str_ends(path->names[1], "Result") || strcmp(path->names[2], "Credentials") != 0)
        return 0;
    struct {
        const char *name;
        struct secret **out;
    } fields[] = { { "AccessKeyId", &sts->id },
                   { "SecretAccessKey", &sts->secret },
                   { "SessionToken", &sts->token },
                   { "Expiration", &sts->expiration } };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(path->names[3], fields[i].name) != 0)
            continue;
        if (*fields[i].out != NULL || n > SECRET_BYTES_MAX)
            return err_set(err, ERR_REMOTE, "the answer's %s comes twice or is too long",
                           fields[i].name);
        *fields[i].out = secret_new(text, n);
    }
    return 0;
}

static void sts_fini(struct sts *sts)
{
    secret_free(sts->id);
    secret_free(sts->secret);
    secret_free(sts->token);
    secret_free(sts->expiration);
}

int aws_document_sts(const char *text, size_t n, struct aws_keys *keys, struct err *err)
{
    static const struct aws_xml_handler handler = { .close = on_close };
    struct sts sts = { 0 };
    *keys = (struct aws_keys){ 0 };
    int rc =
        n <= AWS_DOCUMENT_BYTES_MAX
            ? aws_xml_parse(text, n, &handler, &sts, err)
            : err_set(err, ERR_LIMIT, "the answer is longer than %d bytes", AWS_DOCUMENT_BYTES_MAX);
    if (rc == 0 &&
        (sts.id == NULL || sts.secret == NULL || sts.token == NULL || sts.expiration == NULL))
        rc = err_set(err, ERR_REMOTE,
                     "the answer lacks one of AccessKeyId, SecretAccessKey, SessionToken, "
                     "Expiration");
    if (rc == 0) {
        rc = aws_keys_init(keys, secret_reveal(sts.id), secret_reveal(sts.secret),
                           secret_reveal(sts.token), secret_reveal(sts.expiration), err);
        if (rc == 0 && keys->expires.ms == 0) {
            aws_keys_fini(keys);
            rc = err_set(err, ERR_REMOTE, "the answer has an empty Expiration");
        }
        if (rc != 0)
            err->code = ERR_REMOTE;
    }
    sts_fini(&sts);
    return rc;
}

void aws_document_code(const char *text, size_t n, char code[static AWS_STS_CODE_BYTES])
{
    static const struct aws_xml_handler handler = { .close = on_close };
    struct sts sts = { 0 };
    struct err err;
    code[0] = '\0';
    if (n <= AWS_DOCUMENT_BYTES_MAX && aws_xml_parse(text, n, &handler, &sts, &err) == 0) {
        for (const char *c = sts.code; *c != '\0'; c++) {
            bool is_word = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || *c == '.';
            if (!is_word)
                sts.code[0] = '\0';
        }
        str_copy(code, AWS_STS_CODE_BYTES, sts.code);
    }
    sts_fini(&sts);
}
