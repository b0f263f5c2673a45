#include "dnsflip/dns/server_frame.h"

#include <assert.h>

enum server_frame server_frame_next(const uint8_t *bytes, size_t n, size_t *len)
{
    if (n < SERVER_FRAME_PREFIX_BYTES)
        return SERVER_FRAME_PARTIAL;
    *len = (size_t)bytes[0] << 8 | bytes[1];
    if (*len > SERVER_FRAME_QUERY_MAX)
        return SERVER_FRAME_TOO_LONG;
    return n - SERVER_FRAME_PREFIX_BYTES < *len ? SERVER_FRAME_PARTIAL : SERVER_FRAME_WHOLE;
}

void server_frame_prefix(uint8_t out[static SERVER_FRAME_PREFIX_BYTES], size_t len)
{
    assert(len <= UINT16_MAX);
    out[0] = (uint8_t)(len >> 8);
    out[1] = (uint8_t)len;
}

static struct mono sooner(struct mono a, struct mono b)
{
    return mono_since(a, b) < 0 ? a : b;
}

struct mono server_frame_deadline(struct mono moved, struct mono since)
{
    return sooner(mono_add(moved, SERVER_TCP_IDLE_MS), mono_add(since, SERVER_TCP_TOTAL_MS));
}

struct mono server_frame_transfer_deadline(struct mono moved, struct mono begun)
{
    return sooner(mono_add(moved, SERVER_TCP_IDLE_MS), mono_add(begun, SERVER_TRANSFER_MS));
}

uint64_t server_frame_client(const struct inet_ip *ip)
{
    size_t n = ip->family == 4 ? 4 : 8;
    uint64_t key = 0;

    for (size_t i = 0; i < n; i++)
        key = key << 8 | ip->bytes[i];
    /* 0000::/32 is reserved, so that no IPv6 prefix looks like an IPv4 address. */
    return ip->family == 4 ? key | UINT64_C(1) << 32 : key | UINT64_C(1) << 63;
}
