#include "dnsflip/dns/rate.h"

#include <assert.h>
#include <string.h>

#define ANSWER_COST 1000U /* credit is counted in thousandths of an answer */

static_assert((RATE_PLACES & (RATE_PLACES - 1)) == 0, "places are found by a mask");
static_assert(RATE_WAYS * sizeof(struct rate_place) == 64, "a set is a cache line");
static_assert((uint64_t)RATE_LIMIT_MAX * RATE_BURST_MS <= UINT32_MAX, "credit does not wrap");

uint64_t rate_network(const uint8_t *ip, size_t n)
{
    size_t bytes = n == 4 ? RATE_IPV4_PREFIX_BITS / 8 : RATE_IPV6_PREFIX_BITS / 8;
    uint64_t network = n;

    for (size_t i = 0; i < bytes; i++)
        network = network << 8 | ip[i];
    return network;
}

bool rate_is_exempt(const struct view_network *networks, size_t n, const uint8_t *ip,
                    size_t ip_bytes)
{
    static const struct view_network loopback[] = {
        { .ip_bytes = 4, .bits = 8, .ip = { 127 } },
        { .ip_bytes = 16, .bits = 128, .ip = { [15] = 1 } },
    };

    if (view_network_has(&loopback[0], ip, ip_bytes) ||
        view_network_has(&loopback[1], ip, ip_bytes))
        return true;
    for (size_t i = 0; i < n; i++) {
        if (view_network_has(&networks[i], ip, ip_bytes))
            return true;
    }
    return false;
}

/* A thousandth of an answer per millisecond and answer a second. */
static uint32_t full_credit(const struct rate_limit *limit)
{
    return limit->per_second * RATE_BURST_MS;
}

static uint32_t credit_now(const struct rate_place *p, const struct rate_limit *limit,
                           uint32_t now_ms)
{
    uint32_t full = full_credit(limit);
    uint32_t elapsed_ms = now_ms - p->at_ms;

    if (p->tag == 0 || p->credit >= full || elapsed_ms >= RATE_BURST_MS)
        return full;

    uint32_t gained = elapsed_ms * limit->per_second;

    return gained >= full - p->credit ? full : p->credit + gained;
}

/* The place of tag; else the one that is missed least: whoever has most credit left sends least. */
static struct rate_place *find(struct rate_place *set, const struct rate_limit *limit, uint32_t tag,
                               uint32_t now_ms)
{
    struct rate_place *least = NULL;
    uint32_t most = 0;

    for (unsigned i = 0; i < RATE_WAYS; i++) {
        if (set[i].tag == tag)
            return &set[i];
    }
    for (unsigned i = 0; i < RATE_WAYS; i++) {
        uint32_t credit = credit_now(&set[i], limit, now_ms);

        if (least == NULL || credit > most) {
            least = &set[i];
            most = credit;
        }
    }
    *least = (struct rate_place){ .tag = tag, .at_ms = now_ms, .credit = full_credit(limit) };
    return least;
}

enum rate_verdict rate_check(struct rate_table *t, const struct rate_limit *limit, uint64_t network,
                             uint64_t kind, uint32_t now_ms)
{
    uint8_t bytes[2 * sizeof(uint64_t)];
    struct rate_place *p;
    uint64_t hash;

    memcpy(bytes, &network, sizeof(network));
    memcpy(bytes + sizeof(network), &kind, sizeof(kind));
    hash = siphash(t->key, bytes, sizeof(bytes));
    p = find(&t->places[(hash & (RATE_PLACES - 1)) & ~(uint64_t)(RATE_WAYS - 1)], limit,
             (uint32_t)(hash >> 32) | 1, now_ms);
    p->credit = credit_now(p, limit, now_ms);
    p->at_ms = now_ms;
    if (p->credit >= ANSWER_COST) {
        p->credit -= ANSWER_COST;
        return RATE_ANSWER;
    }
    p->over++;
    return limit->slip != 0 && p->over % limit->slip == 0 ? RATE_SLIP : RATE_DROP;
}
