/* tests/unit/test_health.c -- links health.o and nothing else: should it ever grow a dependency,
 * this program stops linking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/health.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define TICK_MS INT64_C(1000)

static const struct health_cfg cfg = {
    .rise = 3, .fall = 3, .ok_reset = 2, .stale_ms = 4 * TICK_MS
};

/* Simulated time; starts far from 0 so that a forgotten member cannot pass. */
static struct mono at(int64_t ticks)
{
    return (struct mono){ .ms = INT64_C(5000000) + ticks * TICK_MS };
}

/* A story has one letter per tick: P pass, F fail, i inconclusive, . silence. */
static struct health tick(struct health h, char letter, struct mono now)
{
    switch (letter) {
    case 'P':
        return health_step(&cfg, h, OUTCOME_PASS, now);
    case 'F':
        return health_step(&cfg, h, OUTCOME_FAIL, now);
    case 'i':
        return health_step(&cfg, h, OUTCOME_INCONCLUSIVE, now);
    default:
        return health_expire(&cfg, h, now);
    }
}

static struct health play(const char *story)
{
    struct health h = health_start(at(0));

    for (int i = 0; story[i] != '\0'; i++)
        h = tick(h, story[i], at(i + 1));
    return h;
}

static void stories_give_the_expected_status(void **state)
{
    (void)state;
    /* ? unknown, U up, D down; below, ! where the probe is in doubt and asked faster. */
    static const struct {
        const char *story, *status, *doubt;
    } cases[] = {
        { "PPP", "??U", "!! " },                      /* rise */
        { "FFF", "??D", "!! " },                      /* fall */
        { "PPPFFF", "??UUUD", "!! !! " },             /* a fail speaks against up */
        { "FFFPPP", "??DDDU", "!! !! " },             /* a pass speaks against down */
        { "PPPFPFPF", "??UUUUUD", "!! ! !  " },       /* failing every other time is down... */
        { "PPPFPPFPPF", "??UUUUUUUU", "!! !  !  !" }, /* ...but ok_reset passes forgive */
        { "FFFPPFPPP", "??DDDDDDU", "!! !! !! " },    /* one failure restarts the rise count */
        { "PPPiiFiFiF", "??UUUUUUUD", "!!   !!!! " }, /* our own trouble is not evidence... */
        { "PPPiiii", "??UUUU?", "!!    !" },          /* ...and does not keep evidence fresh */
        { "FFF....", "??DDDD?", "!!    !" },          /* silence makes it unknown, never down */
        { "FF....F", "???????", "!!!!!!!" },          /* stale failures do not add up... */
        { "PP....P", "???????", "!!!!!!!" },          /* ...nor do stale passes */
        { "iiiiiiii", "????????", "!!!!!!!!" },       /* trouble alone says nothing at all */
        { "FFF..PPP", "??DDDDDU", "!!   !! " },       /* one tick before stale all still counts */
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct health h = health_start(at(0));
        char status[16] = { 0 };
        char doubt[16] = { 0 };

        assert_true(strlen(cases[i].story) < sizeof(status));
        for (int j = 0; cases[i].story[j] != '\0'; j++) {
            h = tick(h, cases[i].story[j], at(j + 1));
            status[j] = "?UD"[h.status];
            doubt[j] = health_is_in_doubt(h) ? '!' : ' ';
        }
        assert_string_equal(status, cases[i].status);
        assert_string_equal(doubt, cases[i].doubt);
    }
}

/* Every story of 8 ticks (65,536 of them): a status is entered only on the evidence for it. */
static void every_story_enters_a_status_only_on_its_evidence(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 1U << 16; n++) {
        struct health h = health_start(at(0));

        for (int i = 0; i < 8; i++) {
            char letter = "PFi."[(n >> (2 * i)) & 3];
            struct health before = h;

            h = tick(h, letter, at(i + 1));
            if (h.status == before.status) {
                assert_int_equal(h.since.ms, before.since.ms);
                continue;
            }
            assert_int_equal(h.since.ms, at(i + 1).ms);
            if (h.status == HEALTH_DOWN) {
                assert_int_equal(letter, 'F');
                assert_int_equal(h.fails, cfg.fall);
            } else if (h.status == HEALTH_UP) {
                assert_int_equal(letter, 'P');
                assert_int_equal(h.passes, cfg.rise);
                assert_int_equal(h.fails, 0);
            } else {
                assert_true(mono_since(at(i + 1), before.heard) >= cfg.stale_ms);
            }
        }
    }
}

static void silence_never_counts_and_expiry_is_idempotent(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 1U << 12; n++) {
        char story[7] = { 0 };

        for (int i = 0; i < 6; i++)
            story[i] = "PFi."[(n >> (2 * i)) & 3];

        struct health h = play(story);
        struct health once = health_expire(&cfg, h, at(100));
        struct health twice = health_expire(&cfg, once, at(101));

        assert_int_equal(once.status, HEALTH_UNKNOWN);
        assert_int_equal(once.passes, 0);
        assert_int_equal(once.fails, 0);
        assert_int_equal(once.heard.ms, h.heard.ms);
        assert_int_equal(twice.since.ms, once.since.ms);
        assert_int_equal(twice.status, HEALTH_UNKNOWN);
    }
}

static void inconclusive_outcomes_in_a_row_are_counted(void **state)
{
    (void)state;
    assert_int_equal(play("").inconclusive, 0);
    assert_int_equal(play("iii").inconclusive, 3);
    assert_int_equal(play("PPPiiiii").inconclusive, 5); /* expiry does not end the row */
    assert_int_equal(play("ii.i").inconclusive, 3);
    assert_int_equal(play("iiP").inconclusive, 0);
    assert_int_equal(play("iiF").inconclusive, 0);
    assert_int_equal(play("iiPi").inconclusive, 1);
    assert_int_equal(play("iiiiiiiiii").inconclusive, HEALTH_MUTE_ROUNDS);
}

static void times_of_entry_and_expiry_are_kept(void **state)
{
    (void)state;
    struct health h = health_start(at(0));

    assert_int_equal(h.status, HEALTH_UNKNOWN);
    assert_int_equal(h.since.ms, at(0).ms);
    h = health_step(&cfg, h, OUTCOME_PASS, at(1));
    h = health_step(&cfg, h, OUTCOME_PASS, at(2));
    assert_int_equal(h.since.ms, at(0).ms);
    h = health_step(&cfg, h, OUTCOME_PASS, at(3));
    assert_int_equal(h.since.ms, at(3).ms);
    h = health_step(&cfg, h, OUTCOME_INCONCLUSIVE, at(4));

    struct mono before = { .ms = at(3 + 4).ms - 1 };

    assert_int_equal(health_expire(&cfg, h, before).status, HEALTH_UP);
    assert_int_equal(health_expire(&cfg, h, at(3 + 4)).status, HEALTH_UNKNOWN);
    assert_int_equal(health_expire(&cfg, h, at(3 + 4)).since.ms, at(3 + 4).ms);
}

static void a_probe_is_lost_only_if_all_its_families_are(void **state)
{
    (void)state;
    static const struct {
        const char *families;
        char joined;
    } cases[] = {
        { "U", 'U' },   { "D", 'D' },   { "?", '?' },   { "UU", 'U' },  { "DD", 'D' },
        { "??", '?' },  { "UD", '?' },  { "DU", '?' },  { "U?", '?' },  { "?U", '?' },
        { "D?", '?' },  { "?D", '?' },  { "UUU", 'U' }, { "DDU", '?' }, { "UUD", '?' },
        { "DUD", '?' }, { "DDD", 'D' },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        enum health_status status[3] = { HEALTH_UNKNOWN };
        size_t n = strlen(cases[i].families);

        for (size_t j = 0; j < n; j++)
            status[j] = cases[i].families[j] == 'U'   ? HEALTH_UP
                        : cases[i].families[j] == 'D' ? HEALTH_DOWN
                                                      : HEALTH_UNKNOWN;
        assert_int_equal("?UD"[health_join(status, n)], cases[i].joined);
    }
}

static void unusable_configs_are_refused_with_the_key(void **state)
{
    (void)state;
    static const struct {
        struct health_cfg cfg;
        const char *problem;
    } cases[] = {
        { { 0, 3, 1, 1 }, "rise must be at least 1" },
        { { 2, 0, 1, 1 }, "fall must be at least 1" },
        { { 2, 3, 0, 1 }, "ok_reset must be between 1 and rise" },
        { { 2, 3, 3, 1 }, "ok_reset must be between 1 and rise" },
        { { 2, 3, 1, 0 }, "stale must be longer than 0" },
        { { 2, 3, 1, -1 }, "stale must be longer than 0" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_string_equal(health_cfg_problem(&cases[i].cfg), cases[i].problem);
    assert_null(health_cfg_problem(&cfg));
    assert_null(health_cfg_problem(&(struct health_cfg){ 1, 1, 1, 1 }));
    assert_null(health_cfg_problem(&(struct health_cfg){ 2, 1, 2, 1 }));
}

static void rise_and_fall_of_one_act_at_once(void **state)
{
    (void)state;
    const struct health_cfg quick = { .rise = 1, .fall = 1, .ok_reset = 1, .stale_ms = TICK_MS };
    struct health h = health_start(at(0));

    h = health_step(&quick, h, OUTCOME_FAIL, at(1));
    assert_int_equal(h.status, HEALTH_DOWN);
    h = health_step(&quick, h, OUTCOME_PASS, at(1));
    assert_int_equal(h.status, HEALTH_UP);
    h = health_step(&quick, h, OUTCOME_FAIL, at(1));
    assert_int_equal(h.status, HEALTH_DOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_give_the_expected_status),
        cmocka_unit_test(every_story_enters_a_status_only_on_its_evidence),
        cmocka_unit_test(silence_never_counts_and_expiry_is_idempotent),
        cmocka_unit_test(inconclusive_outcomes_in_a_row_are_counted),
        cmocka_unit_test(times_of_entry_and_expiry_are_kept),
        cmocka_unit_test(a_probe_is_lost_only_if_all_its_families_are),
        cmocka_unit_test(unusable_configs_are_refused_with_the_key),
        cmocka_unit_test(rise_and_fall_of_one_act_at_once),
    };

    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
