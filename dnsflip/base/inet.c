#include "dnsflip/base/inet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "dnsflip/base/str.h"

#define V4_BYTES 4
#define V6_BYTES 16

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

bool inet_parse_ip(const char *text, struct inet_ip *out)
{
    struct inet_ip ip = { .family = 4 };

    if (inet_pton(AF_INET, text, ip.bytes) != 1) {
        ip.family = 6;
        if (inet_pton(AF_INET6, text, ip.bytes) != 1)
            return false;
    }
    *out = ip;
    return true;
}

/* text[0..len) as an address of that family. */
static bool parse_part(const char *text, size_t len, uint8_t family, struct inet_ip *out)
{
    char copy[INET6_ADDRSTRLEN];
    struct inet_ip ip;

    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (!inet_parse_ip(copy, &ip) || ip.family != family)
        return false;
    *out = ip;
    return true;
}

bool inet_parse_addr(const char *text, uint16_t default_port, struct inet_addr *out)
{
    struct inet_addr addr = { .port = default_port };
    const char *rest = NULL; /* what is behind the address: "" or ":port" */
    uint64_t port = 0;

    if (text[0] == '[') {
        const char *close = strchr(text, ']');

        if (close == NULL || !parse_part(text + 1, (size_t)(close - text) - 1, 6, &addr.ip))
            return false;
        rest = close + 1;
    } else if (inet_parse_ip(text, &addr.ip)) {
        rest = "";
    } else {
        const char *colon = strchr(text, ':');

        if (colon == NULL || !parse_part(text, (size_t)(colon - text), 4, &addr.ip))
            return false;
        rest = colon;
    }
    if (*rest == ':') {
        if (!str_parse_u64(rest + 1, UINT16_MAX, &port))
            return false;
        addr.port = (uint16_t)port;
    } else if (*rest != '\0' || default_port == 0) {
        return false;
    }
    *out = addr;
    return true;
}

static bool is_zero_behind(const struct inet_net *net, uint8_t bits)
{
    for (unsigned i = net->bits; i < bits; i++) {
        if ((net->ip.bytes[i / 8] >> (7 - i % 8) & 1) != 0)
            return false;
    }
    return true;
}

bool inet_parse_net(const char *text, struct inet_net *out)
{
    size_t len = strcspn(text, "/");
    struct inet_net net = { .bits = 0 };
    uint8_t bits = 32;
    uint64_t given = 0;

    if (!parse_part(text, len, 4, &net.ip)) {
        bits = 128;
        if (!parse_part(text, len, 6, &net.ip))
            return false;
    }
    net.bits = bits;
    if (text[len] == '/') {
        if (!str_parse_u64(text + len + 1, bits, &given))
            return false;
        net.bits = (uint8_t)given;
    }
    if (!is_zero_behind(&net, bits))
        return false;
    *out = net;
    return true;
}

const char *inet_format_ip(const struct inet_ip *ip, char out[static INET_TEXT_BYTES])
{
    int family = ip->family == 4 ? AF_INET : AF_INET6;

    if (ip->family == 0 || inet_ntop(family, ip->bytes, out, INET_TEXT_BYTES) == NULL)
        (void)str_copy(out, INET_TEXT_BYTES, "-");
    return out;
}

const char *inet_format_net(const struct inet_net *net, char out[static INET_TEXT_BYTES])
{
    char ip[INET_TEXT_BYTES];

    (void)str_format(out, INET_TEXT_BYTES, "%s/%u", inet_format_ip(&net->ip, ip), net->bits);
    return out;
}

const char *inet_format_addr(const struct inet_addr *addr, char out[static INET_TEXT_BYTES])
{
    char ip[INET_TEXT_BYTES];

    (void)inet_format_ip(&addr->ip, ip);
    if (addr->ip.family == 0)
        (void)str_copy(out, INET_TEXT_BYTES, ip);
    else if (addr->ip.family == 6)
        (void)str_format(out, INET_TEXT_BYTES, "[%s]:%u", ip, addr->port);
    else
        (void)str_format(out, INET_TEXT_BYTES, "%s:%u", ip, addr->port);
    return out;
}

bool inet_ip_equal(const struct inet_ip *a, const struct inet_ip *b)
{
    size_t n = a->family == 4 ? V4_BYTES : V6_BYTES;

    if (a->family != b->family)
        return false;
    return a->family == 0 || memcmp(a->bytes, b->bytes, n) == 0;
}

bool inet_is_loopback(const struct inet_ip *ip)
{
    static const uint8_t v6_loopback[V6_BYTES] = { [15] = 1 };

    if (ip->family == 4)
        return ip->bytes[0] == 127;
    if (ip->family != 6)
        return false;
    if (memcmp(ip->bytes, v4_mapped, sizeof(v4_mapped)) == 0)
        return ip->bytes[12] == 127;
    return memcmp(ip->bytes, v6_loopback, V6_BYTES) == 0;
}

bool inet_is_any(const struct inet_ip *ip)
{
    static const uint8_t zero[V6_BYTES] = { 0 };

    return ip->family != 0 && memcmp(ip->bytes, zero, ip->family == 4 ? V4_BYTES : V6_BYTES) == 0;
}

socklen_t inet_to_sockaddr(const struct inet_addr *addr, struct sockaddr_storage *out)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(addr->port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(addr->port) };

    memset(out, 0, sizeof(*out));
    if (addr->ip.family == 4) {
        memcpy(&v4.sin_addr, addr->ip.bytes, V4_BYTES);
        memcpy(out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    if (addr->ip.family == 6) {
        memcpy(&v6.sin6_addr, addr->ip.bytes, V6_BYTES);
        memcpy(out, &v6, sizeof(v6));
        return sizeof(v6);
    }
    return 0;
}

bool inet_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct inet_addr *out)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct inet_addr addr = { .port = 0 };

    if (len >= sizeof(v4) && sa->sa_family == AF_INET) {
        memcpy(&v4, sa, sizeof(v4));
        addr.ip.family = 4;
        memcpy(addr.ip.bytes, &v4.sin_addr, V4_BYTES);
        addr.port = ntohs(v4.sin_port);
    } else if (len >= sizeof(v6) && sa->sa_family == AF_INET6) {
        memcpy(&v6, sa, sizeof(v6));
        addr.ip.family = 6;
        memcpy(addr.ip.bytes, &v6.sin6_addr, V6_BYTES);
        addr.port = ntohs(v6.sin6_port);
    } else {
        return false;
    }
    *out = addr;
    return true;
}
