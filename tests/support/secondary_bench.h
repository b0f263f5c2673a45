/* tests/support/secondary_bench.h -- the judge's secondaries on a clock of the test's, with two
 * servers that do what it says: bench_peers[1], far away, and bench_peers[2], on loopback. */
#ifndef TESTS_SUPPORT_SECONDARY_BENCH_H
#define TESTS_SUPPORT_SECONDARY_BENCH_H

#include "dnsflip/dns/page.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/dns_exchange.h"
#include "dnsflip/providers/secondaries.h"

#define BENCH_SERIAL 1000 /* of the view, and of both at first */
#define BENCH_MESSAGES_MAX 64

struct bench_peer {
    uint32_t serial;
    enum dns_ask_status status;
    uint8_t rcode;       /* of its answer to our question */
    bool answers_notify; /* with notify_rcode */
    uint8_t notify_rcode;
    unsigned asked, notified;
    int64_t notified_at[BENCH_MESSAGES_MAX]; /* ms since the start */
    struct inet_ip source;                   /* of the last NOTIFY */
    uint8_t last[DNS_EXCHANGE_BYTES_MAX];
    size_t last_bytes;
    int place[2]; /* where its names answer, by group; -1 = nowhere that we know, -2 = no such name
                   */
    unsigned names_asked;
    bool cuts; /* its UDP answers about names */
};

extern struct bench_peer bench_peers[3];
extern struct settings bench_settings; /* two groups, one name each, two clusters */
extern struct page *bench_page;
extern struct secondaries *bench_secondaries;
extern unsigned bench_events;

int bench_setup(void **state);
int bench_teardown(void **state);
void bench_pass(int64_t ms);
void bench_flip(uint32_t group, uint32_t epoch);
struct secondary_status bench_seen(size_t i);
void bench_settle(void); /* all of it up to date, the clock at a round number */
struct inet_ip bench_ip(const char *text);
int64_t bench_now_ms(void);
struct live bench_live_of(uint32_t group);

#endif
