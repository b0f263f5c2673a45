/* tests/unit/test_quorum.c -- links quorum.o and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/quorum.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define N_MAX 12

static const struct down_if half = { .is_percent = true, .value = 50 };
static const struct down_if halves[ENDPOINT_CLASSES] = {
    { true, 50 }, { true, 50 }, { true, 50 }, { true, 50 }
};

static void thresholds_are_rounded_up_and_stay_within_the_class(void **state)
{
    (void)state;
    static const struct {
        bool is_percent;
        uint32_t value, n, threshold;
    } cases[] = {
        { true, 50, 0, 0 },
        { false, 3, 0, 0 },
        { true, 50, 1, 1 },
        { true, 50, 2, 1 },
        { true, 50, 3, 2 },
        { true, 50, 80, 40 },
        { true, 50, 81, 41 },
        { true, 30, 80, 24 },
        { true, 30, 10, 3 },
        { true, 30, 11, 4 },
        { true, 1, 100, 1 },
        { true, 1, 101, 2 },
        { true, 0, 5, 1 }, /* never 0: a class that nobody says is down is not down */
        { false, 0, 5, 1 },
        { true, 100, 7, 7 },
        { true, 200, 7, 7 },
        { false, 3, 80, 3 },
        { false, 3, 3, 3 },
        { false, 3, 2, 2 }, /* a count is at most all of them */
        { true, 100, UINT32_MAX, UINT32_MAX },
        { true, 50, UINT32_MAX, UINT32_C(1) << 31 },
    };

    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_int_equal(
            quorum_threshold((struct down_if){ cases[i].is_percent, cases[i].value }, cases[i].n),
            cases[i].threshold);
}

/* One class, n endpoints of which so many are up and down: compared with the page's own words,
 * counted here in whole percents. */
static void check_counts(struct down_if rule, uint32_t n, uint32_t up, uint32_t down)
{
    struct endpoint_health endpoints[N_MAX] = { 0 };
    struct down_if rules[ENDPOINT_CLASSES] = { half, half, half, half };
    enum verdict expected = VERDICT_UNKNOWN;
    uint32_t t = 1; /* the least count that is at least the share */

    while (t < n && (rule.is_percent ? t * 100 < rule.value * n : t < rule.value))
        t++;
    if (down >= t)
        expected = VERDICT_DOWN;
    else if (up + t > n)
        expected = VERDICT_UP;
    for (uint32_t i = 0; i < n; i++) {
        endpoints[i].class = CLASS_API;
        endpoints[i].status = i < up ? HEALTH_UP : i < up + down ? HEALTH_DOWN : HEALTH_UNKNOWN;
    }
    rules[CLASS_API] = rule;

    struct cluster_view v = quorum_verdict(rules, endpoints, n);

    assert_int_equal(v.verdict, expected);
    assert_int_equal(v.classes[CLASS_API].n, n);
    assert_int_equal(v.classes[CLASS_API].up, up);
    assert_int_equal(v.classes[CLASS_API].down, down);
    assert_int_equal(v.classes[CLASS_API].unknown, n - up - down);
    assert_int_equal(v.classes[CLASS_API].threshold, t);
    assert_int_equal(v.classes[CLASS_UI].n, 0);
    assert_int_equal(v.classes[CLASS_UI].threshold, 0);
    assert_int_equal(v.critical.n, 0);
    assert_int_equal(v.critical.threshold, 0);
}

static void every_count_up_to_twelve_under_every_rule(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= N_MAX; n++) {
        for (uint32_t up = 0; up <= n; up++) {
            for (uint32_t down = 0; up + down <= n; down++) {
                for (uint32_t percent = 1; percent <= 100; percent++)
                    check_counts((struct down_if){ true, percent }, n, up, down);
                for (uint32_t count = 1; count <= N_MAX + 1; count++)
                    check_counts((struct down_if){ false, count }, n, up, down);
            }
        }
    }
}

/* One letter per endpoint: U up, D down, ? unknown; of critical ones
 * C up, X down, * unknown.  Blanks part the classes: ui, api,
 * remote-execution, custom. */
static size_t read_story(const char *story, struct endpoint_health out[])
{
    enum endpoint_class class = CLASS_UI;
    size_t n = 0;

    for (; *story != '\0'; story++) {
        if (*story == ' ') {
            class += 1;
            continue;
        }
        out[n].class = class;
        out[n].is_critical = strchr("CX*", *story) != NULL;
        out[n].status = strchr("UC", *story) != NULL   ? HEALTH_UP
                        : strchr("DX", *story) != NULL ? HEALTH_DOWN
                                                       : HEALTH_UNKNOWN;
        n++;
    }
    return n;
}

static void classes_and_critical_endpoints_add_up_to_a_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *story;
        enum verdict verdict;
    } cases[] = {
        { "", VERDICT_UNKNOWN },
        { "UU UU UU UU", VERDICT_UP },
        { "UUU", VERDICT_UP }, /* classes without endpoints do not matter */
        { " UUU", VERDICT_UP },
        { "   U", VERDICT_UP },
        { "UUUU DDUU UUUU", VERDICT_DOWN }, /* one class is enough */
        { "UUUU UUUU UUUU DD", VERDICT_DOWN },
        { "DDUU", VERDICT_DOWN },
        { "UUUU UUUD UUUU", VERDICT_UP },
        { "UUUU UU?? UUUU", VERDICT_UNKNOWN }, /* every class must be up */
        { "UU?? UUUU", VERDICT_UNKNOWN },
        { "UUUU UUUU UUUU U?", VERDICT_UNKNOWN },
        { "???? DDDD", VERDICT_DOWN }, /* not knowing one class does not hide another */
        { "????", VERDICT_UNKNOWN },
        { "UUUX UUUU", VERDICT_DOWN },    /* one critical endpoint is enough */
        { "UUU* UUUU", VERDICT_UNKNOWN }, /* and must be known */
        { "UUUC UUUU", VERDICT_UP },
        { "UUUC UUU*", VERDICT_UNKNOWN }, /* all of them */
        { "UUUC UUUX", VERDICT_DOWN },
        { "?U*U UUUX", VERDICT_DOWN },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct endpoint_health endpoints[32] = { 0 };
        size_t n = read_story(cases[i].story, endpoints);

        assert_int_equal(quorum_verdict(halves, endpoints, n).verdict, cases[i].verdict);
    }
}

static void critical_endpoints_are_counted_over_all_classes(void **state)
{
    (void)state;
    struct endpoint_health endpoints[16] = { 0 };
    size_t n = read_story("UUCX *UU C", endpoints);
    struct cluster_view v = quorum_verdict(halves, endpoints, n);

    assert_int_equal(v.critical.n, 4);
    assert_int_equal(v.critical.up, 2);
    assert_int_equal(v.critical.down, 1);
    assert_int_equal(v.critical.unknown, 1);
    assert_int_equal(v.critical.threshold, 1);
    assert_int_equal(v.classes[CLASS_UI].n, 4);
    assert_int_equal(v.classes[CLASS_UI].down, 1);
    assert_int_equal(v.classes[CLASS_REMOTE_EXECUTION].up, 1);
}

static void each_class_has_its_own_rule(void **state)
{
    (void)state;
    const struct down_if rules[ENDPOINT_CLASSES] = {
        { true, 50 }, { false, 1 }, { true, 30 }, { true, 100 }
    };
    struct endpoint_health endpoints[32] = { 0 };
    size_t n = read_story("UUUD UUUU UUUD UDDD", endpoints);

    assert_int_equal(quorum_verdict(rules, endpoints, n).verdict, VERDICT_UP);
    n = read_story("UUUU UUUD UUUU UUUU", endpoints);
    assert_int_equal(quorum_verdict(rules, endpoints, n).verdict, VERDICT_DOWN);
    n = read_story("UUUU UUUU UUDD UUUU", endpoints);
    assert_int_equal(quorum_verdict(rules, endpoints, n).verdict, VERDICT_DOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds_are_rounded_up_and_stay_within_the_class),
        cmocka_unit_test(every_count_up_to_twelve_under_every_rule),
        cmocka_unit_test(classes_and_critical_endpoints_add_up_to_a_verdict),
        cmocka_unit_test(critical_endpoints_are_counted_over_all_classes),
        cmocka_unit_test(each_class_has_its_own_rule),
    };

    return cmocka_run_group_tests_name("quorum", tests, NULL, NULL);
}
