/* tests/planning/plan.c -- plans moves in Route 53 from lists as a service wrote them, so that the
 * batches can be sent to one.  stdin, a line each:
 *
 *   group simple|weighted|failover TTL_S     clusters are use1 and usw2
 *   zone ID NAME public|private
 *   page BYTES, then the body of a ListResourceRecordSets answer, of the zone before
 *   host NAME|TARGET|TARGET                  targets as in tests/support/route53_zone.h
 *   move FROM TO EPOCH [adopt] [foreign]     FROM -1: anywhere; plans, and forgets zones and hosts
 *
 * stdout, for each move: "error CODE TEXT"; or "batches N LEAST MOVED THERE", and N times
 * "batch ZONE_ID ELEMENTS CHARACTERS BYTES" and the body. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_batch.h"
#include "dnsflip/providers/route53_read.h"
#include "tests/support/route53_zone.h"

#define HOSTS_MAX 100000
#define WORDS_MAX 6

struct world {
    struct route53_group group;
    struct route53_zone zones[ROUTE53_ZONES_MAX];
    size_t n_zones;
    struct hostname_cfg **hosts; /* owned, each too; n_hosts in use */
    size_t n_hosts;
};

static void give_up(const char *what)
{
    (void)fprintf(stderr, "not understood: %s\n", what);
    exit(64);
}

static long number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (*end != '\0' || end == text)
        give_up(text);
    return n;
}

static void set_group(struct world *w, char *words[])
{
    static const char *const names[] = { "simple", "weighted", "failover" };

    w->group = (struct route53_group){ .name = "prod",
                                       .clusters = { "use1", "usw2" },
                                       .n_clusters = 2,
                                       .ttl_s = (uint32_t)number(words[2]) };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(words[1], names[i]) == 0)
            w->group.routing = (enum route53_routing)i;
    }
}

static void add_zone(struct world *w, char *words[])
{
    if (w->n_zones == ROUTE53_ZONES_MAX)
        give_up("one zone more");
    struct route53_zone *zone = &w->zones[w->n_zones++];

    *zone = (struct route53_zone){ .is_private = strcmp(words[3], "private") == 0 };
    if (!str_copy(zone->id, sizeof(zone->id), words[1]) ||
        !str_copy(zone->name, sizeof(zone->name), words[2]))
        give_up(words[2]);
}

static void add_page(struct world *w, size_t n)
{
    struct route53_page page;
    struct err err;
    char *body = mem_zalloc(n + 1);

    if (w->n_zones == 0 || fread(body, 1, n, stdin) != n)
        give_up("a page");
    if (route53_read_page(body, n, &w->zones[w->n_zones - 1].records, &page, &err) != 0)
        give_up(err.text);
    mem_free(body);
}

static void add_host(struct world *w, char *text)
{
    char *first = strchr(text, '|');
    char *second = first != NULL ? strchr(first + 1, '|') : NULL;

    if (second == NULL || w->n_hosts == HOSTS_MAX)
        give_up(text);
    *first = *second = '\0';
    w->hosts[w->n_hosts++] = route53_zone_host(text, first + 1, second + 1, NULL);
}

static void print_batch(const struct world *w, const struct route53_plan *plan, size_t i,
                        uint32_t epoch)
{
    const struct route53_batch *batch = &plan->batches[i];
    struct buf body;
    struct err err;

    buf_init(&body, ROUTE53_BODY_BYTES);
    if (route53_batch_write(plan, i, w->group.name, "op-1", epoch, &body, &err) != 0)
        give_up(err.text);
    (void)printf("batch %s %u %u %zu\n", w->zones[batch->zone].id, batch->elements,
                 batch->characters, body.len);
    (void)fwrite(body.data, 1, body.len, stdout);
    buf_fini(&body);
}

static void plan(struct world *w, char *words[], size_t n)
{
    struct route53_move move = { .group = &w->group,
                                 .hosts = (const struct hostname_cfg *const *)w->hosts,
                                 .n_hosts = w->n_hosts,
                                 .from = (int)number(words[1]),
                                 .to = (unsigned)number(words[2]),
                                 .epoch = (uint32_t)number(words[3]) };
    struct route53_plan made;
    struct err err;

    for (size_t i = 4; i < n; i++) {
        move.is_adopt = move.is_adopt || strcmp(words[i], "adopt") == 0;
        move.takes_foreign = move.takes_foreign || strcmp(words[i], "foreign") == 0;
    }
    for (size_t i = 0; i < w->n_zones; i++) {
        if (route53_set_sort(&w->zones[i].records, &err) != 0)
            give_up(err.text);
    }
    if (route53_plan_init(&made, &move, w->zones, w->n_zones, &err) != 0) {
        (void)printf("error %d %s\n", (int)err.code, err.text);
        return;
    }
    (void)printf("batches %zu %zu %zu %zu\n", made.n_batches, made.n_batches_least, made.n_moved,
                 made.n_there);
    for (size_t i = 0; i < made.n_batches; i++)
        print_batch(w, &made, i, move.epoch);
    route53_plan_fini(&made);
}

static void forget(struct world *w)
{
    for (size_t i = 0; i < w->n_zones; i++)
        route53_zone_fini(&w->zones[i]);
    for (size_t i = 0; i < w->n_hosts; i++)
        route53_zone_host_free(w->hosts[i]);
    w->n_zones = w->n_hosts = 0;
}

static void obey(struct world *w, char *line)
{
    char *words[WORDS_MAX] = { NULL };
    size_t n = 0;

    if (strncmp(line, "host ", 5) == 0) {
        add_host(w, line + 5);
        return;
    }
    for (char *word = strtok_r(line, " ", &line); word != NULL && n < WORDS_MAX;
         word = strtok_r(NULL, " ", &line))
        words[n++] = word;
    if (n == 3 && strcmp(words[0], "group") == 0) {
        set_group(w, words);
    } else if (n == 4 && strcmp(words[0], "zone") == 0) {
        add_zone(w, words);
    } else if (n == 2 && strcmp(words[0], "page") == 0) {
        add_page(w, (size_t)number(words[1]));
    } else if (n >= 4 && strcmp(words[0], "move") == 0) {
        plan(w, words, n);
        forget(w);
        (void)fflush(stdout);
    } else {
        give_up(n > 0 ? words[0] : "an empty line");
    }
}

int main(void)
{
    static struct world world;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    world.hosts = mem_array(HOSTS_MAX, sizeof(struct hostname_cfg *));
    while ((n = getline(&line, &cap, stdin)) > 0) {
        line[n - 1] = '\0';
        obey(&world, line);
    }
    free(line);
    mem_free(world.hosts);
    return 0;
}
