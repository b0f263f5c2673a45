/* tests/unit/test_name_map.c -- a map of many names finds each of them and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dnsflip/config/name_map.h"

#define MANY 20000

static const char *name_of(unsigned i, char out[static 32])
{
    assert_true(snprintf(out, 32, "host-%u.example.com", i) < 32);
    return out;
}

static void every_name_is_found_with_its_value(void **state)
{
    (void)state;
    struct name_map m;
    char name[32];
    uint64_t value = 0;

    name_map_init(&m);
    assert_false(name_map_get(&m, "x", &value));
    for (unsigned i = 0; i < MANY; i++)
        assert_true(name_map_add(&m, name_of(i, name), (uint64_t)i << 32));
    assert_int_equal(m.n, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(name_map_get(&m, name_of(i, name), &value));
        assert_int_equal(value >> 32, i);
    }
    assert_false(name_map_get(&m, name_of(MANY, name), &value));
    name_map_fini(&m);
}

static void a_name_is_added_once(void **state)
{
    (void)state;
    struct name_map m;
    uint64_t value = 0;

    name_map_init(&m);
    assert_true(name_map_add(&m, "", 1));
    assert_true(name_map_add(&m, "a", 2));
    assert_false(name_map_add(&m, "a", 3));
    assert_true(name_map_get(&m, "a", &value));
    assert_int_equal(value, 2);
    assert_true(name_map_get(&m, "", &value));
    assert_int_equal(value, 1);
    assert_int_equal(m.n, 2);
    name_map_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_found_with_its_value),
        cmocka_unit_test(a_name_is_added_once),
    };

    return cmocka_run_group_tests_name("name_map", tests, NULL, NULL);
}
