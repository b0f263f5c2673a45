#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/http_internal.h"

/* The trusted certificates of one file, parsed once: curl would parse them per connection. */
struct store {
    char *ca_file; /* owned */
    X509_STORE *x509;
    struct timespec changed; /* mtime of what was read */
    off_t size;
    struct mono checked;
};

struct http_tls {
    struct store stores[HTTP_CA_FILES_MAX];
    size_t n;
};

struct http_tls *http_tls_new(void)
{
    return mem_zalloc(sizeof(struct http_tls));
}

static void store_fini(struct store *store)
{
    mem_free(store->ca_file);
    X509_STORE_free(store->x509);
    *store = (struct store){ 0 };
}

void http_tls_free(struct http_tls *tls)
{
    if (tls == NULL)
        return;
    for (size_t i = 0; i < tls->n; i++)
        store_fini(&tls->stores[i]);
    mem_free(tls);
}

static const char *path_of(const char *ca_file)
{
    if (ca_file[0] != '\0')
        return ca_file;
    const char *built_in = curl_version_info(CURLVERSION_NOW)->cainfo;
    return built_in != NULL ? built_in : X509_get_default_cert_file();
}

static int store_load(struct store *store, const char *ca_file, const struct stat *st,
                      struct err *err)
{
    X509_STORE *x509 = X509_STORE_new();
    if (x509 == NULL)
        return err_set(err, ERR_NOMEM, "no memory for trusted certificates");
    /* An intermediate in the file may be an anchor, as with the curl tool. */
    X509_STORE_set_flags(x509, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    int rc = X509_STORE_load_file(x509, path_of(ca_file));
    ERR_clear_error();
    if (rc != 1) {
        X509_STORE_free(x509);
        return err_set(err, ERR_CONFIG, "%s: no certificate in PEM form", path_of(ca_file));
    }
    char *copy = mem_strdup(ca_file);
    store_fini(store);
    *store = (struct store){
        .ca_file = copy, .x509 = x509, .changed = st->st_mtim, .size = st->st_size
    };
    return 0;
}

static bool is_same(const struct store *store, const struct stat *st)
{
    return store->changed.tv_sec == st->st_mtim.tv_sec &&
           store->changed.tv_nsec == st->st_mtim.tv_nsec && store->size == st->st_size;
}

/* The entry of ca_file, or a place for it; NULL when there is none left. */
static struct store *place_of(struct http_tls *tls, const char *ca_file)
{
    for (size_t i = 0; i < tls->n; i++) {
        if (tls->stores[i].ca_file != NULL && strcmp(tls->stores[i].ca_file, ca_file) == 0)
            return &tls->stores[i];
    }
    for (size_t i = 0; i < tls->n; i++) {
        if (tls->stores[i].ca_file == NULL)
            return &tls->stores[i];
    }
    return tls->n < HTTP_CA_FILES_MAX ? &tls->stores[tls->n++] : NULL;
}

X509_STORE *http_tls_store(struct http_tls *tls, const char *ca_file, struct mono now,
                           struct err *err)
{
    struct store *store = place_of(tls, ca_file);
    if (store == NULL) {
        err_set(err, ERR_LIMIT, "more than %d different CA files", HTTP_CA_FILES_MAX);
        return NULL;
    }
    if (store->x509 == NULL || mono_since(now, store->checked) >= HTTP_CA_RECHECK_MS) {
        struct stat st;
        if (stat(path_of(ca_file), &st) != 0) {
            err_sys(err, errno, "%s", path_of(ca_file));
            return NULL;
        }
        if ((store->x509 == NULL || !is_same(store, &st)) &&
            store_load(store, ca_file, &st, err) != 0)
            return NULL;
        store->checked = now;
    }
    X509_STORE_up_ref(store->x509);
    return store->x509;
}

struct wall http_tls_expiry(CURL *easy)
{
    struct wall never = { 0 };
    struct curl_tlssessioninfo *info = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
        info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL)
        return never;
    const X509 *leaf = SSL_get0_peer_certificate(info->internals);
    struct tm tm = { 0 };
    if (leaf == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) != 1)
        return never;
    return (struct wall){ .ms = (int64_t)timegm(&tm) * 1000 };
}
