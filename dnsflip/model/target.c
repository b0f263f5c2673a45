#include "dnsflip/model/target.h"

#include <string.h>

static bool addresses_equal(const struct inet_ip *a, uint8_t n_a, const struct inet_ip *b,
                            uint8_t n_b)
{
    if (n_a != n_b)
        return false;
    for (uint8_t i = 0; i < n_a; i++) {
        if (!inet_ip_equal(&a[i], &b[i]))
            return false;
    }
    return true;
}

bool target_equal(const struct target *a, const struct target *b)
{
    return addresses_equal(a->a, a->n_a, b->a, b->n_a) &&
           addresses_equal(a->aaaa, a->n_aaaa, b->aaaa, b->n_aaaa) &&
           strcmp(a->cname, b->cname) == 0 && strcmp(a->alias_zone, b->alias_zone) == 0 &&
           a->alias_evaluates_health == b->alias_evaluates_health &&
           strcmp(a->https, b->https) == 0 && a->ttl_s == b->ttl_s;
}
