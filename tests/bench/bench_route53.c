/* tests/bench/bench_route53.c -- planning the move of 10,000 names in three Route 53 zones: from
 * live records to written batches, by processor time, with the memory that it takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_batch.h"

#define NAMES 10000
#define ZONES 3
#define RUNS 11
#define EPOCH 1764028800U
#define OWNER "\"heritage=dnsflip,group=prod,epoch=1764000000,batch=1/1\""
#define MEMORY_KIB 1024.0

static struct route53_zone zones[ZONES];
static struct hostname_cfg hosts[NAMES];
static const struct hostname_cfg *borrowed[NAMES];

static void add(struct route53_set *set, const char *name, const char *type, const char *value)
{
    struct route53_record r;
    struct err err;

    route53_record_init(&r);
    str_copy(r.name, sizeof(r.name), name);
    str_copy(r.type, sizeof(r.type), type);
    r.ttl_s = 60;
    (void)route53_record_add_value(&r, value, strlen(value));
    if (route53_set_add(set, &r, &err) != 0)
        abort();
}

static void make_zones(void)
{
    for (size_t z = 0; z < ZONES; z++) {
        char name[HOSTNAME_BYTES];
        struct err err;

        str_format(zones[z].name, sizeof(zones[z].name), "z%zu.example.com", z);
        str_format(zones[z].id, sizeof(zones[z].id), "Z%zu", z);
        str_format(name, sizeof(name), "_dnsflip-prod.%s", zones[z].name);
        add(&zones[z].records, name, "TXT", OWNER);
        for (size_t i = z; i < NAMES; i += ZONES) {
            char value[64];

            str_format(hosts[i].name, sizeof(hosts[i].name), "deployment-%05zu-api.airflow.%s", i,
                       zones[z].name);
            hosts[i].targets = mem_array(2, sizeof(hosts[i].targets[0]));
            for (unsigned c = 0; c < 2; c++)
                str_format(hosts[i].targets[c].cname, sizeof(hosts[i].targets[c].cname),
                           "lb-%zu.%s.elb.example.net", i % 80, c == 0 ? "use1" : "usw2");
            str_copy(value, sizeof(value), hosts[i].targets[0].cname);
            add(&zones[z].records, hosts[i].name, "CNAME", value);
            borrowed[i] = &hosts[i];
        }
        if (route53_set_sort(&zones[z].records, &err) != 0)
            abort();
    }
}

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double peak_mib(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / MEMORY_KIB;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(void)
{
    static const struct route53_group group = {
        .name = "prod", .clusters = { "use1", "usw2" }, .n_clusters = 2, .ttl_s = 60
    };
    struct route53_move move = {
        .group = &group, .hosts = borrowed, .n_hosts = NAMES, .from = 0, .to = 1, .epoch = EPOCH
    };
    double plan_ms[RUNS], write_ms[RUNS];
    size_t n_batches = 0, n_least = 0, body_bytes = 0;
    double before_mib, after_mib;

    make_zones();
    before_mib = peak_mib();
    for (int run = 0; run < RUNS; run++) {
        struct route53_plan plan;
        struct buf body;
        struct err err;
        double start = now_ms(), planned;

        if (route53_plan_init(&plan, &move, zones, ZONES, &err) != 0) {
            (void)fprintf(stderr, "bench_route53: %s\n", err.text);
            return 1;
        }
        planned = now_ms();
        buf_init(&body, ROUTE53_BODY_BYTES);
        body_bytes = 0;
        for (size_t i = 0; i < plan.n_batches; i++) {
            if (route53_batch_write(&plan, i, "prod", "op", EPOCH, &body, &err) != 0)
                return 1;
            body_bytes += body.len;
        }
        plan_ms[run] = planned - start;
        write_ms[run] = now_ms() - planned;
        n_batches = plan.n_batches;
        n_least = plan.n_batches_least;
        buf_fini(&body);
        route53_plan_fini(&plan);
    }
    after_mib = peak_mib();
    qsort(plan_ms, RUNS, sizeof(plan_ms[0]), by_value);
    qsort(write_ms, RUNS, sizeof(write_ms[0]), by_value);
    (void)printf("bench=route53 names=%d zones=%d batches=%zu batches_least=%zu plan_ms=%.1f "
                 "plan_worst_ms=%.1f "
                 "write_ms=%.1f body_mib=%.1f live_mib=%.1f planning_mib=%.1f\n",
                 NAMES, ZONES, n_batches, n_least, plan_ms[RUNS / 2], plan_ms[RUNS - 1],
                 write_ms[RUNS / 2], (double)body_bytes / MEMORY_KIB / MEMORY_KIB, before_mib,
                 after_mib - before_mib);
    for (size_t z = 0; z < ZONES; z++)
        route53_zone_fini(&zones[z]);
    for (size_t i = 0; i < NAMES; i++)
        mem_free(hosts[i].targets);
    return 0;
}
