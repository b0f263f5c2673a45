#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/dns_exchange.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "tests/sim/world.h"
#include "tests/support/secondary_bench.h"

struct world world;

#define ANSWER_MS 5

/* ---- the two secondaries (ports 1 and 2) ------------------------------------------------------
 */

struct bench_peer bench_peers[3];

static struct target targets[2][2]; /* by group and place */

/* Of a name: "g0.dr.example.com" is of group 0. */
static void answer_name(const struct bench_peer *peer, const char *name, struct dns_answer *answer)
{
    int group = name[1] - '0', place = peer->place[group];

    answer->has_serial = false;
    if (place == -2)
        answer->rcode = 3;
    if (place < 0)
        return;
    answer->n_ips = 1;
    answer->ips[0] = targets[group][place].a[0];
}

struct dns_ask {
    struct loop_timer *timer;
    struct bench_peer *peer;
    char name[HOSTNAME_BYTES]; /* "" = of the zone's SOA */
    bool is_tcp;
    dns_ask_done *done;
    void *arg;
};

static void on_answer(void *arg)
{
    struct dns_ask ask = *(struct dns_ask *)arg;
    struct dns_answer answer = { .status = ask.peer->status,
                                 .rcode = ask.peer->rcode,
                                 .authoritative = true,
                                 .has_serial = true,
                                 .serial = ask.peer->serial };

    answer.truncated = ask.name[0] != '\0' && ask.peer->cuts && !ask.is_tcp;
    if (ask.name[0] != '\0' && !answer.truncated)
        answer_name(ask.peer, ask.name, &answer);
    loop_timer_free(ask.timer);
    mem_free(arg);
    ask.done(ask.arg, &answer);
}

struct dns_ask *dns_client_ask(struct dns_client *client, const struct inet_addr *server,
                               const char *name, uint16_t type, bool tcp, int64_t timeout_ms,
                               dns_ask_done *done, void *arg)
{
    struct dns_ask *ask = mem_zalloc(sizeof(*ask));

    (void)client;
    (void)timeout_ms;
    assert_true(type != 6 || !tcp);
    *ask = (struct dns_ask){ .peer = &bench_peers[server->port], .done = done, .arg = arg };
    if (type == 6) {
        assert_string_equal(name, "dr.example.com");
        bench_peers[server->port].asked++;
    } else {
        assert_int_equal(type, 1);
        str_copy(ask->name, sizeof(ask->name), name);
        ask->is_tcp = tcp;
        bench_peers[server->port].names_asked++;
    }
    ask->timer = loop_timer_new(world.loop, on_answer, ask);
    loop_timer_set(ask->timer, mono_add(loop_now(world.loop).mono, ANSWER_MS));
    return ask;
}

void dns_client_cancel(struct dns_ask *ask)
{
    loop_timer_free(ask->timer);
    mem_free(ask);
}

struct dns_exchange {
    struct bench_peer *peer;
    struct loop_timer *timer;
    dns_exchange_got *got;
    void *arg;
};

static void on_heard(void *arg)
{
    struct dns_exchange *x = arg;
    uint8_t answer[DNS_EXCHANGE_BYTES_MAX];

    if (!x->peer->answers_notify)
        return;
    memcpy(answer, x->peer->last, x->peer->last_bytes);
    answer[2] |= 0x80;
    answer[3] = x->peer->notify_rcode;
    x->got(x->arg, answer, x->peer->last_bytes, 0);
}

int dns_exchange_open(struct loop *loop, const struct inet_addr *server,
                      const struct inet_ip *source, dns_exchange_got *got, void *arg,
                      struct dns_exchange **out, struct err *err)
{
    struct dns_exchange *x = mem_zalloc(sizeof(*x));

    (void)err;
    *x = (struct dns_exchange){ .peer = &bench_peers[server->port], .got = got, .arg = arg };
    x->peer->source = source == NULL ? (struct inet_ip){ 0 } : *source;
    x->timer = loop_timer_new(loop, on_heard, x);
    *out = x;
    return 0;
}

int dns_exchange_send(struct dns_exchange *x, const uint8_t *msg, size_t n, struct err *err)
{
    struct bench_peer *peer = x->peer;

    (void)err;
    assert_in_range(peer->notified, 0, BENCH_MESSAGES_MAX - 1);
    peer->notified_at[peer->notified++] = loop_now(world.loop).mono.ms;
    memcpy(peer->last, msg, n);
    peer->last_bytes = n;
    loop_timer_set(x->timer, mono_add(loop_now(world.loop).mono, ANSWER_MS));
    return 0;
}

void dns_exchange_close(struct dns_exchange *x)
{
    if (x == NULL)
        return;
    loop_timer_free(x->timer);
    loop_defer_free(world.loop, x);
}

/* ---- the judge's side -------------------------------------------------------------------------
 */

static struct io io;
struct settings bench_settings;
static struct provider_cfg provider;
static struct group_cfg groups[2];
static struct hostname_cfg names[2];
struct page *bench_page;
static int page_fd;
struct secondaries *bench_secondaries;
unsigned bench_events;

static void on_event(void *arg, unsigned of, const struct secondary_status *now,
                     enum secondary_state was)
{
    (void)arg;
    assert_int_equal(of, 0);
    if (now != NULL && now->state != SECONDARY_AHEAD)
        assert_int_not_equal(now->state, was);
    bench_events++;
}

struct inet_ip bench_ip(const char *text)
{
    struct inet_ip out;

    assert_true(inet_parse_ip(text, &out));
    return out;
}

static void use_two(void)
{
    struct local_cfg *local = &provider.local;

    provider = (struct provider_cfg){ .kind = "local" };
    str_copy(local->zone, sizeof(local->zone), "dr.example.com");
    local->listen[local->n_listen++] = (struct inet_addr){ bench_ip("0.0.0.0"), 53 };
    local->listen[local->n_listen++] = (struct inet_addr){ bench_ip("127.0.0.1"), 53 };
    local->listen[local->n_listen++] = (struct inet_addr){ bench_ip("192.0.2.53"), 53 };
    local->secondaries.notify[0] = (struct inet_addr){ bench_ip("198.51.100.53"), 1 };
    local->secondaries.notify[1] = (struct inet_addr){ bench_ip("127.0.0.9"), 2 };
    local->secondaries.n_notify = 2;
}

static void use_groups(void)
{
    static struct cluster_cfg clusters[2] = { { .name = "use1" }, { .name = "usw2" } };
    static const char *const addresses[2][2] = { { "192.0.2.1", "203.0.113.1" },
                                                 { "192.0.2.2", "203.0.113.2" } };

    for (unsigned g = 0; g < 2; g++) {
        str_format(names[g].name, sizeof(names[g].name), "g%u.dr.example.com", g);
        for (unsigned p = 0; p < 2; p++)
            targets[g][p] = (struct target){ .a = { bench_ip(addresses[g][p]) }, .n_a = 1 };
        names[g].targets = targets[g];
        groups[g] = (struct group_cfg){
            .hostnames = &names[g], .n_hostnames = 1, .clusters = { 0, 1 }, .n_clusters = 2
        };
    }
    bench_settings = (struct settings){ .providers = &provider,
                                        .n_providers = 1,
                                        .groups = groups,
                                        .n_groups = 2,
                                        .clusters = clusters,
                                        .n_clusters = 2 };
}

int bench_setup(void **state)
{
    struct err err;

    (void)state;
    memset(bench_peers, 0, sizeof(bench_peers));
    bench_events = 0;
    world = (struct world){ .loop = world_loop_new((struct mono){ 0 }, (struct wall){ 1000 }) };
    io = (struct io){ .loop = world.loop };
    use_two();
    use_groups();
    page_fd = page_new(2, 1, &bench_page, &err);
    assert_true(page_fd >= 0);
    for (int i = 1; i < 3; i++)
        bench_peers[i] = (struct bench_peer){ .serial = BENCH_SERIAL, .answers_notify = true };
    bench_secondaries = secondaries_new(&io);
    secondaries_on_event(bench_secondaries, on_event, NULL);
    secondaries_use(bench_secondaries, &bench_settings, bench_page, BENCH_SERIAL);
    return 0;
}

int bench_teardown(void **state)
{
    (void)state;
    secondaries_free(bench_secondaries);
    page_unmap(bench_page);
    close(page_fd);
    world_loop_forget(world.loop);
    mem_free(world.loop);
    return 0;
}

void bench_pass(int64_t ms)
{
    world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, ms));
}

void bench_flip(uint32_t group, uint32_t epoch)
{
    page_set(bench_page, group, (struct page_word){ .index = 1, .epoch = epoch });
    secondaries_changed(bench_secondaries);
}

struct secondary_status bench_seen(size_t i)
{
    struct secondary_status status;

    secondaries_status(bench_secondaries, i, &status);
    return status;
}

/* All of it up to date, the clock at a round number. */
void bench_settle(void)
{
    secondaries_serve(bench_secondaries);
    bench_pass(100000);
    assert_int_equal(bench_seen(0).state, SECONDARY_FOLLOWS);
    assert_int_equal(bench_peers[1].notified, 1);
}

struct live bench_live_of(uint32_t group)
{
    struct page_word word = page_get(bench_page, group);
    struct live live = { .status = LIVE_ONE, .place = (int8_t)(word.index - 1) };

    secondaries_live(bench_secondaries, group, word, &live);
    return live;
}

int64_t bench_now_ms(void)
{
    return loop_now(world.loop).mono.ms;
}
