#include "dnsflip/beacon/reply.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/beacon/request.h"
#include "dnsflip/model/limits.h"

#define BODY_BYTES 256

static const char prefix[] = "/beacon/";
#define PREFIX_BYTES (sizeof(prefix) - 1)

struct answer {
    const char *status;
    const char *fields; /* further header fields, each with its line end */
    enum counter counter;
    char body[BODY_BYTES];
};

static void refuse(struct answer *a, const char *status, const char *words)
{
    a->status = status;
    a->counter = COUNTER_BEACON_REFUSED;
    (void)str_copy(a->body, sizeof(a->body), words);
}

static void say_state(struct answer *a, const char *group, const char *cluster, unsigned index,
                      struct page_word word)
{
    bool is_active = word.index == index;

    a->status = is_active ? "200 OK" : "503 Service Unavailable";
    a->counter = is_active ? COUNTER_BEACON_ACTIVE : COUNTER_BEACON_STANDBY;
    (void)str_format(a->body, sizeof(a->body), "dnsflip group=%s cluster=%s state=%s epoch=%u\n",
                     group, cluster,
                     is_active         ? "active"
                     : word.index == 0 ? "unadopted"
                                       : "standby",
                     word.epoch);
}

static void say_unknown(struct answer *a)
{
    a->status = "404 Not Found";
    a->counter = COUNTER_BEACON_UNKNOWN;
    (void)str_copy(a->body, sizeof(a->body),
                   "there is /beacon/GROUP/CLUSTER for each group with a beacon\n");
}

/* The index of its word that stands for the cluster of that name; 0 = the group has none. */
static unsigned find_cluster(const struct view *view, uint32_t group, const char *name, size_t len)
{
    const char *cluster;

    for (unsigned index = 1; (cluster = view_cluster_name(view, group, index)) != NULL; index++) {
        if (strlen(cluster) == len && memcmp(cluster, name, len) == 0)
            return index;
    }
    return 0;
}

static void look_up(const struct view *view, const struct page *page,
                    const struct beacon_request *r, struct answer *a)
{
    const char *group = r->path + PREFIX_BYTES;
    uint32_t number = 0;

    say_unknown(a);
    if (r->path_len < PREFIX_BYTES || memcmp(r->path, prefix, PREFIX_BYTES) != 0)
        return;
    size_t left = r->path_len - PREFIX_BYTES;
    const char *slash = memchr(group, '/', left);
    if (slash == NULL)
        return;
    size_t group_len = (size_t)(slash - group);
    if (!view_find_beacon(view, group, group_len, &number))
        return;
    unsigned index = find_cluster(view, number, slash + 1, left - group_len - 1);
    if (index != 0)
        say_state(a, view_group_name(view, number), view_cluster_name(view, number, index), index,
                  page_get(page, number));
}

size_t beacon_reply(const struct view *view, const struct page *page, const char *bytes, size_t n,
                    char out[static BEACON_REPLY_BYTES], enum counter *counter)
{
    struct beacon_request request = { .is_head = false };
    struct answer a = { .fields = "" };

    switch (beacon_request_read(bytes, n, &request)) {
    case BEACON_REQUEST_PARTIAL:
        return 0;
    case BEACON_REQUEST_WHOLE:
        look_up(view, page, &request, &a);
        break;
    case BEACON_REQUEST_OTHER:
        refuse(&a, "405 Method Not Allowed", "only GET and HEAD\n");
        a.fields = "Allow: GET, HEAD\r\n";
        break;
    case BEACON_REQUEST_MALFORMED:
        refuse(&a, "400 Bad Request", "this is no HTTP/1 request\n");
        break;
    case BEACON_REQUEST_TOO_LONG:
        refuse(&a, "431 Request Header Fields Too Large", "a request has at most 1024 bytes\n");
        break;
    }
    (void)str_format(out, BEACON_REPLY_BYTES,
                     "HTTP/1.1 %s\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Cache-Control: no-store\r\n"
                     "%sContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s",
                     a.status, a.fields, strlen(a.body), request.is_head ? "" : a.body);
    *counter = a.counter;
    return strlen(out);
}
