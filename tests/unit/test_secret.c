/* tests/unit/test_secret.c -- secrets: read, compared, revealed, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/secret.h"
#include "tests/support/tempdir.h"

static struct tempdir dir;

static int set_up(void **state)
{
    (void)state;
    tempdir_init(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_fini(&dir);
    return 0;
}

static const char *file_with(const char *bytes, size_t n)
{
    const char *path = tempdir_path(&dir, "secret");
    struct err err = { 0 };

    assert_int_equal(fsio_replace(path, bytes, n, 0600, &err), 0);
    return path;
}

static void one_trailing_newline_of_a_file_is_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *file, *secret;
    } cases[] = {
        { "pass", "pass" }, { "pass\n", "pass" }, { "pass\n\n", "pass\n" },
        { "\n", "" },       { "", "" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct secret *s = NULL;
        struct err err = { 0 };

        assert_int_equal(secret_read(file_with(cases[i].file, strlen(cases[i].file)), &s, &err), 0);
        assert_string_equal(secret_reveal(s), cases[i].secret);
        assert_true(secret_equal(s, cases[i].secret, strlen(cases[i].secret)));
        secret_free(s);
    }
}

static void comparison_needs_every_byte_and_the_length(void **state)
{
    (void)state;
    struct secret *s = secret_new("a\0b", 3);

    assert_true(secret_equal(s, "a\0b", 3));
    assert_false(secret_equal(s, "a\0c", 3));
    assert_false(secret_equal(s, "b\0b", 3));
    assert_false(secret_equal(s, "a\0", 2));
    assert_false(secret_equal(s, "a\0bc", 4));
    assert_memory_equal(secret_reveal(s), "a\0b", 4);
    secret_free(s);
    secret_free(NULL);
}

static void the_limit_itself_is_read_and_one_more_is_not(void **state)
{
    (void)state;
    static char bytes[SECRET_BYTES_MAX + 3];
    struct secret *s = NULL;
    struct err err = { 0 };

    memset(bytes, 'k', sizeof(bytes));
    bytes[SECRET_BYTES_MAX] = '\n';
    assert_int_equal(secret_read(file_with(bytes, SECRET_BYTES_MAX + 1), &s, &err), 0);
    assert_true(secret_equal(s, bytes, SECRET_BYTES_MAX));
    secret_free(s);
    s = NULL;
    bytes[SECRET_BYTES_MAX] = 'k';
    for (size_t n = SECRET_BYTES_MAX + 1; n <= sizeof(bytes); n++) {
        assert_int_equal(secret_read(file_with(bytes, n), &s, &err), -1);
        assert_int_equal(err.code, ERR_LIMIT);
        assert_non_null(strstr(err.text, "4096"));
        assert_null(strstr(err.text, "kkk"));
        assert_null(s);
    }
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    struct secret *s = NULL;
    struct err err = { 0 };

    assert_int_equal(secret_read(tempdir_path(&dir, "missing"), &s, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_non_null(strstr(err.text, "missing"));
    assert_int_equal(secret_read(dir.path, &s, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_null(s);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(one_trailing_newline_of_a_file_is_dropped),
        cmocka_unit_test(comparison_needs_every_byte_and_the_length),
        WITH_DIR(the_limit_itself_is_read_and_one_more_is_not),
        WITH_DIR(a_missing_file_is_named),
    };

    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
