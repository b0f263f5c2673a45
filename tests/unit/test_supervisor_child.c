/* tests/unit/test_supervisor_child.c -- how long a dead child waits, and a user that is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/supervisor_child.h"

static const struct supervisor_backoff face = {
    .first_ms = 0, .min_ms = 10, .max_ms = 1000, .stable_ms = 1000
};

static void a_child_that_lived_is_started_again_at_once(void **state)
{
    (void)state;
    assert_int_equal(supervisor_backoff_next(&face, 0, 1000), 0);
    assert_int_equal(supervisor_backoff_next(&face, 1000, 5000), 0);
}

static void one_that_dies_young_again_and_again_waits_ever_longer_up_to_a_limit(void **state)
{
    (void)state;
    const int64_t expected[] = { 10, 20, 40, 80, 160, 320, 640, 1000, 1000 };
    int64_t waited_ms = 0;

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        waited_ms = supervisor_backoff_next(&face, waited_ms, 999);
        assert_int_equal(waited_ms, expected[i]);
    }
}

static void a_missing_user_is_named_with_the_command_that_makes_it(void **state)
{
    (void)state;
    struct supervisor_user user = { .is_set = false };
    struct err err;

    assert_int_equal(supervisor_user_find("no-such-user-here", &user, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "no-such-user-here"));
    assert_non_null(strstr(err.text, "systemd-sysusers"));
    assert_non_null(strstr(err.text, "--single-user"));
    assert_false(user.is_set);
}

static void a_user_that_exists_is_found_with_its_groups(void **state)
{
    (void)state;
    struct supervisor_user user = { .is_set = false };
    struct err err;

    assert_int_equal(supervisor_user_find("root", &user, &err), 0);
    assert_true(user.is_set);
    assert_int_equal(user.uid, 0);
    assert_true(user.n_groups >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_that_lived_is_started_again_at_once),
        cmocka_unit_test(one_that_dies_young_again_and_again_waits_ever_longer_up_to_a_limit),
        cmocka_unit_test(a_missing_user_is_named_with_the_command_that_makes_it),
        cmocka_unit_test(a_user_that_exists_is_found_with_its_groups),
    };

    return cmocka_run_group_tests_name("supervisor_child", tests, NULL, NULL);
}
