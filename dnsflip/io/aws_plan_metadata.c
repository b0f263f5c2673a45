#include <arpa/inet.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_env.h"
#include "dnsflip/io/aws_plan_internal.h"

#define CONTAINER_URL "http://169.254.170.2"
#define CONTAINER_TIMEOUT_MS 2000
#define CONTAINER_TRIES 3
#define IMDS_URL "http://169.254.169.254"
#define IMDS_URL_IPV6 "http://[fd00:ec2::254]"
#define IMDS_TIMEOUT_S_MAX 60
#define IMDS_TRIES_MAX 10

/* ---- container --------------------------------------------------------------------------------
 */

/* The host of an http:// URL, without port and brackets; false if there is none. */
static bool host_of(const char *url, char *out, size_t cap)
{
    const char *from = url + strlen("http://");
    size_t n = strcspn(from, "/?#");
    const char *port = memchr(from, ':', n);
    if (*from == '[') {
        const char *close = memchr(from, ']', n);
        if (close == NULL)
            return false;
        from++;
        n = (size_t)(close - from);
    } else if (port != NULL) {
        n = (size_t)(port - from);
    }
    if (n == 0 || n >= cap)
        return false;
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

/* Whom the container's token may be sent to without TLS. */
static bool is_near(const char *url)
{
    static const char *const known[] = { "169.254.170.2", "169.254.170.23", "fd00:ec2::23",
                                         "localhost" };
    char host[256];
    struct in_addr v4;
    struct in6_addr v6;
    if (!host_of(url, host, sizeof host))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(host, known[i]) == 0)
            return true;
    }
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static int container_token(struct aws_choice *c, struct err *err)
{
    const char *file = aws_env_get(c->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = aws_env_get(c->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (file != NULL)
        return aws_plan_text(c->plan->path, file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", err);
    if (token == NULL)
        return 0;
    if (strlen(token) > SECRET_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "AWS_CONTAINER_AUTHORIZATION_TOKEN is longer than %d bytes",
                       SECRET_BYTES_MAX);
    if (strpbrk(token, "\r\n") != NULL)
        return err_set(err, ERR_CONFIG, "AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line");
    c->plan->token = secret_new(token, strlen(token));
    return 0;
}

int aws_plan_container(struct aws_choice *c, struct err *err)
{
    struct aws_plan *plan = c->plan;
    const char *relative = aws_env_get(c->env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_env_get(c->env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative == NULL && full == NULL)
        return 0;
    plan->base = AWS_BASE_CONTAINER;
    plan->timeout_ms = CONTAINER_TIMEOUT_MS;
    plan->tries = CONTAINER_TRIES;
    str_copy(plan->source, AWS_SOURCE_BYTES, "container");
    if (relative != NULL) {
        if (relative[0] != '/')
            return err_set(err, ERR_CONFIG,
                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not start with /");
        if (!str_format(plan->url, sizeof plan->url, CONTAINER_URL "%s", relative))
            return err_set(err, ERR_LIMIT,
                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is longer than %d bytes",
                           AWS_PLAN_TEXT_BYTES - 32);
    } else {
        if (aws_plan_text(plan->url, full, "AWS_CONTAINER_CREDENTIALS_FULL_URI", err) != 0)
            return -1;
        if (!str_starts(full, "https://") && !(str_starts(full, "http://") && is_near(full)))
            return err_set(err, ERR_CONFIG,
                           "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https:// nor http:// to "
                           "this machine, 169.254.170.2, 169.254.170.23 or fd00:ec2::23");
    }
    return container_token(c, err) == 0 ? 1 : -1;
}

/* ---- instance metadata ------------------------------------------------------------------------
 */

/* Of the environment, else of the profile. */
static const char *setting(const struct aws_choice *c, const char *variable, const char *key)
{
    const char *value = aws_env_get(c->env, variable);
    return value != NULL ? value : aws_plan_get(c, c->profile, key);
}

static int number(const struct aws_choice *c, const char *variable, const char *key, uint64_t max,
                  uint64_t *out, struct err *err)
{
    const char *text = setting(c, variable, key);
    *out = 1;
    if (text != NULL && (!str_parse_u64(text, max, out) || *out == 0))
        return err_set(err, ERR_CONFIG, "%s (or %s) is not a number from 1 to %llu", variable, key,
                       (unsigned long long)max);
    return 0;
}

static int imds_url(struct aws_choice *c, struct err *err)
{
    char *url = c->plan->url;
    const char *mode =
        setting(c, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
    const char *own =
        setting(c, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    const char *old = setting(c, "AWS_IMDS_USE_IPV6", "imds_use_ipv6");
    if (mode != NULL && !str_equal_nocase(mode, "ipv4") && !str_equal_nocase(mode, "ipv6"))
        return err_set(err, ERR_CONFIG,
                       "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE (or "
                       "ec2_metadata_service_endpoint_mode) is neither ipv4 nor ipv6");
    bool is_ipv6 = mode != NULL ? str_equal_nocase(mode, "ipv6")
                                : old != NULL && str_equal_nocase(old, "true");
    if (own == NULL || own[0] == '\0')
        own = is_ipv6 ? IMDS_URL_IPV6 : IMDS_URL;
    if (!str_starts(own, "http://") && !str_starts(own, "https://"))
        return err_set(
            err, ERR_CONFIG,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT (or ec2_metadata_service_endpoint) is not "
            "an http:// URL");
    if (aws_plan_text(url, own, "AWS_EC2_METADATA_SERVICE_ENDPOINT", err) != 0)
        return -1;
    size_t n = strlen(url);
    if (url[n - 1] == '/')
        url[n - 1] = '\0';
    return 0;
}

int aws_plan_imds(struct aws_choice *c, struct err *err)
{
    struct aws_plan *plan = c->plan;
    uint64_t timeout_s = 0;
    if (number(c, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", IMDS_TIMEOUT_S_MAX,
               &timeout_s, err) != 0 ||
        number(c, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts",
               IMDS_TRIES_MAX, &plan->tries, err) != 0 ||
        imds_url(c, err) != 0)
        return -1;
    if (str_equal_nocase(aws_env_text(c->env, "AWS_EC2_METADATA_DISABLED"), "true"))
        return 0;
    plan->base = AWS_BASE_IMDS;
    plan->timeout_ms = (int64_t)timeout_s * 1000;
    str_copy(plan->source, AWS_SOURCE_BYTES, "instance metadata");
    return 1;
}
