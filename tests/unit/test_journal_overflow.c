/* tests/unit/test_journal_overflow.c -- the overflow file: whose it is, what is read, what is
 * awaited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/engine/journal_overflow.h"
#include "dnsflip/engine/ledger.h"
#include "tests/support/ledger_story.h"
#include "tests/support/skip.h"
#include "tests/support/tempdir.h"

static struct tempdir dir;
static const char *path;
static unsigned visits;

static int set_up(void **state)
{
    *state = NULL;
    tempdir_init(&dir);
    path = tempdir_path(&dir, JOURNAL_OVERFLOW_FILE);
    visits = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_fini(&dir);
    return 0;
}

static int visit(void *arg, const struct journal_entry *entry, struct err *err)
{
    (void)arg;
    (void)entry;
    (void)err;
    visits++;
    return 0;
}

/* Makes it for the journal that began then, with one entry in it. */
static void make(int64_t initialised)
{
    struct journal_entry e = {
        .seq = 2, .kind = ENTRY_INTENT, .time = { .ms = 5000 }, .group = "prod"
    };
    struct journal_tail tail;
    struct buf line;
    struct err err = { 0 };
    char hash[JOURNAL_HASH_BYTES];
    int fd = journal_overflow_open(path, (struct wall){ .ms = initialised }, &tail, &err);

    assert_true(fd >= 0);
    assert_int_equal(tail.seq, 1);
    buf_init(&line, JOURNAL_LINE_MAX);
    assert_int_equal(journal_encode(&e, tail.hash, &line, hash, &err), 0);
    assert_int_equal(write(fd, line.data, line.len), (ssize_t)line.len);
    buf_fini(&line);
    close(fd);
}

static void what_it_holds_is_read_but_for_its_first_line(void **state)
{
    (void)state;
    struct journal_tail tail;
    struct err err = { 0 };

    assert_int_equal(journal_overflow_read(path, (struct wall){ .ms = 1 }, visit, NULL, &err), 0);
    make(1);
    assert_int_equal(journal_overflow_read(path, (struct wall){ .ms = 1 }, visit, NULL, &err), 0);
    assert_int_equal(visits, 1);
    int fd = journal_overflow_open(path, (struct wall){ .ms = 1 }, &tail, &err);
    assert_true(fd >= 0);
    assert_int_equal(tail.seq, 2);
    close(fd);
    assert_int_equal(journal_overflow_remove(path, &err), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(journal_overflow_remove(path, &err), 0);
}

static void another_journals_file_is_left_alone(void **state)
{
    (void)state;
    struct journal_tail tail;
    struct err err = { 0 };

    make(1);
    assert_int_equal(journal_overflow_read(path, (struct wall){ .ms = 2 }, visit, NULL, &err), -1);
    assert_int_equal(visits, 0);
    assert_non_null(strstr(err.text, "another journal"));
    assert_int_equal(journal_overflow_open(path, (struct wall){ .ms = 2 }, &tail, &err), -1);
    assert_int_equal(journal_overflow_read(path, (struct wall){ .ms = 1 }, visit, NULL, &err), 0);
    assert_int_equal(visits, 1);
}

static void another_users_file_is_not_believed(void **state)
{
    (void)state;
    struct journal_tail tail;
    struct err err = { 0 };

    if (geteuid() != 0)
        SKIP_BECAUSE("only root may give files away");
    make(1);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(journal_overflow_read(path, (struct wall){ .ms = 1 }, visit, NULL, &err), -1);
    assert_int_equal(visits, 0);
    assert_non_null(strstr(err.text, "is no file of uid 0"));
    assert_int_equal(journal_overflow_open(path, (struct wall){ .ms = 1 }, &tail, &err), -1);
}

static bool awaits(const struct ledger *l, struct journal_entry e)
{
    return ledger_awaits(l, &e);
}

/* What the journal knows, or what it has gone past, is not merged into it a second time. */
static void only_what_the_journal_lacks_is_awaited(void **state)
{
    (void)state;
    static const struct journal_entry story[] = {
        BEGIN,
        INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 20),
        MOVED(3, "op1", "usw2", .epoch = 20),
        END_OF_STORY,
    };
    static const struct journal_entry end[] = {
        OP(4, "op1", ENTRY_SETTLED, .epoch = 20),
        OP(5, "op1", ENTRY_OUTCOME, .state = OP_DONE, .epoch = 20),
        END_OF_STORY,
    };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, story, &err), 0);
    assert_false(
        awaits(l, (struct journal_entry)INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 20)));
    assert_false(awaits(l, (struct journal_entry)MOVED(3, "op1", "usw2", .epoch = 20)));
    assert_true(awaits(l, (struct journal_entry)OP(4, "op1", ENTRY_SETTLED, .epoch = 20)));
    assert_true(awaits(
        l, (struct journal_entry)OP(5, "op1", ENTRY_OUTCOME, .state = OP_DONE, .epoch = 20)));
    /* Newer than all that the group did, though another group went further; or older. */
    assert_true(awaits(l, (struct journal_entry)INTENT(2, "op2", "usw2", "use1", VERB_SWITCH, 21)));
    assert_false(
        awaits(l, (struct journal_entry)INTENT(2, "op0", "use1", "usw2", VERB_SWITCH, 19)));
    assert_false(awaits(l, (struct journal_entry)OP(2, "op2", ENTRY_REFUSED, .epoch = 21)));
    assert_int_equal(fold_all(l, end, &err), 0);
    assert_false(awaits(l, (struct journal_entry)OP(4, "op1", ENTRY_SETTLED, .epoch = 20)));
    assert_false(awaits(
        l, (struct journal_entry)OP(5, "op1", ENTRY_OUTCOME, .state = OP_DONE, .epoch = 20)));
    ledger_free(l);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(what_it_holds_is_read_but_for_its_first_line),
        TEST(another_journals_file_is_left_alone),
        TEST(another_users_file_is_not_believed),
        TEST(only_what_the_journal_lacks_is_awaited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
