/* dnsflip/base/inet.h -- IP addresses and address:port as values, and their text forms. */
#ifndef DNSFLIP_BASE_INET_H
#define DNSFLIP_BASE_INET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct inet_ip {
    uint8_t family;    /* 4, 6; 0 = not set */
    uint8_t bytes[16]; /* network order; the first 4 for IPv4, the rest zero */
};

struct inet_addr {
    struct inet_ip ip;
    uint16_t port; /* host order */
};

/* How many of its bytes count: 4, 16; 0 if it is not set. */
static inline uint8_t inet_ip_bytes(const struct inet_ip *ip)
{
    return ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0;
}

/* All addresses that begin as ip does; the rest of ip is zero. */
struct inet_net {
    struct inet_ip ip;
    uint8_t bits; /* at most 32 or 128 */
};

#define INET_TEXT_BYTES 56 /* "[v6]:port" and its NUL */

/* "192.0.2.1" or "2001:db8::1" (no brackets, no zone).  False if it is neither. */
bool inet_parse_ip(const char *text, struct inet_ip *out);

/* "192.0.2.1:53" or "[2001:db8::1]:53"; with default_port > 0 the port may be missing. */
bool inet_parse_addr(const char *text, uint16_t default_port, struct inet_addr *out);

/* "192.0.2.0/24"; an address alone is a network of one.  False if it is neither, or if a bit behind
 * the prefix is set. */
bool inet_parse_net(const char *text, struct inet_net *out);

/* All return out. */
const char *inet_format_ip(const struct inet_ip *ip, char out[static INET_TEXT_BYTES]);
const char *inet_format_net(const struct inet_net *net, char out[static INET_TEXT_BYTES]);
const char *inet_format_addr(const struct inet_addr *addr, char out[static INET_TEXT_BYTES]);

bool inet_ip_equal(const struct inet_ip *a, const struct inet_ip *b);
bool inet_is_loopback(const struct inet_ip *ip);
bool inet_is_any(const struct inet_ip *ip);

/* To and from the kernel's form; returns the length to hand to bind() or connect(). */
socklen_t inet_to_sockaddr(const struct inet_addr *addr, struct sockaddr_storage *out);
bool inet_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct inet_addr *out);

#endif
