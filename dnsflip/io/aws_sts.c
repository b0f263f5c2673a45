#include "dnsflip/io/aws_sts.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_env.h"

#define NO_REGION "no region for STS: set region, or AWS_REGION, to the one that dnsflip runs in"
#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define AUTHORIZATION_BYTES_MAX 4096

static const char *configured_url(const struct aws_env *env)
{
    if (str_equal_nocase(aws_env_text(env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true"))
        return "";
    const char *url = aws_env_text(env, "AWS_ENDPOINT_URL_STS");
    return url[0] != '\0' ? url : aws_env_text(env, "AWS_ENDPOINT_URL");
}

int aws_sts_url(const struct aws_cfg *cfg, const struct aws_env *env, const char *region,
                char out[static AWS_URL_BYTES], struct err *err)
{
    const char *own = configured_url(env);
    if (own[0] != '\0') {
        if ((!str_starts(own, "https://") && !str_starts(own, "http://")) ||
            !str_copy(out, AWS_URL_BYTES, own))
            return err_set(err, ERR_CONFIG,
                           "AWS_ENDPOINT_URL_STS (or AWS_ENDPOINT_URL) is not an https:// or "
                           "http:// URL of at most %d bytes",
                           AWS_URL_BYTES - 1);
        size_t n = strlen(out);
        if (out[n - 1] == '/')
            out[n - 1] = '\0';
        return 0;
    }
    if (region[0] == '\0')
        return err_set(err, ERR_CONFIG, NO_REGION);
    /* The names without -fips are FIPS endpoints in GovCloud. */
    bool is_named = cfg->has_fips && cfg->partition != AWS_GOVCLOUD;
    str_format(out, AWS_URL_BYTES, "https://sts%s.%s.amazonaws.com%s", is_named ? "-fips" : "",
               region, cfg->partition == AWS_CHINA ? ".cn" : "");
    return 0;
}

static void add_param(struct buf *body, const char *name, const char *value)
{
    buf_puts(body, body->len > 0 ? "&" : "");
    buf_puts(body, name);
    buf_putc(body, '=');
    sigv4_encode(value, strlen(value), false, body);
}

static void add_header(struct aws_sts *sts, const char *name, const char *value)
{
    sts->headers[sts->n_headers++] = (struct web_header){ .name = name, .value = value };
}

static int begin(struct aws_sts *sts, const char *url, const char *action,
                 const struct aws_role *role, struct err *err)
{
    *sts = (struct aws_sts){ 0 };
    buf_init(&sts->body, AWS_STS_BODY_BYTES_MAX);
    sts->body.is_secret = true;
    buf_init(&sts->authorization, AUTHORIZATION_BYTES_MAX);
    sts->authorization.is_secret = true;
    if (!str_format(sts->url, sizeof sts->url, "%s/", url))
        return err_set(err, ERR_LIMIT, "the URL of STS is longer than %d bytes", AWS_URL_BYTES);
    add_param(&sts->body, "Action", action);
    add_param(&sts->body, "Version", "2011-06-15");
    add_param(&sts->body, "RoleArn", role->arn);
    add_param(&sts->body, "RoleSessionName", role->session_name);
    if (role->duration_s > 0)
        buf_printf(&sts->body, "&DurationSeconds=%llu", (unsigned long long)role->duration_s);
    add_header(sts, "Content-Type", CONTENT_TYPE);
    return 0;
}

static int check_body(const struct aws_sts *sts, struct err *err)
{
    return sts->body.overflowed
               ? err_set(err, ERR_LIMIT, "the request to STS is longer than %d bytes",
                         AWS_STS_BODY_BYTES_MAX)
               : 0;
}

int aws_sts_web_identity(struct aws_sts *sts, const char *url, const struct aws_role *role,
                         const char *token, struct err *err)
{
    if (begin(sts, url, "AssumeRoleWithWebIdentity", role, err) != 0)
        return -1;
    add_param(&sts->body, "WebIdentityToken", token);
    return check_body(sts, err);
}

static int sign(struct aws_sts *sts, const char *region, const char *host, const char *path,
                const struct aws_keys *keys, struct wall time, struct err *err)
{
    char hash[SIGV4_HASH_BYTES];
    struct sigv4_header headers[AWS_STS_HEADERS + 1] = { { "Host", host } };
    size_t n = 1;
    for (size_t i = 0; i < sts->n_headers; i++)
        headers[n++] = (struct sigv4_header){ sts->headers[i].name, sts->headers[i].value };
    sigv4_hash(buf_text(&sts->body), sts->body.len, hash);
    struct sigv4_request request = { .method = "POST",
                                     .path = path,
                                     .query = "",
                                     .headers = headers,
                                     .n_headers = n,
                                     .payload_hash = hash,
                                     .is_path_normalised = true };
    struct sigv4_key key = { .access_key_id = keys->access_key_id,
                             .secret_key = keys->secret_key,
                             .region = region,
                             .service = "sts",
                             .time = time };
    return sigv4_authorize(&request, &key, &sts->authorization, err);
}

int aws_sts_assume_role(struct aws_sts *sts, const char *url, const char *region,
                        const struct aws_role *role, const struct aws_keys *keys, struct wall time,
                        struct err *err)
{
    char host[AWS_URL_BYTES];
    *sts = (struct aws_sts){ 0 };
    if (region[0] == '\0')
        return err_set(err, ERR_CONFIG, NO_REGION);
    if (begin(sts, url, "AssumeRole", role, err) != 0)
        return -1;
    if (role->external_id[0] != '\0')
        add_param(&sts->body, "ExternalId", role->external_id);
    if (check_body(sts, err) != 0)
        return -1;
    const char *from = strstr(sts->url, "://") + 3;
    size_t n = strcspn(from, "/");
    memcpy(host, from, n);
    host[n] = '\0';
    sigv4_date(time, sts->date);
    add_header(sts, "X-Amz-Date", sts->date);
    if (keys->session_token != NULL)
        add_header(sts, "X-Amz-Security-Token", secret_reveal(keys->session_token));
    if (sign(sts, region, host, from + n, keys, time, err) != 0)
        return -1;
    add_header(sts, "Authorization", buf_text(&sts->authorization));
    return 0;
}

void aws_sts_fini(struct aws_sts *sts)
{
    buf_fini(&sts->body);
    buf_fini(&sts->authorization);
}
