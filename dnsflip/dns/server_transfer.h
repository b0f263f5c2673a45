/* dnsflip/dns/server_transfer.h -- transfers under way over TCP: their number, their place, their
 * time.  Only the TCP thread calls this. */
#ifndef DNSFLIP_DNS_SERVER_TRANSFER_H
#define DNSFLIP_DNS_SERVER_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/dns/server_frame.h"
#include "dnsflip/dns/server_thread.h"
#include "dnsflip/dns/transfer.h"

#define SERVER_TRANSFERS_MAX 32          /* at once */
#define SERVER_TRANSFERS_PER_CLIENT 8    /* to one IPv4 address or IPv6 /64 */
#define SERVER_TRANSFER_TURN_BYTES 65536 /* sent before other connections have their turn */

struct server_transfer {
    struct transfer transfer;
    const struct server_pair *pair; /* held: it stays mapped; NULL = this place is free */
    uint64_t client;
    struct mono begun;
    size_t start, end; /* of out: not sent yet */
    uint8_t out[SERVER_FRAME_PREFIX_BYTES + ANSWER_TCP_BYTES + ANSWER_SLACK_BYTES];
};

struct server_transfers {
    struct server_transfer items[SERVER_TRANSFERS_MAX];
};

/* A free place for a transfer to client, or NULL if there are as many as there may be. */
struct server_transfer *server_transfer_find(struct server_transfers *all, uint64_t client);

/* What stands in x->transfer begins: until its end the pair is held. */
void server_transfer_start(struct server_transfer *x, const struct server_pair *pair,
                           uint64_t client, struct mono now);

enum server_transfer_step {
    SERVER_TRANSFER_WAITS, /* for its reader, or for its next turn */
    SERVER_TRANSFER_DONE,
    SERVER_TRANSFER_FAILED,
};

/* Sends what fd takes; *moved: something was sent. */
enum server_transfer_step server_transfer_send(struct server_transfer *x, int fd, uint64_t now_s,
                                               bool *moved);

/* Whether x is to be cut: its time is over, or its pair is wanted back. */
bool server_transfer_is_late(const struct server_transfer *x, struct mono moved, struct mono now);

/* Gives the place and the pair back. */
void server_transfer_end(struct server_transfer *x);

#endif
