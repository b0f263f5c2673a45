/* tests/unit/test_schema.c -- every row of the schema is whole: a help, a default that passes its
 * own limits, words or a shape where its type needs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/config/schema.h"
#include "dnsflip/config/value.h"

#define OBJECT_BYTES (1 << 16) /* room for the largest member */

static void check_row(enum schema_part part, const struct key_spec *key)
{
    static char object[OBJECT_BYTES];
    struct err err = { 0 };

    assert_non_null(key->help);
    assert_int_equal(key->help[strlen(key->help) - 1], '.');
    assert_true(key->offset + key->size <= sizeof(object));
    assert_true(!key->required || key->fallback == NULL);
    assert_int_equal(key->type == KEY_ENUM, key->words != NULL);
    if (key->type == KEY_CUSTOM) {
        assert_non_null(schema_custom_of(part, key->name)->words);
        return;
    }
    assert_true(key->size > 0);
    if (key->fallback != NULL && value_parse(key, key->fallback, "", object, &err) != 0)
        fail_msg("%s: %s", key->name, err.text);
}

static void every_row_is_whole(void **state)
{
    (void)state;
    for (int part = 0; part < SCHEMA_PARTS; part++) {
        const struct schema_section *section = schema_section((enum schema_part)part);

        assert_non_null(section->name);
        assert_non_null(section->title);
        for (const struct key_spec *key = section->keys; key->name != NULL; key++)
            check_row((enum schema_part)part, key);
    }
}

static void no_key_is_there_twice(void **state)
{
    (void)state;
    for (int part = 0; part < SCHEMA_PARTS; part++) {
        const struct key_spec *keys = schema_keys((enum schema_part)part);

        for (const struct key_spec *key = keys; key->name != NULL; key++)
            assert_ptr_equal(schema_find(keys, key->name), key);
        assert_null(schema_find(keys, "no-such-key"));
    }
}

static void each_kind_of_probe_has_its_keys_and_the_common_ones(void **state)
{
    (void)state;
    assert_null(schema_probe("ping"));
    assert_null(schema_probe_key(schema_probe("tcp"), "path"));
    assert_null(schema_probe_key(schema_probe("tcp"), "scheme"));
    assert_non_null(schema_probe_key(schema_probe("tcp"), "timeout"));
    assert_non_null(schema_probe_key(schema_probe("http"), "json"));
    assert_null(schema_probe_key(schema_probe("http"), "version"));
    assert_non_null(schema_probe_key(schema_probe("airflow"), "version"));
    assert_non_null(schema_probe_key(schema_probe("airflow"), "ca_file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(no_key_is_there_twice),
        cmocka_unit_test(each_kind_of_probe_has_its_keys_and_the_common_ones),
    };

    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
