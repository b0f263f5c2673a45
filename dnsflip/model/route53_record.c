#include "dnsflip/model/route53_record.h"

#include <string.h>

#include "dnsflip/base/mem.h"

void route53_record_init(struct route53_record *r)
{
    *r = (struct route53_record){ .weight = -1, .ttl_s = ROUTE53_TTL_NONE };
}

void route53_record_fini(struct route53_record *r)
{
    for (size_t i = 0; i < r->n_values; i++)
        mem_free(r->values[i]);
    mem_free(r->values);
    route53_record_init(r);
}

void route53_record_copy(struct route53_record *out, const struct route53_record *r)
{
    size_t cap = 1;

    /* As much room as add_value would have made. */
    while (cap < r->n_values)
        cap *= 2;
    *out = *r;
    out->values = r->n_values == 0 ? NULL : mem_array(cap, sizeof(r->values[0]));
    for (size_t i = 0; i < r->n_values; i++)
        out->values[i] = mem_strdup(r->values[i]);
}

static bool values_equal(const struct route53_record *a, const struct route53_record *b)
{
    if (a->n_values != b->n_values)
        return false;
    for (size_t i = 0; i < a->n_values; i++) {
        if (strcmp(a->values[i], b->values[i]) != 0)
            return false;
    }
    return true;
}

bool route53_record_equal(const struct route53_record *a, const struct route53_record *b)
{
    return route53_record_compare(a, b) == 0 && a->weight == b->weight &&
           a->failover == b->failover && a->ttl_s == b->ttl_s && values_equal(a, b) &&
           strcmp(a->alias_zone, b->alias_zone) == 0 && strcmp(a->alias_name, b->alias_name) == 0 &&
           a->alias_evaluates_health == b->alias_evaluates_health &&
           strcmp(a->health_check, b->health_check) == 0 && a->has_more == b->has_more;
}

bool route53_record_add_value(struct route53_record *r, const char *text, size_t n)
{
    if (r->n_values == ROUTE53_VALUES_MAX)
        return false;
    /* Room grows by doubling: 1, 2, 4 ... */
    if ((r->n_values & (r->n_values - 1)) == 0)
        r->values =
            mem_resize(r->values, r->n_values == 0 ? 1 : 2 * r->n_values, sizeof(r->values[0]));
    r->values[r->n_values++] = mem_strndup(text, n);
    return true;
}

int route53_record_compare(const struct route53_record *a, const struct route53_record *b)
{
    int order = strcmp(a->name, b->name);

    if (order == 0)
        order = strcmp(a->type, b->type);
    return order != 0 ? order : strcmp(a->set_id, b->set_id);
}
