/* tests/unit/test_cookie.c -- server cookies against the examples of RFC 9018, appendix A, and the
 * rules for their time, their length and their secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/dns/cookie.h"

#define TIME 1559731985U

static size_t unhex(const char *text, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = strlen(text) / 2;

    for (size_t i = 0; i < n; i++) {
        const char *high = strchr(digits, text[2 * i]);
        const char *low = strchr(digits, text[2 * i + 1]);

        assert_true(high != NULL && low != NULL);
        out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return n;
}

static struct cookie_secrets secrets_of(const char *first, const char *second)
{
    struct cookie_secrets secrets = { .n = second == NULL ? 1 : 2 };

    (void)unhex(first, secrets.secret[0]);
    if (second != NULL)
        (void)unhex(second, secrets.secret[1]);
    return secrets;
}

static void cookies_are_those_of_the_rfc(void **state)
{
    static const struct {
        const char *ip, *secret, *old_secret, *asked, *answered;
        uint32_t now_s;
        enum cookie_check check;
    } cases[] = {
        /* A.1: a new one; A.2: the same client's, renewed; A.3: reserved bytes that are not zero;
         * A.4: IPv6, and a secret that was changed. */
        { "198.51.100.100", "e5e973e5a6b2a43f48e7dc849e37bfcf", NULL, "2464c4abcf10c957",
          "2464c4abcf10c957010000005cf79f111f8130c3eee29480", TIME, COOKIE_UNKNOWN },
        { "198.51.100.100", "e5e973e5a6b2a43f48e7dc849e37bfcf", NULL,
          "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
          "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", 1559734385, COOKIE_RIGHT_TO_RENEW },
        { "203.0.113.203", "e5e973e5a6b2a43f48e7dc849e37bfcf", NULL,
          "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
          "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", 1559734700, COOKIE_UNKNOWN },
        { "2001:db8:220:1:59de:d0f4:8769:82b8", "445536bcd2513298075a5d379663c962",
          "dd3bdf9344b678b185a6f5cb60fca715", "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
          "22681ab97d52c298010000005cf7c609a6bb79d16625507a", 1559741961, COOKIE_RIGHT_TO_RENEW },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cookie_secrets secrets = secrets_of(cases[i].secret, cases[i].old_secret);
        uint8_t asked[64], expected[64], made[COOKIE_BYTES];
        size_t n = unhex(cases[i].asked, asked);
        struct inet_ip ip;

        assert_true(inet_parse_ip(cases[i].ip, &ip));
        assert_int_equal(
            cookie_check(&secrets, asked, n, ip.bytes, ip.family == 4 ? 4 : 16, cases[i].now_s),
            cases[i].check);
        cookie_make(&secrets, asked, ip.bytes, ip.family == 4 ? 4 : 16, cases[i].now_s, made);
        assert_int_equal(unhex(cases[i].answered, expected), sizeof(made));
        assert_memory_equal(made, expected, sizeof(made));
    }
}

/* A.3, while it was young: version 1 is hashed with the reserved bytes that came. */
static void reserved_bytes_are_taken_as_they_come(void **state)
{
    const struct cookie_secrets secrets = secrets_of("e5e973e5a6b2a43f48e7dc849e37bfcf", NULL);
    const uint8_t ip[] = { 203, 0, 113, 203 };
    uint8_t asked[COOKIE_BYTES];

    (void)state;
    (void)unhex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", asked);
    assert_int_equal(cookie_check(&secrets, asked, sizeof(asked), ip, 4, 0x5cf78f71), COOKIE_RIGHT);
}

static void a_cookie_is_right_for_an_hour_and_renewed_after_half_of_it(void **state)
{
    static const struct {
        int64_t age_s;
        enum cookie_check check;
    } cases[] = {
        { 0, COOKIE_RIGHT },
        { 1800, COOKIE_RIGHT },
        { 1801, COOKIE_RIGHT_TO_RENEW },
        { 3600, COOKIE_RIGHT_TO_RENEW },
        { 3601, COOKIE_UNKNOWN },
        { -300, COOKIE_RIGHT },
        { -301, COOKIE_UNKNOWN },
        { INT32_MAX, COOKIE_UNKNOWN },
        { INT32_MIN, COOKIE_UNKNOWN },
    };
    static const uint32_t times[] = { TIME, 0, UINT32_MAX, UINT32_MAX - 100, 100 };
    const struct cookie_secrets secrets = secrets_of("e5e973e5a6b2a43f48e7dc849e37bfcf", NULL);
    const uint8_t ip[] = { 192, 0, 2, 1 };
    uint8_t made[COOKIE_BYTES];

    (void)state;
    for (size_t t = 0; t < sizeof(times) / sizeof(times[0]); t++) {
        cookie_make(&secrets, (const uint8_t *)"12345678", ip, 4, times[t], made);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
            assert_int_equal(cookie_check(&secrets, made, sizeof(made), ip, 4,
                                          times[t] + (uint32_t)cases[i].age_s),
                             cases[i].check);
    }
}

static void another_client_address_byte_or_length_makes_it_unknown(void **state)
{
    const struct cookie_secrets secrets = secrets_of("e5e973e5a6b2a43f48e7dc849e37bfcf", NULL);
    const uint8_t ip[16] = { 192, 0, 2, 1 };
    const uint8_t other[16] = { 192, 0, 2, 2 };
    uint8_t made[COOKIE_BYTES + 1] = { 0 };

    (void)state;
    cookie_make(&secrets, (const uint8_t *)"12345678", ip, 4, TIME, made);
    assert_int_equal(cookie_check(&secrets, made, COOKIE_BYTES, other, 4, TIME), COOKIE_UNKNOWN);
    assert_int_equal(cookie_check(&secrets, made, COOKIE_BYTES, ip, 16, TIME), COOKIE_UNKNOWN);
    assert_int_equal(cookie_check(&secrets, made, COOKIE_BYTES + 1, ip, 4, TIME), COOKIE_UNKNOWN);
    assert_int_equal(cookie_check(&secrets, made, COOKIE_CLIENT_BYTES, ip, 4, TIME),
                     COOKIE_UNKNOWN);
    for (size_t i = 0; i < COOKIE_BYTES; i++) {
        made[i] ^= 1;
        assert_int_equal(cookie_check(&secrets, made, COOKIE_BYTES, ip, 4, TIME), COOKIE_UNKNOWN);
        made[i] ^= 1;
    }
    assert_int_equal(cookie_check(&secrets, made, COOKIE_BYTES, ip, 4, TIME), COOKIE_RIGHT);
}

static void secrets_are_changed_without_a_gap(void **state)
{
    const struct cookie_secrets old = secrets_of("00000000000000000000000000000001", NULL);
    const struct cookie_secrets both =
        secrets_of("00000000000000000000000000000002", "00000000000000000000000000000001");
    const struct cookie_secrets new = secrets_of("00000000000000000000000000000002", NULL);
    const uint8_t ip[] = { 192, 0, 2, 1 };
    uint8_t made[COOKIE_BYTES];

    (void)state;
    cookie_make(&old, (const uint8_t *)"12345678", ip, 4, TIME, made);
    assert_int_equal(cookie_check(&both, made, sizeof(made), ip, 4, TIME), COOKIE_RIGHT_TO_RENEW);
    assert_int_equal(cookie_check(&new, made, sizeof(made), ip, 4, TIME), COOKIE_UNKNOWN);
    cookie_make(&both, (const uint8_t *)"12345678", ip, 4, TIME, made);
    assert_int_equal(cookie_check(&new, made, sizeof(made), ip, 4, TIME), COOKIE_RIGHT);
}

static void options_have_8_or_16_to_40_bytes(void **state)
{
    (void)state;
    for (size_t n = 0; n < 100; n++)
        assert_int_equal(cookie_is_length(n), n == 8 || (n >= 16 && n <= 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_are_those_of_the_rfc),
        cmocka_unit_test(reserved_bytes_are_taken_as_they_come),
        cmocka_unit_test(a_cookie_is_right_for_an_hour_and_renewed_after_half_of_it),
        cmocka_unit_test(another_client_address_byte_or_length_makes_it_unknown),
        cmocka_unit_test(secrets_are_changed_without_a_gap),
        cmocka_unit_test(options_have_8_or_16_to_40_bytes),
    };

    return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}
