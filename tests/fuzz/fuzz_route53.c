/* tests/fuzz/fuzz_route53.c -- any bytes as what the Route 53 API answers: a page of records, a
 * zone, a change; and the records' names and ownership texts. */
#include <assert.h>
#include <string.h>

#include "dnsflip/providers/route53_ownership.h"
#include "dnsflip/providers/route53_read.h"
#include "tests/fuzz/fuzz.h"

static void look_at_name(const char *name)
{
    char text[ROUTE53_NAME_TEXT_BYTES], again[HOSTNAME_BYTES];

    assert(strlen(name) < HOSTNAME_BYTES);
    assert(route53_name_parse(route53_name_format(name, text), again));
    assert(strcmp(name, again) == 0);
}

static void look_at_record(const struct route53_record *r)
{
    struct route53_ownership owner;
    char value[ROUTE53_OWNERSHIP_BYTES];

    assert(r->name[0] != '\0' && r->type[0] != '\0');
    assert(r->n_values <= ROUTE53_VALUES_MAX && r->weight >= -1 && r->weight <= 255);
    look_at_name(r->name);
    look_at_name(r->alias_name);
    if (!r->has_more) {
        assert((r->n_values > 0) == (r->ttl_s != ROUTE53_TTL_NONE));
        assert((r->n_values > 0) == (r->alias_zone[0] == '\0'));
    }
    for (size_t i = 0; i < r->n_values; i++) {
        if (route53_ownership_parse(r->values[i], &owner))
            assert(strcmp(route53_ownership_format(&owner, value), r->values[i]) == 0);
    }
}

static void look_at_set(struct route53_set *set)
{
    struct route53_claims claims;
    struct err err;
    size_t first;

    if (route53_set_sort(set, &err) != 0) {
        assert(err.code == ERR_CONFLICT);
        return;
    }
    for (size_t i = 0; i < set->n; i++) {
        const struct route53_record *r = set->records[i];

        look_at_record(r);
        assert(route53_set_find(set, r->name, r->type, r->set_id) == r);
        assert(route53_set_name(set, r->name, &first) > 0 && first <= i);
    }
    route53_claims_init(&claims, set);
    for (size_t i = 0; i < claims.n; i++)
        assert(route53_claims_find(&claims, claims.claims[i].name) != NULL);
    route53_claims_fini(&claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct route53_set set = { .n = 0 };
    struct route53_page page;
    struct route53_zone_facts zone;
    struct route53_change_info change;
    struct err err = { .code = ERR_NONE };

    if (route53_read_page((const char *)data, size, &set, &page, &err) == 0)
        assert(!page.is_truncated || page.next_name[0] != '\0');
    else
        assert(err.code == ERR_REMOTE || err.code == ERR_LIMIT);
    look_at_set(&set);
    route53_set_fini(&set);
    if (route53_read_zone((const char *)data, size, &zone, &err) == 0) {
        assert(zone.n_servers <= ROUTE53_SERVERS_MAX && zone.id[0] != '\0');
        look_at_name(zone.name);
    }
    if (route53_read_change((const char *)data, size, &change, &err) == 0)
        assert(change.id[0] != '\0' && strchr(change.id, '/') == NULL);
    return 0;
}
