/* tests/bench/bench_answer.c -- how long answer() takes for the question that matters most: A, with
 * EDNS, for one of 240 managed names in random order; and for a name that does not exist.
 * Prints one line of key=value. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/render/render.h"
#include "tests/support/site.h"

#define HOSTS 240
#define QUERIES 1024
#define ROUNDS 4000
#define QUERY_BYTES 512

static uint8_t queries[QUERIES][QUERY_BYTES + ANSWER_SLACK_BYTES];
static size_t lengths[QUERIES];

static size_t make_query(uint8_t *q, const char *name, unsigned id)
{
    static const uint8_t tail[] = { 0, 0, 1, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0 };
    size_t at = 12;

    memset(q, 0, QUERY_BYTES);
    q[0] = (uint8_t)(id >> 8);
    q[1] = (uint8_t)id;
    q[2] = 1;
    q[5] = 1;
    q[11] = 1;
    while (*name != '\0') {
        size_t n = strcspn(name, ".");

        q[at++] = (uint8_t)n;
        memcpy(q + at, name, n);
        at += n;
        name += n + (name[n] == '.' ? 1 : 0);
    }
    memcpy(q + at, tail, sizeof(tail));
    return at + sizeof(tail);
}

static void make_queries(const char *prefix)
{
    unsigned random = 1;

    for (unsigned i = 0; i < QUERIES; i++) {
        char name[HOSTNAME_BYTES];

        random = random * 1103515245U + 12345U;
        (void)snprintf(name, sizeof(name), "%s%03u-api.airflow.dr.example.com", prefix,
                       random / 65536U % HOSTS);
        lengths[i] = make_query(queries[i], name, i);
    }
}

/* Nanoseconds per answer; the best of the rounds, which nothing else disturbed. */
static double measure(const struct view *view, const struct page *page, unsigned *wrong,
                      unsigned rcode)
{
    static uint8_t out[ANSWER_UDP_BYTES + ANSWER_SLACK_BYTES];
    uint32_t counts[COUNTERS] = { 0 };
    double best = 1e9;

    for (unsigned round = 0; round < ROUNDS / 100; round++) {
        int64_t start = mono_now_us();
        double ns;

        for (unsigned i = 0; i < 100 * QUERIES; i++) {
            struct answer_call call = { .query = queries[i % QUERIES],
                                        .len = lengths[i % QUERIES] };
            size_t n = answer(view, page, &call, out, counts);

            *wrong += n < 12 || (out[3] & 15U) != rcode;
        }
        ns = (double)(mono_now_us() - start) * 1000.0 / (100.0 * QUERIES);
        if (ns < best)
            best = ns;
    }
    return best;
}

int main(void)
{
    struct settings *s = site_new(NULL);
    const struct view *view;
    struct page *page;
    struct err err;
    unsigned wrong = 0;
    double hit, miss;
    int view_fd, page_fd;

    for (unsigned i = 0; i < HOSTS; i++) {
        char name[HOSTNAME_BYTES];

        (void)snprintf(name, sizeof(name), "team%03u-api.airflow.dr.example.com", i);
        (void)site_add_host(s, SITE_PROD, name, "198.51.100.10", "203.0.113.10");
    }
    view_fd = render_view(s, 1, 1, &err);
    page_fd = page_new(1, 1, &page, &err);
    if (view_fd < 0 || page_fd < 0 || view_open(view_fd, &view, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    page_set(page, SITE_PROD, (struct page_word){ .index = 1, .epoch = 7 });
    make_queries("team");
    hit = measure(view, page, &wrong, 0);
    make_queries("none");
    miss = measure(view, page, &wrong, 3);
    (void)printf("bench=answer names=%d a_ns=%.1f nxdomain_ns=%.1f wrong=%u\n", HOSTS, hit, miss,
                 wrong);
    page_unmap(page);
    view_close(view);
    close(page_fd);
    close(view_fd);
    settings_free(s);
    return wrong == 0 ? 0 : 1;
}
