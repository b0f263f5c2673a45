#include "dnsflip/lab/certificate.h"

#include <stdbool.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "dnsflip/base/fsio.h"

#define VALID_S (14L * 24 * 3600)
#define BACKDATE_S 3600L /* for clocks that differ a little */
#define X509_VERSION_3 2 /* as X.509 counts */

static int fail(struct err *err, const char *what)
{
    char text[256];

    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    ERR_clear_error();
    return err_set(err, ERR_SYS, "%s: %s", what, text);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return is_added;
}

static bool set_serial(X509 *cert)
{
    uint64_t serial = 0;

    return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), (serial >> 1) + 1) == 1;
}

/* An unsigned certificate; issuer NULL: its own. */
static X509 *draft(EVP_PKEY *key, const char *subject, X509 *issuer)
{
    X509 *cert = X509_new();
    X509_NAME *name = cert != NULL ? X509_get_subject_name(cert) : NULL;

    if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
        X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATE_S) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) == NULL ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1, -1,
                                   0) != 1 ||
        X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : name) != 1 ||
        X509_set_pubkey(cert, key) != 1) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static X509 *make_authority(EVP_PKEY *key)
{
    X509 *cert = draft(key, "dnsflip lab throw-away authority", NULL);

    if (cert != NULL && add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE") &&
        add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static X509 *make_leaf(EVP_PKEY *key, const char *names, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *cert = draft(key, "dnsflip lab cluster", ca);

    if (cert != NULL && add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
        add_extension(cert, ca, NID_authority_key_identifier, "keyid") &&
        add_extension(cert, ca, NID_subject_alt_name, names) &&
        X509_sign(cert, ca_key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static int write_pem(const char *path, X509 *cert, struct err *err)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    int result = -1;

    if (memory == NULL || PEM_write_bio_X509(memory, cert) != 1) {
        result = fail(err, "certificate as PEM");
    } else {
        long n = BIO_get_mem_data(memory, &text);

        result = fsio_replace(path, text, (size_t)n, 0644, err);
    }
    BIO_free(memory);
    return result;
}

static int make_context(EVP_PKEY *key, X509 *cert, SSL_CTX **out, struct err *err)
{
    *out = SSL_CTX_new(TLS_server_method());
    if (*out != NULL && SSL_CTX_set_min_proto_version(*out, TLS1_2_VERSION) == 1 &&
        SSL_CTX_use_certificate(*out, cert) == 1 && SSL_CTX_use_PrivateKey(*out, key) == 1)
        return 0;
    SSL_CTX_free(*out);
    *out = NULL;
    return fail(err, "TLS context");
}

int certificate_make(const char *ca_path, const char *names, SSL_CTX **out, struct err *err)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = ca_key != NULL ? make_authority(ca_key) : NULL;
    X509 *cert = ca != NULL && key != NULL ? make_leaf(key, names, ca, ca_key) : NULL;
    int result = -1;

    if (cert == NULL)
        result = fail(err, "throw-away certificates");
    else if (write_pem(ca_path, ca, err) == 0)
        result = make_context(key, cert, out, err);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return result;
}
