#include <assert.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/http_internal.h"

#define CONNECTIONS_MAX (2 * HTTP_PER_SHARD) /* kept and in flight, of one multi handle */

struct watch {
    struct http_shard *shard; /* borrowed */
    curl_socket_t fd;
    struct loop_fd *reader; /* owned, or NULL */
    struct loop_fd *writer; /* owned, or NULL */
};

static void act(struct http_shard *shard, curl_socket_t fd, int events)
{
    int running = 0;
    (void)curl_multi_socket_action(shard->multi, fd, events, &running);
    http_shard_drain(shard);
}

static void on_readable(void *arg)
{
    struct watch *watch = arg;
    act(watch->shard, watch->fd, CURL_CSELECT_IN);
}

static void on_writable(void *arg)
{
    struct watch *watch = arg;
    act(watch->shard, watch->fd, CURL_CSELECT_OUT);
}

static void on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void follow(struct loop_fd **slot, bool is_wanted, bool for_write, struct watch *watch)
{
    if (is_wanted == (*slot != NULL))
        return;
    if (is_wanted) {
        *slot = loop_fd_new(watch->shard->loop, watch->fd, for_write,
                            for_write ? on_writable : on_readable, watch);
    } else {
        loop_fd_free(*slot);
        *slot = NULL;
    }
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct http_shard *shard = arg;
    struct watch *watch = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (watch == NULL)
            return 0;
        follow(&watch->reader, false, false, watch);
        follow(&watch->writer, false, true, watch);
        loop_defer_free(shard->loop, watch);
        curl_multi_assign(shard->multi, fd, NULL);
        return 0;
    }
    if (watch == NULL) {
        watch = mem_zalloc(sizeof *watch);
        watch->shard = shard;
        watch->fd = fd;
        curl_multi_assign(shard->multi, fd, watch);
    }
    follow(&watch->reader, what == CURL_POLL_IN || what == CURL_POLL_INOUT, false, watch);
    follow(&watch->writer, what == CURL_POLL_OUT || what == CURL_POLL_INOUT, true, watch);
    return 0;
}

static int on_timeout_change(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct http_shard *shard = arg;
    if (timeout_ms < 0)
        loop_timer_clear(shard->timer);
    else
        loop_timer_set(shard->timer, mono_add(mono_now(), timeout_ms));
    return 0;
}

struct http_shard *http_shard_new(struct loop *loop, void (*finished)(CURL *easy, CURLcode code))
{
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return NULL;
    struct http_shard *shard = mem_zalloc(sizeof *shard);
    shard->loop = loop;
    shard->multi = multi;
    shard->finished = finished;
    shard->timer = loop_timer_new(loop, on_timer, shard);
    for (size_t i = 0; i < HTTP_PER_SHARD; i++)
        shard->slots[i].fd = -1;
    for (size_t i = 0; i < HTTP_PER_SHARD / HTTP_PER_SHARE; i++) {
        shard->shares[i] = curl_share_init();
        if (shard->shares[i] != NULL)
            curl_share_setopt(shard->shares[i], CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    }
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    /* Without it curl keeps four connections per handle in flight: almost none of ours. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
    return shard;
}

void http_shard_free(struct http_shard *shard)
{
    if (shard == NULL)
        return;
    curl_multi_cleanup(shard->multi);
    for (size_t i = 0; i < HTTP_PER_SHARD / HTTP_PER_SHARE; i++)
        curl_share_cleanup(shard->shares[i]);
    loop_timer_free(shard->timer);
    mem_free(shard);
}

void http_shard_drain(struct http_shard *shard)
{
    int left = 0;
    CURLMsg *msg = NULL;
    while ((msg = curl_multi_info_read(shard->multi, &left)) != NULL) {
        if (msg->msg == CURLMSG_DONE)
            shard->finished(msg->easy_handle, msg->data.result);
    }
}
