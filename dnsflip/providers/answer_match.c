#include "dnsflip/providers/answer_match.h"

#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_wire.h"

static bool is_in(const struct inet_ip *ip, const struct inet_ip list[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (inet_ip_equal(ip, &list[i]))
            return true;
    }
    return false;
}

bool answer_match(const struct target *want, uint16_t type, const struct dns_answer *got)
{
    const struct inet_ip *ips = type == DNS_TYPE_A ? want->a : want->aaaa;
    size_t n = type == DNS_TYPE_A ? want->n_a : want->n_aaaa;

    if (got->status != DNS_ASK_ANSWERED || got->rcode != DNS_RCODE_NOERROR || !got->authoritative)
        return false;
    if (want->cname[0] != '\0')
        return str_equal_nocase(got->cname, want->cname);
    if (got->cname[0] != '\0' || got->n_ips != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_in(&got->ips[i], ips, n))
            return false;
    }
    return true;
}
