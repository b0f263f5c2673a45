/* dnsflip/dns/rate.h -- response-rate limiting: how many answers of one kind a client's network
 * gets in a second.  An attacker who forges a victim's address makes name servers flood the victim;
 * past the limit answers are dropped, and every so many are sent truncated ("slip"), so that a
 * client who is really there comes back over TCP.  One table per answer thread: PURE, no lock, no
 * allocation, no clock. */
#ifndef DNSFLIP_DNS_RATE_H
#define DNSFLIP_DNS_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/siphash.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/model/limits.h"

#define RATE_PLACES 65536  /* pairs of network and kind that are counted at a time */
#define RATE_WAYS 4        /* places that one pair may take: a cache line of them */
#define RATE_BURST_MS 2000 /* who was silent may have the answers of so long at once */
#define RATE_IPV4_PREFIX_BITS 24
#define RATE_IPV6_PREFIX_BITS 56

enum rate_verdict { RATE_ANSWER = 0, RATE_SLIP, RATE_DROP };

struct rate_limit {
    uint32_t per_second; /* 1..RATE_LIMIT_MAX */
    uint32_t slip;       /* every so many over the limit are truncated, not dropped; 0 = none */
};

/* One network and kind.  Times and credits of a place that is taken over begin anew. */
struct rate_place {
    uint32_t tag; /* 0 = free */
    uint32_t at_ms;
    uint32_t credit; /* answers left, in thousandths */
    uint32_t over;   /* answers not given so far: every slip-th of them is truncated */
};

/* 1 MiB; the pages of places that nobody needed are never touched.  All zero but the key. */
struct rate_table {
    uint8_t key[SIPHASH_KEY_BYTES]; /* secret: nobody can aim at another's place */
    struct rate_place places[RATE_PLACES] __attribute__((aligned(64)));
};

/* The network of an address of n bytes (4 or 16). */
uint64_t rate_network(const uint8_t *ip, size_t n);

/* Whether an address is exempt: loopback, which nobody can forge from outside, and networks[0..n).
 */
bool rate_is_exempt(const struct view_network *networks, size_t n, const uint8_t *ip,
                    size_t ip_bytes);

/* Counts one answer of a kind to a network, and says what is to become of it.  now_ms may wrap. */
enum rate_verdict rate_check(struct rate_table *t, const struct rate_limit *limit, uint64_t network,
                             uint64_t kind, uint32_t now_ms);

#endif
