/* tests/unit/test_observation.c -- the one table of reasons, and the names of small enums. */
#include "dnsflip/model/observation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/model/health.h"
#include "dnsflip/model/probe_cfg.h"

static void every_reason_has_a_name_of_its_own_and_words(void **state)
{
    (void)state;
    for (int i = 0; i < REASON_CODES; i++) {
        const struct reason_code_info *info = reason_code_info((enum reason_code)i);
        assert_non_null(info->name);
        assert_non_null(info->text);
        assert_int_equal(strspn(info->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(info->name));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(info->name, reason_code_info((enum reason_code)j)->name);
    }
}

static void only_ok_passes_and_our_own_faults_prove_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < REASON_CODES; i++) {
        enum outcome want = i == REASON_OK             ? OUTCOME_PASS
                            : i < (int)REASON_REDIRECT ? OUTCOME_FAIL
                                                       : OUTCOME_INCONCLUSIVE;
        assert_int_equal(reason_code_info((enum reason_code)i)->outcome, want);
    }
}

static void scheduler_facts_are_the_two_that_a_new_active_is_excused_for(void **state)
{
    (void)state;
    for (int i = 0; i < REASON_CODES; i++) {
        bool want = i == REASON_AIRFLOW_SCHEDULER || i == REASON_AIRFLOW_HEARTBEAT;
        assert_int_equal(reason_code_info((enum reason_code)i)->is_scheduler, want);
    }
}

static void small_enums_have_their_words(void **state)
{
    (void)state;
    assert_string_equal(outcome_name(OUTCOME_PASS), "pass");
    assert_string_equal(outcome_name(OUTCOME_FAIL), "fail");
    assert_string_equal(outcome_name(OUTCOME_INCONCLUSIVE), "inconclusive");
    assert_string_equal(profile_name(PROFILE_ACTIVE), "active");
    assert_string_equal(profile_name(PROFILE_STANDBY), "standby");
    assert_string_equal(health_status_name(HEALTH_UNKNOWN), "unknown");
    assert_string_equal(health_status_name(HEALTH_UP), "up");
    assert_string_equal(health_status_name(HEALTH_DOWN), "down");
    assert_string_equal(endpoint_class_name(CLASS_UI), "ui");
    assert_string_equal(endpoint_class_name(CLASS_API), "api");
    assert_string_equal(endpoint_class_name(CLASS_REMOTE_EXECUTION), "remote-execution");
    assert_string_equal(endpoint_class_name(CLASS_CUSTOM), "custom");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_name_of_its_own_and_words),
        cmocka_unit_test(only_ok_passes_and_our_own_faults_prove_nothing),
        cmocka_unit_test(scheduler_facts_are_the_two_that_a_new_active_is_excused_for),
        cmocka_unit_test(small_enums_have_their_words),
    };
    return cmocka_run_group_tests_name("observation", tests, NULL, NULL);
}
