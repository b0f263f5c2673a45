/* tests/unit/test_secondaries.c -- who is told when, and what is made of what they say.  The clock,
 * the secondaries' answers and the way to them are the test's. */
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
#include "dnsflip/providers/secondaries.h"
#include "tests/sim/world.h"

struct world world;

#define ANSWER_MS 5
#define VIEW_SERIAL 1000
#define MESSAGES_MAX 64

/* ---- the two secondaries (ports 1 and 2) ------------------------------------------------------
 */

static struct peer {
    uint32_t serial;
    enum dns_ask_status status;
    uint8_t rcode;       /* of its answer to our question */
    bool answers_notify; /* with notify_rcode */
    uint8_t notify_rcode;
    unsigned asked, notified;
    int64_t notified_at[MESSAGES_MAX]; /* ms since the start */
    struct inet_ip source;             /* of the last NOTIFY */
    uint8_t last[DNS_EXCHANGE_BYTES_MAX];
    size_t last_bytes;
} peers[3];

struct dns_ask {
    struct loop_timer *timer;
    const struct peer *peer;
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
    assert_string_equal(name, "dr.example.com");
    assert_int_equal(type, 6);
    assert_false(tcp);
    *ask = (struct dns_ask){ .peer = &peers[server->port], .done = done, .arg = arg };
    peers[server->port].asked++;
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
    struct peer *peer;
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
    *x = (struct dns_exchange){ .peer = &peers[server->port], .got = got, .arg = arg };
    x->peer->source = source == NULL ? (struct inet_ip){ 0 } : *source;
    x->timer = loop_timer_new(loop, on_heard, x);
    *out = x;
    return 0;
}

int dns_exchange_send(struct dns_exchange *x, const uint8_t *msg, size_t n, struct err *err)
{
    struct peer *peer = x->peer;

    (void)err;
    assert_in_range(peer->notified, 0, MESSAGES_MAX - 1);
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
static struct settings settings;
static struct provider_cfg provider;
static struct group_cfg groups[2];
static struct hostname_cfg names[2];
static struct page *page;
static int page_fd;
static struct secondaries *secondaries;
static unsigned events;

static void on_event(void *arg, const struct secondary_status *now, enum secondary_state was)
{
    (void)arg;
    assert_int_not_equal(now->state, was);
    events++;
}

static struct inet_ip ip(const char *text)
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
    local->listen[local->n_listen++] = (struct inet_addr){ ip("0.0.0.0"), 53 };
    local->listen[local->n_listen++] = (struct inet_addr){ ip("127.0.0.1"), 53 };
    local->listen[local->n_listen++] = (struct inet_addr){ ip("192.0.2.53"), 53 };
    local->secondaries.notify[0] = (struct inet_addr){ ip("198.51.100.53"), 1 };
    local->secondaries.notify[1] = (struct inet_addr){ ip("127.0.0.9"), 2 };
    local->secondaries.n_notify = 2;
}

static int setup(void **state)
{
    struct err err;

    (void)state;
    memset(peers, 0, sizeof(peers));
    events = 0;
    world = (struct world){ .loop = world_loop_new((struct mono){ 0 }, (struct wall){ 1000 }) };
    io = (struct io){ .loop = world.loop };
    use_two();
    for (int i = 0; i < 2; i++)
        groups[i] = (struct group_cfg){ .hostnames = &names[i], .n_hostnames = 1 };
    settings = (struct settings){
        .providers = &provider, .n_providers = 1, .groups = groups, .n_groups = 2
    };
    page_fd = page_new(2, 1, &page, &err);
    assert_true(page_fd >= 0);
    for (int i = 1; i < 3; i++)
        peers[i] = (struct peer){ .serial = VIEW_SERIAL, .answers_notify = true };
    secondaries = secondaries_new(&io);
    secondaries_on_event(secondaries, on_event, NULL);
    secondaries_use(secondaries, &settings, page, VIEW_SERIAL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    secondaries_free(secondaries);
    page_unmap(page);
    close(page_fd);
    world_loop_forget(world.loop);
    mem_free(world.loop);
    return 0;
}

static void pass(int64_t ms)
{
    world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, ms));
}

static void flip(uint32_t group, uint32_t epoch)
{
    page_set(page, group, (struct page_word){ .index = 1, .epoch = epoch });
    secondaries_changed(secondaries);
}

static struct secondary_status seen(size_t i)
{
    struct secondary_status status;

    secondaries_status(secondaries, i, &status);
    return status;
}

/* All of it up to date, the clock at a round number. */
static void settle(void)
{
    secondaries_serve(secondaries);
    pass(100000);
    assert_int_equal(seen(0).state, SECONDARY_FOLLOWS);
    assert_int_equal(peers[1].notified, 1);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static void test_nobody_is_told_before_the_face_serves(void **state)
{
    (void)state;
    pass(5000);
    assert_int_equal(peers[1].notified, 0);
    assert_true(peers[1].asked > 0);
    secondaries_serve(secondaries);
    pass(100);
    assert_int_equal(peers[1].notified, 1);
    assert_int_equal(peers[2].notified, 1);
}

static void test_flips_of_one_turn_are_told_once(void **state)
{
    (void)state;
    settle();
    flip(0, 1001);
    flip(1, 1002);
    pass(1);
    assert_int_equal(peers[1].notified, 2);
    assert_int_equal(seen(0).ours, 1002);
    pass(40000);
    assert_int_equal(peers[1].notified, 2);
}

static void test_who_does_not_answer_is_told_five_times_in_thirty_seconds(void **state)
{
    static const int64_t at_ms[] = { 0, 1000, 3000, 7000, 15000 };

    (void)state;
    settle();
    peers[1].answers_notify = false;
    int64_t began = loop_now(world.loop).mono.ms;
    flip(0, 1001);
    pass(29999);
    assert_true(seen(0).is_being_told);
    assert_int_equal(seen(0).failures, 0);
    pass(1);
    assert_false(seen(0).is_being_told);
    assert_int_equal(seen(0).failures, 1);
    assert_string_equal(seen(0).notify_detail, "no answer to 5 tries");
    assert_int_equal(peers[1].notified, 1 + 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(peers[1].notified_at[1 + i] - began, at_ms[i]);
}

static void test_a_newer_serial_takes_the_place_of_the_one_being_told(void **state)
{
    (void)state;
    settle();
    peers[1].answers_notify = false;
    flip(0, 1001);
    pass(5000);
    assert_int_equal(peers[1].notified, 1 + 3);
    flip(0, 1002);
    pass(1);
    assert_int_equal(peers[1].notified, 1 + 4);
    pass(30000);
    assert_int_equal(peers[1].notified, 1 + 3 + 5);
    assert_int_equal(seen(0).failures, 1);
}

static void test_who_has_the_serial_is_told_no_more(void **state)
{
    (void)state;
    settle();
    peers[1].answers_notify = false;
    flip(0, 1001);
    pass(1500);
    peers[1].serial = 1001;
    pass(40000);
    assert_int_equal(seen(0).state, SECONDARY_FOLLOWS);
    assert_in_range(peers[1].notified, 2, 4);
    assert_int_equal(seen(0).failures, 0);
}

static void test_a_refusal_ends_the_tries_as_a_failure(void **state)
{
    (void)state;
    settle();
    peers[1].notify_rcode = 5;
    flip(0, 1001);
    pass(100);
    assert_false(seen(0).is_being_told);
    assert_int_equal(seen(0).failures, 1);
    assert_non_null(strstr(seen(0).notify_detail, "REFUSED"));
}

static void test_the_source_is_the_listen_address_that_reaches_the_secondary(void **state)
{
    struct inet_ip near = ip("127.0.0.1"), far = ip("192.0.2.53");

    (void)state;
    settle();
    assert_true(inet_ip_equal(&peers[1].source, &far));
    assert_true(inet_ip_equal(&peers[2].source, &near));
}

static void test_a_flip_that_it_lacks_makes_it_lag_until_it_has_it(void **state)
{
    (void)state;
    settle();
    flip(0, 1030);
    pass(1);
    assert_int_equal(seen(0).state, SECONDARY_LAGS);
    assert_int_equal(seen(0).since.ms, 1000 + 100000);
    struct secondary_status lagging = seen(0);
    assert_int_equal(secondary_behind(&lagging), 30);
    flip(0, 1040);
    pass(1000);
    assert_int_equal(seen(0).since.ms, 1000 + 100000);
    peers[1].serial = 1040;
    pass(5000);
    assert_int_equal(seen(0).state, SECONDARY_FOLLOWS);
    assert_true(events >= 3);
}

static void test_after_a_change_it_is_asked_at_once_and_then_ever_more_rarely(void **state)
{
    unsigned before;

    (void)state;
    settle();
    before = peers[1].asked;
    flip(0, 1001);
    pass(1);
    assert_int_equal(peers[1].asked, before + 1);
    pass(1000);
    assert_in_range(peers[1].asked, before + 4, before + 6);
    pass(300000);
    before = peers[1].asked;
    pass(300000);
    assert_in_range(peers[1].asked, before + 9, before + 10);
}

static void test_silence_is_unknown_never_lagging(void **state)
{
    (void)state;
    settle();
    peers[1].status = DNS_ASK_TIMEOUT;
    flip(0, 1001);
    pass(100);
    struct secondary_status silent = seen(0);
    assert_int_equal(silent.state, SECONDARY_UNKNOWN);
    assert_int_equal(secondary_behind(&silent), 0);
    assert_int_equal(silent.serial, VIEW_SERIAL);
    assert_true(silent.heard.ms > 0);
    flip(0, 1002);
    pass(100);
    assert_int_equal(seen(0).state, SECONDARY_UNKNOWN);
}

static void test_one_that_has_no_zone_is_unknown_with_the_reason(void **state)
{
    (void)state;
    settle();
    peers[1].rcode = 2;
    pass(31000);
    assert_int_equal(seen(0).state, SECONDARY_UNKNOWN);
    assert_non_null(strstr(seen(0).read_detail, "SERVFAIL"));
}

static void test_one_that_is_back_and_lags_is_told_again(void **state)
{
    (void)state;
    settle();
    peers[1].status = DNS_ASK_TIMEOUT;
    peers[1].answers_notify = false;
    flip(0, 1001);
    pass(60000);
    assert_int_equal(seen(0).failures, 1);
    unsigned before = peers[1].notified;
    peers[1].status = DNS_ASK_ANSWERED;
    peers[1].answers_notify = true;
    pass(31000);
    assert_int_equal(seen(0).state, SECONDARY_LAGS);
    assert_int_equal(peers[1].notified, before + 1);
}

static void test_a_newer_serial_than_ours_is_ahead_over_the_end_of_the_circle_too(void **state)
{
    (void)state;
    secondaries_use(secondaries, &settings, page, UINT32_MAX - 1);
    peers[1].serial = 3;
    peers[2].serial = UINT32_MAX - 2;
    pass(1000);
    assert_int_equal(seen(0).state, SECONDARY_AHEAD);
    assert_int_equal(seen(1).state, SECONDARY_LAGS);
}

static void test_a_new_pair_is_told_and_what_was_known_stays(void **state)
{
    (void)state;
    settle();
    uint64_t tries = seen(0).tries;
    secondaries_use(secondaries, &settings, page, 2000);
    assert_int_equal(seen(0).tries, tries);
    pass(1);
    assert_int_equal(seen(0).ours, 2000);
    assert_int_equal(seen(0).tries, tries + 1);
    assert_int_equal(seen(0).state, SECONDARY_LAGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody_is_told_before_the_face_serves, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_flips_of_one_turn_are_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_who_does_not_answer_is_told_five_times_in_thirty_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_newer_serial_takes_the_place_of_the_one_being_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_has_the_serial_is_told_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal_ends_the_tries_as_a_failure, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_the_source_is_the_listen_address_that_reaches_the_secondary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_flip_that_it_lacks_makes_it_lag_until_it_has_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_after_a_change_it_is_asked_at_once_and_then_ever_more_rarely, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_is_unknown_never_lagging, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_has_no_zone_is_unknown_with_the_reason, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_one_that_is_back_and_lags_is_told_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_a_newer_serial_than_ours_is_ahead_over_the_end_of_the_circle_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_new_pair_is_told_and_what_was_known_stays, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
