#include "dnsflip/dns/server_transfer.h"

#include <errno.h>
#include <sys/socket.h>

struct server_transfer *server_transfer_find(struct server_transfers *all, uint64_t client)
{
    struct server_transfer *found = NULL;
    unsigned n = 0;

    for (size_t i = 0; i < SERVER_TRANSFERS_MAX; i++) {
        if (all->items[i].pair == NULL)
            found = &all->items[i];
        else
            n += all->items[i].client == client;
    }
    return n < SERVER_TRANSFERS_PER_CLIENT ? found : NULL;
}

void server_transfer_start(struct server_transfer *x, const struct server_pair *pair,
                           uint64_t client, struct mono now)
{
    atomic_fetch_add(&pair->hold->n, 1);
    x->pair = pair;
    x->client = client;
    x->begun = now;
    x->start = 0;
    x->end = 0;
}

/* Puts the next message into out.  False if there is none. */
static bool fill(struct server_transfer *x, uint64_t now_s)
{
    size_t n = transfer_next(&x->transfer, x->out + SERVER_FRAME_PREFIX_BYTES, now_s);

    if (n == 0)
        return false;
    server_frame_prefix(x->out, n);
    x->start = 0;
    x->end = SERVER_FRAME_PREFIX_BYTES + n;
    return true;
}

enum server_transfer_step server_transfer_send(struct server_transfer *x, int fd, uint64_t now_s,
                                               bool *moved)
{
    for (size_t sent = 0; sent < SERVER_TRANSFER_TURN_BYTES;) {
        if (x->start == x->end && !fill(x, now_s))
            return x->transfer.stage == TRANSFER_DONE ? SERVER_TRANSFER_DONE
                                                      : SERVER_TRANSFER_FAILED;
        ssize_t n = send(fd, x->out + x->start, x->end - x->start, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n < 0)
            return SERVER_TRANSFER_FAILED;
        x->start += (size_t)n;
        sent += (size_t)n;
        *moved = true;
    }
    return SERVER_TRANSFER_WAITS;
}

bool server_transfer_is_late(const struct server_transfer *x, struct mono moved, struct mono now)
{
    return mono_since(now, server_frame_transfer_deadline(moved, x->begun)) >= 0 ||
           atomic_load_explicit(&x->pair->hold->is_wanted_back, memory_order_relaxed);
}

void server_transfer_end(struct server_transfer *x)
{
    const struct server_pair *pair = x->pair;

    x->pair = NULL;
    /* Release: whoever sees it may unmap what this thread has read. */
    atomic_fetch_sub_explicit(&pair->hold->n, 1, memory_order_release);
}
