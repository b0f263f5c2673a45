#include "dnsflip/lab/observer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/lab/site.h"

#define HEADER_BYTES 12
#define LABEL_BYTES_MAX 63
#define TYPE_A 1
#define CLASS_IN 1
#define ANSWER_BYTES 512
#define SOCKET_BUFFER_BYTES (8 << 20)

/* A question for the address of name, with id in front.  Returns its length. */
static uint16_t write_query(uint8_t out[static OBSERVER_QUERY_BYTES], uint16_t id, const char *name)
{
    size_t at = HEADER_BYTES;

    memset(out, 0, HEADER_BYTES);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
    out[5] = 1; /* one question */
    while (*name != '\0') {
        size_t len = strcspn(name, ".");

        if (len > LABEL_BYTES_MAX)
            len = LABEL_BYTES_MAX;
        out[at++] = (uint8_t)len;
        memcpy(out + at, name, len);
        at += len;
        name += len + (name[len] == '.' ? 1 : 0);
    }
    memcpy(out + at, (const uint8_t[]){ 0, 0, TYPE_A, 0, CLASS_IN }, 5);
    return (uint16_t)(at + 5);
}

/* The address in a good answer to the question of query_bytes; false if it is none. */
static bool read_answer(const uint8_t *bytes, size_t n, size_t query_bytes, struct inet_ip *out)
{
    /* One record behind the question, its name a pointer: type, class, TTL, length, address. */
    const uint8_t *record = bytes + query_bytes;
    static const uint8_t kind[] = { 0, TYPE_A, 0, CLASS_IN };

    if (n < query_bytes + 16 || (bytes[2] & 0x80) == 0 || (bytes[3] & 0x0f) != 0 || bytes[6] != 0 ||
        bytes[7] != 1)
        return false;
    if ((record[0] & 0xc0) != 0xc0 || memcmp(record + 2, kind, sizeof(kind)) != 0 ||
        record[10] != 0 || record[11] != 4)
        return false;
    *out = (struct inet_ip){ .family = 4 };
    memcpy(out->bytes, record + 12, 4);
    return true;
}

static int open_socket(const struct inet_addr *server)
{
    struct sockaddr_storage sa;
    socklen_t len = inet_to_sockaddr(server, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int bytes = SOCKET_BUFFER_BYTES;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (connect(fd, (struct sockaddr *)&sa, len) == 0)
        return fd;
    close(fd);
    return -1;
}

bool observer_ask(const struct inet_addr *server, const char *name, int timeout_ms,
                  struct inet_ip *out)
{
    uint8_t query[OBSERVER_QUERY_BYTES], answer[ANSWER_BYTES];
    uint16_t query_bytes = write_query(query, 1, name);
    struct pollfd polled = { .fd = open_socket(server), .events = POLLIN };
    ssize_t n = -1;

    if (polled.fd < 0)
        return false;
    if (send(polled.fd, query, query_bytes, 0) > 0 && poll(&polled, 1, timeout_ms) == 1)
        n = recv(polled.fd, answer, sizeof(answer), 0);
    close(polled.fd);
    return n > 0 && read_answer(answer, (size_t)n, query_bytes, out);
}

int observer_init(struct observer *o, const struct inet_addr *server, const struct inet_ip *before,
                  const struct inet_ip *after, size_t n_names, struct err *err)
{
    *o = (struct observer){ .n_names = n_names, .before = *before, .after = *after };
    o->fd = open_socket(server);
    if (o->fd < 0)
        return err_sys(err, errno, "observer");
    o->names = mem_array(n_names, sizeof(*o->names));
    for (size_t i = 0; i < n_names; i++) {
        char name[HOSTNAME_BYTES];

        o->names[i].query_bytes =
            write_query(o->names[i].query, (uint16_t)i, site_hostname(i, name));
    }
    return 0;
}

void observer_fini(struct observer *o)
{
    close(o->fd);
    mem_free(o->names);
}

static void take(struct observer *o, const uint8_t *bytes, size_t n)
{
    size_t id = n >= HEADER_BYTES ? (size_t)bytes[0] << 8 | bytes[1] : SIZE_MAX;
    struct observer_name *name = id < o->n_names ? &o->names[id] : NULL;
    struct inet_ip ip;

    if (name == NULL || !name->is_awaited)
        return;
    name->is_awaited = false;
    o->answered++;
    bool is_read = read_answer(bytes, n, name->query_bytes, &ip);

    if (is_read && inet_ip_equal(&ip, &o->after)) {
        if (name->moved_us == 0)
            o->n_moved++;
        name->moved_us = name->moved_us != 0 ? name->moved_us : mono_now_us();
    } else if (!is_read || name->moved_us != 0 || !inet_ip_equal(&ip, &o->before)) {
        o->wrong++;
    }
}

static void take_all(struct observer *o)
{
    uint8_t answer[ANSWER_BYTES];
    ssize_t n;

    while ((n = recv(o->fd, answer, sizeof(answer), 0)) > 0)
        take(o, answer, (size_t)n);
}

void observer_round(struct observer *o, int ms)
{
    struct mono end = mono_add(mono_now(), ms);

    for (size_t i = 0; i < o->n_names; i++) {
        struct observer_name *name = &o->names[i];

        if (send(o->fd, name->query, name->query_bytes, 0) < 0)
            continue;
        o->asked++;
        name->is_awaited = true;
    }
    for (int64_t left = ms; left > 0; left = mono_since(end, mono_now())) {
        struct pollfd polled = { .fd = o->fd, .events = POLLIN };

        if (poll(&polled, 1, (int)left) > 0)
            take_all(o);
    }
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

struct observer_times observer_times(const struct observer *o)
{
    int64_t *all = mem_array(o->n_moved + 1, sizeof(*all));
    struct observer_times out = { 0, 0, 0 };
    size_t n = 0;

    for (size_t i = 0; i < o->n_names; i++) {
        if (o->names[i].moved_us != 0)
            all[n++] = o->names[i].moved_us;
    }
    qsort(all, n, sizeof(*all), compare);
    if (n > 0)
        out = (struct observer_times){ all[0], all[n / 2], all[n - 1] };
    mem_free(all);
    return out;
}
