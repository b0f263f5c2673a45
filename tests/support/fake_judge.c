/* tests/support/fake_judge.c -- the judge's side of dnsflip/link.h, and nothing else of a judge. */
#include "tests/support/fake_judge.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/link.h"
#include "tests/support/zone.h"

#define FAIL_EXIT 7
#define LINE_BYTES 512
#define THREADS 2

static struct {
    uint64_t kept;     /* as told at the start */
    size_t kept_parts; /* descriptors that came with it */
    uint32_t upgrades; /* so too */
    bool is_busy;      /* no upgrade now */
    char spoilt[256];  /* a program that loses its permission when we leave for it; "" = none */
    unsigned reloads, faces;
    const struct counters *counters;
    struct page *page; /* of the pair offered last */
    int listener;
} judge = { .listener = -1 };

static void die(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "fake judge: %s: %s\n", what, err->text);
    exit(EXIT_FAILURE);
}

static void take_counters(const int fds[], size_t n_fds)
{
    struct err err;

    if (n_fds != 1 || counters_map(fds[0], &judge.counters, &err) != 0)
        die("counters", &err);
    judge.faces++;
}

/* Waits for a message of kind a or b, and takes in what comes before it. */
static struct link_message await(enum link_kind a, enum link_kind b, int fds[FDPASS_FDS_MAX],
                                 size_t *n_fds)
{
    struct link_message m;
    struct err err;

    for (;;) {
        int got = link_receive(LINK_FD, &m, fds, n_fds, &err);
        if (got < 0)
            die("link", &err);
        if (got == 0)
            exit(EXIT_FAILURE);
        if (m.kind == (uint32_t)a || m.kind == (uint32_t)b)
            return m;
        if (m.kind == LINK_COUNTERS)
            take_counters(fds, *n_fds);
        else if (m.kind == LINK_RELOAD)
            judge.reloads++;
        else if (m.kind == LINK_STOP)
            exit(EXIT_SUCCESS);
    }
}

static void tell(const struct link_message *m, const int fds[], size_t n_fds)
{
    struct err err;

    if (link_send(LINK_FD, m, fds, n_fds, &err) != 0)
        die("send", &err);
}

/* Returns what was bound; the judge's own sockets with a descriptor. */
static int bind_one(enum link_role role, const char *addr, const char *path)
{
    struct link_message m = link_message(LINK_BIND);
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    struct err err;

    m.role = (uint32_t)role;
    m.threads = THREADS;
    m.mode = 0600;
    if (addr != NULL)
        (void)inet_parse_addr(addr, 0, &m.addr);
    if (path != NULL)
        (void)str_copy(m.path, sizeof(m.path), path);
    tell(&m, NULL, 0);
    m = await(LINK_BOUND, LINK_ERROR, fds, &n_fds);
    if (m.kind == LINK_ERROR) {
        (void)err_set(&err, ERR_REMOTE, "%s", m.text);
        die("bind", &err);
    }
    return n_fds == 1 ? fds[0] : -1;
}

static void offer(uint64_t generation, const int pair[], size_t n_parts, char reply[LINE_BYTES])
{
    struct link_message m = link_message(LINK_PAIR);
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;

    m.generation = generation;
    tell(&m, pair, n_parts);
    m = await(LINK_ADOPTED, LINK_ERROR, fds, &n_fds);
    if (m.kind == LINK_ADOPTED)
        (void)str_format(reply, LINE_BYTES, "adopted %llu", (unsigned long long)m.generation);
    else
        (void)str_format(reply, LINE_BYTES, "error %s", m.text);
}

static void offer_pair(uint64_t generation, uint8_t index, char reply[LINE_BYTES])
{
    int fds[2];
    struct err err;

    if (zone_pair(generation, FAKE_JUDGE_NAMES, index, fds, &judge.page, &err) != 0)
        die("pair", &err);
    offer(generation, fds, 2, reply);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* A pair with one key, or with a third part that is none. */
static void offer_keyed(uint64_t generation, uint8_t index, bool is_good, char reply[LINE_BYTES])
{
    struct transfer_key key = { .name = "key", .algorithm = TRANSFER_HMAC_SHA256, .len = 32 };
    int fds[LINK_PAIR_FDS_MAX];
    struct err err;

    if (zone_pair(generation, FAKE_JUDGE_NAMES, index, fds, &judge.page, &err) != 0)
        die("pair", &err);
    fds[2] = is_good ? secrets_new(generation, &key, 1, NULL, &err)
                     : fsio_memfd("no-secrets", sizeof(struct secrets), &err);
    if (fds[2] < 0)
        die("secrets", &err);
    offer(generation, fds, LINK_PAIR_FDS_MAX, reply);
    for (size_t i = 0; i < LINK_PAIR_FDS_MAX; i++)
        (void)close(fds[i]);
}

/* A page that belongs to another view, or a view that is none. */
static void offer_bad(uint64_t generation, bool is_bad_view, char reply[LINE_BYTES])
{
    struct page *page = NULL;
    int fds[2];
    struct err err;

    if (zone_pair(generation, FAKE_JUDGE_NAMES, 1, fds, &page, &err) != 0)
        die("pair", &err);
    (void)close(fds[is_bad_view ? 0 : 1]);
    if (is_bad_view)
        fds[0] = fsio_memfd("no-view", 4096, &err);
    else
        fds[1] = page_new(1, generation + 1, &page, &err);
    offer(generation, fds, 2, reply);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void flip(uint8_t index, uint32_t epoch, char reply[LINE_BYTES])
{
    struct counters_quiet quiet;

    page_set(judge.page, 0, (struct page_word){ .index = index, .epoch = epoch });
    counters_quiet_start(judge.counters, &quiet);
    while (!counters_quiet_passed(judge.counters, &quiet))
        (void)poll(NULL, 0, 1);
    (void)str_copy(reply, LINE_BYTES, "flipped");
}

static void tell_state(char reply[LINE_BYTES])
{
    const struct counters *c = judge.counters;

    (void)str_format(
        reply, LINE_BYTES,
        "pid=%d kept=%llu parts=%zu upgrades=%u reloads=%u faces=%u generation=%llu udp=%llu "
        "tcp=%llu",
        (int)getpid(), (unsigned long long)judge.kept, judge.kept_parts, judge.upgrades,
        judge.reloads, judge.faces,
        c == NULL ? 0ULL : (unsigned long long)atomic_load(&c->generation),
        c == NULL ? 0ULL : (unsigned long long)counters_sum(c, COUNTER_UDP_QUERIES),
        c == NULL ? 0ULL : (unsigned long long)counters_sum(c, COUNTER_TCP_QUERIES));
}

/* Another version may take over: leaves, unless it was told to be busy. */
static void leave(void)
{
    struct link_message refused = link_message(LINK_REFUSED);

    if (judge.spoilt[0] != '\0')
        (void)chmod(judge.spoilt, 0);
    if (!judge.is_busy)
        exit(EXIT_SUCCESS);
    (void)str_copy(refused.text, sizeof(refused.text), "an operation is running");
    tell(&refused, NULL, 0);
}

/* Asks for an upgrade; returns only if there is none. */
static void upgrade(char reply[LINE_BYTES])
{
    struct link_message m = link_message(LINK_UPGRADE);
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;

    tell(&m, NULL, 0);
    m = await(LINK_LEAVE, LINK_REFUSED, fds, &n_fds);
    if (m.kind == LINK_LEAVE) {
        leave();
        m = await(LINK_REFUSED, LINK_REFUSED, fds, &n_fds);
    }
    ssize_t n = n_fds == 1 ? pread(fds[0], reply, LINE_BYTES - 1, 0) : 0;
    reply[n > 0 ? n : 0] = '\0';
}

static void obey(char *line, char reply[LINE_BYTES])
{
    char *rest = NULL;
    char *verb = strtok_r(line, " \n", &rest);
    const char *first = strtok_r(NULL, " \n", &rest);
    const char *second = strtok_r(NULL, " \n", &rest);
    uint64_t a = 0;
    uint64_t b = 0;

    (void)str_copy(reply, LINE_BYTES, "what?");
    if (verb == NULL ||
        (first != NULL && first[0] != '/' && !str_parse_u64(first, UINT32_MAX, &a)) ||
        (second != NULL && !str_parse_u64(second, UINT32_MAX, &b)))
        return;
    if (strcmp(verb, "pair") == 0)
        offer_pair(a, (uint8_t)b, reply);
    else if (strcmp(verb, "bad-view") == 0 || strcmp(verb, "bad-page") == 0)
        offer_bad(a, strcmp(verb, "bad-view") == 0, reply);
    else if (strcmp(verb, "keyed-pair") == 0 || strcmp(verb, "bad-secrets") == 0)
        offer_keyed(a, (uint8_t)(second == NULL ? 1 : b), strcmp(verb, "keyed-pair") == 0, reply);
    else if (strcmp(verb, "flip") == 0)
        flip((uint8_t)a, (uint32_t)b, reply);
    else if (strcmp(verb, "state") == 0)
        tell_state(reply);
    else if (strcmp(verb, "upgrade") == 0)
        upgrade(reply);
    else if (strcmp(verb, "busy") == 0)
        judge.is_busy = a != 0;
    else if (strcmp(verb, "spoil") == 0)
        (void)str_copy(judge.spoilt, sizeof(judge.spoilt), first != NULL ? first : "");
    else if (strcmp(verb, "hang") == 0)
        (void)str_copy(reply, LINE_BYTES, "hung");
    else if (strcmp(verb, "exit") == 0)
        exit((int)a);
}

static void serve_client(void)
{
    char line[LINE_BYTES] = "";
    char reply[LINE_BYTES] = "";
    int fd = accept(judge.listener, NULL, NULL);

    if (fd < 0)
        return;
    if (recv(fd, line, sizeof(line) - 1, 0) > 0) {
        obey(line, reply);
        (void)send(fd, reply, strlen(reply), MSG_NOSIGNAL);
    }
    (void)close(fd);
    if (strcmp(reply, "hung") == 0)
        (void)poll(NULL, 0, -1);
}

static void hear_supervisor(void)
{
    struct link_message m;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    struct err err;
    int got = link_receive(LINK_FD, &m, fds, &n_fds, &err);

    if (got <= 0)
        exit(EXIT_FAILURE);
    if (m.kind == LINK_STOP)
        exit(EXIT_SUCCESS);
    if (m.kind == LINK_RELOAD)
        judge.reloads++;
    if (m.kind == LINK_LEAVE)
        leave();
    if (m.kind == LINK_COUNTERS)
        take_counters(fds, n_fds);
}

static void start(const char *control, const char *port)
{
    struct link_message hello = link_message(LINK_HELLO);
    struct link_message ready = link_message(LINK_READY);
    char addr[64];
    char reply[LINE_BYTES];
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;

    tell(&hello, NULL, 0);
    struct link_message kept = await(LINK_KEPT, LINK_KEPT, fds, &n_fds);
    judge.kept = kept.generation;
    judge.upgrades = kept.upgrades;
    judge.kept_parts = n_fds;
    (void)str_format(addr, sizeof(addr), "127.0.0.1:%s", port);
    (void)bind_one(LINK_ROLE_DNS_UDP, addr, NULL);
    (void)bind_one(LINK_ROLE_DNS_TCP, addr, NULL);
    judge.listener = bind_one(LINK_ROLE_CONTROL, NULL, control);
    if (judge.kept == 0)
        offer_pair(1, 1, reply);
    tell(&ready, NULL, 0);
}

int fake_judge_main(int argc, char **argv)
{
    struct err err;

    if (argc != 5 || link_child_guard(&err) != 0)
        return EXIT_FAILURE;
    if (strcmp(argv[4], "fail") == 0)
        return FAIL_EXIT;
    start(argv[2], argv[3]);
    for (;;) {
        struct pollfd polled[] = { { .fd = LINK_FD, .events = POLLIN },
                                   { .fd = judge.listener, .events = POLLIN } };
        (void)poll(polled, 2, -1);
        if (polled[0].revents != 0)
            hear_supervisor();
        if (polled[1].revents != 0)
            serve_client();
    }
}
