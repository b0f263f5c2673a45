#include <openssl/x509.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/connect.h"
#include "dnsflip/io/http_internal.h"

/* Results that mean the same whenever they come. */
static const struct {
    CURLcode code;
    enum reason_code reason;
} by_code[] = {
    { CURLE_OK, REASON_OK },
    { CURLE_UNSUPPORTED_PROTOCOL, REASON_PROTOCOL }, /* HTTP/0.9 */
    { CURLE_WEIRD_SERVER_REPLY, REASON_PROTOCOL },
    { CURLE_HTTP2, REASON_PROTOCOL },
    { CURLE_BAD_CONTENT_ENCODING, REASON_PROTOCOL },
    { CURLE_PARTIAL_FILE, REASON_CLOSED },
    { CURLE_GOT_NOTHING, REASON_CLOSED },
    { CURLE_SEND_ERROR, REASON_CLOSED },
    { CURLE_RECV_ERROR, REASON_CLOSED },
    { CURLE_FILESIZE_EXCEEDED, REASON_BODY_TOO_LARGE },
    { CURLE_SSL_CONNECT_ERROR, REASON_TLS_FAILED },
    { CURLE_OUT_OF_MEMORY, REASON_NO_DESCRIPTOR },
    { CURLE_SSL_CACERT_BADFILE, REASON_LOCAL_TLS },
    { CURLE_SSL_CERTPROBLEM, REASON_LOCAL_TLS },
    { CURLE_SSL_CIPHER, REASON_LOCAL_TLS },
};

static enum reason_code of_code(CURLcode code)
{
    for (size_t i = 0; i < sizeof by_code / sizeof by_code[0]; i++) {
        if (by_code[i].code == code)
            return by_code[i].reason;
    }
    return REASON_LOCAL;
}

static enum reason_code of_certificate(CURL *easy)
{
    long verify = X509_V_OK;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verify);
    /* curl sets it to "unspecified" before the handshake, and checks the name after the chain. */
    if (verify == X509_V_OK || verify == X509_V_ERR_UNSPECIFIED)
        return REASON_CERT_NAME;
    if (verify == X509_V_ERR_CERT_HAS_EXPIRED)
        return REASON_CERT_EXPIRED;
    if (verify == X509_V_ERR_CERT_NOT_YET_VALID)
        return REASON_LOCAL_CLOCK;
    return REASON_CERT_UNTRUSTED;
}

static enum reason_code of_connect(const struct http_run *run)
{
    long sys_errno = run->socket_errno;
    if (sys_errno == 0)
        curl_easy_getinfo(run->handle->easy, CURLINFO_OS_ERRNO, &sys_errno);
    return connect_reason((int)sys_errno);
}

static enum reason_code of_timeout(const struct http_run *run, const char **phase)
{
    curl_off_t tls_us = 0;
    curl_easy_getinfo(run->handle->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    if (run->has_opened && !run->slot->was_connected) {
        *phase = "while connecting";
        return REASON_CONNECT_TIMEOUT;
    }
    *phase = run->has_opened && run->request.has_tls && tls_us == 0
                 ? "in the TLS handshake"
                 : "waiting for the whole answer";
    return REASON_TIMEOUT;
}

static void describe(struct http_response *response, const struct http_run *run, CURLcode code)
{
    const char *text = run->handle->error;
    if (text[0] == '\0')
        text = curl_easy_strerror(code);
    size_t n = 0;
    for (; text[n] != '\0' && n + 1 < sizeof response->detail; n++) {
        response->detail[n] = text[n];
        if (text[n] < ' ' || text[n] > '~')
            response->detail[n] = '?';
    }
    response->detail[n] = '\0';
}

void http_reason(const struct http_run *run, CURLcode code, struct http_response *response)
{
    const struct http_handle *handle = run->handle;
    const char *phase = NULL;
    response->detail[0] = '\0';
    if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED) {
        bool is_header = handle->header_bytes > HTTP_HEADER_BYTES_MAX;
        response->reason = is_header ? REASON_PROTOCOL : REASON_BODY_TOO_LARGE;
        str_format(response->detail, sizeof response->detail, "%s larger than %u bytes",
                   is_header ? "header" : "body",
                   is_header ? HTTP_HEADER_BYTES_MAX : run->request.body_max_bytes);
        return;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        response->reason = of_timeout(run, &phase);
        str_format(response->detail, sizeof response->detail, "nothing more after %lld ms, %s",
                   (long long)((mono_now_us() - run->began_us) / 1000), phase);
        return;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        response->reason = of_certificate(handle->easy);
    else if (code == CURLE_COULDNT_CONNECT)
        response->reason = of_connect(run);
    else
        response->reason = of_code(code);
    if (response->reason != REASON_OK)
        describe(response, run, code);
}
