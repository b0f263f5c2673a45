#include "dnsflip/io/sigv4.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "dnsflip/base/str.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define LAST_MS INT64_C(253402300799999) /* of the year 9999 */
#define KEY_PREFIX "AWS4"
#define DAY_CHARS 8 /* of a date: "20150830" */

void sigv4_hash(const void *body, size_t n, char out[SIGV4_HASH_BYTES])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    /* It cannot fail but on a broken build of the library: then nothing may be signed. */
    assert(SHA256(n > 0 ? body : "", n, hash) != NULL);
    str_hex(hash, sizeof(hash), out);
}

void sigv4_date(struct wall time, char out[SIGV4_DATE_BYTES])
{
    char text[WALL_TEXT_BYTES];
    size_t len = 0;

    if (time.ms < 1)
        time.ms = 1;
    else if (time.ms > LAST_MS)
        time.ms = LAST_MS;
    (void)wall_format(time, text);
    for (const char *c = text; *c != '.'; c++) {
        if (*c != '-' && *c != ':')
            out[len++] = *c;
    }
    out[len++] = 'Z';
    out[len] = '\0';
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void sigv4_encode(const char *text, size_t n, bool keeps_slash, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (is_unreserved(text[i]) || (keeps_slash && text[i] == '/'))
            (void)buf_putc(out, text[i]);
        else
            (void)buf_printf(out, "%%%02X", (unsigned)(unsigned char)text[i]);
    }
}

/* Drops the last "/segment" of out. */
static void drop_segment(struct buf *out)
{
    while (out->len > 0) {
        out->len--;
        bool is_slash = out->data[out->len] == '/';
        out->data[out->len] = '\0';
        if (is_slash)
            break;
    }
}

/* RFC 3986 section 5.2.4, and empty segments go too.  A last segment of dots leaves no slash. */
static void add_normalised(const char *path, struct buf *out)
{
    const char *segment = path;

    while (*segment != '\0') {
        size_t n = strcspn(segment, "/");

        if (n == 2 && memcmp(segment, "..", 2) == 0) {
            drop_segment(out);
        } else if (n > 0 && !(n == 1 && *segment == '.')) {
            (void)buf_putc(out, '/');
            sigv4_encode(segment, n, false, out);
        }
        segment += n;
        segment += *segment == '/' ? 1 : 0;
    }
    if (out->len == 0 || str_ends(path, "/"))
        (void)buf_putc(out, '/');
}

static bool add_path(const struct sigv4_request *request, struct buf *out)
{
    struct buf path;

    buf_init(&path, SIGV4_CANONICAL_BYTES_MAX);
    if (request->is_path_normalised)
        add_normalised(request->path, &path);
    else if (*request->path == '\0')
        (void)buf_putc(&path, '/');
    else
        sigv4_encode(request->path, strlen(request->path), true, &path);

    bool fits = !path.overflowed && buf_add(out, buf_text(&path), path.len);
    buf_fini(&path);
    return fits;
}

static int hex_value(char c)
{
    c = str_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n bytes of a query as it is sent -> their one canonical form, which the service too makes of
 * what it gets: decoded and encoded again.  A '%' that begins no escape is itself. */
static void add_recoded(const char *text, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i];

        if (c == '%' && i + 2 < n && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            c = (char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
            i += 2;
        }
        sigv4_encode(&c, 1, false, out);
    }
}

/* One parameter, as offsets of terminated texts in a buffer. */
struct param {
    size_t name, value;
};

static bool is_before(const char *texts, struct param a, struct param b)
{
    int order = strcmp(texts + a.name, texts + b.name);

    return order != 0 ? order < 0 : strcmp(texts + a.value, texts + b.value) < 0;
}

/* query -> texts and params in canonical order; their number, or SIGV4_PARAMS_MAX + 1. */
static size_t read_params(const char *query, struct buf *texts, struct param *params)
{
    size_t n_params = 0;

    for (const char *pair = query; *pair != '\0'; pair += *pair == '&' ? 1 : 0) {
        size_t n = strcspn(pair, "&");
        const char *equals = memchr(pair, '=', n);
        size_t name = equals != NULL ? (size_t)(equals - pair) : n;

        if (n > 0) {
            struct param param = { .name = texts->len };

            if (n_params == SIGV4_PARAMS_MAX)
                return SIGV4_PARAMS_MAX + 1;
            add_recoded(pair, name, texts);
            (void)buf_putc(texts, '\0');
            param.value = texts->len;
            if (equals != NULL)
                add_recoded(equals + 1, n - name - 1, texts);
            (void)buf_putc(texts, '\0');
            if (texts->overflowed)
                return n_params;
            size_t at = n_params++;
            for (; at > 0 && is_before(texts->data, param, params[at - 1]); at--)
                params[at] = params[at - 1];
            params[at] = param;
        }
        pair += n;
    }
    return n_params;
}

static int add_query(const struct sigv4_request *request, struct buf *out, struct err *err)
{
    struct param params[SIGV4_PARAMS_MAX];
    struct buf texts;

    buf_init(&texts, SIGV4_CANONICAL_BYTES_MAX);
    size_t n = read_params(request->query, &texts, params);
    int rc = 0;

    if (n > SIGV4_PARAMS_MAX)
        rc = err_set(err, ERR_LIMIT, "more than %d parameters in a query", SIGV4_PARAMS_MAX);
    else if (texts.overflowed)
        rc = err_set(err, ERR_LIMIT, "a query of more than %u bytes", SIGV4_CANONICAL_BYTES_MAX);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        (void)buf_printf(out, "%s%s=%s", i > 0 ? "&" : "", texts.data + params[i].name,
                         texts.data + params[i].value);
    }
    buf_fini(&texts);
    return rc;
}

static int compare_nocase(const char *a, const char *b)
{
    while (*a != '\0' && str_lower(*a) == str_lower(*b)) {
        a++;
        b++;
    }
    return (unsigned char)str_lower(*a) - (unsigned char)str_lower(*b);
}

/* The headers in canonical order; those of one name stay in the order in which they came. */
struct sorted {
    const struct sigv4_header *header[SIGV4_HEADERS_MAX];
    size_t n;
};

static int sort_headers(const struct sigv4_request *request, struct sorted *out, struct err *err)
{
    out->n = 0;
    if (request->n_headers > SIGV4_HEADERS_MAX)
        return err_set(err, ERR_LIMIT, "%zu headers to sign, at most %d", request->n_headers,
                       SIGV4_HEADERS_MAX);
    for (; out->n < request->n_headers; out->n++) {
        const struct sigv4_header *header = &request->headers[out->n];
        size_t at = out->n;

        for (; at > 0 && compare_nocase(header->name, out->header[at - 1]->name) < 0; at--)
            out->header[at] = out->header[at - 1];
        out->header[at] = header;
    }
    return 0;
}

static bool is_repeated(const struct sorted *sorted, size_t i)
{
    return i > 0 && str_equal_nocase(sorted->header[i]->name, sorted->header[i - 1]->name);
}

static void add_lower(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++)
        (void)buf_putc(out, str_lower(*text));
}

static void add_signed_names(const struct sorted *sorted, struct buf *out)
{
    for (size_t i = 0; i < sorted->n; i++) {
        if (is_repeated(sorted, i))
            continue;
        if (i > 0)
            (void)buf_putc(out, ';');
        add_lower(sorted->header[i]->name, out);
    }
}

/* Without white space at its ends, and with one space for each run of it within. */
static void add_trimmed(const char *value, struct buf *out)
{
    static const char space[] = " \t\r\n\v\f";
    bool is_first = true;

    for (value += strspn(value, space); *value != '\0'; value += strspn(value, space)) {
        size_t n = strcspn(value, space);

        if (!is_first)
            (void)buf_putc(out, ' ');
        (void)buf_add(out, value, n);
        is_first = false;
        value += n;
    }
}

static void add_headers(const struct sorted *sorted, struct buf *out)
{
    for (size_t i = 0; i < sorted->n; i++) {
        if (is_repeated(sorted, i)) {
            (void)buf_putc(out, ',');
        } else {
            if (i > 0)
                (void)buf_putc(out, '\n');
            add_lower(sorted->header[i]->name, out);
            (void)buf_putc(out, ':');
        }
        add_trimmed(sorted->header[i]->value, out);
    }
    if (sorted->n > 0)
        (void)buf_putc(out, '\n');
}

static int check_room(const struct buf *out, struct err *err)
{
    if (!out->overflowed)
        return 0;
    return err_set(err, ERR_LIMIT, "a request to sign does not fit into %zu bytes", out->max);
}

int sigv4_canonical(const struct sigv4_request *request, struct buf *out, struct err *err)
{
    struct sorted sorted;

    if (sort_headers(request, &sorted, err) != 0)
        return -1;
    (void)buf_printf(out, "%s\n", request->method);
    if (!add_path(request, out))
        return err_set(err, ERR_LIMIT, "a path of more than %u bytes", SIGV4_CANONICAL_BYTES_MAX);
    (void)buf_putc(out, '\n');
    if (add_query(request, out, err) != 0)
        return -1;
    (void)buf_putc(out, '\n');
    add_headers(&sorted, out);
    (void)buf_putc(out, '\n');
    add_signed_names(&sorted, out);
    (void)buf_printf(out, "\n%s", request->payload_hash);
    return check_room(out, err);
}

/* "20150830/us-east-1/route53/aws4_request" */
static void add_scope(const struct sigv4_key *key, const char *date, struct buf *out)
{
    (void)buf_printf(out, "%.*s/%s/%s/aws4_request", DAY_CHARS, date, key->region, key->service);
}

int sigv4_string_to_sign(const char *canonical, const struct sigv4_key *key, struct buf *out,
                         struct err *err)
{
    char date[SIGV4_DATE_BYTES], hash[SIGV4_HASH_BYTES];

    sigv4_date(key->time, date);
    sigv4_hash(canonical, strlen(canonical), hash);
    (void)buf_printf(out, ALGORITHM "\n%s\n", date);
    add_scope(key, date, out);
    (void)buf_printf(out, "\n%s", hash);
    return check_room(out, err);
}

/* mac := HMAC-SHA-256 of text under it. */
static bool next_mac(unsigned char mac[SHA256_DIGEST_LENGTH], const char *text, size_t n)
{
    unsigned char out[SHA256_DIGEST_LENGTH];
    const unsigned char *bytes = (const unsigned char *)text;

    if (HMAC(EVP_sha256(), mac, SHA256_DIGEST_LENGTH, bytes, n, out, NULL) == NULL)
        return false;
    memcpy(mac, out, sizeof(out));
    OPENSSL_cleanse(out, sizeof(out));
    return true;
}

/* mac := the signature of text under key. */
static bool sign(const struct sigv4_key *key, const char *date, const char *text,
                 unsigned char mac[SHA256_DIGEST_LENGTH])
{
    char first[sizeof(KEY_PREFIX) + SECRET_BYTES_MAX];
    const char *secret = secret_reveal(key->secret_key);
    bool done = str_format(first, sizeof(first), KEY_PREFIX "%s", secret);

    assert(done); /* no secret is longer */
    done = HMAC(EVP_sha256(), first, (int)strlen(first), (const unsigned char *)date, DAY_CHARS,
                mac, NULL) != NULL;
    OPENSSL_cleanse(first, sizeof(first));
    return done && next_mac(mac, key->region, strlen(key->region)) &&
           next_mac(mac, key->service, strlen(key->service)) &&
           next_mac(mac, "aws4_request", strlen("aws4_request")) &&
           next_mac(mac, text, strlen(text));
}

/* What is left of authorize once there is a string to sign. */
static int add_authorization(const struct sigv4_request *request, const struct sigv4_key *key,
                             const char *text, struct buf *out, struct err *err)
{
    unsigned char mac[SHA256_DIGEST_LENGTH];
    char date[SIGV4_DATE_BYTES], signature[SIGV4_HASH_BYTES];
    struct sorted sorted;

    if (sort_headers(request, &sorted, err) != 0)
        return -1;
    sigv4_date(key->time, date);
    if (!sign(key, date, text, mac))
        return err_set(err, ERR_SYS, "the HMAC of the cryptographic library failed");
    str_hex(mac, sizeof(mac), signature);
    (void)buf_printf(out, ALGORITHM " Credential=%s/", key->access_key_id);
    add_scope(key, date, out);
    (void)buf_puts(out, ", SignedHeaders=");
    add_signed_names(&sorted, out);
    (void)buf_printf(out, ", Signature=%s", signature);
    return check_room(out, err);
}

int sigv4_authorize(const struct sigv4_request *request, const struct sigv4_key *key,
                    struct buf *out, struct err *err)
{
    struct buf canonical, text;
    int rc = -1;

    buf_init(&canonical, SIGV4_CANONICAL_BYTES_MAX);
    buf_init(&text, SIGV4_CANONICAL_BYTES_MAX);
    if (sigv4_canonical(request, &canonical, err) == 0 &&
        sigv4_string_to_sign(buf_text(&canonical), key, &text, err) == 0)
        rc = add_authorization(request, key, buf_text(&text), out, err);
    buf_fini(&canonical);
    buf_fini(&text);
    return rc;
}
