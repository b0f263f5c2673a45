/* tests/unit/test_planner.c -- which hostnames change in a move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/planner.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* Pairs of letters: 4x and 6x addresses that end in x, Cx a CNAME, Tx a TTL. */
static struct target target_of(const char *text)
{
    struct target t = { 0 };

    for (; *text != '\0'; text += 2) {
        uint8_t value = (uint8_t)text[1];

        if (*text == '4') {
            t.a[t.n_a].family = 4;
            t.a[t.n_a++].bytes[3] = value;
        } else if (*text == '6') {
            t.aaaa[t.n_aaaa].family = 6;
            t.aaaa[t.n_aaaa++].bytes[15] = value;
        } else if (*text == 'C') {
            t.cname[0] = (char)value;
        } else {
            t.ttl_s = value;
        }
    }
    return t;
}

/* Hostnames with a target in each of three clusters. */
static struct target targets[6][3];
static struct hostname_cfg hostnames[6];

static struct group_cfg group_of(const char *const texts[][3], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < 3; c++)
            targets[i][c] = target_of(texts[i][c]);
        hostnames[i].targets = targets[i];
    }
    return (struct group_cfg){ .n_clusters = 3, .hostnames = hostnames, .n_hostnames = n };
}

static void changed_hostnames_are_listed_in_the_groups_order(void **state)
{
    (void)state;
    static const char *const texts[][3] = {
        { "4a", "4b", "4c" },
        { "4a", "4a", "4c" }, /* alike in the first two: nothing changes */
        { "4aT9", "4aT8", "4a" },
        { "Ca", "Cb", "Ca" },
    };
    struct group_cfg group = group_of(texts, LENGTH(texts));
    struct target_change out[6];

    assert_int_equal(planner_targets(&group, 0, 1, out), 3);
    assert_int_equal(out[0].hostname, 0);
    assert_int_equal(out[1].hostname, 2);
    assert_int_equal(out[2].hostname, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(out[i].before, &targets[out[i].hostname][0]);
        assert_ptr_equal(out[i].after, &targets[out[i].hostname][1]);
    }

    assert_int_equal(planner_targets(&group, 2, 0, out), 3);
    assert_int_equal(out[1].hostname, 1);
    assert_ptr_equal(out[1].before, &targets[1][2]);
    assert_ptr_equal(out[1].after, &targets[1][0]);
    assert_int_equal(out[2].hostname, 2);
}

static void a_move_from_a_cluster_to_itself_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[][3] = { { "4a", "4b", "4c" }, { "Ca", "Cb", "Cc" } };
    struct group_cfg group = group_of(texts, LENGTH(texts));
    struct target_change out[6];

    for (unsigned c = 0; c < 3; c++)
        assert_int_equal(planner_targets(&group, c, c, out), 0);
}

static void families_that_the_destination_lacks_are_marked(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        bool loses_a, loses_aaaa;
    } cases[] = {
        { "4a6a", "4b6b", false, false },
        { "4a6a", "4b", false, true },
        { "4a6a", "6b", true, false },
        { "4a4b", "4c", false, false }, /* fewer addresses, but some */
        { "4a", "4b6b", false, false },
        { "4a", "6b", true, false },
        { "6a", "4b", false, true },
        { "4a6a", "Cb", false, false }, /* a CNAME's families are not known here */
        { "Ca", "4b", false, false },
        { "4a6a", "", true, true },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *const texts[][3] = { { cases[i].before, cases[i].after, "" } };
        struct group_cfg group = group_of(texts, 1);
        struct target_change out[1];

        assert_int_equal(planner_targets(&group, 0, 1, out), 1);
        assert_int_equal(out[0].loses_a, cases[i].loses_a);
        assert_int_equal(out[0].loses_aaaa, cases[i].loses_aaaa);
    }
}

static void no_name_may_lose_its_last_address(void **state)
{
    (void)state;
    static const char *const texts[][3] = {
        { "4a", "4b", "6c" },
        { "4a", "Cb", "" },
        { "4a", "6b", "4c" },
    };
    struct group_cfg group = group_of(texts, LENGTH(texts));
    struct target_change out[6];
    size_t n = planner_targets(&group, 0, 1, out);

    assert_int_equal(n, 3);
    assert_true(planner_is_complete(out, n));
    assert_true(planner_is_complete(out, 0));
    n = planner_targets(&group, 0, 2, out);
    assert_int_equal(n, 3);
    assert_false(planner_is_complete(out, n));
    assert_true(planner_is_complete(out, 1));
    assert_false(planner_is_complete(out, 2));
    assert_false(planner_is_complete(out + 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_hostnames_are_listed_in_the_groups_order),
        cmocka_unit_test(a_move_from_a_cluster_to_itself_changes_nothing),
        cmocka_unit_test(families_that_the_destination_lacks_are_marked),
        cmocka_unit_test(no_name_may_lose_its_last_address),
    };

    return cmocka_run_group_tests_name("planner", tests, NULL, NULL);
}
