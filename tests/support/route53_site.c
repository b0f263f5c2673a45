#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "tests/support/route53_site.h"

#define DUMP_BYTES (1U << 26)

const struct route53_group site_simple = {
    .name = "prod", .clusters = { "use1", "usw2" }, .n_clusters = 2, .ttl_s = 60
};

void site_init(struct site *s, const struct route53_group *group)
{
    memset(s, 0, sizeof(*s));
    s->group = *group;
    site_add_zone(s, "Z0PUBLIC", "example.com", false);
    s->move = (struct route53_move){ .group = &s->group,
                                     .hosts = (const struct hostname_cfg *const *)s->hosts,
                                     .from = 0,
                                     .to = 1,
                                     .epoch = EPOCH };
}

void site_fini(struct site *s)
{
    for (size_t i = 0; i < s->n_zones; i++)
        route53_zone_fini(&s->zones[i]);
    for (size_t i = 0; i < s->move.n_hosts; i++)
        route53_zone_host_free(s->hosts[i]);
}

void site_add_zone(struct site *s, const char *id, const char *name, bool is_private)
{
    struct route53_zone *zone = &s->zones[s->n_zones++];
    char text[512];

    str_copy(zone->id, sizeof(zone->id), id);
    str_copy(zone->name, sizeof(zone->name), name);
    zone->is_private = is_private;
    str_format(text, sizeof(text), "%s NS ttl=172800 ns-1.awsdns-1.com.", name);
    route53_zone_put(&zone->records, text);
    str_format(text, sizeof(text), "_dnsflip-prod.%s TXT |" OWNER, name);
    route53_zone_put(&zone->records, text);
}

void site_add(struct site *s, struct hostname_cfg *host)
{
    s->hosts[s->move.n_hosts++] = host;
}

/* How many pairs of a name and a zone have records. */
static size_t n_held(const struct site *s)
{
    size_t n = 0, first;

    for (size_t i = 0; i < s->n_zones; i++) {
        for (size_t h = 0; h < s->move.n_hosts; h++)
            n += route53_set_name(&s->zones[i].records, s->hosts[h]->name, &first) > 0;
    }
    return n;
}

struct written {
    struct buf body;
    struct route53_batch batch;
};

static void apply(struct site *s, const struct written *w)
{
    struct route53_taken taken;
    size_t held = n_held(s);
    const char *problem =
        route53_zone_apply(&s->zones[w->batch.zone].records, w->body.data, &taken);

    if (problem != NULL)
        fail_msg("%s\n%s", problem, w->body.data);
    assert_int_equal(taken.elements, w->batch.elements);
    assert_int_equal(taken.characters, w->batch.characters);
    assert_int_equal(taken.changes, w->batch.n);
    assert_true(taken.elements <= ROUTE53_ELEMENTS_MAX);
    assert_true(taken.characters <= ROUTE53_CHARACTERS_MAX);
    assert_int_equal(n_held(s), held);
}

int site_move(struct site *s, struct err *err)
{
    struct route53_plan plan;
    struct written *written;
    int n;

    if (route53_plan_init(&plan, &s->move, s->zones, s->n_zones, err) != 0)
        return -1;
    n = (int)plan.n_batches;
    assert_true(plan.n_batches_least <= plan.n_batches);
    written = mem_array(plan.n_batches + 1, sizeof(written[0]));
    /* All are written before the first is applied, which ends the records that the plan borrows. */
    for (int i = 0; i < n; i++) {
        buf_init(&written[i].body, ROUTE53_BODY_BYTES);
        written[i].batch = plan.batches[i];
        assert_int_equal(route53_batch_write(&plan, (size_t)i, "prod", "op-1764028800-prod",
                                             s->move.epoch, &written[i].body, err),
                         0);
    }
    route53_plan_fini(&plan);
    for (int i = 0; i < n; i++) {
        if (s->stop_after == 0 || i < s->stop_after)
            apply(s, &written[i]);
        buf_fini(&written[i].body);
    }
    mem_free(written);
    return n;
}

bool site_has(const struct site *s, size_t zone, const char *text)
{
    struct buf dump;
    bool found;

    buf_init(&dump, DUMP_BYTES);
    route53_zone_dump(&s->zones[zone].records, &dump);
    found = strstr(buf_text(&dump), text) != NULL;
    buf_fini(&dump);
    return found;
}

void site_refuses(struct site *s, enum err_code code, const char *part)
{
    struct err err = { .code = ERR_NONE };

    assert_int_equal(site_move(s, &err), -1);
    assert_int_equal(err.code, code);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, err.text);
}
