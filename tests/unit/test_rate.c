/* tests/unit/test_rate.c -- response-rate limiting: who is limited with whom, how credit comes
 * back, what becomes of answers past the limit, and a table that is too small for everybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/dns/rate.h"

#define KIND 7
#define BURST(rate) ((rate)*RATE_BURST_MS / 1000)

static uint64_t network_of(const char *text)
{
    struct inet_ip ip;

    assert_true(inet_parse_ip(text, &ip));
    return rate_network(ip.bytes, ip.family == 4 ? 4 : 16);
}

static struct rate_table *new_table(void)
{
    struct rate_table *t = mem_zalloc(sizeof(*t));

    memset(t->key, 0x5a, sizeof(t->key));
    return t;
}

/* How many of n checks at one moment give the verdict. */
static unsigned count(struct rate_table *t, const struct rate_limit *limit, uint64_t network,
                      uint64_t kind, uint32_t now_ms, unsigned n, enum rate_verdict verdict)
{
    unsigned found = 0;

    for (unsigned i = 0; i < n; i++)
        found += rate_check(t, limit, network, kind, now_ms) == verdict;
    return found;
}

static void networks_are_24_bits_of_ipv4_and_56_of_ipv6(void **state)
{
    (void)state;
    assert_int_equal(network_of("192.0.2.1"), network_of("192.0.2.255"));
    assert_int_not_equal(network_of("192.0.2.1"), network_of("192.0.3.1"));
    assert_int_equal(network_of("2001:db8:0:1200::1"), network_of("2001:db8:0:12ff:f::9"));
    assert_int_not_equal(network_of("2001:db8:0:1200::1"), network_of("2001:db8:0:1300::1"));
    assert_int_not_equal(network_of("0.0.1.0"), network_of("::1"));
    assert_int_not_equal(network_of("0.0.0.0"), network_of("::"));
}

static void a_burst_is_answered_and_credit_comes_back(void **state)
{
    const struct rate_limit limit = { .per_second = 10, .slip = 0 };
    struct rate_table *t = new_table();
    uint64_t net = network_of("192.0.2.1");
    uint32_t start_ms = UINT32_MAX - 700; /* the clock wraps in between */

    (void)state;
    assert_int_equal(count(t, &limit, net, KIND, start_ms, 100, RATE_ANSWER), BURST(10));
    assert_int_equal(count(t, &limit, net, KIND, start_ms + 99, 1, RATE_ANSWER), 0);
    assert_int_equal(count(t, &limit, net, KIND, start_ms + 100, 9, RATE_ANSWER), 1);
    assert_int_equal(count(t, &limit, net, KIND, start_ms + 1100, 99, RATE_ANSWER), 10);
    /* Whoever was silent for long has his burst again, and no more. */
    assert_int_equal(count(t, &limit, net, KIND, start_ms + 100000, 99, RATE_ANSWER), BURST(10));
    mem_free(t);
}

static void a_steady_client_below_the_limit_never_notices_it(void **state)
{
    const struct rate_limit limit = { .per_second = 200, .slip = 2 };
    struct rate_table *t = new_table();

    (void)state;
    for (uint32_t ms = 0; ms < 60000; ms += 5)
        assert_int_equal(rate_check(t, &limit, 1, KIND, ms), RATE_ANSWER);
    mem_free(t);
}

static void kinds_and_networks_have_limits_of_their_own(void **state)
{
    const struct rate_limit limit = { .per_second = 1, .slip = 0 };
    struct rate_table *t = new_table();

    (void)state;
    for (uint64_t net = 0; net < 20; net++) {
        for (uint64_t kind = 0; kind < 20; kind++)
            assert_int_equal(count(t, &limit, net, kind, 5, 9, RATE_ANSWER), BURST(1));
    }
    mem_free(t);
}

static void every_so_many_past_the_limit_slip(void **state)
{
    struct rate_table *t = new_table();

    (void)state;
    for (uint32_t slip = 0; slip <= RATE_SLIP_MAX; slip++) {
        const struct rate_limit limit = { .per_second = 1, .slip = slip };

        assert_int_equal(count(t, &limit, slip, KIND, 5, BURST(1), RATE_ANSWER), BURST(1));
        assert_int_equal(count(t, &limit, slip, KIND, 5, 1000, RATE_SLIP),
                         slip == 0 ? 0 : 1000 / slip);
    }
    mem_free(t);
}

/* Also of those that are past it by little, between answers that they get. */
static void the_second_one_past_the_limit_slips_whatever_lies_between(void **state)
{
    const struct rate_limit limit = { .per_second = 1, .slip = 2 };
    struct rate_table *t = new_table();

    (void)state;
    assert_int_equal(count(t, &limit, 1, KIND, 0, BURST(1), RATE_ANSWER), BURST(1));
    assert_int_equal(rate_check(t, &limit, 1, KIND, 0), RATE_DROP);
    assert_int_equal(rate_check(t, &limit, 1, KIND, 1000), RATE_ANSWER);
    assert_int_equal(rate_check(t, &limit, 1, KIND, 1000), RATE_SLIP);
    mem_free(t);
}

static void a_lower_limit_binds_at_once(void **state)
{
    const struct rate_limit high = { .per_second = RATE_LIMIT_MAX, .slip = 0 };
    const struct rate_limit low = { .per_second = 1, .slip = 0 };
    struct rate_table *t = new_table();

    (void)state;
    assert_int_equal(rate_check(t, &high, 1, KIND, 0), RATE_ANSWER);
    assert_int_equal(count(t, &low, 1, KIND, 0, 100, RATE_ANSWER), BURST(1));
    mem_free(t);
}

/* A flood from everywhere: who is past the limit keeps his place, and who comes once is answered.
 */
static void the_busiest_keep_their_places_in_a_full_table(void **state)
{
    const struct rate_limit limit = { .per_second = 5, .slip = 0 };
    struct rate_table *t = new_table();
    unsigned answered = 0;

    (void)state;
    (void)count(t, &limit, UINT64_MAX, KIND, 0, 100, RATE_ANSWER);
    for (uint64_t net = 0; net < UINT64_C(4) * RATE_PLACES; net++) {
        assert_int_equal(rate_check(t, &limit, net, KIND, 1), RATE_ANSWER);
        answered += rate_check(t, &limit, UINT64_MAX, KIND, 1) == RATE_ANSWER;
    }
    assert_int_equal(answered, 0);
    mem_free(t);
}

static void another_key_puts_everybody_elsewhere(void **state)
{
    const struct rate_limit limit = { .per_second = 1, .slip = 0 };
    struct rate_table *t = new_table();
    unsigned found = 0;

    (void)state;
    (void)rate_check(t, &limit, 1, KIND, 0);
    t->key[0]++;
    (void)rate_check(t, &limit, 1, KIND, 0);
    for (size_t i = 0; i < RATE_PLACES; i++)
        found += t->places[i].tag != 0;
    assert_int_equal(found, 2);
    mem_free(t);
}

static void loopback_and_the_networks_named_are_exempt(void **state)
{
    static const struct view_network networks[] = {
        { .ip_bytes = 4, .bits = 23, .ip = { 192, 0, 2 } },
        { .ip_bytes = 16, .bits = 33, .ip = { 0x20, 0x01, 0x0d, 0xb8, 0x80 } },
    };
    static const struct {
        const char *text;
        bool is_exempt;
    } cases[] = {
        { "127.0.0.1", true },
        { "127.255.3.4", true },
        { "128.0.0.1", false },
        { "::1", true },
        { "::2", false },
        { "192.0.2.1", true },
        { "192.0.3.255", true },
        { "192.0.4.0", false },
        { "192.0.1.255", false },
        { "2001:db8:8::", false },
        { "2001:db8:8000::", true },
        { "2001:db8:ffff::1", true },
        { "::ffff:127.0.0.1", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct inet_ip ip;

        assert_true(inet_parse_ip(cases[i].text, &ip));
        assert_int_equal(rate_is_exempt(networks, 2, ip.bytes, ip.family == 4 ? 4 : 16),
                         cases[i].is_exempt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_24_bits_of_ipv4_and_56_of_ipv6),
        cmocka_unit_test(a_burst_is_answered_and_credit_comes_back),
        cmocka_unit_test(a_steady_client_below_the_limit_never_notices_it),
        cmocka_unit_test(kinds_and_networks_have_limits_of_their_own),
        cmocka_unit_test(every_so_many_past_the_limit_slip),
        cmocka_unit_test(the_second_one_past_the_limit_slips_whatever_lies_between),
        cmocka_unit_test(a_lower_limit_binds_at_once),
        cmocka_unit_test(the_busiest_keep_their_places_in_a_full_table),
        cmocka_unit_test(another_key_puts_everybody_elsewhere),
        cmocka_unit_test(loopback_and_the_networks_named_are_exempt),
    };

    return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
