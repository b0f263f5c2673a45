/* tests/unit/test_journal.c -- the writer's thread on real files: order, durability, failures. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/io/loop.h"
#include "tests/support/tempdir.h"

#define PATIENCE_MS 20000 /* a test that waits longer has failed */
#define RETRY_TRY_MS 50   /* between two tries to find the journal well again */

/* Everything one test has; callbacks count here. */
struct fixture {
    struct tempdir dir;
    char path[PATH_MAX + 16];
    struct loop *loop;
    struct loop_timer *patience, *retry;
    struct journal *journal;
    bool is_late;
    uint64_t replayed;
    uint64_t done, ok;
    uint64_t last_seq;    /* of the last durable one */
    uint64_t stop_at;     /* stop the loop when done reaches this ... */
    uint64_t ok_at_stop;  /* ... with so many durable ones then */
    bool is_disordered;   /* reported out of order */
    bool is_early;        /* reported, but not in the file */
    uint64_t appended;    /* reports to come, and those that came */
    bool checks_file;     /* at each report */
    bool appends_in_done; /* after the first failure: one more */
    struct err err;       /* of the last failure */
};

static struct fixture f;

static int count_replayed(void *arg, const struct journal_entry *entry, struct err *err)
{
    (void)arg;
    (void)err;
    f.replayed++;
    assert_int_equal(entry->seq, f.replayed);
    return 0;
}

static void too_late(void *arg)
{
    (void)arg;
    f.is_late = true;
    loop_stop(f.loop);
}

static void open_journal(void)
{
    struct err err = { 0 };

    f.replayed = 0;
    if (journal_open(&(struct journal_cfg){ .state_dir = f.dir.path,
                                            .loop = f.loop,
                                            .visit = count_replayed },
                     &f.journal, &err) != 0)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    static const struct journal_entry init = { .time = { .ms = 1000 }, .kind = ENTRY_INIT };
    struct err err = { 0 };

    *state = NULL;
    f = (struct fixture){ 0 };
    tempdir_init(&f.dir);
    (void)str_format(f.path, sizeof(f.path), "%s/%s", f.dir.path, JOURNAL_FILE);
    if (journal_create(f.dir.path, &init, 1, &err) != 0 || loop_new(&f.loop, &err) != 0)
        return -1;
    f.patience = loop_timer_new(f.loop, too_late, NULL);
    open_journal();
    f.last_seq = 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    journal_close(f.journal);
    loop_timer_free(f.retry);
    loop_timer_free(f.patience);
    loop_free(f.loop);
    tempdir_fini(&f.dir);
    return 0;
}

/* Runs the loop until so many reports have come in all. */
static void run_until(uint64_t done)
{
    f.stop_at = done;
    loop_timer_set(f.patience, mono_add(mono_now(), PATIENCE_MS));
    if (f.done < done)
        loop_run(f.loop);
    assert_false(f.is_late);
}

static uint64_t entries_in_file(void)
{
    struct journal_summary found;
    struct err err = { 0 };

    if (journal_verify(f.dir.path, &found, &err) != 0)
        fail_msg("%s", err.text);
    return found.entries;
}

static void on_done(void *arg, const struct journal_entry *entry, bool ok, const struct err *err);

static void append(uint64_t number)
{
    struct journal_entry e = { .time = { .ms = 2000 }, .kind = ENTRY_ALARM };

    (void)str_format(e.detail, sizeof(e.detail), "%llu", (unsigned long long)number);
    f.appended++;
    journal_append(f.journal, &e, on_done, NULL);
}

static void on_done(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    (void)arg;
    f.done++;
    if (ok) {
        f.ok++;
        if (entry->seq != f.last_seq + 1)
            f.is_disordered = true;
        f.last_seq = entry->seq;
        if (f.checks_file && entries_in_file() < entry->seq)
            f.is_early = true;
    } else {
        f.err = *err;
        if (f.appends_in_done) {
            f.appends_in_done = false;
            append(1000);
        }
    }
    if (f.done == f.stop_at) {
        f.ok_at_stop = f.ok;
        loop_stop(f.loop);
    }
}

static void an_entry_is_in_the_file_when_it_is_reported(void **state)
{
    (void)state;
    f.checks_file = true;
    for (uint64_t i = 0; i < 20; i++)
        append(i);
    assert_int_equal(f.done, 0); /* never before append returned */
    run_until(20);
    assert_int_equal(f.ok, 20);
    assert_false(f.is_disordered);
    assert_false(f.is_early);
}

static void thousands_of_entries_keep_their_order_and_the_next_start_reads_them(void **state)
{
    (void)state;
    uint64_t entries = 0;
    int64_t oldest_ms = -1;

    for (uint64_t i = 0; i < 5000; i++)
        append(i);
    journal_backlog(f.journal, &entries, &oldest_ms);
    assert_int_equal(entries, 5000);
    assert_true(oldest_ms >= 0);
    run_until(5000);
    assert_int_equal(f.ok, 5000);
    assert_false(f.is_disordered);
    journal_backlog(f.journal, &entries, &oldest_ms);
    assert_int_equal(entries, 0);
    assert_int_equal(oldest_ms, 0);
    journal_close(f.journal);
    open_journal();
    assert_int_equal(f.replayed, 5001);
    append(5000);
    run_until(5001);
    assert_int_equal(f.last_seq, 5002);
    assert_int_equal(entries_in_file(), 5002);
}

static void close_waits_for_what_is_queued_and_calls_nobody_back(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 300; i++)
        append(i);
    journal_append(f.journal, &(struct journal_entry){ .time = { .ms = 1 }, .kind = ENTRY_STOP },
                   NULL, NULL);
    journal_close(f.journal);
    f.journal = NULL;
    assert_int_equal(f.done, 0);
    assert_int_equal(entries_in_file(), 302);
}

static void a_full_queue_refuses_and_goes_on_with_the_rest(void **state)
{
    (void)state;
    /* Slots are free again only when the loop has reported: no race with the writer. */
    for (uint64_t i = 0; i < JOURNAL_QUEUE_MAX + 5; i++)
        append(i);
    journal_append(f.journal, &(struct journal_entry){ .time = { .ms = 1 }, .kind = ENTRY_ALARM },
                   NULL, NULL); /* refused too, but nobody waits */
    assert_int_equal(f.done, 0);
    run_until(5);
    assert_int_equal(f.ok_at_stop, 0);
    assert_int_equal(f.err.code, ERR_LIMIT);
    run_until(JOURNAL_QUEUE_MAX + 5);
    assert_int_equal(f.ok, JOURNAL_QUEUE_MAX);
    assert_false(f.is_disordered);
    append(0);
    run_until(JOURNAL_QUEUE_MAX + 6);
    assert_int_equal(entries_in_file(), JOURNAL_QUEUE_MAX + 2);
}

static void a_second_judge_is_refused(void **state)
{
    (void)state;
    struct journal *other = NULL;
    struct err err = { 0 };

    assert_int_equal(
        journal_open(
            &(struct journal_cfg){ .state_dir = f.dir.path, .loop = f.loop, .visit = NULL }, &other,
            &err),
        -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_null(other);
}

static void without_a_journal_the_question_is_asked(void **state)
{
    (void)state;
    struct journal *other = NULL;
    struct err err = { 0 };

    journal_close(f.journal);
    f.journal = NULL;
    assert_int_equal(unlink(f.path), 0);
    assert_int_equal(
        journal_open(
            &(struct journal_cfg){ .state_dir = f.dir.path, .loop = f.loop, .visit = NULL }, &other,
            &err),
        -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.text, "was this node ever failed over?"));
}

static void a_torn_last_line_is_cut_and_a_bad_one_stops_the_start(void **state)
{
    (void)state;
    struct journal *other = NULL;
    struct err err = { 0 };
    struct stat before, after;

    append(1);
    run_until(1);
    journal_close(f.journal);
    f.journal = NULL;
    assert_int_equal(stat(f.path, &before), 0);
    int fd = open(f.path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "{\"v\":1,", 7), 7);
    close(fd);
    open_journal();
    assert_int_equal(f.replayed, 2);
    assert_int_equal(stat(f.path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    append(2);
    run_until(2);
    assert_int_equal(entries_in_file(), 3);

    journal_close(f.journal);
    f.journal = NULL;
    fd = open(f.path, O_WRONLY);
    assert_int_equal(pwrite(fd, "#", 1, 10), 1);
    close(fd);
    assert_int_equal(
        journal_open(
            &(struct journal_cfg){ .state_dir = f.dir.path, .loop = f.loop, .visit = NULL }, &other,
            &err),
        -1);
    assert_non_null(strstr(err.text, JOURNAL_FILE ":1: "));
}

/* No file of this process may grow beyond n bytes. */
static void limit_file_size(rlim_t n)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void try_again(void *arg)
{
    (void)arg;
    append(2000);
    if (f.ok == 0)
        loop_timer_set(f.retry, mono_add(loop_now(f.loop).mono, RETRY_TRY_MS));
}

static void stop_when_ok(void *arg)
{
    (void)arg;
    if (f.ok > 0)
        loop_stop(f.loop);
}

/* Appends again and again until one entry is durable. */
static void run_until_ok(void)
{
    f.ok = 0;
    f.stop_at = UINT64_MAX;
    if (f.retry == NULL)
        f.retry = loop_timer_new(f.loop, try_again, NULL);
    loop_timer_set(f.retry, mono_now());
    loop_timer_set(f.patience, mono_add(mono_now(), PATIENCE_MS));
    loop_on_turn(f.loop, stop_when_ok, NULL);
    loop_run(f.loop);
    loop_timer_clear(f.retry);
    /* What was asked for while the first was on its way may be in the file, and not reported yet.
     */
    while (f.done < f.appended && !f.is_late)
        loop_run(f.loop);
    assert_false(f.is_late);
}

static void a_full_disk_fails_all_that_was_queued_and_the_journal_recovers(void **state)
{
    (void)state;
    struct stat st;

    append(0);
    run_until(1);
    assert_int_equal(f.ok, 1);
    assert_int_equal(stat(f.path, &st), 0);
    limit_file_size((rlim_t)st.st_size + 100); /* half a line */
    f.appends_in_done = true;
    for (uint64_t i = 0; i < 3; i++)
        append(i);
    run_until(5);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(f.ok, 1);
    assert_int_equal(f.err.code, ERR_SYS);
    assert_non_null(strstr(f.err.text, "File too large"));
    assert_int_equal(entries_in_file(), 2); /* and nothing torn behind them */

    run_until_ok();
    assert_false(f.is_disordered);
    assert_int_equal(f.last_seq, entries_in_file());
}

static void what_followed_a_lost_entry_is_lost_with_it(void **state)
{
    (void)state;
    struct journal_entry unwritable = { .kind = ENTRY_INTENT }; /* it has no time */

    f.appends_in_done = true;
    append(0);
    journal_append(f.journal, &unwritable, on_done, NULL);
    append(2);
    append(3);
    run_until(5); /* the fifth was appended when the loss was known */
    assert_int_equal(f.ok, 2);
    assert_int_equal(f.err.code, ERR_LIMIT);
    assert_false(f.is_disordered);
    assert_int_equal(entries_in_file(), 3);
}

static void a_file_that_somebody_cut_is_not_written_to(void **state)
{
    (void)state;
    struct stat st;
    struct buf kept;
    struct err err = { 0 };

    append(0);
    run_until(1);
    assert_int_equal(stat(f.path, &st), 0);
    buf_init(&kept, 1 << 20);
    assert_int_equal(fsio_read(f.path, &kept, &err), 0);
    limit_file_size((rlim_t)st.st_size);
    append(1);
    run_until(2);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(truncate(f.path, 10), 0);
    f.ok = 0;
    while (strstr(f.err.text, "does not end in entry 2") == NULL) {
        append(2);
        run_until(f.done + 1);
        assert_int_equal(f.ok, 0);
    }
    assert_int_equal(fsio_replace(f.path, kept.data, kept.len, 0600, &err), 0);
    buf_fini(&kept);
    run_until_ok();
    assert_int_equal(f.last_seq, entries_in_file());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(an_entry_is_in_the_file_when_it_is_reported),
        TEST(thousands_of_entries_keep_their_order_and_the_next_start_reads_them),
        TEST(close_waits_for_what_is_queued_and_calls_nobody_back),
        TEST(a_full_queue_refuses_and_goes_on_with_the_rest),
        TEST(a_second_judge_is_refused),
        TEST(without_a_journal_the_question_is_asked),
        TEST(a_torn_last_line_is_cut_and_a_bad_one_stops_the_start),
        TEST(a_full_disk_fails_all_that_was_queued_and_the_journal_recovers),
        TEST(what_followed_a_lost_entry_is_lost_with_it),
        TEST(a_file_that_somebody_cut_is_not_written_to),
    };

    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
