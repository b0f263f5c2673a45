/* tests/unit/test_journal_file.c -- real files: creation, replay, torn and damaged lines, lock. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/journal_file.h"
#include "tests/support/skip.h"
#include "tests/support/tempdir.h"

static struct tempdir dir;
static char path[PATH_MAX + 16];

static const struct journal_entry first_entries[] = {
    { .time = { .ms = 1000 }, .kind = ENTRY_INIT, .epoch = 7, .detail = "node \"a\"" },
    { .time = { .ms = 2000 }, .kind = ENTRY_ADOPT, .group = "prod", .to = "use1", .epoch = 8 },
    { .time = { .ms = 3000 }, .kind = ENTRY_START, .reason = "digest" },
};

static int set_up(void **state)
{
    struct err err;

    tempdir_init(&dir);
    (void)str_format(path, sizeof(path), "%s/%s", dir.path, JOURNAL_FILE);
    *state = NULL;
    return journal_create(dir.path, first_entries, 3, &err);
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_fini(&dir);
    return 0;
}

static void read_file(struct buf *out)
{
    struct err err = { 0 };

    buf_init(out, 1 << 20);
    assert_int_equal(fsio_read(path, out, &err), 0);
}

static void write_file(const void *bytes, size_t n)
{
    struct err err = { 0 };

    assert_int_equal(fsio_replace(path, bytes, n, 0600, &err), 0);
}

static void append_bytes(const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_APPEND);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

/* Reads the journal and expects it to fail with a text that contains why. */
static void expect_damage(const char *why)
{
    uint64_t torn = 0;
    struct err err = { 0 };

    assert_int_equal(journal_read(path, NULL, NULL, &torn, &err), -1);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

/* Reads the journal and expects n good entries and so many torn bytes. */
static void expect_good(uint64_t entries, uint64_t torn)
{
    struct journal_summary found;
    struct err err = { 0 };

    if (journal_verify(dir.path, &found, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(found.entries, entries);
    assert_int_equal(found.torn_bytes, torn);
}

static void a_new_journal_holds_its_entries(void **state)
{
    (void)state;
    struct journal_summary found;
    struct stat st;
    struct err err = { 0 };

    assert_int_equal(journal_verify(dir.path, &found, &err), 0);
    assert_int_equal(found.entries, 3);
    assert_int_equal(found.first.ms, 1000);
    assert_int_equal(found.last.ms, 3000);
    assert_int_equal(found.torn_bytes, 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(found.bytes, st.st_size);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void made_by_root_it_belongs_to_the_owner_of_its_directory(void **state)
{
    (void)state;
    struct stat st;
    struct err err = { 0 };

    if (geteuid() != 0)
        SKIP_BECAUSE("only root may give files away");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chown(dir.path, 65534, 65533), 0);
    assert_int_equal(journal_create(dir.path, first_entries, 1, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 65534);
    assert_int_equal(st.st_gid, 65533);
    assert_int_equal(stat(tempdir_path(&dir, JOURNAL_LOCK), &st), 0);
    assert_int_equal(st.st_uid, 65534);
}

static void a_journal_is_never_made_over_another(void **state)
{
    (void)state;
    struct err err = { 0 };

    assert_int_equal(journal_create(dir.path, first_entries, 1, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    expect_good(3, 0);
    assert_int_equal(journal_create("/nonexistent", first_entries, 1, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
}

static void entries_that_cannot_be_written_make_no_journal(void **state)
{
    (void)state;
    struct journal_entry bad = { .kind = ENTRY_INIT };
    uint64_t torn = 0;
    struct err err = { 0 };

    assert_int_equal(unlink(path), 0);
    assert_int_equal(journal_create(dir.path, &bad, 1, &err), -1);
    assert_int_equal(journal_read(path, NULL, NULL, &torn, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.text, path));
}

static void only_one_holds_the_lock(void **state)
{
    (void)state;
    struct err err = { 0 };
    int lock = journal_file_lock(dir.path, &err);

    assert_true(lock >= 0);
    assert_int_equal(journal_file_lock(dir.path, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(journal_create(dir.path, first_entries, 1, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    close(lock);
    assert_int_equal(journal_create(dir.path, first_entries, 1, &err), 0);
}

static void every_cut_of_the_last_line_is_torn(void **state)
{
    (void)state;
    struct buf all;

    read_file(&all);
    size_t last = (size_t)((char *)memrchr(all.data, '\n', all.len - 1) - all.data) + 1;
    for (size_t n = last; n < all.len; n++) {
        write_file(all.data, n);
        expect_good(2, n - last);
    }
    buf_fini(&all);
}

/* An edit is found, and on its own line, wherever it is. */
static void every_edited_byte_is_found_on_its_line(void **state)
{
    (void)state;
    struct buf all;
    unsigned line = 1;
    unsigned torn_edits = 0;

    read_file(&all);
    for (size_t i = 0; i < all.len; i++) {
        struct journal_summary found;
        struct err err = { 0 };
        char place[PATH_MAX + 32];
        char kept = all.data[i];

        (void)str_format(place, sizeof(place), "%s:%u: ", path, line);
        all.data[i] = (char)(kept ^ 2);
        write_file(all.data, all.len);
        if (journal_verify(dir.path, &found, &err) == 0) {
            /* Only of the last line can it be said that it was never finished. */
            assert_int_equal(line, 3);
            assert_true(found.torn_bytes > 0);
            torn_edits++;
        } else if (!str_starts(err.text, place)) {
            fail_msg("byte %zu: \"%s\" does not start with \"%s\"", i, err.text, place);
        }
        all.data[i] = kept;
        if (kept == '\n')
            line++;
    }
    assert_int_equal(line, 4);
    assert_true(torn_edits < 60); /* its quotes, colons, braces ... */
    buf_fini(&all);
}

static void lines_moved_removed_or_doubled_are_found(void **state)
{
    (void)state;
    struct buf all;

    read_file(&all);
    size_t second = (size_t)((char *)memchr(all.data, '\n', all.len) - all.data) + 1;
    write_file(all.data + second, all.len - second);
    expect_damage(":1: is entry 2, entry 1 was due");
    write_file(all.data, all.len);
    append_bytes(all.data + second, all.len - second);
    expect_damage(":4: is entry 2, entry 4 was due");
    write_file(all.data, all.len);
    append_bytes("\n", 1);
    expect_good(3, 1);
    append_bytes("{}\n", 3);
    expect_damage(":4: is not JSON from byte 1 on");
    buf_fini(&all);
}

static void what_a_power_cut_leaves_behind_is_torn(void **state)
{
    (void)state;
    static const char zeros[300000];

    append_bytes("{\"v\":1,\"se", 10);
    expect_good(3, 10);
    append_bytes(zeros, 100);
    expect_good(3, 110);
    append_bytes(zeros, sizeof(zeros)); /* longer than a line and than one read */
    expect_good(3, 110 + sizeof(zeros));
    append_bytes("\n", 1); /* its last sector was written before the others */
    expect_good(3, 111 + sizeof(zeros));
    append_bytes("{}\n", 3);
    expect_damage(":4: a line has at most 12288 bytes");
}

static void a_line_that_is_too_long_is_refused(void **state)
{
    (void)state;
    static char long_line[JOURNAL_LINE_MAX + 1];

    memset(long_line, ' ', sizeof(long_line));
    long_line[JOURNAL_LINE_MAX] = '\n';
    append_bytes(long_line, sizeof(long_line));
    expect_damage(":4: a line has at most 12288 bytes");
}

static int stop_at_second(void *arg, const struct journal_entry *entry, struct err *err)
{
    unsigned *visits = arg;

    (*visits)++;
    if (entry->seq == 2)
        return err_set(err, ERR_REMOTE, "no");
    return 0;
}

static void a_visitor_may_stop_the_replay(void **state)
{
    (void)state;
    unsigned visits = 0;
    uint64_t torn = 0;
    struct err err = { 0 };

    assert_int_equal(journal_read(path, stop_at_second, &visits, &torn, &err), -1);
    assert_int_equal(visits, 2);
    assert_true(str_ends(err.text, ":2: no"));
}

static void an_empty_file_is_an_empty_journal(void **state)
{
    (void)state;
    write_file("", 0);
    expect_good(0, 0);
    write_file("{", 1);
    expect_good(0, 1);
}

static void a_file_reopened_after_trouble_is_checked_and_cut(void **state)
{
    (void)state;
    struct journal_tail tail;
    uint64_t torn = 0;
    struct err err = { 0 };
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(journal_file_read(fd, path, NULL, NULL, NULL, &tail, &torn, &err), 0);
    close(fd);
    append_bytes("half a li", 9);
    fd = journal_file_reopen(path, &tail, &err);
    assert_true(fd >= 0);
    close(fd);
    expect_good(3, 0);

    assert_int_equal(truncate(path, (off_t)tail.bytes - 1), 0);
    assert_int_equal(journal_file_reopen(path, &tail, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "does not end in entry 3"));
    fd = open(path, O_RDONLY);
    assert_int_equal(journal_file_cut(fd, path, &tail, &err), -1);
    assert_non_null(strstr(err.text, "were durable"));
    close(fd);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(journal_file_reopen(path, &tail, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(journal_file_reopen(path, &tail, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_new_journal_holds_its_entries),
        TEST(made_by_root_it_belongs_to_the_owner_of_its_directory),
        TEST(a_journal_is_never_made_over_another),
        TEST(entries_that_cannot_be_written_make_no_journal),
        TEST(only_one_holds_the_lock),
        TEST(every_cut_of_the_last_line_is_torn),
        TEST(every_edited_byte_is_found_on_its_line),
        TEST(lines_moved_removed_or_doubled_are_found),
        TEST(what_a_power_cut_leaves_behind_is_torn),
        TEST(a_line_that_is_too_long_is_refused),
        TEST(a_visitor_may_stop_the_replay),
        TEST(an_empty_file_is_an_empty_journal),
        TEST(a_file_reopened_after_trouble_is_checked_and_cut),
    };

    return cmocka_run_group_tests_name("journal_file", tests, NULL, NULL);
}
