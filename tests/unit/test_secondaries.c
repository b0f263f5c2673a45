/* tests/unit/test_secondaries.c -- who is told when, and what is made of what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/secondary_bench.h"

static void test_nobody_is_told_before_the_face_serves(void **state)
{
    (void)state;
    bench_pass(5000);
    assert_int_equal(bench_peers[1].notified, 0);
    assert_true(bench_peers[1].asked > 0);
    secondaries_serve(bench_secondaries);
    bench_pass(100);
    assert_int_equal(bench_peers[1].notified, 1);
    assert_int_equal(bench_peers[2].notified, 1);
}

static void test_flips_of_one_turn_are_told_once(void **state)
{
    (void)state;
    bench_settle();
    bench_flip(0, 1001);
    bench_flip(1, 1002);
    bench_pass(1);
    assert_int_equal(bench_peers[1].notified, 2);
    assert_int_equal(bench_seen(0).ours, 1002);
    bench_pass(40000);
    assert_int_equal(bench_peers[1].notified, 2);
}

static void test_who_does_not_answer_is_told_five_times_in_thirty_seconds(void **state)
{
    static const int64_t at_ms[] = { 0, 1000, 3000, 7000, 15000 };

    (void)state;
    bench_settle();
    bench_peers[1].answers_notify = false;
    int64_t began = bench_now_ms();
    bench_flip(0, 1001);
    bench_pass(29999);
    assert_true(bench_seen(0).is_being_told);
    assert_int_equal(bench_seen(0).failures, 0);
    bench_pass(1);
    assert_false(bench_seen(0).is_being_told);
    assert_int_equal(bench_seen(0).failures, 1);
    assert_string_equal(bench_seen(0).notify_detail, "no answer to 5 tries");
    assert_int_equal(bench_peers[1].notified, 1 + 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(bench_peers[1].notified_at[1 + i] - began, at_ms[i]);
}

static void test_a_newer_serial_takes_the_place_of_the_one_being_told(void **state)
{
    (void)state;
    bench_settle();
    bench_peers[1].answers_notify = false;
    bench_flip(0, 1001);
    bench_pass(5000);
    assert_int_equal(bench_peers[1].notified, 1 + 3);
    bench_flip(0, 1002);
    bench_pass(1);
    assert_int_equal(bench_peers[1].notified, 1 + 4);
    bench_pass(30000);
    assert_int_equal(bench_peers[1].notified, 1 + 3 + 5);
    assert_int_equal(bench_seen(0).failures, 1);
}

static void test_who_has_the_serial_is_told_no_more(void **state)
{
    (void)state;
    bench_settle();
    bench_peers[1].answers_notify = false;
    bench_flip(0, 1001);
    bench_pass(1500);
    bench_peers[1].serial = 1001;
    bench_pass(40000);
    assert_int_equal(bench_seen(0).state, SECONDARY_FOLLOWS);
    assert_in_range(bench_peers[1].notified, 2, 4);
    assert_int_equal(bench_seen(0).failures, 0);
}

static void test_a_refusal_ends_the_tries_as_a_failure(void **state)
{
    (void)state;
    bench_settle();
    bench_peers[1].notify_rcode = 5;
    bench_flip(0, 1001);
    bench_pass(100);
    assert_false(bench_seen(0).is_being_told);
    assert_int_equal(bench_seen(0).failures, 1);
    assert_non_null(strstr(bench_seen(0).notify_detail, "REFUSED"));
}

static void test_the_source_is_the_listen_address_that_reaches_the_secondary(void **state)
{
    struct inet_ip near = bench_ip("127.0.0.1"), far = bench_ip("192.0.2.53");

    (void)state;
    bench_settle();
    assert_true(inet_ip_equal(&bench_peers[1].source, &far));
    assert_true(inet_ip_equal(&bench_peers[2].source, &near));
}

static void test_a_flip_that_it_lacks_makes_it_lag_until_it_has_it(void **state)
{
    (void)state;
    bench_settle();
    bench_flip(0, 1030);
    bench_pass(1);
    assert_int_equal(bench_seen(0).state, SECONDARY_LAGS);
    assert_int_equal(bench_seen(0).since.ms, 1000 + 100000);
    struct secondary_status lagging = bench_seen(0);
    assert_int_equal(secondary_behind(&lagging), 30);
    bench_flip(0, 1040);
    bench_pass(1000);
    assert_int_equal(bench_seen(0).since.ms, 1000 + 100000);
    bench_peers[1].serial = 1040;
    bench_pass(5000);
    assert_int_equal(bench_seen(0).state, SECONDARY_FOLLOWS);
    assert_true(bench_events >= 3);
}

static void test_after_a_change_it_is_asked_at_once_and_then_ever_more_rarely(void **state)
{
    unsigned before;

    (void)state;
    bench_settle();
    before = bench_peers[1].asked;
    bench_flip(0, 1001);
    bench_pass(1);
    assert_int_equal(bench_peers[1].asked, before + 1);
    bench_pass(1000);
    assert_in_range(bench_peers[1].asked, before + 4, before + 6);
    bench_pass(300000);
    before = bench_peers[1].asked;
    bench_pass(300000);
    assert_in_range(bench_peers[1].asked, before + 9, before + 10);
}

static void test_silence_is_unknown_never_lagging(void **state)
{
    (void)state;
    bench_settle();
    bench_peers[1].status = DNS_ASK_TIMEOUT;
    bench_flip(0, 1001);
    bench_pass(100);
    struct secondary_status silent = bench_seen(0);
    assert_int_equal(silent.state, SECONDARY_UNKNOWN);
    assert_int_equal(secondary_behind(&silent), 0);
    assert_int_equal(silent.serial, BENCH_SERIAL);
    assert_true(silent.heard.ms > 0);
    bench_flip(0, 1002);
    bench_pass(100);
    assert_int_equal(bench_seen(0).state, SECONDARY_UNKNOWN);
}

static void test_one_that_has_no_zone_is_unknown_with_the_reason(void **state)
{
    (void)state;
    bench_settle();
    bench_peers[1].rcode = 2;
    bench_pass(31000);
    assert_int_equal(bench_seen(0).state, SECONDARY_UNKNOWN);
    assert_non_null(strstr(bench_seen(0).read_detail, "SERVFAIL"));
}

static void test_one_that_is_back_and_lags_is_told_again(void **state)
{
    (void)state;
    bench_settle();
    bench_peers[1].status = DNS_ASK_TIMEOUT;
    bench_peers[1].answers_notify = false;
    bench_flip(0, 1001);
    bench_pass(60000);
    assert_int_equal(bench_seen(0).failures, 1);
    unsigned before = bench_peers[1].notified;
    bench_peers[1].status = DNS_ASK_ANSWERED;
    bench_peers[1].answers_notify = true;
    bench_pass(31000);
    assert_int_equal(bench_seen(0).state, SECONDARY_LAGS);
    assert_int_equal(bench_peers[1].notified, before + 1);
}

static void test_a_newer_serial_than_ours_is_ahead_over_the_end_of_the_circle_too(void **state)
{
    (void)state;
    secondaries_use(bench_secondaries, &bench_settings, bench_page, UINT32_MAX - 1);
    bench_peers[1].serial = 3;
    bench_peers[2].serial = UINT32_MAX - 2;
    bench_pass(1000);
    assert_int_equal(bench_seen(0).state, SECONDARY_AHEAD);
    assert_int_equal(bench_seen(1).state, SECONDARY_LAGS);
}

static void test_a_new_pair_is_told_and_what_was_known_stays(void **state)
{
    (void)state;
    bench_settle();
    uint64_t tries = bench_seen(0).tries;
    secondaries_use(bench_secondaries, &bench_settings, bench_page, 2000);
    assert_int_equal(bench_seen(0).tries, tries);
    bench_pass(1);
    assert_int_equal(bench_seen(0).ours, 2000);
    assert_int_equal(bench_seen(0).tries, tries + 1);
    assert_int_equal(bench_seen(0).state, SECONDARY_LAGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody_is_told_before_the_face_serves, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(test_flips_of_one_turn_are_told_once, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(
            test_who_does_not_answer_is_told_five_times_in_thirty_seconds, bench_setup,
            bench_teardown),
        cmocka_unit_test_setup_teardown(test_a_newer_serial_takes_the_place_of_the_one_being_told,
                                        bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_who_has_the_serial_is_told_no_more, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal_ends_the_tries_as_a_failure, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(
            test_the_source_is_the_listen_address_that_reaches_the_secondary, bench_setup,
            bench_teardown),
        cmocka_unit_test_setup_teardown(test_a_flip_that_it_lacks_makes_it_lag_until_it_has_it,
                                        bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(
            test_after_a_change_it_is_asked_at_once_and_then_ever_more_rarely, bench_setup,
            bench_teardown),
        cmocka_unit_test_setup_teardown(test_silence_is_unknown_never_lagging, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(test_one_that_has_no_zone_is_unknown_with_the_reason,
                                        bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_one_that_is_back_and_lags_is_told_again, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_newer_serial_than_ours_is_ahead_over_the_end_of_the_circle_too, bench_setup,
            bench_teardown),
        cmocka_unit_test_setup_teardown(test_a_new_pair_is_told_and_what_was_known_stays,
                                        bench_setup, bench_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
