/* tests/unit/test_due.c -- the indexed heap against a plain search over random work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsflip/engine/due.h"

#define THINGS 50
#define ROUNDS 20000

/* A fixed generator: the same work in every run. */
static uint32_t next_number(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static int64_t earliest(const int64_t at[THINGS])
{
    int64_t first = INT64_MAX;

    for (int i = 0; i < THINGS; i++)
        first = at[i] < first ? at[i] : first;
    return first;
}

static void the_first_due_is_always_the_earliest(void **state)
{
    int64_t at[THINGS];
    uint32_t seed = 7;
    struct due d;

    (void)state;
    due_init(&d, THINGS);
    for (int i = 0; i < THINGS; i++)
        at[i] = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t thing = next_number(&seed) % THINGS;

        at[thing] = next_number(&seed) % 5 == 0 ? INT64_MAX : (int64_t)(next_number(&seed) % 1000);
        due_set(&d, thing, (struct mono){ at[thing] });
        assert_int_equal(due_next(&d).ms, earliest(at));
        assert_int_equal(due_get(&d, thing).ms, at[thing]);
        if (next_number(&seed) % 3 == 0 && due_take(&d, (struct mono){ 500 }, &thing)) {
            assert_int_equal(at[thing], earliest(at));
            at[thing] = INT64_MAX;
        }
    }
    due_fini(&d);
}

static void nothing_is_taken_before_it_is_due(void **state)
{
    uint32_t thing = 99;
    struct due d;

    (void)state;
    due_init(&d, 2);
    assert_false(due_take(&d, (struct mono){ INT64_MAX - 1 }, &thing));
    due_set(&d, 1, (struct mono){ 10 });
    assert_false(due_take(&d, (struct mono){ 9 }, &thing));
    assert_true(due_take(&d, (struct mono){ 10 }, &thing));
    assert_int_equal(thing, 1);
    assert_int_equal(due_next(&d).ms, INT64_MAX);
    due_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_due_is_always_the_earliest),
        cmocka_unit_test(nothing_is_taken_before_it_is_due),
    };

    return cmocka_run_group_tests_name("due", tests, NULL, NULL);
}
