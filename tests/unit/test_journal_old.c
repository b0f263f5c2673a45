/* tests/unit/test_journal_old.c -- a journal over several files: begun in time, nothing lost, the
 * chain whole, also where a crash cut it short. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/journal_old.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "tests/support/tempdir.h"

#define PATIENCE_MS 20000
#define FILE_BYTES 2000 /* some entries */
#define APPENDS 60

struct fixture {
    struct tempdir dir;
    struct loop *loop;
    struct loop_timer *patience;
    struct journal *journal;
    struct ledger *ledger; /* as the judge's: what was replayed */
    uint64_t done, stop_at, troubles;
    bool is_late;
    char trouble[ERR_TEXT_BYTES];
};

static struct fixture f;

static int on_entry(void *arg, const struct journal_entry *entry, struct err *err)
{
    (void)arg;
    return ledger_fold(f.ledger, entry, err);
}

static void on_trouble(void *arg, const struct err *err)
{
    (void)arg;
    f.troubles++;
    (void)str_copy(f.trouble, sizeof(f.trouble), err->text);
    loop_stop(f.loop);
}

static void too_late(void *arg)
{
    (void)arg;
    f.is_late = true;
    loop_stop(f.loop);
}

static void open_journal(uint32_t keep)
{
    struct err err = { 0 };

    ledger_free(f.ledger);
    f.ledger = ledger_new();
    struct journal_cfg cfg = { .state_dir = f.dir.path,
                               .loop = f.loop,
                               .visit = on_entry,
                               .trouble = on_trouble,
                               .durable = ledger_new(),
                               .file_bytes = FILE_BYTES,
                               .old_files = keep };
    if (journal_open(&cfg, &f.journal, &err) != 0)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    static const struct journal_entry first[] = {
        { .time = { .ms = 1000 }, .kind = ENTRY_INIT, .epoch = 7 },
        { .time = { .ms = 1000 }, .kind = ENTRY_ADOPT, .group = "prod", .to = "use1", .epoch = 8 },
    };
    struct err err;

    *state = NULL;
    f = (struct fixture){ 0 };
    tempdir_init(&f.dir);
    if (journal_create(f.dir.path, first, 2, &err) != 0 || loop_new(&f.loop, &err) != 0)
        return -1;
    f.patience = loop_timer_new(f.loop, too_late, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    journal_close(f.journal);
    ledger_free(f.ledger);
    loop_timer_free(f.patience);
    loop_free(f.loop);
    tempdir_fini(&f.dir);
    return 0;
}

static void on_done(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    (void)arg;
    (void)entry;
    (void)err;
    assert_true(ok);
    if (++f.done == f.stop_at)
        loop_stop(f.loop);
}

static void run(void)
{
    loop_timer_set(f.patience, mono_add(mono_now(), PATIENCE_MS));
    loop_run(f.loop);
    assert_false(f.is_late);
}

/* One after the other, so that each may be the one behind which a new file begins. */
static void append(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct journal_entry e = { .time = { .ms = 2000 + i },
                                   .kind = ENTRY_HOLD,
                                   .group = "prod" };

        (void)str_format(e.actor, sizeof(e.actor), "uid:%u", i);
        (void)str_format(e.request_id, sizeof(e.request_id), "r%u", i % 3);
        f.stop_at = f.done + 1;
        journal_append(f.journal, &e, on_done, NULL);
        run();
    }
}

static struct journal_summary verified(void)
{
    struct journal_summary found;
    struct err err = { 0 };

    if (journal_verify(f.dir.path, &found, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(found.entries, found.last_seq - found.first_seq + 1);
    return found;
}

static void close_journal(void)
{
    journal_close(f.journal);
    f.journal = NULL;
}

static void expect_ledger(void)
{
    assert_int_equal(f.ledger->epoch, 8);
    assert_string_equal(ledger_find(f.ledger, "prod")->active, "use1");
    assert_string_equal(ledger_find(f.ledger, "prod")->hold_owner, "uid:59");
    assert_int_equal(f.ledger->n_requests, 3);
    assert_int_equal(f.ledger->initialised.ms, 1000);
}

static void a_start_reads_one_file_and_knows_all(void **state)
{
    (void)state;
    open_journal(0);
    append(APPENDS);
    close_journal();
    struct journal_summary found = verified();
    assert_true(found.files > 3);
    assert_int_equal(found.first_seq, 1);
    assert_true(found.entries > APPENDS + 2);
    open_journal(0);
    expect_ledger();
    assert_int_equal(f.troubles, 0);
}

static void only_so_many_old_files_are_kept(void **state)
{
    (void)state;
    open_journal(2);
    append(APPENDS);
    close_journal();
    struct journal_summary found = verified();
    assert_int_equal(found.files, 3);
    assert_true(found.first_seq > 1);
    open_journal(2);
    expect_ledger();
}

/* The number of the first file that follows another, whose old name is in path. */
static void find_old(char path[static PATH_BYTES])
{
    char name[JOURNAL_OLD_BYTES];

    (void)str_format(name, sizeof(name), JOURNAL_OLD_FORMAT, 1ULL);
    (void)str_format(path, PATH_BYTES, "%s/%s", f.dir.path, name);
}

static void a_crash_before_the_new_file_has_its_name_costs_nothing(void **state)
{
    (void)state;
    char old[PATH_BYTES];
    struct stat st;
    struct err err = { 0 };

    find_old(old);
    assert_int_equal(link(tempdir_path(&f.dir, JOURNAL_FILE), old), 0);
    assert_int_equal(
        fsio_replace(tempdir_path(&f.dir, JOURNAL_FILE ".a1B2c3"), "{\"v\":1", 6, 0600, &err), 0);
    assert_int_equal(verified().files, 1);
    open_journal(0);
    assert_int_equal(stat(tempdir_path(&f.dir, JOURNAL_FILE ".a1B2c3"), &st), -1);
    append(APPENDS);
    close_journal();
    assert_int_equal(verified().first_seq, 1);
    assert_true(verified().files > 3);
    open_journal(0);
    expect_ledger();
}

static void a_file_that_cannot_be_begun_is_told_and_the_journal_goes_on(void **state)
{
    (void)state;
    char old[PATH_BYTES];
    struct err err = { 0 };

    find_old(old);
    /* Somebody else's file has the name. */
    assert_int_equal(fsio_replace(old, "x\n", 2, 0600, &err), 0);
    open_journal(0);
    f.stop_at = UINT64_MAX;
    while (f.troubles == 0) {
        struct journal_entry e = { .time = { .ms = 2000 }, .kind = ENTRY_ALARM, .detail = "a" };

        journal_append(f.journal, &e, NULL, NULL);
        loop_timer_set(f.patience, mono_add(mono_now(), 10));
        loop_run(f.loop);
    }
    assert_non_null(strstr(f.trouble, "journal-000000000001.jsonl"));
    f.is_late = false;
    append(APPENDS);
    close_journal();
    assert_int_equal(unlink(old), 0);
    assert_int_equal(verified().files, 1);
    open_journal(0);
    expect_ledger();
}

static void a_missing_or_changed_old_file_is_found(void **state)
{
    (void)state;
    char old[PATH_BYTES];
    struct journal_summary found;
    struct err err = { 0 };

    open_journal(0);
    append(APPENDS);
    close_journal();
    (void)verified();
    find_old(old);
    int fd = open(old, O_RDWR);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 30), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 30), 1);
    close(fd);
    assert_int_equal(journal_verify(f.dir.path, &found, &err), -1);
    /* The oldest may go, what is behind it is whole in itself; none from the middle. */
    assert_int_equal(unlink(old), 0);
    uint64_t second = verified().first_seq;
    char name[JOURNAL_OLD_BYTES];
    (void)str_format(name, sizeof(name), JOURNAL_OLD_FORMAT, (unsigned long long)second);
    assert_int_equal(unlink(tempdir_path(&f.dir, name)), 0);
    uint64_t third = verified().first_seq;
    (void)str_format(name, sizeof(name), "journal-%012llu.jsonl", (unsigned long long)third + 1);
    (void)str_format(old, sizeof(old), "%s/journal-%012llu.jsonl", f.dir.path,
                     (unsigned long long)third);
    assert_int_equal(fsio_replace(old, "", 0, 0600, &err), 0);
    assert_int_equal(journal_verify(f.dir.path, &found, &err), -1);
}

static void a_journal_is_not_made_anew_beside_older_files(void **state)
{
    (void)state;
    static const struct journal_entry init = { .time = { .ms = 1000 }, .kind = ENTRY_INIT };
    struct err err = { 0 };

    open_journal(0);
    append(APPENDS);
    close_journal();
    assert_int_equal(unlink(tempdir_path(&f.dir, JOURNAL_FILE)), 0);
    assert_int_equal(journal_create(f.dir.path, &init, 1, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "older files"));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_start_reads_one_file_and_knows_all),
        TEST(only_so_many_old_files_are_kept),
        TEST(a_crash_before_the_new_file_has_its_name_costs_nothing),
        TEST(a_file_that_cannot_be_begun_is_told_and_the_journal_goes_on),
        TEST(a_missing_or_changed_old_file_is_found),
        TEST(a_journal_is_not_made_anew_beside_older_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
