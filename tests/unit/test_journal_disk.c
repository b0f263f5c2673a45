/* tests/unit/test_journal_disk.c -- a disk that fails to sync, and one that hangs: fdatasync is
 * this file's. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/journal_file.h"
#include "dnsflip/io/loop.h"
#include "tests/support/tempdir.h"

#define PATIENCE_MS 20000

static _Atomic int syncs_to_fail;
static _Atomic bool must_hang, hangs;
static int go_fd; /* eventfd: a hanging disk comes back */

/* The header's name for it is reserved.  NOLINTNEXTLINE(readability-*) */
int fdatasync(int fd)
{
    uint64_t count;

    if (atomic_load(&must_hang)) {
        atomic_store(&hangs, true);
        (void)!read(go_fd, &count, sizeof(count));
        atomic_store(&hangs, false);
    }
    if (atomic_load(&syncs_to_fail) > 0) {
        atomic_fetch_sub(&syncs_to_fail, 1);
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

static struct tempdir dir;
static char path[PATH_MAX + 16];
static struct loop *loop;
static struct loop_timer *patience, *again;
static struct journal *journal;
static bool is_late, turns_by;
static uint64_t done, ok, stop_at;
static struct err last_err;

static void too_late(void *arg)
{
    (void)arg;
    is_late = true;
    loop_stop(loop);
}

static int set_up(void **state)
{
    static const struct journal_entry init = { .time = { .ms = 1000 }, .kind = ENTRY_INIT };
    struct err err;

    *state = NULL;
    tempdir_init(&dir);
    (void)str_format(path, sizeof(path), "%s/%s", dir.path, JOURNAL_FILE);
    done = ok = 0;
    is_late = turns_by = false;
    go_fd = eventfd(0, EFD_CLOEXEC);
    if (journal_create(dir.path, &init, 1, &err) != 0 || loop_new(&loop, &err) != 0)
        return -1;
    patience = loop_timer_new(loop, too_late, NULL);
    return journal_open(&(struct journal_cfg){ .state_dir = dir.path, .loop = loop, .visit = NULL },
                        &journal, &err);
}

static int tear_down(void **state)
{
    (void)state;
    journal_close(journal);
    journal = NULL;
    loop_timer_free(again);
    again = NULL;
    loop_timer_free(patience);
    loop_free(loop);
    close(go_fd);
    tempdir_fini(&dir);
    return 0;
}

static void on_done(void *arg, const struct journal_entry *entry, bool is_ok, const struct err *err)
{
    (void)arg;
    (void)entry;
    done++;
    if (is_ok)
        ok++;
    else
        last_err = *err;
    if (done == stop_at)
        loop_stop(loop);
}

static void append(void *arg)
{
    (void)arg;
    journal_append(journal, &(struct journal_entry){ .time = { .ms = 2000 }, .kind = ENTRY_ALARM },
                   on_done, NULL);
}

static void run_until(uint64_t number)
{
    stop_at = number;
    loop_timer_set(patience, mono_add(mono_now(), PATIENCE_MS));
    loop_run(loop);
    assert_false(is_late);
}

static uint64_t entries_in_file(void)
{
    struct journal_summary found;
    struct err err = { 0 };

    if (journal_verify(dir.path, &found, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(found.torn_bytes, 0);
    return found.entries;
}

static void what_could_not_be_synced_is_taken_back(void **state)
{
    (void)state;
    append(NULL);
    run_until(1);
    assert_int_equal(ok, 1);

    atomic_store(&syncs_to_fail, 1);
    append(NULL);
    run_until(2);
    assert_int_equal(ok, 1);
    assert_non_null(strstr(last_err.text, "cannot sync"));
    assert_int_equal(entries_in_file(), 2); /* though the bytes had been written */

    /* At once it is not tried again; JOURNAL_RETRY_MS later it is. */
    append(NULL);
    run_until(3);
    assert_int_equal(ok, 1);
    again = loop_timer_new(loop, append, NULL);
    loop_timer_set(again, mono_add(mono_now(), JOURNAL_RETRY_MS + 100));
    run_until(4);
    assert_int_equal(ok, 2);
    assert_int_equal(entries_in_file(), 3);
}

static void note_turn(void *arg)
{
    (void)arg;
    turns_by = true;
    loop_stop(loop);
}

/* Runs the loop until the writer sits in a sync. */
static void hang(void)
{
    atomic_store(&must_hang, true);
    append(NULL);
    again = loop_timer_new(loop, note_turn, NULL);
    do {
        loop_timer_set(again, mono_add(mono_now(), 10));
        run_until(UINT64_MAX);
    } while (!atomic_load(&hangs));
}

static void come_back(void)
{
    uint64_t one = 1;

    atomic_store(&must_hang, false);
    assert_int_equal(write(go_fd, &one, sizeof(one)), sizeof(one));
}

static void a_hanging_disk_holds_nobody_but_the_entries(void **state)
{
    (void)state;
    uint64_t waiting = 0;
    int64_t oldest_ms = 0;

    hang();
    append(NULL);
    assert_true(turns_by);
    assert_int_equal(done, 0);
    journal_backlog(journal, &waiting, &oldest_ms);
    assert_int_equal(waiting, 2);
    come_back();
    run_until(2);
    assert_int_equal(ok, 2);
}

static void close_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct mono began = mono_now();
    struct err err = { 0 };

    hang();
    journal_close(journal);
    journal = NULL;
    assert_true(mono_since(mono_now(), began) < JOURNAL_CLOSE_MS + 5000);
    assert_int_equal(journal_file_lock(dir.path, &err), -1); /* the writer still has it */
    come_back();
    int lock;
    while ((lock = journal_file_lock(dir.path, &err)) < 0) {
        /* the writer ends by itself, and lets go */
        assert_int_equal(err.code, ERR_CONFLICT);
        assert_true(mono_since(mono_now(), began) < PATIENCE_MS);
    }
    close(lock);
    assert_false(atomic_load(&hangs));
    assert_int_equal(done, 0);
    assert_int_equal(entries_in_file(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(what_could_not_be_synced_is_taken_back),
        TEST(a_hanging_disk_holds_nobody_but_the_entries),
        TEST(close_does_not_wait_for_ever),
    };

    return cmocka_run_group_tests_name("journal_disk", tests, NULL, NULL);
}
