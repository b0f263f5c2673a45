/* tests/unit/test_beacon_layout.c -- every failover pair there can be, in every state of dnsflip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/providers/beacon_layout.h"

#define P BEACON_RECORD_PRIMARY
#define S BEACON_RECORD_SECONDARY
#define CHECKS 5
#define STATES 3

/* What a check of the list finds in each state: -1 there is none, 0 unhealthy, 1 healthy. */
static const struct {
    struct beacon_check check;
    int healthy[STATES]; /* primary active, secondary active, silent */
} checks[CHECKS] = {
    { { BEACON_ASKS_NOTHING, false }, { -1, -1, -1 } },
    { { BEACON_ASKS_FOR_PRIMARY, false }, { 1, 0, 0 } },
    { { BEACON_ASKS_FOR_PRIMARY, true }, { 0, 1, 1 } },
    { { BEACON_ASKS_FOR_SECONDARY, false }, { 0, 1, 0 } },
    { { BEACON_ASKS_FOR_SECONDARY, true }, { 1, 0, 1 } },
};

/* Route 53's rule in its own words, by PRIMARY's and SECONDARY's finding. */
static enum beacon_record answer_of(int primary, int secondary)
{
    if (primary != 0)
        return P; /* healthy, or never checked */
    if (secondary == 0)
        return P; /* an unhealthy secondary: the primary whatever its health */
    return S;     /* a secondary without a check always wins, a healthy one too */
}

static void route_53_answers_as_its_rules_say_for_every_pair_and_state(void **state)
{
    (void)state;
    for (int p = 0; p < CHECKS; p++) {
        for (int s = 0; s < CHECKS; s++) {
            const struct beacon_layout layout = { checks[p].check, checks[s].check };

            for (int k = 0; k < STATES; k++)
                assert_int_equal(beacon_layout_answer(&layout, (enum beacon_state)k),
                                 answer_of(checks[p].healthy[k], checks[s].healthy[k]));
        }
    }
}

/* Written by hand, SECONDARY across; columns as in checks. */
static void every_layout_is_accepted_or_refused_as_the_table_says(void **state)
{
    enum { F = BEACON_FITS, M = BEACON_MOVES, N = BEACON_DOES_NOT_FOLLOW };
    static const int table[CHECKS][CHECKS] = {
        /*          SECONDARY: none  P  P inverted  S  S inverted */
        /* PRIMARY none       */ { N, N, N, N, N },
        /* PRIMARY P          */ { M, N, M, F, N },
        /* PRIMARY P inverted */ { N, N, N, N, N },
        /* PRIMARY S          */ { N, N, N, N, N },
        /* PRIMARY S inverted */ { F, N, F, F, N },
    };

    (void)state;
    for (int p = 0; p < CHECKS; p++) {
        for (int s = 0; s < CHECKS; s++) {
            const struct beacon_layout layout = { checks[p].check, checks[s].check };

            if ((int)beacon_layout_fit(&layout) != table[p][s])
                fail_msg("PRIMARY %d, SECONDARY %d: %d, not %d", p, s,
                         (int)beacon_layout_fit(&layout), table[p][s]);
        }
    }
}

static void no_layout_that_follows_stays_put_in_silence_both_before_and_after_a_flip(void **state)
{
    (void)state;
    for (int p = 0; p < CHECKS; p++) {
        for (int s = 0; s < CHECKS; s++) {
            const struct beacon_layout layout = { checks[p].check, checks[s].check };
            enum beacon_record before = beacon_layout_answer(&layout, BEACON_PRIMARY_ACTIVE);
            enum beacon_record after = beacon_layout_answer(&layout, BEACON_SECONDARY_ACTIVE);
            enum beacon_record silent = beacon_layout_answer(&layout, BEACON_SILENT);

            if (beacon_layout_fit(&layout) != BEACON_DOES_NOT_FOLLOW)
                assert_true(before != after && (silent != before) != (silent != after));
        }
    }
}

static void the_default_is_an_inverted_check_on_primary_and_keeps_it_in_silence(void **state)
{
    struct beacon_layout layout = beacon_layout_of(true);
    char text[256];

    (void)state;
    assert_int_equal(layout.primary.asks, BEACON_ASKS_FOR_SECONDARY);
    assert_true(layout.primary.is_inverted);
    assert_int_equal(layout.secondary.asks, BEACON_ASKS_NOTHING);
    assert_int_equal(beacon_layout_fit(&layout), BEACON_FITS);
    assert_string_equal(beacon_layout_silence(&layout, "use1", "usw2", text, sizeof(text)),
                        "names stay with use1 while it is active, and after a flip to usw2 go "
                        "back to use1: no failover pair holds both");
}

static void a_check_on_primary_that_asks_for_its_own_beacon_moves_in_silence(void **state)
{
    struct beacon_layout layout = beacon_layout_of(false);
    char text[256];

    (void)state;
    assert_int_equal(beacon_layout_fit(&layout), BEACON_MOVES);
    assert_string_equal(beacon_layout_silence(&layout, "use1", "usw2", text, sizeof(text)),
                        "names leave use1 for usw2 while use1 is active, and stay with usw2 after "
                        "a flip to it: no failover pair holds both");
}

/* Whatever another provider writes after the beacon could not finish: only records that both hold
 * the destination, or whose answer no check decides, are there for good. */
static void a_fallback_converges_only_if_no_check_can_undo_it(void **state)
{
    (void)state;
    for (int p = 0; p < CHECKS; p++) {
        for (int s = 0; s < CHECKS; s++) {
            const struct beacon_layout layout = { checks[p].check, checks[s].check };

            for (unsigned to = 0; to < 2; to++) {
                const struct beacon_holds both = { to, to };
                const struct beacon_holds swapped = { to, 1 - to };
                const struct beacon_holds left = { 1 - to, 1 - to };
                bool is_decided = false;

                for (int k = 0; k < STATES; k++)
                    is_decided |= answer_of(checks[p].healthy[k], checks[s].healthy[k]) == S;
                assert_true(beacon_layout_is_convergent(&layout, &both, to));
                assert_false(beacon_layout_is_convergent(&layout, &left, to));
                assert_int_equal(beacon_layout_is_convergent(&layout, &swapped, to), !is_decided);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_53_answers_as_its_rules_say_for_every_pair_and_state),
        cmocka_unit_test(every_layout_is_accepted_or_refused_as_the_table_says),
        cmocka_unit_test(no_layout_that_follows_stays_put_in_silence_both_before_and_after_a_flip),
        cmocka_unit_test(the_default_is_an_inverted_check_on_primary_and_keeps_it_in_silence),
        cmocka_unit_test(a_check_on_primary_that_asks_for_its_own_beacon_moves_in_silence),
        cmocka_unit_test(a_fallback_converges_only_if_no_check_can_undo_it),
    };

    return cmocka_run_group_tests_name("beacon_layout", tests, NULL, NULL);
}
