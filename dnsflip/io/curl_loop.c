#include "dnsflip/io/curl_loop.h"

#include "dnsflip/base/mem.h"
#include "dnsflip/io/loop.h"

struct watch {
    struct curl_loop *curl; /* borrowed */
    curl_socket_t fd;
    struct loop_fd *reader; /* owned, or NULL */
    struct loop_fd *writer; /* owned, or NULL */
};

/* Hands the transfers that ended to finished. */
static void drain(struct curl_loop *curl)
{
    int left = 0;
    CURLMsg *msg = NULL;
    while ((msg = curl_multi_info_read(curl->multi, &left)) != NULL) {
        if (msg->msg == CURLMSG_DONE)
            curl->finished(msg->easy_handle, msg->data.result);
    }
}

static void act(struct curl_loop *curl, curl_socket_t fd, int events)
{
    int running = 0;
    (void)curl_multi_socket_action(curl->multi, fd, events, &running);
    drain(curl);
}

static void on_readable(void *arg)
{
    struct watch *watch = arg;
    act(watch->curl, watch->fd, CURL_CSELECT_IN);
}

static void on_writable(void *arg)
{
    struct watch *watch = arg;
    act(watch->curl, watch->fd, CURL_CSELECT_OUT);
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
        *slot = loop_fd_new(watch->curl->loop, watch->fd, for_write,
                            for_write ? on_writable : on_readable, watch);
    } else {
        loop_fd_free(*slot);
        *slot = NULL;
    }
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct curl_loop *curl = arg;
    struct watch *watch = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (watch == NULL)
            return 0;
        follow(&watch->reader, false, false, watch);
        follow(&watch->writer, false, true, watch);
        loop_defer_free(curl->loop, watch);
        curl_multi_assign(curl->multi, fd, NULL);
        return 0;
    }
    if (watch == NULL) {
        watch = mem_zalloc(sizeof *watch);
        watch->curl = curl;
        watch->fd = fd;
        curl_multi_assign(curl->multi, fd, watch);
    }
    follow(&watch->reader, what == CURL_POLL_IN || what == CURL_POLL_INOUT, false, watch);
    follow(&watch->writer, what == CURL_POLL_OUT || what == CURL_POLL_INOUT, true, watch);
    return 0;
}

static int on_timeout_change(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct curl_loop *curl = arg;
    if (timeout_ms < 0)
        loop_timer_clear(curl->timer);
    else
        loop_timer_set(curl->timer, mono_add(mono_now(), timeout_ms));
    return 0;
}

bool curl_loop_init(struct curl_loop *curl, struct loop *loop, long connections_max,
                    void (*finished)(CURL *easy, CURLcode code))
{
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return false;
    *curl = (struct curl_loop){ .loop = loop, .multi = multi, .finished = finished };
    curl->timer = loop_timer_new(loop, on_timer, curl);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections_max);
    return true;
}

void curl_loop_fini(struct curl_loop *curl)
{
    curl_multi_cleanup(curl->multi);
    loop_timer_free(curl->timer);
}
