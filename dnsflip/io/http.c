#include "dnsflip/io/http.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/http_internal.h"

#define POOLED_BODY_BYTES_MAX 65537 /* a handle with a larger buffer gives it back */

struct http {
    struct loop *loop;          /* borrowed */
    struct http_tls *tls;       /* owned */
    struct http_shard **shards; /* owned; NULL where no id was used yet */
    struct http_handle *pool;   /* owned */
    size_t n_pool;
    struct http_run *runs; /* those in flight */
};

static struct http_handle *pool_take(struct http *http)
{
    struct http_handle *handle = http->pool;
    if (handle == NULL)
        return http_handle_new();
    http->pool = handle->next;
    http->n_pool--;
    return handle;
}

static void pool_give(struct http *http, struct http_handle *handle)
{
    if (handle == NULL)
        return;
    if (http->n_pool >= HTTP_IDLE_HANDLES_MAX) {
        http_handle_free(handle);
        return;
    }
    if (handle->body.cap > POOLED_BODY_BYTES_MAX)
        buf_fini(&handle->body);
    handle->next = http->pool;
    http->pool = handle;
    http->n_pool++;
}

static void run_free(struct http_run *run)
{
    struct http *http = run->http;
    if (run->prev != NULL)
        run->prev->next = run->next;
    else
        http->runs = run->next;
    if (run->next != NULL)
        run->next->prev = run->prev;
    run->slot->n_runs--;
    pool_give(http, run->handle);
    loop_timer_free(run->soon);
    X509_STORE_free(run->store);
    mem_free(run->url);
    mem_free(run);
}

static size_t address_index(const struct http_run *run)
{
    return (run->first + run->tried) % run->request.n_addresses;
}

static uint32_t since_began(const struct http_run *run, int64_t attempt_part_us)
{
    if (attempt_part_us <= 0)
        return 0;
    return (uint32_t)(run->attempt_us - run->began_us + attempt_part_us);
}

static void read_times(const struct http_run *run, struct probe_times *times)
{
    CURL *easy = run->handle->easy;
    curl_off_t connect_us = 0;
    curl_off_t tls_us = 0;
    curl_off_t first_us = 0;
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connect_us);
    curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first_us);
    times->connect_us = run->has_opened ? since_began(run, connect_us) : 0;
    times->tls_us = run->has_opened ? since_began(run, tls_us) : 0;
    times->first_byte_us = since_began(run, first_us);
    times->total_us = (uint32_t)(mono_now_us() - run->began_us);
}

static void deliver(struct http_run *run, struct http_response *response)
{
    response->address = run->request.addresses[address_index(run)];
    response->certificate_expires = run->certificate_expires;
    http_done *done = run->done;
    void *arg = run->arg;
    done(arg, response);
    run_free(run);
}

static void deliver_local(void *arg)
{
    struct http_run *run = arg;
    struct http_response response = { .reason = REASON_LOCAL_TLS, .content_type = "", .body = "" };
    str_copy(response.detail, sizeof response.detail, run->handle->error);
    deliver(run, &response);
}

static bool begin(struct http_run *run)
{
    const struct http_request *request = &run->request;
    run->attempt_us = mono_now_us();
    run->socket_errno = 0;
    run->has_opened = false;
    int64_t left_ms = request->timeout_ms - (run->attempt_us - run->began_us) / 1000;
    if (left_ms < 1)
        left_ms = 1; /* zero would mean: no limit */
    int64_t connect_ms = left_ms / (int64_t)(request->n_addresses - run->tried);
    const struct inet_ip *address = &request->addresses[address_index(run)];
    return http_handle_prepare(run->handle, run, address, request->is_fresh, left_ms,
                               connect_ms < 1 ? 1 : connect_ms) &&
           curl_multi_add_handle(run->shard->curl.multi, run->handle->easy) == CURLM_OK;
}

/* A far side that did not take the connection: another address may. */
static bool may_try_next(const struct http_run *run, const struct http_response *response)
{
    if (run->tried + 1 >= run->request.n_addresses ||
        mono_now_us() - run->began_us >= run->request.timeout_ms * 1000)
        return false;
    return response->reason == REASON_CONNECT_REFUSED ||
           response->reason == REASON_CONNECT_TIMEOUT || response->reason == REASON_CONNECT_FAILED;
}

static bool is_about_trust(enum reason_code reason)
{
    return reason == REASON_CERT_EXPIRED || reason == REASON_CERT_NAME ||
           reason == REASON_CERT_UNTRUSTED || reason == REASON_LOCAL_CLOCK ||
           reason == REASON_TLS_FAILED;
}

static void finished(CURL *easy, CURLcode code)
{
    struct http_run *run = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &run);
    struct http_handle *handle = run->handle;
    struct http_response response = { .content_type = handle->content_type };
    http_reason(run, code, &response);
    if (run->is_misdirected)
        response.reason = REASON_LOCAL;
    if (is_about_trust(response.reason))
        run->slot->is_suspect = true;
    else if (run->request.is_fresh && response.reason == REASON_OK)
        run->slot->is_suspect = false;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    response.status = (int32_t)status;
    response.reused = !run->has_opened && run->socket_errno == 0;
    read_times(run, &response.times);
    curl_multi_remove_handle(run->shard->curl.multi, easy);

    if (may_try_next(run, &response)) {
        run->tried++;
        if (begin(run))
            return;
        response.reason = REASON_NO_DESCRIPTOR;
    }
    if (handle->date[0] != '\0') {
        time_t date = curl_getdate(handle->date, NULL);
        response.date.ms = date > 0 ? (int64_t)date * 1000 : 0;
    }
    response.body = buf_text(&handle->body);
    response.body_bytes = handle->body.len;
    deliver(run, &response);
}

/* Its next use would find it dead: curl then closes it and opens another. */
static void close_kept(struct http_slot *slot)
{
    if (slot->fd >= 0 && slot->n_runs == 1) /* the one that asks */
        (void)shutdown(slot->fd, SHUT_RDWR);
    slot->fd = -1;
}

/* Where to begin, and whether what is kept may still be used. */
static void choose(struct http_run *run)
{
    struct http_slot *slot = run->slot;
    struct http_request *request = &run->request;
    size_t i = 0;
    while (i < request->n_addresses && !inet_ip_equal(&request->addresses[i], &slot->address))
        i++;
    bool is_ours =
        i < request->n_addresses && slot->port == request->port && slot->store == run->store;
    bool is_expired = slot->certificate_expires.ms != 0 &&
                      slot->certificate_expires.ms <= loop_now(run->http->loop).wall.ms;
    if ((slot->fd >= 0 && !is_ours) || is_expired || slot->is_suspect)
        request->is_fresh = true;
    if (request->is_fresh)
        close_kept(slot);
    else if (slot->fd >= 0)
        run->first = i;
}

static struct http_shard *shard_of(struct http *http, uint32_t id)
{
    struct http_shard **place = &http->shards[id % HTTP_IDS_MAX / HTTP_PER_SHARD];
    if (*place == NULL)
        *place = http_shard_new(http->loop, finished);
    return *place;
}

int http_new(struct loop *loop, struct http **out, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_SYS, "libcurl cannot start");
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return err_set(err, ERR_SYS, "SIGPIPE cannot be ignored");
    struct http *http = mem_zalloc(sizeof *http);
    http->loop = loop;
    http->tls = http_tls_new();
    http->shards = mem_array(HTTP_IDS_MAX / HTTP_PER_SHARD, sizeof(void *));
    *out = http;
    return 0;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    while (http->runs != NULL)
        http_cancel(http->runs);
    /* First: an easy handle holds on to the share it used last. */
    while (http->pool != NULL)
        http_handle_free(pool_take(http));
    for (size_t i = 0; i < HTTP_IDS_MAX / HTTP_PER_SHARD; i++)
        http_shard_free(http->shards[i]);
    mem_free(http->shards);
    http_tls_free(http->tls);
    mem_free(http);
    curl_global_cleanup();
}

static char *make_url(const struct http_request *request, struct err *err)
{
    char url[HTTP_URL_BYTES_MAX];
    if (!str_format(url, sizeof url, "%s://%s:%u%s", request->has_tls ? "https" : "http",
                    request->hostname, request->port, request->path)) {
        err_set(err, ERR_LIMIT, "URL of %s longer than %d bytes", request->hostname,
                HTTP_URL_BYTES_MAX - 1);
        return NULL;
    }
    return mem_strdup(url);
}

int http_start(struct http *http, const struct http_request *request, http_done *done, void *arg,
               struct http_run **out, struct err *err)
{
    struct http_shard *shard = shard_of(http, request->id);
    struct http_handle *handle = shard != NULL ? pool_take(http) : NULL;
    if (handle == NULL)
        return err_set(err, ERR_NOMEM, "no memory for another HTTP request");
    char *url = make_url(request, err);
    if (url == NULL) {
        pool_give(http, handle);
        return -1;
    }
    struct http_run *run = mem_zalloc(sizeof *run);
    *run = (struct http_run){ .http = http,
                              .shard = shard,
                              .slot = &shard->slots[request->id % HTTP_PER_SHARD],
                              .handle = handle,
                              .request = *request,
                              .url = url,
                              .done = done,
                              .arg = arg,
                              .next = http->runs,
                              .began_us = mono_now_us() };
    if (http->runs != NULL)
        http->runs->prev = run;
    http->runs = run;
    run->slot->n_runs++;
    *out = run;

    struct err tls_err;
    if (request->has_tls) {
        run->store =
            http_tls_store(http->tls, request->ca_file, loop_now(http->loop).mono, &tls_err);
        if (run->store == NULL) {
            str_copy(handle->error, sizeof handle->error, tls_err.text);
            run->soon = loop_timer_new(http->loop, deliver_local, run);
            loop_timer_set(run->soon, loop_now(http->loop).mono);
            return 0;
        }
    }
    choose(run);
    if (begin(run))
        return 0;
    run_free(run);
    return err_set(err, ERR_NOMEM, "no memory for another HTTP request");
}

void http_cancel(struct http_run *run)
{
    curl_multi_remove_handle(run->shard->curl.multi, run->handle->easy);
    run_free(run);
}
