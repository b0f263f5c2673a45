#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/http_internal.h"

#define RECEIVE_BYTES 8192 /* curl's buffer of a transfer */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct http_handle *handle = arg;
    return buf_add(&handle->body, bytes, size * n) ? size * n : 0;
}

/* The value of a header line if it is the header of that name (with its colon); else NULL. */
static const char *value_of(const char *line, size_t n, const char *name, size_t *value_bytes)
{
    size_t name_bytes = strlen(name);
    if (n < name_bytes)
        return NULL;
    for (size_t i = 0; i < name_bytes; i++) {
        if (str_lower(line[i]) != name[i])
            return NULL;
    }
    const char *value = line + name_bytes;
    n -= name_bytes;
    for (; n > 0 && (*value == ' ' || *value == '\t'); n--)
        value++;
    while (n > 0 && (value[n - 1] == '\r' || value[n - 1] == '\n' || value[n - 1] == ' '))
        n--;
    *value_bytes = n;
    return value;
}

static void keep(char *out, size_t cap, const char *value, size_t n)
{
    if (n >= cap)
        n = cap - 1;
    memcpy(out, value, n);
    out[n] = '\0';
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct http_handle *handle = arg;
    size_t length = size * n;
    handle->header_bytes += length;
    if (handle->header_bytes > HTTP_HEADER_BYTES_MAX)
        return 0;
    size_t value_bytes = 0;
    const char *value = value_of(bytes, length, "content-type:", &value_bytes);
    if (value != NULL)
        keep(handle->content_type, sizeof handle->content_type, value, value_bytes);
    value = value_of(bytes, length, "date:", &value_bytes);
    if (value != NULL)
        keep(handle->date, sizeof handle->date, value, value_bytes);
    return length;
}

/* Called by curl for each new connection of a run. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct http_run *run = arg;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) {
        run->socket_errno = errno;
        return CURL_SOCKET_BAD;
    }
    run->has_opened = true;
    struct http_slot *slot = run->slot;
    slot->fd = fd;
    slot->address = run->request.addresses[(run->first + run->tried) % run->request.n_addresses];
    slot->port = run->request.port;
    slot->certificate_expires = (struct wall){ 0 };
    slot->store = run->store;
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct http_slot *slot = arg;
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    slot->was_connected = getpeername(fd, (struct sockaddr *)&peer, &n) == 0;
    if (slot->fd == fd)
        slot->fd = -1;
    return close(fd);
}

/* The last look before a request leaves: is this connection the one that was asked for? */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's. */
static int on_ready(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)local_ip;
    (void)local_port;
    struct http_run *run = arg;
    const struct inet_ip *want =
        &run->request.addresses[(run->first + run->tried) % run->request.n_addresses];
    struct inet_ip got;
    if (!inet_parse_ip(ip, &got) || !inet_ip_equal(&got, want) || port != run->request.port) {
        run->is_misdirected = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (run->request.has_tls) {
        if (run->has_opened)
            run->slot->certificate_expires = http_tls_expiry(run->handle->easy);
        run->certificate_expires = run->slot->certificate_expires;
    }
    return CURL_PREREQFUNC_OK;
}

static CURLcode on_tls_context(CURL *easy, void *context, void *arg)
{
    (void)easy;
    const struct http_run *run = arg;
    SSL_CTX_set1_cert_store(context, run->store);
    return CURLE_OK;
}

struct http_handle *http_handle_new(void)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return NULL;
    struct http_handle *handle = mem_zalloc(sizeof *handle);
    handle->easy = easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* on_tls_context brings the store */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
    /* Some versions would keep the first store they see and use it for everybody. */
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)HTTP_CONNECTION_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)HTTP_CONNECTION_AGE_S);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "dnsflip/" DNSFLIP_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
    return handle;
}

void http_handle_free(struct http_handle *handle)
{
    if (handle == NULL)
        return;
    curl_easy_cleanup(handle->easy);
    curl_slist_free_all(handle->connect_to);
    buf_fini(&handle->body);
    mem_free(handle);
}

/* "::ADDRESS:PORT": whatever the URL's host and port, connect there. */
static bool set_connect_to(struct http_handle *handle, const struct inet_ip *address, uint16_t port)
{
    char place[INET_TEXT_BYTES];
    char rule[INET_TEXT_BYTES + 2];
    struct inet_addr addr = { .ip = *address, .port = port };
    str_format(rule, sizeof rule, "::%s", inet_format_addr(&addr, place));
    curl_easy_setopt(handle->easy, CURLOPT_CONNECT_TO, NULL);
    curl_slist_free_all(handle->connect_to);
    handle->connect_to = curl_slist_append(NULL, rule);
    return handle->connect_to != NULL &&
           curl_easy_setopt(handle->easy, CURLOPT_CONNECT_TO, handle->connect_to) == CURLE_OK;
}

bool http_handle_prepare(struct http_handle *handle, struct http_run *run,
                         const struct inet_ip *address, bool is_fresh, int64_t timeout_ms,
                         int64_t connect_ms)
{
    CURL *easy = handle->easy;
    const struct http_request *request = &run->request;
    buf_reset(&handle->body);
    handle->body.max = request->body_max_bytes;
    handle->error[0] = '\0';
    handle->content_type[0] = '\0';
    handle->date[0] = '\0';
    handle->header_bytes = 0;

    if (curl_easy_setopt(easy, CURLOPT_URL, run->url) != CURLE_OK ||
        !set_connect_to(handle, address, request->port))
        return false;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, run);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, run);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, run->slot);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, run);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, run);
    /* Part of the key under which curl keeps a connection, and without effect on any address
     * that is not link-local: it keeps two ids with the same hostname and address apart. */
    curl_easy_setopt(easy, CURLOPT_ADDRESS_SCOPE, (long)(request->id % HTTP_IDS_MAX) + 1);
    size_t place = (size_t)(run->slot - run->shard->slots);
    curl_easy_setopt(easy, CURLOPT_SHARE, run->shard->shares[place / HTTP_PER_SHARE]);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
    /* A resumed session would skip the certificate that a fresh run is there to see. */
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, is_fresh ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->body_max_bytes);
    return true;
}
