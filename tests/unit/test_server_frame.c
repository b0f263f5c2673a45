/* tests/unit/test_server_frame.c -- where messages end on a stream, and when a connection is slow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/dns/server_frame.h"

static void a_message_is_whole_only_with_its_last_byte(void **state)
{
    (void)state;
    uint8_t stream[2 + 300] = { 300 >> 8, 300 & 0xff };
    size_t len = 0;

    for (size_t n = 0; n < sizeof(stream); n++)
        assert_int_equal(server_frame_next(stream, n, &len), SERVER_FRAME_PARTIAL);
    assert_int_equal(server_frame_next(stream, sizeof(stream), &len), SERVER_FRAME_WHOLE);
    assert_int_equal(len, 300);
}

static void messages_that_follow_each_other_are_told_apart(void **state)
{
    (void)state;
    const uint8_t stream[] = { 0, 1, 'a', 0, 0, 0, 2, 'b', 'c', 0 };
    const size_t expected[] = { 1, 0, 2 };
    size_t at = 0;
    size_t len = 0;

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(server_frame_next(stream + at, sizeof(stream) - at, &len),
                         SERVER_FRAME_WHOLE);
        assert_int_equal(len, expected[i]);
        at += SERVER_FRAME_PREFIX_BYTES + len;
    }
    assert_int_equal(server_frame_next(stream + at, sizeof(stream) - at, &len),
                     SERVER_FRAME_PARTIAL);
}

static void a_query_past_the_limit_is_seen_from_its_prefix(void **state)
{
    (void)state;
    uint8_t prefix[SERVER_FRAME_PREFIX_BYTES];
    size_t len = 0;

    server_frame_prefix(prefix, SERVER_FRAME_QUERY_MAX);
    assert_int_equal(server_frame_next(prefix, sizeof(prefix), &len), SERVER_FRAME_PARTIAL);
    server_frame_prefix(prefix, SERVER_FRAME_QUERY_MAX + 1);
    assert_int_equal(server_frame_next(prefix, sizeof(prefix), &len), SERVER_FRAME_TOO_LONG);
}

static void the_prefix_is_in_network_order(void **state)
{
    (void)state;
    uint8_t prefix[SERVER_FRAME_PREFIX_BYTES];

    server_frame_prefix(prefix, 0x1234);
    assert_int_equal(prefix[0], 0x12);
    assert_int_equal(prefix[1], 0x34);
}

static void a_byte_now_and_then_does_not_hold_a_connection_for_ever(void **state)
{
    (void)state;
    struct mono start = { .ms = 5000000 };

    assert_int_equal(server_frame_deadline(start, start).ms, start.ms + SERVER_TCP_IDLE_MS);
    struct mono moved = mono_add(start, SERVER_TCP_TOTAL_MS - 1);
    assert_int_equal(server_frame_deadline(moved, start).ms, start.ms + SERVER_TCP_TOTAL_MS);
}

static void a_transfer_is_cut_when_its_minute_is_over_however_it_moves(void **state)
{
    (void)state;
    struct mono begun = { .ms = 5000000 };
    struct mono moved = mono_add(begun, SERVER_TRANSFER_MS - 1);

    assert_int_equal(SERVER_TRANSFER_MS, 60000);
    assert_int_equal(server_frame_transfer_deadline(begun, begun).ms,
                     begun.ms + SERVER_TCP_IDLE_MS);
    assert_int_equal(server_frame_transfer_deadline(moved, begun).ms,
                     begun.ms + SERVER_TRANSFER_MS);
}

static uint64_t client(const char *text)
{
    struct inet_ip ip;

    assert_true(inet_parse_ip(text, &ip));
    return server_frame_client(&ip);
}

static void one_client_is_an_ipv4_address_or_an_ipv6_network(void **state)
{
    (void)state;
    assert_true(client("192.0.2.1") == client("192.0.2.1"));
    assert_true(client("192.0.2.1") != client("192.0.2.2"));
    assert_true(client("2001:db8:1:2::1") == client("2001:db8:1:2:ffff::9"));
    assert_true(client("2001:db8:1:2::1") != client("2001:db8:1:3::1"));
    assert_true(client("::") != 0 && client("0.0.0.0") != 0);
    assert_true(client("::") != client("0.0.0.0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_whole_only_with_its_last_byte),
        cmocka_unit_test(messages_that_follow_each_other_are_told_apart),
        cmocka_unit_test(a_query_past_the_limit_is_seen_from_its_prefix),
        cmocka_unit_test(the_prefix_is_in_network_order),
        cmocka_unit_test(a_transfer_is_cut_when_its_minute_is_over_however_it_moves),
        cmocka_unit_test(a_byte_now_and_then_does_not_hold_a_connection_for_ever),
        cmocka_unit_test(one_client_is_an_ipv4_address_or_an_ipv6_network),
    };

    return cmocka_run_group_tests_name("server_frame", tests, NULL, NULL);
}
