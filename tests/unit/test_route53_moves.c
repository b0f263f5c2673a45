/* tests/unit/test_route53_moves.c -- random zones and moves: the batches leave exactly the
 * destination's records, nothing else has changed, planning again gives nothing, and the way back
 * restores every byte.  What should be there is laid out here, without the code under test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "tests/support/route53_site.h"

#define ROUNDS 400
#define LARGE_ROUNDS 3
#define LINE_BYTES 1024
#define DUMP_BYTES (1U << 24)
#define CLUSTERS 3

enum shape { SHAPE_V4, SHAPE_BOTH, SHAPE_HTTPS, SHAPE_ALIAS, SHAPE_CNAME };
#define SHAPES 5

/* One name: the shape of its target in each cluster. */
struct name {
    char text[64];
    enum shape shapes[CLUSTERS];
    unsigned n_values;
    bool has_checks, has_alias_aaaa;
    uint8_t zones; /* a bit for each it has records in */
    uint8_t at[4]; /* per zone: the place where its records are at first */
};

static struct site site;
static struct name names[SITE_HOSTS_MAX];
static uint64_t seed;

static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 11) % n);
}

static void value(char *out, size_t cap, size_t i, unsigned cluster, unsigned k, bool is_v6)
{
    if (is_v6)
        str_format(out, cap, "2001:db8:%x::%zx:%x", cluster + 1, i + 1, k + 1);
    else
        str_format(out, cap, "10.%u.%u.%u", cluster, (unsigned)(i % 250),
                   k * 60 + (unsigned)(i / 250));
}

static void values(char *line, size_t cap, size_t i, unsigned cluster, bool is_v6)
{
    for (unsigned k = 0; k < names[i].n_values; k++) {
        size_t n = strlen(line);

        line[n] = ' ';
        value(line + n + 1, cap - n - 1, i, cluster, k, is_v6);
    }
}

static struct hostname_cfg *host_of(size_t i)
{
    char texts[CLUSTERS][LINE_BYTES];

    for (unsigned c = 0; c < CLUSTERS; c++) {
        enum shape shape = names[i].shapes[c];

        texts[c][0] = '\0';
        if (shape == SHAPE_ALIAS)
            str_format(texts[c], LINE_BYTES, "alias=ZELB%u/lb%zu.c%u.test health", c, i, c);
        else if (shape == SHAPE_CNAME)
            str_format(texts[c], LINE_BYTES, "cname=lb%zu.c%u.test", i, c);
        else
            values(texts[c], LINE_BYTES, i, c, false);
        if (shape == SHAPE_BOTH)
            values(texts[c], LINE_BYTES, i, c, true);
        if (shape == SHAPE_HTTPS)
            str_format(texts[c] + strlen(texts[c]), LINE_BYTES - strlen(texts[c]),
                       " https=1 . alpn=h2 port=%u", 8440 + c);
    }
    return route53_zone_host(names[i].text, texts[0], texts[1], texts[2], NULL);
}

static bool has_type(size_t i, unsigned cluster, const char *type)
{
    enum shape shape = names[i].shapes[cluster];

    if (strcmp(type, "A") == 0)
        return shape != SHAPE_CNAME;
    if (strcmp(type, "AAAA") == 0)
        return shape == SHAPE_BOTH || (shape == SHAPE_ALIAS && names[i].has_alias_aaaa);
    return shape == (strcmp(type, "CNAME") == 0 ? SHAPE_CNAME : SHAPE_HTTPS);
}

/* The record set of a cluster, its role that of a group whose active cluster is at place. */
static void lay_set(struct route53_set *zone, size_t i, const char *type, unsigned cluster,
                    unsigned place)
{
    char line[LINE_BYTES] = "";
    size_t n;

    str_format(line, sizeof(line), "%s %s", names[i].text, type);
    n = strlen(line);
    if (site.group.routing == ROUTE53_ROUTING_WEIGHTED)
        str_format(line + n, sizeof(line) - n, " set=%s weight=%d", site.group.clusters[cluster],
                   cluster == place ? 100 : 0);
    else if (site.group.routing == ROUTE53_ROUTING_FAILOVER)
        str_format(line + n, sizeof(line) - n, " set=%s %s", site.group.clusters[cluster],
                   cluster == place ? "primary" : "secondary");
    n = strlen(line);
    if (names[i].has_checks)
        str_format(line + n, sizeof(line) - n, " check=check-%zu-%s-%u", i, type,
                   site.group.routing == ROUTE53_ROUTING_SIMPLE ? 0 : cluster);
    n = strlen(line);
    if (strcmp(type, "CNAME") == 0)
        str_format(line + n, sizeof(line) - n, " lb%zu.c%u.test", i, cluster);
    else if (strcmp(type, "HTTPS") == 0)
        str_format(line + n, sizeof(line) - n, " |1 . alpn=h2 port=%u", 8440 + cluster);
    else if (names[i].shapes[cluster] == SHAPE_ALIAS)
        str_format(line + n, sizeof(line) - n, " alias=ZELB%u/lb%zu.c%u.test health", cluster, i,
                   cluster);
    else
        values(line, sizeof(line), i, cluster, type[1] != '\0');
    route53_zone_put(zone, line);
}

static void lay(struct route53_set *zone, size_t i, unsigned place)
{
    static const char *const types[] = { "A", "AAAA", "CNAME", "HTTPS" };

    for (size_t t = 0; t < 4; t++) {
        for (unsigned c = 0; has_type(i, place, types[t]) && c < site.group.n_clusters; c++) {
            if (has_type(i, c, types[t]) &&
                (site.group.routing != ROUTE53_ROUTING_SIMPLE || c == place))
                lay_set(zone, i, types[t], c, place);
        }
    }
}

static void choose_shapes(struct name *name)
{
    bool is_pair = site.group.routing == ROUTE53_ROUTING_FAILOVER; /* a PRIMARY has a check */
    bool is_alike = is_pair || below(2) == 0;
    bool is_cname = below(4) == 0, all_alias = true;

    for (unsigned c = 0; c < CLUSTERS; c++) {
        name->shapes[c] = (enum shape)below(SHAPES - 1);
        if (site.group.routing == ROUTE53_ROUTING_SIMPLE && below(4) == 0)
            name->shapes[c] = SHAPE_CNAME;
        if (site.group.routing != ROUTE53_ROUTING_SIMPLE && is_cname)
            name->shapes[c] = SHAPE_CNAME;
        if (is_alike)
            name->shapes[c] = name->shapes[0];
        if (c < site.group.n_clusters)
            all_alias = all_alias && name->shapes[c] == SHAPE_ALIAS;
    }
    /* A check goes with a set; one that would be withdrawn is refused. */
    name->has_checks = is_alike && (is_pair || below(2) == 0);
    name->has_alias_aaaa = !all_alias || below(2) == 0;
    name->n_values = site.group.routing == ROUTE53_ROUTING_WEIGHTED ? 1 : 1 + below(4);
}

static void choose_name(size_t i)
{
    struct name *name = &names[i];
    bool is_inner = below(3) == 0; /* in dr.example.com, which has a private twin */

    *name = (struct name){ .n_values = 1 };
    str_format(name->text, sizeof(name->text), "%sh%zu.%sexample.com", below(9) == 0 ? "*." : "", i,
               is_inner ? "dr." : "");
    choose_shapes(name);
    name->zones = (uint8_t)(is_inner ? 2 + 2 * below(3) : 1);
}

static void choose_site(unsigned n_names)
{
    struct route53_group group = site_simple;

    group.routing = (enum route53_routing)below(3);
    group.n_clusters = group.routing == ROUTE53_ROUTING_FAILOVER ? 2 : 2 + below(2);
    group.clusters[2] = "euw1";
    site_init(&site, &group);
    site_add_zone(&site, "Z1INNER", "dr.example.com", false);
    site_add_zone(&site, "Z2TWIN", "dr.example.com", true);
    site.move.from = (int)below(group.n_clusters);
    site.move.to = ((unsigned)site.move.from + 1 + below(group.n_clusters - 1)) % group.n_clusters;
    for (size_t i = 0; i < n_names; i++) {
        choose_name(i);
        site_add(&site, host_of(i));
    }
}

/* Records at first: some are at the destination already.  Neighbours: never dnsflip's business. */
static void lay_site(void)
{
    for (size_t z = 0; z < site.n_zones; z++) {
        struct route53_set *zone = &site.zones[z].records;

        route53_zone_put(zone, "zzz.example.org A 192.0.2.9");
        route53_zone_put(zone, "ttt.example.org A set=x weight=7 more 192.0.2.9");
        for (size_t i = 0; i < site.move.n_hosts; i++) {
            if ((names[i].zones & (1U << z)) == 0)
                continue;
            names[i].at[z] = (uint8_t)(below(5) == 0 ? site.move.to : (unsigned)site.move.from);
            lay(zone, i, names[i].at[z]);
            if (names[i].shapes[0] != SHAPE_CNAME && names[i].shapes[1] != SHAPE_CNAME &&
                names[i].shapes[2] != SHAPE_CNAME && below(5) == 0) {
                char line[LINE_BYTES];

                str_format(line, sizeof(line), "%s TXT |\"a & b <%zu>\"", names[i].text, i);
                route53_zone_put(zone, line);
            }
        }
    }
}

/* All zones, but for the ownership records, which change with every move. */
static void dump_all(struct buf *out)
{
    struct buf one;

    buf_init(&one, DUMP_BYTES);
    buf_reset(out);
    for (size_t z = 0; z < site.n_zones; z++) {
        route53_zone_dump(&site.zones[z].records, &one);
        for (const char *p = buf_text(&one); *p != '\0';) {
            size_t n = strcspn(p, "\n") + 1;

            if (!str_starts(p, "_dnsflip-"))
                buf_add(out, p, n);
            p += n;
        }
    }
    buf_fini(&one);
}

/* The zones as they were, with each name laid out at the place instead. */
static void dump_laid(unsigned place, struct buf *out)
{
    struct route53_zone kept[4];

    memcpy(kept, site.zones, sizeof(kept));
    for (size_t z = 0; z < site.n_zones; z++) {
        struct route53_set *zone = &site.zones[z].records;
        struct err err;

        *zone = (struct route53_set){ .n = 0 };
        for (size_t r = 0; r < kept[z].records.n; r++) {
            const struct route53_record *from = kept[z].records.records[r];
            struct route53_record copy;
            bool is_managed = false;

            for (size_t i = 0; i < site.move.n_hosts; i++)
                is_managed = is_managed || strcmp(names[i].text, from->name) == 0;
            if (is_managed && strcmp(from->type, "TXT") != 0)
                continue;
            route53_record_copy(&copy, from);
            assert_int_equal(route53_set_add(zone, &copy, &err), 0);
        }
        for (size_t i = 0; i < site.move.n_hosts; i++) {
            if ((names[i].zones & (1U << z)) != 0)
                lay(zone, i, place);
        }
        assert_int_equal(route53_set_sort(zone, &err), 0);
    }
    dump_all(out);
    for (size_t z = 0; z < site.n_zones; z++)
        route53_set_fini(&site.zones[z].records);
    memcpy(site.zones, kept, sizeof(kept));
}

static int move_or_fail(void)
{
    struct err err = { .text = "" };
    int n = site_move(&site, &err);

    if (n < 0)
        fail_msg("%s", err.text);
    return n;
}

/* There, in one go or with a crash after some batches; again; and back. */
static void play(void)
{
    struct buf wanted, found, source;

    buf_init(&wanted, DUMP_BYTES);
    buf_init(&found, DUMP_BYTES);
    buf_init(&source, DUMP_BYTES);
    dump_laid((unsigned)site.move.from, &source);
    dump_laid(site.move.to, &wanted);
    for (site.stop_after = (int)below(3); site.stop_after > 0; site.stop_after--)
        (void)move_or_fail();
    (void)move_or_fail();
    dump_all(&found);
    assert_string_equal(buf_text(&found), buf_text(&wanted));
    assert_int_equal(move_or_fail(), 0);

    unsigned to = site.move.to;

    site.move.to = (unsigned)site.move.from;
    site.move.from = below(2) == 0 ? (int)to : ROUTE53_ANYWHERE;
    site.move.epoch++;
    (void)move_or_fail();
    dump_all(&found);
    assert_string_equal(buf_text(&found), buf_text(&source));
    buf_fini(&wanted);
    buf_fini(&found);
    buf_fini(&source);
}

static void random_zones_end_as_the_destination_and_come_back(void **state)
{
    (void)state;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        seed = round * UINT64_C(0x9e3779b97f4a7c15);
        choose_site(1 + below(12));
        lay_site();
        play();
        site_fini(&site);
    }
}

static void so_do_zones_of_many_batches(void **state)
{
    (void)state;
    for (unsigned round = 1; round <= LARGE_ROUNDS; round++) {
        seed = round * UINT64_C(0xda942042e4dd58b5);
        choose_site(700);
        lay_site();
        play();
        site_fini(&site);
    }
}

/* A name that some writer changed in part is moved by nobody, from wherever it is asked. */
static void one_strange_record_stops_the_whole_move(void **state)
{
    (void)state;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        struct err err = { .code = ERR_NONE };
        struct route53_set *zone;
        size_t victim;

        seed = round * UINT64_C(0x9e3779b97f4a7c15);
        choose_site(4 + below(8));
        lay_site();
        do {
            zone = &site.zones[below(3)].records;
        } while (zone->n < 5);
        do {
            victim = below((unsigned)zone->n);
        } while (strchr("h*", zone->records[victim]->name[0]) == NULL ||
                 strcmp(zone->records[victim]->type, "TXT") == 0 ||
                 strcmp(zone->records[victim]->name, "example.com") == 0);
        if (below(2) == 0)
            zone->records[victim]->has_more = true;
        else if (zone->records[victim]->n_values > 0)
            zone->records[victim]->ttl_s++;
        else
            zone->records[victim]->alias_evaluates_health = false;
        if (below(2) == 0)
            site.move.from = ROUTE53_ANYWHERE;
        assert_int_equal(site_move(&site, &err), -1);
        assert_int_equal(err.code, ERR_CONFLICT);
        assert_non_null(strstr(err.text, zone->records[victim]->name));
        site_fini(&site);
    }
}

/* 600 names of two values each way: 2,400 elements, and 998 fit beside the ownership record. */
static void names_fill_the_fewest_batches(void **state)
{
    (void)state;
    struct route53_plan plan;
    struct err err;

    site_init(&site, &site_simple);
    for (size_t i = 0; i < 600; i++) {
        names[i] = (struct name){ .n_values = 2 };
        str_format(names[i].text, sizeof(names[i].text), "h%zu.example.com", i);
        site_add(&site, host_of(i));
        lay(&site.zones[0].records, i, 0);
    }
    assert_int_equal(route53_plan_init(&plan, &site.move, site.zones, 1, &err), 0);
    assert_int_equal(plan.n_batches, 3);
    assert_int_equal(plan.n_batches_least, 3);
    assert_int_equal(plan.batches[0].elements, 998);
    assert_int_equal(plan.batches[0].n_names, 249);
    assert_int_equal(plan.n_moved, 600);
    route53_plan_fini(&plan);
    site_fini(&site);
}

/* HTTPS data of 239 characters: 64 names fit beside the ownership record, the elements of 249
 * would. */
static void characters_end_a_batch_too(void **state)
{
    (void)state;
    static char https[2][256];
    struct route53_plan plan;
    struct err err;

    site_init(&site, &site_simple);
    for (unsigned c = 0; c < 2; c++) {
        size_t n;

        str_format(https[c], sizeof(https[c]), "192.0.2.%u https=1 . alpn=", c + 1);
        n = strlen(https[c]);
        memset(https[c] + n, (int)('a' + c), 240 + 16 - n);
        https[c][240 + 16 - 1] = '\0';
    }
    for (size_t i = 0; i < 130; i++) {
        char name[64], line[LINE_BYTES];

        str_format(name, sizeof(name), "h%zu.example.com", i);
        site_add(&site, route53_zone_host(name, https[0], https[1], NULL));
        str_format(line, sizeof(line), "%s A 192.0.2.1", name);
        route53_zone_put(&site.zones[0].records, line);
        str_format(line, sizeof(line), "%s HTTPS |%s", name, strstr(https[0], "1 . "));
        route53_zone_put(&site.zones[0].records, line);
    }
    assert_int_equal(route53_plan_init(&plan, &site.move, site.zones, 1, &err), 0);
    assert_int_equal(plan.n_batches, plan.n_batches_least);
    assert_true(plan.n_batches > 1 && plan.batches[0].elements < ROUTE53_ELEMENTS_MAX / 2 + 10);
    assert_true(plan.batches[0].characters > ROUTE53_CHARACTERS_MAX - 520);
    route53_plan_fini(&plan);
    assert_true(site_move(&site, &err) > 1);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_zones_end_as_the_destination_and_come_back),
        cmocka_unit_test(so_do_zones_of_many_batches),
        cmocka_unit_test(one_strange_record_stops_the_whole_move),
        cmocka_unit_test(names_fill_the_fewest_batches),
        cmocka_unit_test(characters_end_a_batch_too),
    };

    return cmocka_run_group_tests_name("route53_moves", tests, NULL, NULL);
}
