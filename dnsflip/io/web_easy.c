#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/web_internal.h"

#define HEADER_BYTES_MAX 65536 /* of an answer, together */
#define NAME_CACHE_S 10        /* a name is not looked up for each call of a burst */
#define TRUST_CACHE_S 60       /* a changed CA file counts after that */
#define CONNECTION_IDLE_S 20   /* then it is not used again */
#define CONNECTION_AGE_S 300   /* then it is not used again */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct web_call *call = arg;
    return buf_add(&call->body, bytes, size * n) ? size * n : 0;
}

/* The value of the line "NAME: value" without the blanks around it; out stays as it is if the line
 * is another or the value does not fit. */
static void keep_value(const char *line, size_t length, const char *name, char *out, size_t cap)
{
    size_t start = strlen(name);
    if (length < start || strncasecmp(line, name, start) != 0)
        return;
    while (start < length && (line[start] == ' ' || line[start] == '\t'))
        start++;
    while (length > start && strchr(" \t\r\n", line[length - 1]) != NULL)
        length--;
    if (length - start >= cap)
        return;
    memcpy(out, line + start, length - start);
    out[length - start] = '\0';
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct web_call *call = arg;
    size_t length = size * n;
    call->header_bytes += length;
    if (call->header_bytes > HEADER_BYTES_MAX)
        return 0;
    keep_value(bytes, length, "date:", call->date, sizeof call->date);
    keep_value(bytes, length, "x-amzn-errortype:", call->error_type, sizeof call->error_type);
    return length;
}

/* Of a PUT without a body. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's. */
static size_t on_send(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes;
    (void)size;
    (void)n;
    (void)arg;
    return 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

/* The last look before a request leaves.  curl would send it again if a kept connection turned out
 * to be dead; what may have had its effect is not ours to send twice. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's. */
static int on_ready(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    struct web_call *call = arg;
    if (call->may_have_left && strcmp(call->copy.method, "GET") != 0)
        return CURL_PREREQFUNC_ABORT;
    call->may_have_left = true;
    return CURL_PREREQFUNC_OK;
}

static void set_trust(CURL *easy, const char *ca_file)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    bool is_own = ca_file[0] != '\0';
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (is_own)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    /* curl keeps the certificates it has read only while no directory is searched as well. */
    if (is_own || info->cainfo != NULL)
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)TRUST_CACHE_S);
}

static void set_limits(struct web_call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Else a name that does not resolve would hold the loop beyond the time-out. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)NAME_CACHE_S);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_S);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->copy.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->copy.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->copy.answer_max_bytes);
}

static void set_callbacks(struct web_call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}

/* False if there is no memory. */
static bool set_request(struct web_call *call)
{
    CURL *easy = call->easy;
    const struct web_copy *copy = &call->copy;
    bool is_get = strcmp(copy->method, "GET") == 0;
    bool is_put = strcmp(copy->method, "PUT") == 0;
    if (is_get) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else if (is_put && copy->body == NULL) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)0);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
    } else {
        /* An upload with a body would ask before it sends. */
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)copy->body_bytes);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, copy->body != NULL ? copy->body : "");
        if (is_put)
            curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, copy->method);
    }
    /* A dead kept connection would make it look as if the request had left. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_get ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    return curl_easy_setopt(easy, CURLOPT_URL, copy->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, copy->proxy) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "dnsflip/" DNSFLIP_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, copy->headers) == CURLE_OK;
}

bool web_easy_prepare(struct web_call *call)
{
    call->easy = curl_easy_init();
    if (call->easy == NULL)
        return false;
    set_limits(call);
    set_callbacks(call);
    set_trust(call->easy, call->copy.ca_file);
    return set_request(call);
}

/* curl's own words, where they name only hosts, files and certificates. */
static const char *detail(const struct web_call *call, CURLcode code)
{
    switch ((int)code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return call->error[0] != '\0' ? call->error : curl_easy_strerror(code);
    case CURLE_ABORTED_BY_CALLBACK:
        return "the connection was lost";
    default:
        return curl_easy_strerror(code);
    }
}

static enum err_code code_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    case CURLE_SSL_CACERT_BADFILE:
        return ERR_CONFIG;
    default:
        return ERR_REMOTE;
    }
}

static bool may_help_later(CURLcode code)
{
    return code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CACERT_BADFILE &&
           code != CURLE_URL_MALFORMAT;
}

void web_easy_outcome(const struct web_call *call, CURLcode code, struct web_answer *answer)
{
    const struct web_copy *copy = &call->copy;
    struct err *err = &answer->err;
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        answer->status = (int32_t)status;
        answer->outcome = WEB_ANSWERED;
        return;
    }
    answer->outcome = call->may_have_left ? WEB_UNKNOWN : WEB_NOT_SENT;
    long sys_errno = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &sys_errno);
    if (call->body.overflowed || code == CURLE_FILESIZE_EXCEEDED)
        err_set(err, ERR_LIMIT, "answer longer than %zu bytes", copy->answer_max_bytes);
    else if (call->header_bytes > HEADER_BYTES_MAX)
        err_set(err, ERR_LIMIT, "headers of the answer longer than %d bytes", HEADER_BYTES_MAX);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        err_set(err, ERR_TIMEOUT, "no answer within %lld ms%s", (long long)copy->timeout_ms,
                call->may_have_left ? "" : ": no connection came to stand");
    else if (code == CURLE_COULDNT_CONNECT && sys_errno != 0)
        err_sys(err, (int)sys_errno, "no connection");
    else
        err_set(err, code_of(code), "%s", detail(call, code));
    err->retry = may_help_later(code) && err->code != ERR_LIMIT;
    err_wrap(err, "%s %s%s", copy->method, copy->place,
             copy->proxy[0] != '\0' ? " through the proxy" : "");
}
