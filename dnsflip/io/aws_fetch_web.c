#include <string.h>
#include <sys/random.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_fetch_internal.h"
#include "dnsflip/io/aws_refresh.h"
#include "dnsflip/io/aws_sts.h"
#include "dnsflip/io/loop.h"

#define IMDS_PATH "/latest/meta-data/iam/security-credentials/"
#define IMDS_TOKEN_TTL_S "21600"
#define SKEW_WORTH_MS INT64_C(60000) /* a smaller one is no reason for a refusal */

/* ---- instance and container metadata -----------------------------------------------------------
 */

static int send_near(struct aws_fetch *f, const char *method, const char *path,
                     const struct web_header *headers, size_t n_headers, web_done *done,
                     struct err *err)
{
    char url[AWS_PLAN_TEXT_BYTES + 256];
    if (!str_format(url, sizeof url, "%s%s", f->plan->url, path))
        return err_set(err, ERR_LIMIT, "URL too long");
    struct web_request request = { .method = method,
                                   .url = url,
                                   .headers = headers,
                                   .n_headers = n_headers,
                                   .ca_file = f->cfg->ca_file,
                                   .proxy = "", /* it is on this machine's own network */
                                   .timeout_ms = f->plan->timeout_ms,
                                   .answer_max_bytes = AWS_DOCUMENT_BYTES_MAX };
    return web_start(f->web, &request, done, f, &f->call, err);
}

static int send_imds(struct aws_fetch *f, web_done *done, struct err *err)
{
    if (f->step == AWS_STEP_IMDS_TOKEN) {
        static const struct web_header ttl = { "x-aws-ec2-metadata-token-ttl-seconds",
                                               IMDS_TOKEN_TTL_S };
        return send_near(f, "PUT", "/latest/api/token", &ttl, 1, done, err);
    }
    char path[sizeof IMDS_PATH + AWS_IMDS_ROLE_BYTES];
    struct web_header token = { "x-aws-ec2-metadata-token", secret_reveal(f->imds_token) };
    str_format(path, sizeof path, IMDS_PATH "%s",
               f->step == AWS_STEP_IMDS_KEYS ? f->imds_role : "");
    return send_near(f, "GET", path, &token, 1, done, err);
}

/* Reads a token file, which changes while we run. */
static int read_token(const char *path, size_t max, struct buf *out, struct err *err)
{
    buf_init(out, max);
    out->is_secret = true;
    int rc = fsio_read(path, out, err);
    if (rc == 0 && out->len == 0)
        rc = err_set(err, ERR_CONFIG, "%s is empty", path);
    if (rc == 0 && strlen(buf_text(out)) != out->len)
        rc = err_set(err, ERR_CONFIG, "%s holds a NUL byte", path);
    return rc;
}

static int send_container(struct aws_fetch *f, web_done *done, struct err *err)
{
    struct web_header headers[2] = { { "Accept", "application/json" } };
    struct buf text;
    size_t n = 1;
    int rc = 0;
    buf_init(&text, 0);
    if (f->plan->path[0] != '\0') {
        rc = read_token(f->plan->path, SECRET_BYTES_MAX, &text, err);
        if (rc == 0 && strpbrk(buf_text(&text), "\r\n") != NULL)
            rc = err_set(err, ERR_CONFIG, "%s holds more than one line: a line end, too",
                         f->plan->path);
        headers[n++] = (struct web_header){ "Authorization", buf_text(&text) };
    } else if (f->plan->token != NULL) {
        headers[n++] = (struct web_header){ "Authorization", secret_reveal(f->plan->token) };
    }
    if (rc == 0)
        rc = send_near(f, "GET", "", headers, n, done, err);
    buf_fini(&text);
    return rc;
}

/* ---- STS ----------------------------------------------------------------------------------------
 */

static int make_sts(struct aws_fetch *f, const char *url, struct aws_sts *sts, struct err *err)
{
    if (f->step == AWS_STEP_ROLE) {
        struct wall now = loop_now(f->loop).wall;
        now.ms += f->skew_ms;
        return aws_sts_assume_role(sts, url, f->plan->region,
                                   &f->plan->roles[f->plan->n_roles - 1 - f->n_assumed], &f->keys,
                                   now, err);
    }
    struct buf token;
    *sts = (struct aws_sts){ 0 };
    int rc = read_token(f->plan->path, AWS_STS_TOKEN_BYTES_MAX, &token, err);
    if (rc == 0) {
        while (token.len > 0 && strchr(" \t\r\n", token.data[token.len - 1]) != NULL)
            token.data[--token.len] = '\0';
        rc = aws_sts_web_identity(sts, url, &f->plan->web, buf_text(&token), err);
    }
    buf_fini(&token);
    return rc;
}

static int send_sts(struct aws_fetch *f, web_done *done, struct err *err)
{
    char url[AWS_URL_BYTES];
    struct aws_sts sts;
    if (aws_sts_url(f->cfg, f->env, f->plan->region, url, err) != 0)
        return -1;
    int rc = make_sts(f, url, &sts, err);
    if (rc == 0) {
        struct web_request request = { .method = "POST",
                                       .url = sts.url,
                                       .headers = sts.headers,
                                       .n_headers = sts.n_headers,
                                       .body = buf_text(&sts.body),
                                       .body_bytes = sts.body.len,
                                       .ca_file = f->cfg->ca_file,
                                       .proxy = f->cfg->proxy,
                                       .timeout_ms = AWS_STS_TIMEOUT_MS,
                                       .answer_max_bytes = AWS_DOCUMENT_BYTES_MAX };
        rc = web_start(f->web, &request, done, f, &f->call, err);
    }
    aws_sts_fini(&sts);
    return rc;
}

int aws_fetch_send(struct aws_fetch *f, web_done *done, struct err *err)
{
    switch (f->step) {
    case AWS_STEP_KEYS:
    case AWS_STEP_PROCESS:
        break;
    case AWS_STEP_IMDS_TOKEN:
    case AWS_STEP_IMDS_ROLE:
    case AWS_STEP_IMDS_KEYS:
        return send_imds(f, done, err);
    case AWS_STEP_CONTAINER:
        return send_container(f, done, err);
    case AWS_STEP_WEB_IDENTITY:
    case AWS_STEP_ROLE:
        return send_sts(f, done, err);
    }
    return err_set(err, ERR_USAGE, "no request belongs to this step");
}

/* ---- answers ------------------------------------------------------------------------------------
 */

/* keys came in answer: their expiry by our clock.  Those that have expired are none. */
static enum aws_verdict take(struct aws_fetch *f, struct aws_keys *keys,
                             const struct web_answer *answer)
{
    struct wall now = loop_now(f->loop).wall;
    keys->expires = aws_refresh_local(keys->expires, answer->date, now);
    if (f->step == AWS_STEP_IMDS_KEYS) {
        uint32_t random = 0;
        if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
            random = (uint32_t)now.ms;
        keys->expires = aws_refresh_extend(
            keys->expires, now,
            AWS_EXTEND_MIN_MS + random % (AWS_EXTEND_MAX_MS - AWS_EXTEND_MIN_MS + 1));
    }
    if (keys->expires.ms != 0 && keys->expires.ms <= now.ms) {
        aws_keys_fini(keys);
        err_set(&f->err, ERR_REMOTE, "the credentials that it gave have expired");
        return AWS_VERDICT_RETRY;
    }
    aws_keys_fini(&f->keys);
    f->keys = *keys;
    return AWS_VERDICT_NEXT;
}

static enum aws_verdict judge_sts(struct aws_fetch *f, const struct web_answer *answer)
{
    struct aws_keys keys;
    if (answer->status == 200) {
        if (aws_document_sts(answer->body, answer->body_bytes, &keys, &f->err) != 0)
            return AWS_VERDICT_RETRY;
        return take(f, &keys, answer);
    }
    char code[AWS_STS_CODE_BYTES];
    aws_document_code(answer->body, answer->body_bytes, code);
    err_set(&f->err, ERR_DENIED, "STS said HTTP %d %s", answer->status,
            code[0] != '\0' ? code : "without a code");
    int64_t ahead_ms = answer->date.ms - loop_now(f->loop).wall.ms;
    if (f->step == AWS_STEP_ROLE && answer->date.ms != 0 && f->skew_ms == 0 &&
        (ahead_ms > SKEW_WORTH_MS || ahead_ms < -SKEW_WORTH_MS)) {
        f->skew_ms = ahead_ms;
        return AWS_VERDICT_RETRY;
    }
    bool may_pass = answer->status >= 500 || answer->status == 429 ||
                    str_starts(code, "Throttling") || strcmp(code, "IDPCommunicationError") == 0;
    return may_pass ? AWS_VERDICT_RETRY : AWS_VERDICT_FAIL;
}

static bool is_role_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789+=,.@_-";
    return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

static enum aws_verdict judge_imds_token(struct aws_fetch *f, const struct web_answer *answer)
{
    if (answer->status >= 400 && answer->status < 500) {
        err_set(&f->err, ERR_DENIED, "no IMDSv2 token: HTTP %d", answer->status);
        return AWS_VERDICT_FAIL;
    }
    if (answer->status != 200 || answer->body_bytes == 0 || answer->body_bytes > SECRET_BYTES_MAX) {
        err_set(&f->err, ERR_REMOTE, "no IMDSv2 token: HTTP %d and %zu bytes", answer->status,
                answer->body_bytes);
        return AWS_VERDICT_RETRY;
    }
    secret_free(f->imds_token);
    f->imds_token = secret_new(answer->body, answer->body_bytes);
    return AWS_VERDICT_NEXT;
}

static enum aws_verdict judge_imds_role(struct aws_fetch *f, const struct web_answer *answer)
{
    size_t n = strcspn(answer->body, "\r\n");
    if (answer->status == 404) {
        err_set(&f->err, ERR_CONFIG, "this instance has no role");
        return AWS_VERDICT_FAIL;
    }
    if (answer->status != 200 || n >= sizeof f->imds_role) {
        err_set(&f->err, ERR_REMOTE, "no name of a role: HTTP %d", answer->status);
        return AWS_VERDICT_RETRY;
    }
    memcpy(f->imds_role, answer->body, n);
    f->imds_role[n] = '\0';
    if (!is_role_name(f->imds_role)) {
        err_set(&f->err, ERR_REMOTE, "the name of the role is empty or none");
        return AWS_VERDICT_RETRY;
    }
    return AWS_VERDICT_NEXT;
}

static enum aws_verdict judge_json(struct aws_fetch *f, const struct web_answer *answer)
{
    struct aws_keys keys;
    if (answer->status != 200) {
        err_set(&f->err, ERR_REMOTE, "HTTP %d", answer->status);
        return AWS_VERDICT_RETRY;
    }
    if (aws_document_json(answer->body, answer->body_bytes, false, &keys, &f->err) != 0)
        return AWS_VERDICT_RETRY;
    return take(f, &keys, answer);
}

enum aws_verdict aws_fetch_judge(struct aws_fetch *f, const struct web_answer *answer)
{
    if (answer->outcome != WEB_ANSWERED) {
        f->err = answer->err;
        return AWS_VERDICT_RETRY;
    }
    switch (f->step) {
    case AWS_STEP_KEYS:
    case AWS_STEP_PROCESS:
        break;
    case AWS_STEP_IMDS_TOKEN:
        return judge_imds_token(f, answer);
    case AWS_STEP_IMDS_ROLE:
        return judge_imds_role(f, answer);
    case AWS_STEP_IMDS_KEYS:
    case AWS_STEP_CONTAINER:
        return judge_json(f, answer);
    case AWS_STEP_WEB_IDENTITY:
    case AWS_STEP_ROLE:
        return judge_sts(f, answer);
    }
    return AWS_VERDICT_FAIL;
}
