/* tests/bench/bench_probes.c -- processor time per check, for 480 probes in turn at a steady rate:
 * HTTP and HTTPS, each over fresh and over kept connections.  The servers are a process apart. */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "probes/probe.h"

#define PROBES 480
#define HTTP_PER_SECOND 2000
#define HTTPS_PER_SECOND 400
#define SECONDS 5 /* measured, after one that opens the connections */
#define HOSTNAME "airflow.test"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: 20\r\n\r\n{\"status\":\"healthy\"}";

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* A self-signed certificate, its own authority. */
static void make_certificate(const char *pem_path, EVP_PKEY **key, X509 **certificate)
{
    *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    *certificate = x;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, *key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)HOSTNAME, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:" HOSTNAME);
    X509_add_ext(x, names, -1);
    X509_EXTENSION_free(names);
    if (X509_sign(x, *key, EVP_sha256()) == 0)
        die("X509_sign");
    FILE *f = fopen(pem_path, "w");
    if (f == NULL || PEM_write_X509(f, x) != 1 || fclose(f) != 0)
        die(pem_path);
}

struct connection {
    int fd;
    SSL *ssl; /* NULL = plain */
};

static void *serve(void *arg)
{
    struct connection *c = arg;
    char request[4096];
    bool is_open = c->ssl == NULL || SSL_accept(c->ssl) == 1;
    while (is_open) {
        if (c->ssl != NULL)
            is_open = SSL_read(c->ssl, request, sizeof request) > 0 &&
                      SSL_write(c->ssl, answer, sizeof answer - 1) > 0;
        else
            is_open = recv(c->fd, request, sizeof request, 0) > 0 &&
                      send(c->fd, answer, sizeof answer - 1, MSG_NOSIGNAL) > 0;
    }
    SSL_free(c->ssl);
    close(c->fd);
    free(c); // NOLINT: the server is no part of the product
    return NULL;
}

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, n) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &n) != 0)
        die("listen");
    *port = ntohs(addr.sin_port);
    return fd;
}

struct listener {
    int fd;
    SSL_CTX *context; /* NULL = plain */
};

static void *accept_all(void *arg)
{
    const struct listener *listener = arg;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, (size_t)128 * 1024);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (;;) {
        struct connection *c = calloc(1, sizeof *c); // NOLINT: as above
        pthread_t thread;
        c->fd = accept(listener->fd, NULL, NULL);
        if (c->fd < 0)
            die("accept");
        if (listener->context != NULL) {
            c->ssl = SSL_new(listener->context);
            SSL_set_fd(c->ssl, c->fd);
        }
        if (pthread_create(&thread, &small, serve, c) != 0)
            die("pthread_create");
    }
    return NULL;
}

static pid_t start_server(const char *pem_path, uint16_t ports[2])
{
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    static struct listener listeners[2];
    make_certificate(pem_path, &key, &certificate);
    listeners[0].fd = listen_somewhere(&ports[0]);
    listeners[1].fd = listen_somewhere(&ports[1]);
    pid_t pid = fork();
    if (pid != 0) {
        close(listeners[0].fd);
        close(listeners[1].fd);
        return pid;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    listeners[1].context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(listeners[1].context, certificate);
    SSL_CTX_use_PrivateKey(listeners[1].context, key);
    pthread_t thread;
    if (pthread_create(&thread, NULL, accept_all, &listeners[0]) != 0)
        die("pthread_create");
    accept_all(&listeners[1]);
    exit(0);
}

struct bench {
    struct loop *loop;
    struct io io;
    struct probe_cfg cfg;
    struct target target;
    struct probe_request requests[PROBES];
    struct loop_timer *tick;
    int64_t began_us;
    int64_t per_second;
    size_t started, done, passed, reused, wanted, n_told;
};

static void on_done(void *arg, const struct observation *seen)
{
    struct bench *b = arg;
    b->done++;
    b->passed += seen->reason[PROFILE_ACTIVE] == REASON_OK;
    if (seen->reason[PROFILE_ACTIVE] != REASON_OK && b->n_told++ < 3)
        (void)fprintf(stderr, "%s: %s\n", reason_code_info(seen->reason[PROFILE_ACTIVE])->name,
                      seen->detail);
    b->reused += seen->reused;
    if (b->done == b->wanted)
        loop_stop(b->loop);
}

static void on_tick(void *arg)
{
    struct bench *b = arg;
    int64_t due = (mono_now_us() - b->began_us) * b->per_second / 1000000;
    while (b->started < b->wanted && (int64_t)b->started < due) {
        struct probe_run *run = NULL;
        struct err err;
        if (probe_start(&b->requests[b->started % PROBES], &b->io, on_done, b, &run, &err) != 0)
            die(err.text);
        b->started++;
    }
    if (b->started < b->wanted)
        loop_timer_set(b->tick, mono_add(loop_now(b->loop).mono, 1));
}

static void run_checks(struct bench *b, size_t checks)
{
    b->started = b->done = b->passed = b->reused = 0;
    b->wanted = checks;
    b->began_us = mono_now_us();
    loop_timer_set(b->tick, loop_now(b->loop).mono);
    loop_run(b->loop);
}

static double cpu_us(const struct timeval *t)
{
    return (double)t->tv_sec * 1e6 + (double)t->tv_usec;
}

static void measure(struct bench *b, const char *name, enum probe_scheme scheme, uint16_t port,
                    bool is_fresh, uint32_t first_id)
{
    b->cfg.scheme = scheme;
    b->cfg.port = port;
    for (uint32_t i = 0; i < PROBES; i++)
        b->requests[i] = (struct probe_request){ .cfg = &b->cfg,
                                                 .hostname = HOSTNAME,
                                                 .base_path = "",
                                                 .class = CLASS_CUSTOM,
                                                 .target = &b->target,
                                                 .family = 4,
                                                 .id = first_id + i,
                                                 .fresh = is_fresh };
    struct rusage from;
    struct rusage to;
    b->per_second = scheme == SCHEME_HTTP ? HTTP_PER_SECOND : HTTPS_PER_SECOND;
    run_checks(b, PROBES);
    getrusage(RUSAGE_SELF, &from);
    run_checks(b, (size_t)b->per_second * SECONDS);
    getrusage(RUSAGE_SELF, &to);
    double n = (double)b->done;
    printf("bench=probes arrangement=%s probes=%d rate_per_s=%lld checks=%zu passed=%zu reused=%zu "
           "user_us=%.1f system_us=%.1f peak_kib=%ld\n",
           name, PROBES, (long long)b->per_second, b->done, b->passed, b->reused,
           (cpu_us(&to.ru_utime) - cpu_us(&from.ru_utime)) / n,
           (cpu_us(&to.ru_stime) - cpu_us(&from.ru_stime)) / n, to.ru_maxrss);
    if (b->passed != b->done)
        exit(1);
}

int main(void)
{
    static struct bench b;
    struct err err;
    char pem_path[] = "/tmp/bench_probes_XXXXXX";
    uint16_t ports[2];
    int fd = mkstemp(pem_path);
    if (fd < 0)
        die(pem_path);
    close(fd);
    pid_t server = start_server(pem_path, ports);
    struct json_rule rule = { .pointer = "/status", .type = JSON_RULE_STRING, .text = "healthy" };
    b.cfg = (struct probe_cfg){ .kind = "http",
                                .timeout_ms = 5000,
                                .path = "/execution/health",
                                .status_min = 200,
                                .status_max = 200,
                                .json = { rule },
                                .n_json = 1,
                                .max_body_bytes = 65536 };
    str_copy(b.cfg.ca_file, sizeof b.cfg.ca_file, pem_path);
    b.target.n_a = inet_parse_ip("127.0.0.1", &b.target.a[0]) ? 1 : 0;
    if (loop_new(&b.loop, &err) != 0 || io_init(&b.io, b.loop, &err) != 0)
        die(err.text);
    b.tick = loop_timer_new(b.loop, on_tick, &b);
    measure(&b, "http-fresh", SCHEME_HTTP, ports[0], true, 0);
    measure(&b, "http-kept", SCHEME_HTTP, ports[0], false, 1024);
    measure(&b, "https-fresh", SCHEME_HTTPS, ports[1], true, 2048);
    measure(&b, "https-kept", SCHEME_HTTPS, ports[1], false, 3072);
    loop_timer_free(b.tick);
    io_fini(&b.io);
    loop_free(b.loop);
    kill(server, SIGTERM);
    (void)waitpid(server, NULL, 0);
    unlink(pem_path);
    return 0;
}
