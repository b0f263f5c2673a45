/* tests/unit/test_inet.c -- addresses in text form and in the kernel's. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/inet.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void addresses_are_read_and_written_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t family;
        const char *written;
    } cases[] = {
        { "192.0.2.1", 4, "192.0.2.1" },
        { "0.0.0.0", 4, "0.0.0.0" },
        { "2001:DB8:0::1", 6, "2001:db8::1" },
        { "::", 6, "::" },
        { "::ffff:192.0.2.1", 6, "::ffff:192.0.2.1" },
        { "1111:2222:3333:4444:5555:6666:7777:8888", 6, "1111:2222:3333:4444:5555:6666:7777:8888" },
    };
    char out[INET_TEXT_BYTES];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct inet_ip ip = { 0 };

        assert_true(inet_parse_ip(cases[i].text, &ip));
        assert_int_equal(ip.family, cases[i].family);
        assert_string_equal(inet_format_ip(&ip, out), cases[i].written);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",           "localhost", "192.0.2",    "192.0.2.256",   "192.0.2.1 ", "192.0.02.1",
        "0xc0.0.2.1", "[::1]",     "fe80::1%lo", "1:2:3:4:5:6:7", "::1::",      "192.0.2.1:53"
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct inet_ip ip = { .family = 9 };

        assert_false(inet_parse_ip(cases[i], &ip));
        assert_int_equal(ip.family, 9);
    }
}

static void networks_are_read_and_written_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written; /* NULL: refused */
    } cases[] = {
        { "192.0.2.0/24", "192.0.2.0/24" },
        { "192.0.2.7", "192.0.2.7/32" },
        { "0.0.0.0/0", "0.0.0.0/0" },
        { "192.0.2.6/31", "192.0.2.6/31" },
        { "192.0.2.7/31", NULL },
        { "192.0.2.0/23", "192.0.2.0/23" },
        { "192.0.3.0/23", NULL },
        { "192.0.2.0/33", NULL },
        { "2001:db8::/32", "2001:db8::/32" },
        { "2001:db8::/31", "2001:db8::/31" },
        { "2001:db9::/31", NULL },
        { "2001:db8::1", "2001:db8::1/128" },
        { "2001:db8::/129", NULL },
        { "::/0", "::/0" },
        { "192.0.2.0/", NULL },
        { "192.0.2.0/+8", NULL },
        { "/8", NULL },
        { "", NULL },
        { "lan/8", NULL },
    };
    char out[INET_TEXT_BYTES];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct inet_net net = { .bits = 9 };

        assert_int_equal(inet_parse_net(cases[i].text, &net), cases[i].written != NULL);
        if (cases[i].written != NULL)
            assert_string_equal(inet_format_net(&net, out), cases[i].written);
        else
            assert_int_equal(net.bits, 9);
    }
}

static void an_address_and_port_are_read_and_written_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint16_t default_port;
        const char *written;
    } cases[] = {
        { "192.0.2.1:53", 0, "192.0.2.1:53" },
        { "192.0.2.1:53", 99, "192.0.2.1:53" },
        { "192.0.2.1", 53, "192.0.2.1:53" },
        { "127.0.0.1:0", 0, "127.0.0.1:0" },
        { "127.0.0.1:65535", 0, "127.0.0.1:65535" },
        { "[2001:db8::1]:53", 0, "[2001:db8::1]:53" },
        { "[2001:db8::1]", 53, "[2001:db8::1]:53" },
        { "2001:db8::1", 53, "[2001:db8::1]:53" },
        { "[1111:2222:3333:4444:5555:6666:7777:8888]:65535", 0,
          "[1111:2222:3333:4444:5555:6666:7777:8888]:65535" },
    };
    char out[INET_TEXT_BYTES];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct inet_addr addr = { .port = 0 };

        assert_true(inet_parse_addr(cases[i].text, cases[i].default_port, &addr));
        assert_string_equal(inet_format_addr(&addr, out), cases[i].written);
    }
}

static void a_missing_or_wrong_port_is_refused(void **state)
{
    (void)state;
    static const char *const without_default[] = { "192.0.2.1", "[::1]", "::1" };
    static const char *const always[] = { "",
                                          ":53",
                                          "192.0.2.1:",
                                          "192.0.2.1:65536",
                                          "192.0.2.1:-1",
                                          "192.0.2.1:53x",
                                          "[::1",
                                          "[::1]53",
                                          "[::1]:",
                                          "[192.0.2.1]:53",
                                          "[]:53",
                                          "host:53",
                                          "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:1" };

    for (size_t i = 0; i < LENGTH(without_default); i++) {
        struct inet_addr addr = { .port = 7 };

        assert_false(inet_parse_addr(without_default[i], 0, &addr));
        assert_int_equal(addr.port, 7);
    }
    for (size_t i = 0; i < LENGTH(always); i++) {
        struct inet_addr addr = { .port = 7 };

        assert_false(inet_parse_addr(always[i], 53, &addr));
        assert_int_equal(addr.port, 7);
    }
}

static struct inet_ip ip_of(const char *text)
{
    struct inet_ip ip = { 0 };

    assert_true(inet_parse_ip(text, &ip));
    return ip;
}

static void equality_needs_the_same_family_and_bytes(void **state)
{
    (void)state;
    struct inet_ip a = ip_of("192.0.2.1");
    struct inet_ip b = ip_of("192.0.2.2");
    struct inet_ip c = ip_of("::ffff:192.0.2.1");
    struct inet_ip unset = { 0 };

    assert_true(inet_ip_equal(&a, &a));
    assert_false(inet_ip_equal(&a, &b));
    assert_false(inet_ip_equal(&a, &c));
    assert_true(inet_ip_equal(&c, &c));
    assert_true(inet_ip_equal(&unset, &unset));
    assert_false(inet_ip_equal(&unset, &a));
}

static void loopback_and_any_are_known_in_both_families(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_loopback, is_any;
    } cases[] = {
        { "127.0.0.1", true, false },  { "127.255.0.9", true, false },
        { "128.0.0.1", false, false }, { "::1", true, false },
        { "::2", false, false },       { "::ffff:127.0.0.1", true, false },
        { "0.0.0.0", false, true },    { "::", false, true },
        { "0.0.0.1", false, false },
    };
    struct inet_ip unset = { 0 };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct inet_ip ip = ip_of(cases[i].text);

        assert_int_equal(inet_is_loopback(&ip), cases[i].is_loopback);
        assert_int_equal(inet_is_any(&ip), cases[i].is_any);
    }
    assert_false(inet_is_loopback(&unset));
    assert_false(inet_is_any(&unset));
}

static void the_kernels_form_carries_both_families(void **state)
{
    (void)state;
    static const char *const cases[] = { "192.0.2.1:53", "[2001:db8::1]:5353" };
    char out[INET_TEXT_BYTES];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct inet_addr addr = { .port = 0 };
        struct inet_addr back = { .port = 0 };
        struct sockaddr_storage sa;

        assert_true(inet_parse_addr(cases[i], 0, &addr));
        socklen_t len = inet_to_sockaddr(&addr, &sa);
        assert_true(inet_from_sockaddr((const struct sockaddr *)&sa, len, &back));
        assert_string_equal(inet_format_addr(&back, out), cases[i]);
        assert_false(inet_from_sockaddr((const struct sockaddr *)&sa, len - 1, &back));
    }
}

static void an_unset_address_has_no_kernel_form_and_shows_as_a_dash(void **state)
{
    (void)state;
    struct inet_addr unset = { .port = 53 };
    struct sockaddr_storage sa;
    char out[INET_TEXT_BYTES];

    assert_int_equal(inet_to_sockaddr(&unset, &sa), 0);
    assert_string_equal(inet_format_addr(&unset, out), "-");
    assert_string_equal(inet_format_ip(&unset.ip, out), "-");
    memset(&sa, 0, sizeof(sa));
    sa.ss_family = AF_UNIX;
    assert_false(inet_from_sockaddr((const struct sockaddr *)&sa, sizeof(sa), &unset));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written_back),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(networks_are_read_and_written_back),
        cmocka_unit_test(an_address_and_port_are_read_and_written_back),
        cmocka_unit_test(a_missing_or_wrong_port_is_refused),
        cmocka_unit_test(equality_needs_the_same_family_and_bytes),
        cmocka_unit_test(loopback_and_any_are_known_in_both_families),
        cmocka_unit_test(the_kernels_form_carries_both_families),
        cmocka_unit_test(an_unset_address_has_no_kernel_form_and_shows_as_a_dash),
    };

    return cmocka_run_group_tests_name("inet", tests, NULL, NULL);
}
