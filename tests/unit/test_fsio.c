/* tests/unit/test_fsio.c -- whole reads, durable replacement, directories, sealed memory. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/fsio.h"
#include "tests/support/tempdir.h"

static int set_up(void **state)
{
    static struct tempdir dir;

    tempdir_init(&dir);
    *state = &dir;
    return 0;
}

static int tear_down(void **state)
{
    tempdir_fini(*state);
    return 0;
}

static void expect_contents(const char *path, const char *expected)
{
    struct buf b;
    struct err err = { 0 };

    buf_init(&b, 1 << 20);
    assert_int_equal(fsio_read(path, &b, &err), 0);
    assert_string_equal(buf_text(&b), expected);
    buf_fini(&b);
}

static void a_replaced_file_holds_the_new_bytes_and_mode(void **state)
{
    const char *path = tempdir_path(*state, "file");
    struct stat st;
    struct err err = { 0 };

    assert_int_equal(fsio_replace(path, "old", 3, 0644, &err), 0);
    expect_contents(path, "old");
    assert_int_equal(fsio_replace(path, "newer", 5, 0600, &err), 0);
    expect_contents(path, "newer");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(unlink(path), 0);
    /* No temporary file is left: the directory can be removed. */
    assert_int_equal(rmdir(((struct tempdir *)*state)->path), 0);
    assert_int_equal(mkdir(((struct tempdir *)*state)->path, 0700), 0);
}

static void a_replacement_that_fails_leaves_nothing_behind(void **state)
{
    const char *path = tempdir_path(*state, "dir");
    struct err err = { 0 };

    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(fsio_replace(path, "x", 1, 0600, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(((struct tempdir *)*state)->path), 0);
    assert_int_equal(mkdir(((struct tempdir *)*state)->path, 0700), 0);
}

static void a_replacement_in_no_directory_says_where(void **state)
{
    const char *path = tempdir_path(*state, "missing/file");
    struct err err = { 0 };

    assert_int_equal(fsio_replace(path, "x", 1, 0600, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "No such file"));
}

static void a_read_appends_and_respects_the_ceiling(void **state)
{
    const char *path = tempdir_path(*state, "file");
    struct buf b;
    struct err err = { 0 };

    assert_int_equal(fsio_replace(path, "12345", 5, 0600, &err), 0);
    buf_init(&b, 10);
    assert_int_equal(fsio_read(path, &b, &err), 0);
    assert_int_equal(fsio_read(path, &b, &err), 0);
    assert_string_equal(buf_text(&b), "1234512345");
    assert_int_equal(fsio_read(path, &b, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "10 bytes"));
    buf_fini(&b);
}

static void a_read_of_what_is_not_a_file_fails(void **state)
{
    struct buf b;
    struct err err = { 0 };

    buf_init(&b, 10);
    assert_int_equal(fsio_read(tempdir_path(*state, "missing"), &b, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_int_equal(fsio_read(((struct tempdir *)*state)->path, &b, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_non_null(strstr(err.text, "directory"));
    buf_fini(&b);
}

static void a_large_file_comes_back_whole(void **state)
{
    static char bytes[100001];
    const char *path = tempdir_path(*state, "file");
    struct err err = { 0 };

    memset(bytes, 'x', sizeof(bytes) - 1);
    assert_int_equal(fsio_replace(path, bytes, sizeof(bytes) - 1, 0600, &err), 0);
    expect_contents(path, bytes);
}

static void a_write_to_a_bad_descriptor_fails(void **state)
{
    (void)state;
    struct err err = { 0 };

    assert_int_equal(fsio_write_all(-1, "x", 1, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_int_equal(fsio_write_all(-1, "", 0, &err), 0);
}

static void missing_parents_are_made(void **state)
{
    const char *path = tempdir_path(*state, "a/b//c/");
    struct stat st;
    struct err err = { 0 };

    assert_int_equal(fsio_make_dir(path, 0750, &err), 0);
    assert_int_equal(fsio_make_dir(path, 0750, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(fsio_make_dir("/", 0750, &err), 0);
}

static void a_file_in_the_way_of_a_directory_is_named(void **state)
{
    struct err err = { 0 };

    assert_int_equal(fsio_replace(tempdir_path(*state, "file"), "x", 1, 0600, &err), 0);
    assert_int_equal(fsio_make_dir(tempdir_path(*state, "file"), 0750, &err), -1);
    assert_non_null(strstr(err.text, "Not a directory"));
    assert_int_equal(fsio_make_dir(tempdir_path(*state, "file/below"), 0750, &err), -1);
    assert_non_null(strstr(err.text, "Not a directory"));
    assert_int_equal(fsio_make_dir("", 0750, &err), -1);
}

static void the_directory_of_a_path_can_be_synced(void **state)
{
    struct err err = { 0 };

    assert_int_equal(fsio_sync_dir_of(tempdir_path(*state, "any"), &err), 0);
    assert_int_equal(fsio_sync_dir_of("any", &err), 0);
    assert_int_equal(fsio_sync_dir_of("/any", &err), 0);
    assert_int_equal(fsio_sync_dir_of(tempdir_path(*state, "missing/any"), &err), -1);
    assert_int_equal(err.code, ERR_SYS);
}

static void too_long_a_path_is_refused_with_the_limit(void **state)
{
    (void)state;
    static char path[PATH_MAX + 10];
    struct err err = { 0 };

    memset(path, 'x', sizeof(path) - 1);
    assert_int_equal(fsio_replace(path, "x", 1, 0600, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(fsio_make_dir(path, 0700, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(fsio_sync_dir_of(path, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "4095"));
}

static void a_memory_file_has_its_size_and_can_be_sealed(void **state)
{
    (void)state;
    struct stat st;
    struct err err = { 0 };
    int fd = fsio_memfd("test", 4096, &err);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 4096);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    assert_int_equal(write(fd, "x", 1), -1);
    close(fd);
    assert_int_equal(fsio_memfd("test", SIZE_MAX / 2 + 1, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(a_replaced_file_holds_the_new_bytes_and_mode),
        WITH_DIR(a_replacement_that_fails_leaves_nothing_behind),
        WITH_DIR(a_replacement_in_no_directory_says_where),
        WITH_DIR(a_read_appends_and_respects_the_ceiling),
        WITH_DIR(a_read_of_what_is_not_a_file_fails),
        WITH_DIR(a_large_file_comes_back_whole),
        cmocka_unit_test(a_write_to_a_bad_descriptor_fails),
        WITH_DIR(missing_parents_are_made),
        WITH_DIR(a_file_in_the_way_of_a_directory_is_named),
        WITH_DIR(the_directory_of_a_path_can_be_synced),
        cmocka_unit_test(too_long_a_path_is_refused_with_the_limit),
        cmocka_unit_test(a_memory_file_has_its_size_and_can_be_sealed),
    };

    return cmocka_run_group_tests_name("fsio", tests, NULL, NULL);
}
