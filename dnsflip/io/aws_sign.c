#include "dnsflip/io/aws_sign.h"

#include <stdbool.h>
#include <string.h>

#include "dnsflip/base/secret.h"
#include "dnsflip/io/aws_credentials.h"

/* One parameter, encoded. */
struct pair {
    struct buf name, value;
};

static bool is_before(const struct pair *a, const struct pair *b)
{
    const int order = strcmp(buf_text(&a->name), buf_text(&b->name));

    return order < 0 || (order == 0 && strcmp(buf_text(&a->value), buf_text(&b->value)) < 0);
}

/* pairs[0..n) are sorted; so are pairs[0..n] afterwards. */
static void insert(struct pair pairs[], size_t n, const struct aws_param *param)
{
    struct pair pair;

    buf_init(&pair.name, WEB_URL_BYTES_MAX);
    buf_init(&pair.value, WEB_URL_BYTES_MAX);
    sigv4_encode(param->name, strlen(param->name), false, &pair.name);
    sigv4_encode(param->value, strlen(param->value), false, &pair.value);
    for (; n > 0 && is_before(&pair, &pairs[n - 1]); n--)
        pairs[n] = pairs[n - 1];
    pairs[n] = pair;
}

static void add_query(const struct aws_request *request, struct buf *query)
{
    struct pair pairs[AWS_PARAMS_MAX];

    for (size_t i = 0; i < request->n_params; i++)
        insert(pairs, i, &request->params[i]);
    for (size_t i = 0; i < request->n_params; i++) {
        buf_printf(query, "%s%s=%s", i > 0 ? "&" : "", buf_text(&pairs[i].name),
                   buf_text(&pairs[i].value));
        if (pairs[i].name.overflowed || pairs[i].value.overflowed)
            query->overflowed = true;
        buf_fini(&pairs[i].name);
        buf_fini(&pairs[i].value);
    }
}

static void add_header(struct aws_signed *out, const char *name, const char *value)
{
    out->headers[out->n_headers++] = (struct web_header){ .name = name, .value = value };
}

static int authorize(const struct aws_request *request, const char *path, const char *query,
                     const struct aws_credentials *credentials, struct wall time,
                     struct aws_signed *out, struct err *err)
{
    struct sigv4_header headers[AWS_SIGNED_HEADERS_MAX];
    char hash[SIGV4_HASH_BYTES];

    for (size_t i = 0; i < out->n_headers; i++)
        headers[i] = (struct sigv4_header){ out->headers[i].name, out->headers[i].value };
    sigv4_hash(request->body != NULL ? request->body : "", request->body_bytes, hash);
    const struct sigv4_request canonical = { .method = request->method,
                                             .path = path,
                                             .query = query,
                                             .headers = headers,
                                             .n_headers = out->n_headers,
                                             .payload_hash = hash,
                                             .is_path_normalised = true };
    const struct sigv4_key key = { .access_key_id = credentials->access_key_id,
                                   .secret_key = credentials->secret_key,
                                   .region = request->region,
                                   .service = request->service,
                                   .time = time };
    if (sigv4_authorize(&canonical, &key, &out->authorization, err) != 0)
        return -1;
    add_header(out, "Authorization", buf_text(&out->authorization));
    return 0;
}

int aws_sign(const struct aws_request *request, const struct aws_credentials *credentials,
             struct wall time, struct aws_signed *out, struct err *err)
{
    const char *authority = aws_authority(request->url);
    struct buf path, query;
    int rc = -1;

    *out = (struct aws_signed){ 0 };
    buf_init(&out->url, WEB_URL_BYTES_MAX - 1);
    buf_init(&out->authorization, WEB_HEADER_BYTES_MAX);
    if (authority == NULL || request->path[0] != '/' || request->n_params > AWS_PARAMS_MAX)
        return err_set(err, ERR_USAGE,
                       "a request to AWS has a URL of scheme and host, a path from the root and at "
                       "most %d parameters",
                       AWS_PARAMS_MAX);
    buf_init(&path, WEB_URL_BYTES_MAX);
    buf_init(&query, WEB_URL_BYTES_MAX);
    sigv4_encode(request->path, strlen(request->path), true, &path);
    add_query(request, &query);
    buf_printf(&out->url, "%s%s%s%s", request->url, buf_text(&path), query.len > 0 ? "?" : "",
               buf_text(&query));
    sigv4_date(time, out->date);
    add_header(out, "Host", authority);
    add_header(out, "X-Amz-Date", out->date);
    if (request->content_type[0] != '\0')
        add_header(out, "Content-Type", request->content_type);
    if (request->target[0] != '\0')
        add_header(out, "X-Amz-Target", request->target);
    if (credentials->session_token != NULL)
        add_header(out, "X-Amz-Security-Token", secret_reveal(credentials->session_token));
    if (path.overflowed || query.overflowed || out->url.overflowed)
        err_set(err, ERR_LIMIT, "a URL of more than %d bytes", WEB_URL_BYTES_MAX - 1);
    else
        rc = authorize(request, buf_text(&path), buf_text(&query), credentials, time, out, err);
    buf_fini(&path);
    buf_fini(&query);
    return rc;
}

void aws_signed_fini(struct aws_signed *s)
{
    buf_fini(&s->url);
    buf_fini(&s->authorization);
}
