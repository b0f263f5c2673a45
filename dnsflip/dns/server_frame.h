/* dnsflip/dns/server_frame.h -- DNS over TCP, the pure part (RFC 7766): where one message ends and
 * the next begins, and when a connection has been slow for too long. */
#ifndef DNSFLIP_DNS_SERVER_FRAME_H
#define DNSFLIP_DNS_SERVER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/mono.h"

#define SERVER_FRAME_PREFIX_BYTES 2
#define SERVER_FRAME_QUERY_MAX 4094 /* a longer query ends its connection */
#define SERVER_TCP_IDLE_MS 10000    /* without a byte either way */
#define SERVER_TCP_TOTAL_MS 30000   /* for one message, or between two, however it trickles */
#define SERVER_TRANSFER_MS 60000    /* for a whole transfer */

enum server_frame {
    SERVER_FRAME_PARTIAL = 0, /* more bytes are needed */
    SERVER_FRAME_WHOLE,
    SERVER_FRAME_TOO_LONG,
};

/* Whether bytes[0..n) starts with a whole message; *len is its length without the prefix, set
 * unless the prefix itself is incomplete. */
enum server_frame server_frame_next(const uint8_t *bytes, size_t n, size_t *len);

/* Puts the prefix for a message of len bytes (at most 65,535) at out. */
void server_frame_prefix(uint8_t out[static SERVER_FRAME_PREFIX_BYTES], size_t len);

/* When a connection is to be cut: moved = when its last byte came or went, since = when its last
 * whole query came or its unsent answer was made. */
struct mono server_frame_deadline(struct mono moved, struct mono since);

/* The same for one to which a transfer goes that has begun. */
struct mono server_frame_transfer_deadline(struct mono moved, struct mono begun);

/* Whom a limit per address counts as one: an IPv4 address, or the /64 of an IPv6 address.  Never 0.
 */
uint64_t server_frame_client(const struct inet_ip *ip);

#endif
