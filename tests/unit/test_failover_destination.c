/* tests/unit/test_failover_destination.c -- where a verb without a destination goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/failover.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* The first cluster is active and up; one letter for each other in order: U up, D down, ? unknown
 * as standby, fenced ones u d and a full stop. */
static struct failover_input world(const char *others)
{
    struct failover_input in = { .n_clusters = (uint8_t)(1 + strlen(others)) };

    in.clusters[0].as_standby = VERDICT_UP;
    for (int i = 1; i < in.n_clusters; i++) {
        char letter = others[i - 1];

        in.clusters[i].is_fenced = strchr("ud.", letter) != NULL;
        in.clusters[i].as_standby = strchr("Uu", letter) != NULL   ? VERDICT_UP
                                    : strchr("Dd", letter) != NULL ? VERDICT_DOWN
                                                                   : VERDICT_UNKNOWN;
    }
    return in;
}

static void verbs_without_a_destination_take_the_first_fit_one(void **state)
{
    (void)state;
    static const struct {
        const char *others;
        int planned, failover;
    } cases[] = {
        { "U", 1, 1 },   { "DU", 2, 2 },  { "?U", 2, 2 },    { "uU", 2, 2 },  { "UU", 1, 1 },
        { "?", -1, 1 },  { "D?", -1, 2 }, { ".?", -1, 2 },   { "D", -1, -1 }, { "u", -1, -1 },
        { "??", -1, 1 }, { "", -1, -1 },  { "D.d?U", 5, 5 },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct failover_input in = world(cases[i].others);

        assert_int_equal(failover_destination(&in, VERB_AUTO), cases[i].planned);
        assert_int_equal(failover_destination(&in, VERB_SWITCH), cases[i].planned);
        assert_int_equal(failover_destination(&in, VERB_FAILOVER), cases[i].failover);
        assert_int_equal(failover_destination(&in, VERB_FAILBACK), -1); /* it is there already */
    }
}

static void a_failback_goes_to_the_primary_whatever_its_state(void **state)
{
    (void)state;
    struct failover_input in = world("UU");

    in.active = 2;
    assert_int_equal(failover_destination(&in, VERB_FAILBACK), 0);
    in.clusters[0].as_standby = VERDICT_DOWN;
    in.clusters[0].is_fenced = true; /* the guards have something to say about these */
    assert_int_equal(failover_destination(&in, VERB_FAILBACK), 0);
    assert_int_equal(failover_destination(&in, VERB_SWITCH), 1);
}

static void a_reload_stays_where_the_names_are(void **state)
{
    (void)state;
    struct failover_input in = world("UU");

    for (int8_t active = 0; active < 3; active++) {
        in.active = active;
        in.clusters[active].is_fenced = true; /* nor does anything about it matter */
        assert_int_equal(failover_destination(&in, VERB_RELOAD), active);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_without_a_destination_take_the_first_fit_one),
        cmocka_unit_test(a_failback_goes_to_the_primary_whatever_its_state),
        cmocka_unit_test(a_reload_stays_where_the_names_are),
    };

    return cmocka_run_group_tests_name("failover_destination", tests, NULL, NULL);
}
