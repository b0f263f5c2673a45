/* tests/unit/test_secondaries_truth.c -- a secondary that is ahead of us, and a start at which none
 * tells anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/secondary_bench.h"

static void test_one_ahead_that_answers_otherwise_overtakes_that_group_alone(void **state)
{
    (void)state;
    bench_flip(0, 900);
    bench_flip(1, 901);
    bench_settle();
    bench_peers[1].serial = 1050;
    bench_peers[1].place[1] = 1;
    bench_pass(31000);
    assert_int_equal(bench_seen(0).state, SECONDARY_AHEAD);
    assert_int_equal(bench_live_of(0).status, LIVE_ONE);
    assert_int_equal(bench_live_of(1).status, LIVE_OVERTAKEN);
    assert_non_null(strstr(bench_live_of(1).err.text, "198.51.100.53"));
    assert_non_null(strstr(bench_live_of(1).err.text, "answers usw2"));
    struct err why;
    assert_true(secondaries_obstacle(bench_secondaries, &why));
    assert_int_equal(bench_peers[1].names_asked, 2);
    bench_pass(61000);
    assert_int_equal(bench_peers[1].names_asked, 2); /* what it says under one serial is known */
}

static void test_what_it_said_holds_while_it_is_silent_until_our_serial_is_newer(void **state)
{
    (void)state;
    bench_flip(0, 900);
    bench_settle();
    bench_peers[1].serial = 1050;
    bench_peers[1].place[0] = 1;
    bench_pass(31000);
    bench_peers[1].status = DNS_ASK_TIMEOUT;
    bench_pass(31000);
    assert_int_equal(bench_seen(0).state, SECONDARY_UNKNOWN);
    assert_int_equal(bench_live_of(0).status, LIVE_OVERTAKEN);
    bench_flip(0, 1051);
    bench_pass(1);
    assert_int_equal(bench_live_of(0).status, LIVE_ONE);
}

static void test_an_answer_that_is_cut_off_is_asked_for_over_tcp(void **state)
{
    (void)state;
    bench_flip(0, 900);
    bench_settle();
    bench_peers[1].cuts = true;
    bench_peers[1].serial = 1050;
    bench_peers[1].place[0] = 1;
    bench_pass(31000);
    assert_int_equal(bench_live_of(0).status, LIVE_OVERTAKEN);
    assert_int_equal(bench_peers[1].names_asked, 4);
}

static void test_names_that_it_does_not_know_say_nothing(void **state)
{
    (void)state;
    bench_flip(0, 900);
    bench_settle();
    bench_peers[1].serial = 1050;
    bench_peers[1].place[0] = -2;
    bench_pass(31000);
    assert_int_equal(bench_seen(0).state, SECONDARY_AHEAD);
    assert_int_equal(bench_live_of(0).status, LIVE_ONE);
}

static void test_names_with_what_no_cluster_has_are_mixed(void **state)
{
    (void)state;
    bench_flip(0, 900);
    bench_settle();
    bench_peers[1].serial = 1050;
    bench_peers[1].place[0] = -1;
    bench_pass(31000);
    assert_int_equal(bench_live_of(0).status, LIVE_MIXED);
    assert_int_equal(bench_live_of(0).strange, 1);
}

static void test_a_start_that_nobody_answers_is_unreadable_for_ten_minutes_at_most(void **state)
{
    (void)state;
    bench_peers[1].status = bench_peers[2].status = DNS_ASK_TIMEOUT;
    bench_flip(0, 900);
    secondaries_unheard(bench_secondaries, 0, true);
    secondaries_serve(bench_secondaries);
    bench_pass(599000);
    assert_int_equal(bench_live_of(0).status, LIVE_UNREADABLE);
    unsigned before = bench_events;
    bench_pass(2000);
    assert_int_equal(bench_live_of(0).status, LIVE_ONE);
    assert_int_equal(bench_events, before + 1);
    assert_true(secondaries_are_unheard(bench_secondaries)); /* a serial must not leap still */
}

static void test_the_first_that_tells_its_serial_ends_that(void **state)
{
    (void)state;
    bench_peers[1].status = bench_peers[2].status = DNS_ASK_TIMEOUT;
    bench_flip(0, 900);
    secondaries_unheard(bench_secondaries, 0, true);
    secondaries_serve(bench_secondaries);
    bench_pass(60000);
    bench_peers[2].status = DNS_ASK_ANSWERED;
    bench_peers[2].serial = 990;
    bench_pass(31000);
    assert_int_equal(bench_live_of(0).status, LIVE_ONE);
    assert_false(secondaries_are_unheard(bench_secondaries));
}

static void test_the_same_serial_is_no_proof_while_nobody_knows_what_was_served(void **state)
{
    (void)state;
    bench_flip(0, 900);
    bench_peers[1].place[0] = 1;
    secondaries_unheard(bench_secondaries, 0, false);
    secondaries_serve(bench_secondaries);
    bench_pass(1000);
    assert_int_equal(bench_peers[1].serial, bench_seen(0).ours);
    assert_int_equal(bench_seen(0).state, SECONDARY_AHEAD);
    assert_int_equal(bench_live_of(0).status, LIVE_OVERTAKEN);
    assert_int_equal(bench_seen(1).state, SECONDARY_FOLLOWS);
    bench_pass(100000);
    assert_int_equal(bench_seen(0).state, SECONDARY_AHEAD);
}

static void test_a_note_of_the_start_holds_as_long_as_the_word_does(void **state)
{
    struct live note = { .status = LIVE_ONE, .place = 1 };

    (void)state;
    page_set(bench_page, 0, (struct page_word){ .index = 2, .epoch = 900 });
    err_set(&note.err, ERR_CONFLICT, "said so");
    secondaries_note(bench_secondaries, 0, page_get(bench_page, 0), &note);
    assert_string_equal(bench_live_of(0).err.text, "said so");
    bench_flip(0, 1001);
    assert_string_equal(bench_live_of(0).err.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_one_ahead_that_answers_otherwise_overtakes_that_group_alone, bench_setup,
            bench_teardown),
        cmocka_unit_test_setup_teardown(
            test_what_it_said_holds_while_it_is_silent_until_our_serial_is_newer, bench_setup,
            bench_teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_that_is_cut_off_is_asked_for_over_tcp,
                                        bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_names_that_it_does_not_know_say_nothing, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(test_names_with_what_no_cluster_has_are_mixed, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_start_that_nobody_answers_is_unreadable_for_ten_minutes_at_most, bench_setup,
            bench_teardown),
        cmocka_unit_test_setup_teardown(test_the_first_that_tells_its_serial_ends_that, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(
            test_the_same_serial_is_no_proof_while_nobody_knows_what_was_served, bench_setup,
            bench_teardown),
        cmocka_unit_test_setup_teardown(test_a_note_of_the_start_holds_as_long_as_the_word_does,
                                        bench_setup, bench_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
