/* tests/unit/test_verify.c -- the look from outside, with servers that answer what the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/verify.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/io.h"
#include "dnsflip/providers/provider.h"
#include "tests/sim/world.h"

struct world world;

#define ANSWER_MS INT64_C(5)
#define NAMES 51 /* the first and the last of them are asked over TCP too */

/* ---- servers ----------------------------------------------------------------------------------
 */

struct dns_ask {
    struct loop_timer *timer;
    struct dns_answer answer;
    dns_ask_done *done;
    void *arg;
};

static struct {
    struct target serves;     /* what every name answers with */
    struct dns_answer answer; /* status, rcode, authoritative of every answer */
    uint16_t silent_port;     /* this server times out; 0 = none */
    unsigned asked, asked_tcp, in_flight, most_in_flight;
} servers;

static void on_answer(void *arg)
{
    struct dns_ask ask = *(struct dns_ask *)arg;

    loop_timer_free(ask.timer);
    mem_free(arg);
    servers.in_flight--;
    ask.done(ask.arg, &ask.answer);
}

struct dns_ask *dns_client_ask(struct dns_client *client, const struct inet_addr *server,
                               const char *name, uint16_t type, bool tcp, int64_t timeout_ms,
                               dns_ask_done *done, void *arg)
{
    struct dns_ask *ask = mem_zalloc(sizeof(*ask));
    const struct inet_ip *ips = type == 1 ? servers.serves.a : servers.serves.aaaa;

    (void)client;
    (void)name;
    *ask = (struct dns_ask){ .answer = servers.answer, .done = done, .arg = arg };
    ask->answer.n_ips = type == 1 ? servers.serves.n_a : servers.serves.n_aaaa;
    memcpy(ask->answer.ips, ips, ask->answer.n_ips * sizeof(*ips));
    (void)str_copy(ask->answer.cname, sizeof(ask->answer.cname), servers.serves.cname);
    if (server->port == servers.silent_port)
        ask->answer.status = DNS_ASK_TIMEOUT;
    servers.asked++;
    servers.asked_tcp += tcp;
    servers.in_flight++;
    if (servers.in_flight > servers.most_in_flight)
        servers.most_in_flight = servers.in_flight;
    ask->timer = loop_timer_new(world.loop, on_answer, ask);
    loop_timer_set(ask->timer,
                   mono_add(loop_now(world.loop).mono,
                            server->port == servers.silent_port ? timeout_ms : ANSWER_MS));
    return ask;
}

void dns_client_cancel(struct dns_ask *ask)
{
    servers.in_flight--;
    loop_timer_free(ask->timer);
    mem_free(ask);
}

/* ---- a plan -----------------------------------------------------------------------------------
 */

static struct io io;
static struct settings settings;
static struct provider_cfg provider;
static struct group_cfg group;
static struct hostname_cfg names[NAMES];
static struct target before, after;
static struct target_change changes[NAMES];
static struct plan plan;

static struct {
    unsigned calls;
    uint32_t verified, asked;
    bool is_done;
    char laggards[REASON_TEXT_BYTES];
} seen;

static struct inet_ip ip(const char *text)
{
    struct inet_ip out;

    assert_true(inet_parse_ip(text, &out));
    return out;
}

static int setup(void **state)
{
    (void)state;
    memset(&servers, 0, sizeof(servers));
    memset(&seen, 0, sizeof(seen));
    memset(&before, 0, sizeof(before));
    memset(&after, 0, sizeof(after));
    world = (struct world){ .loop = world_loop_new((struct mono){ 1000 }, (struct wall){ 1000 }) };
    io = (struct io){ .loop = world.loop };
    before.a[before.n_a++] = ip("192.0.2.1");
    after.a[after.n_a++] = ip("203.0.113.1");
    provider = (struct provider_cfg){ .kind = "local", .local.n_listen = 2 };
    provider.local.listen[0] = (struct inet_addr){ .ip = ip("127.0.0.1"), .port = 5301 };
    provider.local.listen[1] = (struct inet_addr){ .ip = ip("0.0.0.0"), .port = 5302 };
    settings = (struct settings){
        .providers = &provider, .n_providers = 1, .groups = &group, .n_groups = 1
    };
    group = (struct group_cfg){ .hostnames = names, .n_hostnames = NAMES };
    for (uint32_t i = 0; i < NAMES; i++) {
        (void)str_format(names[i].name, sizeof(names[i].name), "n%u.example.com", i);
        changes[i] = (struct target_change){ .hostname = i, .before = &before, .after = &after };
    }
    plan = (struct plan){ .n_names = NAMES };
    servers.answer.authoritative = true;
    servers.serves = after;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_loop_forget(world.loop);
    mem_free(world.loop);
    return 0;
}

static void on_progress(void *arg, uint32_t verified, uint32_t asked, bool is_done,
                        const char *laggards)
{
    struct verify **v = arg;

    seen.calls++;
    seen.verified = verified;
    seen.asked = asked;
    seen.is_done = is_done;
    (void)str_copy(seen.laggards, sizeof(seen.laggards), laggards);
    if (is_done) {
        verify_cancel(*v);
        *v = NULL;
    }
}

static void pass(int64_t ms)
{
    world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, ms));
}

/* A provider that learned two servers, for all names but the first. */
static size_t learned(const struct provider *p, const char *name, struct inet_addr out[])
{
    (void)p;
    if (strcmp(name, "n0.example.com") == 0)
        return 0;
    out[0] = (struct inet_addr){ .ip = ip("192.0.2.53"), .port = 53 };
    out[1] = (struct inet_addr){ .ip = ip("192.0.2.54"), .port = 53 };
    return 2;
}

static const struct provider_ops learned_ops = { .kind = "local", .learned = learned };
static struct provider learned_provider = { .ops = &learned_ops };
static struct provider *const providers[] = { &learned_provider };

static struct verify *running;

static void begin(void)
{
    memset(&seen, 0, sizeof(seen));
    running = verify_start(&io, &settings, &plan, changes, providers, NULL, on_progress, &running);
    assert_int_equal(seen.calls, 0);
}

static void expect_laggards(void)
{
    begin();
    pass(ANSWER_MS);
    assert_int_equal(seen.verified, 0);
    assert_false(seen.is_done);
    verify_cancel(running);
}

static void every_server_is_asked_for_every_name_and_some_over_tcp(void **state)
{
    (void)state;
    begin();
    pass(ANSWER_MS);
    assert_true(seen.is_done);
    assert_int_equal(seen.asked, 2 * (NAMES + 2));
    assert_int_equal(seen.verified, seen.asked);
    assert_int_equal(servers.asked, seen.asked);
    assert_int_equal(servers.asked_tcp, 4);
    assert_string_equal(seen.laggards, "");
}

static void who_still_has_the_old_answer_is_named_and_asked_again(void **state)
{
    (void)state;
    servers.serves = before;
    begin();
    pass(ANSWER_MS);
    assert_int_equal(seen.verified, 0);
    assert_non_null(strstr(seen.laggards, "n0.example.com A at 127.0.0.1:5301"));
    assert_non_null(strstr(seen.laggards, "(TCP)"));
    servers.serves = after;
    pass(VERIFY_AGAIN_MS - 2 * ANSWER_MS);
    assert_int_equal(seen.calls, 1);
    pass(3 * ANSWER_MS);
    assert_true(seen.is_done);
    assert_int_equal(seen.calls, 2);
}

static void only_laggards_are_asked_again_and_ever_more_seldom(void **state)
{
    unsigned first;

    (void)state;
    servers.silent_port = 5302;
    begin();
    pass(VERIFY_TIMEOUT_MS);
    first = servers.asked;
    assert_int_equal(seen.verified, NAMES + 2);
    assert_non_null(strstr(seen.laggards, "127.0.0.1:5302"));
    pass(VERIFY_AGAIN_MS + VERIFY_TIMEOUT_MS);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(servers.asked, first + NAMES + 2);
    pass(600000);
    /* Rounds of 2 s with at most 5 s between them. */
    assert_in_range(seen.calls, 80, 100);
    assert_false(seen.is_done);
    verify_cancel(running);
    assert_int_equal(servers.in_flight, 0);
}

static void what_is_not_exactly_the_plan_is_not_right(void **state)
{
    (void)state;
    servers.serves.a[servers.serves.n_a++] = ip("192.0.2.1");
    expect_laggards();
    servers.serves = (struct target){ .cname = "elsewhere.example.net" };
    expect_laggards();
    servers.serves = (struct target){ .n_a = 0 };
    expect_laggards();
    servers.serves = after;
    servers.answer.rcode = 2;
    expect_laggards();
    servers.answer.rcode = 0;
    servers.answer.authoritative = false;
    expect_laggards();
    servers.answer.authoritative = true;
    servers.answer.status = DNS_ASK_MALFORMED;
    expect_laggards();
}

static void a_family_that_goes_is_asked_for_until_it_is_gone(void **state)
{
    (void)state;
    before.aaaa[before.n_aaaa++] = ip("2001:db8::1");
    servers.serves.aaaa[servers.serves.n_aaaa++] = ip("2001:db8::1");
    begin();
    pass(ANSWER_MS);
    assert_int_equal(seen.asked, 4 * (NAMES + 2));
    assert_int_equal(seen.verified, 2 * (NAMES + 2));
    assert_non_null(strstr(seen.laggards, "AAAA"));
    servers.serves.n_aaaa = 0;
    pass(VERIFY_AGAIN_MS + ANSWER_MS);
    assert_true(seen.is_done);
}

static void a_cname_is_asked_for_once(void **state)
{
    (void)state;
    after = (struct target){ .cname = "lb.example.net" };
    servers.serves = (struct target){ .cname = "LB.example.net" };
    begin();
    pass(ANSWER_MS);
    assert_true(seen.is_done);
    assert_int_equal(seen.asked, 2 * (NAMES + 2));
}

static void with_nothing_to_ask_it_is_done_in_the_next_turn(void **state)
{
    (void)state;
    plan.n_names = 0;
    begin();
    pass(0);
    assert_true(seen.is_done);
    assert_int_equal(seen.asked, 0);
}

static void no_more_wait_at_once_than_allowed(void **state)
{
    (void)state;
    provider.local.n_listen = LISTENS_MAX;
    for (uint16_t i = 0; i < LISTENS_MAX; i++)
        provider.local.listen[i] =
            (struct inet_addr){ .ip = ip("127.0.0.1"), .port = (uint16_t)(5301 + i) };
    begin();
    pass(20 * ANSWER_MS);
    assert_true(seen.is_done);
    assert_int_equal(seen.asked, LISTENS_MAX * (NAMES + 2));
    assert_int_equal(servers.most_in_flight, VERIFY_IN_FLIGHT);
}

static void cancelled_it_says_nothing_more(void **state)
{
    (void)state;
    begin();
    pass(0);
    assert_true(servers.in_flight > 0);
    verify_cancel(running);
    verify_cancel(NULL);
    assert_int_equal(servers.in_flight, 0);
    pass(VERIFY_TIMEOUT_MS);
    assert_int_equal(seen.calls, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void servers_that_were_learned_are_asked_where_the_settings_name_none(void **state)
{
    (void)state;
    provider.local.n_listen = 0;
    begin();
    pass(ANSWER_MS);
    assert_true(seen.is_done);
    assert_int_equal(seen.asked, 2 * (NAMES - 1) + 2);
    assert_int_equal(seen.verified, seen.asked);
}

static void an_alias_is_not_asked_for(void **state)
{
    (void)state;
    after = (struct target){ .cname = "lb.example.net", .alias_zone = "Z1" };
    begin();
    pass(ANSWER_MS);
    assert_true(seen.is_done);
    assert_int_equal(seen.asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            servers_that_were_learned_are_asked_where_the_settings_name_none, setup, teardown),
        cmocka_unit_test_setup_teardown(an_alias_is_not_asked_for, setup, teardown),
        TEST(every_server_is_asked_for_every_name_and_some_over_tcp),
        TEST(who_still_has_the_old_answer_is_named_and_asked_again),
        TEST(only_laggards_are_asked_again_and_ever_more_seldom),
        TEST(what_is_not_exactly_the_plan_is_not_right),
        TEST(a_family_that_goes_is_asked_for_until_it_is_gone),
        TEST(a_cname_is_asked_for_once),
        TEST(with_nothing_to_ask_it_is_done_in_the_next_turn),
        TEST(no_more_wait_at_once_than_allowed),
        TEST(cancelled_it_says_nothing_more),
    };

    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
