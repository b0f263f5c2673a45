#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/web_internal.h"

/* Static, so that it outlives the request; NULL if it is none that we send. */
static const char *known_method(const char *method)
{
    static const char *const known[] = { "GET", "POST", "PUT" };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(method, known[i]) == 0)
            return known[i];
    }
    return NULL;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~')
            return false;
    }
    return true;
}

/* Scheme and authority into place.  The URL itself is not told: a path or query may be secret. */
static int check_url(const char *url, char place[static WEB_PLACE_BYTES], struct err *err)
{
    if (strlen(url) >= WEB_URL_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "URL longer than %d bytes", WEB_URL_BYTES_MAX - 1);
    size_t scheme = str_starts(url, "https://") ? 8 : str_starts(url, "http://") ? 7 : 0;
    if (scheme == 0)
        return err_set(err, ERR_USAGE, "URL starts with neither https:// nor http://");
    size_t end = scheme + strcspn(url + scheme, "/?#");
    if (end == scheme || end >= WEB_PLACE_BYTES)
        return err_set(err, ERR_USAGE, "URL has a host of %zu bytes, not of 1 to %zu", end - scheme,
                       WEB_PLACE_BYTES - 1 - scheme);
    if (memchr(url, '@', end) != NULL)
        return err_set(err, ERR_USAGE, "URL holds a user name, which is never sent");
    if (!is_printable(url) || strchr(url, '#') != NULL)
        return err_set(err, ERR_USAGE, "URL holds a space, a '#' or a byte that is not ASCII");
    memcpy(place, url, end);
    place[end] = '\0';
    return 0;
}

/* RFC 9110's token. */
static bool is_token(const char *name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

static int check_header(const struct web_header *header, struct err *err)
{
    if (!is_token(header->name))
        return err_set(err, ERR_USAGE, "a header has a name that is empty or not one word");
    if (strlen(header->name) + strlen(header->value) + 3 > WEB_HEADER_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "header %.64s longer than %d bytes", header->name,
                       WEB_HEADER_BYTES_MAX);
    for (const char *p = header->value; *p != '\0'; p++) {
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
            return err_set(err, ERR_USAGE, "header %.64s holds a control character", header->name);
    }
    return 0;
}

static int check(const struct web_request *request, char place[static WEB_PLACE_BYTES],
                 struct err *err)
{
    if (known_method(request->method) == NULL)
        return err_set(err, ERR_USAGE, "method %.16s is not GET, POST or PUT", request->method);
    if (check_url(request->url, place, err) != 0)
        return -1;
    if (request->n_headers > WEB_HEADERS_MAX)
        return err_set(err, ERR_LIMIT, "%zu headers, more than %d", request->n_headers,
                       WEB_HEADERS_MAX);
    for (size_t i = 0; i < request->n_headers; i++) {
        if (check_header(&request->headers[i], err) != 0)
            return -1;
    }
    if (request->body != NULL && strcmp(request->method, "GET") == 0)
        return err_set(err, ERR_USAGE, "a GET has no body");
    if (request->body != NULL && request->body_bytes > WEB_BODY_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "body of %zu bytes, more than %u", request->body_bytes,
                       WEB_BODY_BYTES_MAX);
    if (request->answer_max_bytes > WEB_ANSWER_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "answer of %zu bytes asked for, more than %u",
                       request->answer_max_bytes, WEB_ANSWER_BYTES_MAX);
    if (request->timeout_ms < 1 || request->timeout_ms > WEB_TIMEOUT_MS_MAX)
        return err_set(err, ERR_LIMIT, "timeout of %lld ms, not of 1 to %lld",
                       (long long)request->timeout_ms, (long long)WEB_TIMEOUT_MS_MAX);
    return 0;
}

static bool add_header(struct web_copy *copy, const struct web_header *header)
{
    char line[WEB_HEADER_BYTES_MAX + 1];
    /* "Name:" would tell curl to leave the header out, "Name;" to send it empty. */
    bool fits = header->value[0] != '\0'
                    ? str_format(line, sizeof line, "%s: %s", header->name, header->value)
                    : str_format(line, sizeof line, "%s;", header->name);
    struct curl_slist *longer = fits ? curl_slist_append(copy->headers, line) : NULL;
    explicit_bzero(line, sizeof line);
    if (longer == NULL)
        return false;
    copy->headers = longer;
    return true;
}

int web_copy_init(struct web_copy *copy, const struct web_request *request, struct err *err)
{
    *copy = (struct web_copy){ .timeout_ms = request->timeout_ms,
                               .answer_max_bytes = request->answer_max_bytes };
    if (check(request, copy->place, err) != 0)
        return -1;
    copy->method = known_method(request->method);
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!add_header(copy, &request->headers[i])) {
            web_copy_fini(copy);
            return err_set(err, ERR_NOMEM, "no memory for another request");
        }
    }
    copy->url = mem_strdup(request->url);
    copy->ca_file = mem_strdup(request->ca_file);
    copy->proxy = mem_strdup(request->proxy);
    if (request->body != NULL) {
        copy->body = mem_zalloc(request->body_bytes + 1);
        memcpy(copy->body, request->body, request->body_bytes);
        copy->body_bytes = request->body_bytes;
    }
    return 0;
}

static void wipe_text(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    mem_free(text);
}

void web_copy_fini(struct web_copy *copy)
{
    for (struct curl_slist *line = copy->headers; line != NULL; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(copy->headers);
    if (copy->body != NULL)
        explicit_bzero(copy->body, copy->body_bytes);
    mem_free(copy->body);
    wipe_text(copy->url);
    wipe_text(copy->proxy);
    mem_free(copy->ca_file);
}
