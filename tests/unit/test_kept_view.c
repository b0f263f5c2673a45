/* tests/unit/test_kept_view.c -- state_dir/view: what is written is read, what is harmed is told
 * apart, the thread writes the newest, and a disk that fails is tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/kept_view.h"
#include "dnsflip/kept_writer.h"
#include "tests/support/tempdir.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT_BYTES 65536
#define VIEW_BYTES 20000

/* Settings and view of that digest, each told by its number. */
static struct kept_view_new *kept_of(unsigned number)
{
    struct kept_view_new *k = mem_zalloc(sizeof(*k));
    struct err err;
    uint8_t bytes[VIEW_BYTES];

    memset(bytes, (int)number, sizeof(bytes));
    (void)str_format(k->digest, sizeof(k->digest), "digest %u", number);
    k->serial = number;
    buf_init(&k->settings, TEXT_BYTES);
    buf_printf(&k->settings, "version: %u\n", number);
    k->view_fd = fsio_memfd("test", 0, &err);
    assert_true(k->view_fd >= 0);
    assert_int_equal(fsio_write_all(k->view_fd, bytes, sizeof(bytes), &err), 0);
    return k;
}

static void drop(struct kept_view_new *k)
{
    kept_view_new_fini(k);
    mem_free(k);
}

static void write_one(const struct tempdir *dir, unsigned number)
{
    struct kept_view_new *k = kept_of(number);
    struct err err;

    if (kept_view_write(dir->path, k, &err) != 0)
        fail_msg("%s", err.text);
    drop(k);
}

static void expect_read(const struct tempdir *dir, unsigned number)
{
    struct kept_view k;
    struct err err;
    char text[64];
    const uint8_t *view;

    if (kept_view_read(dir->path, &k, &err) != 0)
        fail_msg("%s", err.text);
    (void)str_format(text, sizeof(text), "digest %u", number);
    assert_string_equal(k.digest, text);
    assert_int_equal(k.serial, number);
    (void)str_format(text, sizeof(text), "version: %u\n", number);
    assert_int_equal(k.settings_len, strlen(text));
    assert_memory_equal(k.settings, text, k.settings_len);
    assert_int_equal(k.view_len, VIEW_BYTES);
    view = k.view;
    for (size_t i = 0; i < k.view_len; i++)
        assert_int_equal(view[i], number);
    kept_view_fini(&k);
}

static void what_is_written_is_read_and_belongs_to_nobody_else(void **state)
{
    (void)state;
    struct tempdir dir;
    struct stat st;

    tempdir_init(&dir);
    write_one(&dir, 1);
    expect_read(&dir, 1);
    /* What a killed writer left beside it is in nobody's way. */
    int fd = open(tempdir_path(&dir, "view.new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    struct err err;
    assert_true(fd >= 0);
    assert_int_equal(fsio_write_all(fd, "half", 4, &err), 0);
    close(fd);
    expect_read(&dir, 1);
    assert_int_equal(unlink(tempdir_path(&dir, "view.new")), 0);
    write_one(&dir, 2);
    expect_read(&dir, 2);
    assert_int_equal(stat(tempdir_path(&dir, "view"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(tempdir_path(&dir, "view.new"), &st), -1);
    tempdir_fini(&dir);
}

static void put_bytes(const struct tempdir *dir, const struct buf *bytes)
{
    int fd = open(tempdir_path(dir, "view"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct err err;

    assert_true(fd >= 0);
    assert_int_equal(fsio_write_all(fd, bytes->data, bytes->len, &err), 0);
    close(fd);
}

static void harm_is_told_apart(void **state)
{
    (void)state;
    struct tempdir dir;
    struct kept_view k;
    struct buf bytes;
    struct err err;

    tempdir_init(&dir);
    buf_init(&bytes, TEXT_BYTES);
    assert_int_equal(kept_view_read(dir.path, &k, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    write_one(&dir, 1);
    assert_int_equal(fsio_read(tempdir_path(&dir, "view"), &bytes, &err), 0);
    bytes.data[8]++;
    put_bytes(&dir, &bytes);
    assert_int_equal(kept_view_read(dir.path, &k, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "has format 2, this dnsflip knows 1"));
    bytes.data[8]--;
    /* Every byte counts. */
    for (size_t i = 0; i < bytes.len; i += i < 300 ? 1 : 97) {
        bytes.data[i] = (char)(bytes.data[i] ^ 0x10);
        put_bytes(&dir, &bytes);
        assert_int_equal(kept_view_read(dir.path, &k, &err), -1);
        assert_true(err.code == ERR_REMOTE || err.code == ERR_CONFLICT);
        assert_null(k.map);
        bytes.data[i] = (char)(bytes.data[i] ^ 0x10);
    }
    for (size_t n = 0; n < bytes.len; n += n < 300 ? 1 : 997) {
        struct buf part = { .data = bytes.data, .len = n };

        put_bytes(&dir, &part);
        assert_int_equal(kept_view_read(dir.path, &k, &err), -1);
        assert_int_equal(err.code, ERR_REMOTE);
    }
    put_bytes(&dir, &bytes);
    expect_read(&dir, 1);
    buf_fini(&bytes);
    tempdir_fini(&dir);
}

/* ---- the thread ------------------------------------------------------------------------------*/

struct told {
    struct loop *loop;
    unsigned n, n_good, stop_at;
    char digest[SETTINGS_DIGEST_BYTES];
};

static void on_done(void *arg, const char *digest, bool ok, const struct err *err)
{
    struct told *t = arg;

    assert_true(ok == (err == NULL));
    t->n++;
    t->n_good += ok;
    (void)str_copy(t->digest, sizeof(t->digest), digest);
    if (t->n == t->stop_at)
        loop_stop(t->loop);
}

static struct kept_writer *new_writer(struct told *t, const char *path)
{
    struct kept_writer *w = NULL;
    struct err err;

    assert_int_equal(loop_new(&t->loop, &err), 0);
    assert_int_equal(kept_writer_new(t->loop, path, on_done, t, &w, &err), 0);
    return w;
}

static void of_those_that_wait_only_the_newest_is_written(void **state)
{
    (void)state;
    struct tempdir dir;
    struct told t = { .stop_at = 2 };

    tempdir_init(&dir);
    struct kept_writer *w = new_writer(&t, dir.path);
    for (unsigned i = 1; i <= 50; i++)
        kept_writer_put(w, kept_of(i));
    loop_run(t.loop);
    assert_int_equal(t.n_good, 2);
    assert_string_equal(t.digest, "digest 50");
    expect_read(&dir, 50);
    kept_writer_close(w);
    loop_free(t.loop);
    tempdir_fini(&dir);
}

static void a_disk_that_fails_is_told_and_a_newer_view_is_tried_at_once(void **state)
{
    (void)state;
    struct tempdir dir;
    struct told t = { .stop_at = 1 };

    tempdir_init(&dir);
    struct kept_writer *w = new_writer(&t, tempdir_path(&dir, "later"));
    kept_writer_put(w, kept_of(1));
    loop_run(t.loop);
    assert_int_equal(t.n_good, 0);
    assert_int_equal(mkdir(tempdir_path(&dir, "later"), 0700), 0);
    t.stop_at = 2;
    kept_writer_put(w, kept_of(2));
    loop_run(t.loop);
    assert_int_equal(t.n_good, 1);
    kept_writer_close(w);
    loop_free(t.loop);
    tempdir_fini(&dir);
}

static void what_was_asked_for_before_the_end_is_written(void **state)
{
    (void)state;
    struct tempdir dir;

    tempdir_init(&dir);
    for (unsigned i = 1; i <= 20; i++) {
        struct told t = { .stop_at = 0 };
        struct kept_writer *w = new_writer(&t, dir.path);

        kept_writer_put(w, kept_of(i));
        kept_writer_close(w);
        loop_free(t.loop);
        expect_read(&dir, i);
    }
    tempdir_fini(&dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_and_belongs_to_nobody_else),
        cmocka_unit_test(harm_is_told_apart),
        cmocka_unit_test(of_those_that_wait_only_the_newest_is_written),
        cmocka_unit_test(a_disk_that_fails_is_told_and_a_newer_view_is_tried_at_once),
        cmocka_unit_test(what_was_asked_for_before_the_end_is_written),
    };

    return cmocka_run_group_tests_name("kept_view", tests, NULL, NULL);
}
