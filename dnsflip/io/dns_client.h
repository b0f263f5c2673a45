/* dnsflip/io/dns_client.h -- questions to a given name server, and our own stub: CNAME targets
 * resolved through the machine's resolvers with TTLs honoured. */
#ifndef DNSFLIP_IO_DNS_CLIENT_H
#define DNSFLIP_IO_DNS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/model/limits.h"

struct dns_client;
struct dns_ask;

#define DNS_CLIENT_ANSWERS_MAX 32
#define DNS_CLIENT_IN_FLIGHT_MAX 4096 /* further questions wait in a queue */

enum dns_ask_status {
    DNS_ASK_ANSWERED = 0, /* rcode says how */
    DNS_ASK_TIMEOUT,
    DNS_ASK_REFUSED,   /* nobody listens there */
    DNS_ASK_MALFORMED, /* an answer that could not be read */
    DNS_ASK_LOCAL,     /* our own fault: no route, no descriptors */
};

struct dns_answer {
    enum dns_ask_status status;
    uint8_t rcode;
    bool authoritative;
    bool truncated;
    uint8_t n_ips;
    struct inet_ip ips[DNS_CLIENT_ANSWERS_MAX]; /* A and AAAA of the answer section, in its order */
    char cname[HOSTNAME_BYTES]; /* the first CNAME of the answer section; "" = none */
    uint32_t ttl_s;             /* least TTL of the answer section */
    bool has_serial;
    uint32_t serial; /* of an SOA in answer or authority */
    char detail[120];
};

typedef void dns_ask_done(void *arg, const struct dns_answer *answer);

__attribute__((warn_unused_result)) int dns_client_new(struct loop *loop, struct dns_client **out,
                                                       struct err *err);
void dns_client_free(struct dns_client *client);

/* Asks server for name and type (1 A, 28 AAAA, 5 CNAME, 6 SOA ...) once, over UDP (retried once at
 * half of timeout_ms; TC is reported, not followed) or TCP, RD clear.  At most DNS_LANE_WINDOW
 * (128) are in flight to one server and further ones wait in order, so that no socket buffer
 * overflows; timeout_ms counts from when the question is sent.  done runs exactly once, never
 * before this returns, unless cancelled. */
struct dns_ask *dns_client_ask(struct dns_client *client, const struct inet_addr *server,
                               const char *name, uint16_t type, bool tcp, int64_t timeout_ms,
                               dns_ask_done *done, void *arg);
void dns_client_cancel(struct dns_ask *ask);

/* The stub: addresses of name of one family (4 or 6) through the machine's resolvers
 * (/etc/resolv.conf, or the servers set by dns_client_set_resolvers), RD set, CNAMEs followed,
 * cached for its TTL (0 .. 300 s).  done as above; status LOCAL or TIMEOUT means our own trouble,
 * never the target's. */
struct dns_ask *dns_client_resolve(struct dns_client *client, const char *name, int family,
                                   int64_t timeout_ms, dns_ask_done *done, void *arg);
void dns_client_set_resolvers(struct dns_client *client, const struct inet_addr servers[],
                              size_t n);

#endif
