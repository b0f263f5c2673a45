/* tests/unit/test_supervisor_pulse.c -- when a silent face is killed, and when that does not help.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsflip/supervisor_pulse.h"

static void a_face_that_beats_is_never_killed(void **state)
{
    (void)state;
    struct supervisor_pulse p = { 0 };

    for (int i = 0; i < 10 * SUPERVISOR_LOST_TICKS; i++) {
        p.has_beaten = i % 5 == 0;
        assert_false(supervisor_pulse_tick(&p, true, true));
        assert_true(supervisor_pulse_is_healthy(&p));
    }
}

static void a_silent_face_is_killed_once_and_the_next_gets_its_time(void **state)
{
    (void)state;
    struct supervisor_pulse p = { 0 };

    for (int i = 1; i < SUPERVISOR_SILENT_TICKS; i++)
        assert_false(supervisor_pulse_tick(&p, true, true));
    assert_true(supervisor_pulse_tick(&p, true, true));
    assert_false(supervisor_pulse_tick(&p, true, true));
    assert_true(supervisor_pulse_is_healthy(&p));
}

static void faces_that_do_not_live_starve_the_watchdog(void **state)
{
    (void)state;
    struct supervisor_pulse p = { 0 };

    for (int i = 1; i < SUPERVISOR_LOST_TICKS; i++)
        (void)supervisor_pulse_tick(&p, true, i % 2 == 0);
    assert_true(supervisor_pulse_is_healthy(&p));
    (void)supervisor_pulse_tick(&p, true, false);
    assert_false(supervisor_pulse_is_healthy(&p));
    p.has_beaten = true;
    (void)supervisor_pulse_tick(&p, true, true);
    assert_true(supervisor_pulse_is_healthy(&p));
}

/* As long as there is nothing to answer, and while the service stops. */
static void no_face_is_missed_where_none_is_wanted(void **state)
{
    (void)state;
    struct supervisor_pulse p = { 0 };

    for (int i = 0; i < 10 * SUPERVISOR_LOST_TICKS; i++) {
        assert_false(supervisor_pulse_tick(&p, false, false));
        assert_true(supervisor_pulse_is_healthy(&p));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_face_that_beats_is_never_killed),
        cmocka_unit_test(a_silent_face_is_killed_once_and_the_next_gets_its_time),
        cmocka_unit_test(faces_that_do_not_live_starve_the_watchdog),
        cmocka_unit_test(no_face_is_missed_where_none_is_wanted),
    };

    return cmocka_run_group_tests_name("supervisor_pulse", tests, NULL, NULL);
}
