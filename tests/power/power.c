/* tests/power/power.c -- the journal's own code for tests/e2e/test_power_cut.py.
 *
 *   power write DIR   a life with several files, a failing disk, an overflow file and its merge;
 * the journal lies in DIR/state, the overflow file beside that folder power read        for each
 * DIR on standard input: what a start finds there, in one line; then it goes on from there and
 * checks all files */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/kept_view.h"

#define PATIENCE_MS 20000
#define FILE_BYTES 3000
#define OLD_FILES 2
#define ROUNDS 12

static struct loop *loop;
static struct journal *journal;
static struct ledger *ledger;
static struct loop_timer *patience;
static unsigned waiting, failed;
static bool is_merged;
static int syncs_to_fail;

/* The disk fails when the life says so.  The header's name for it is reserved.
 * NOLINTNEXTLINE(readability-*) */
int fdatasync(int fd)
{
    /* The overflow file's thread is named so: its disk is another. */
    char name[16] = "";
    FILE *f = fopen("/proc/thread-self/comm", "re");

    if (f != NULL) {
        (void)!fgets(name, sizeof(name), f);
        (void)fclose(f);
    }
    if (__atomic_load_n(&syncs_to_fail, __ATOMIC_ACQUIRE) != 0 && str_starts(name, "journal")) {
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

static void fail(const char *what, const struct err *err)
{
    (void)printf("BAD %s: %s\n", what, err->text);
    (void)fflush(stdout);
}

static int on_entry(void *arg, const struct journal_entry *entry, struct err *err)
{
    (void)arg;
    return ledger_fold(ledger, entry, err);
}

static void on_merged(void *arg, size_t entries)
{
    (void)arg;
    (void)entries;
    is_merged = true;
    if (waiting == 0)
        loop_stop(loop);
}

static void on_patience(void *arg)
{
    (void)arg;
    (void)fprintf(stderr, "power: it does not come to an end\n");
    exit(1);
}

static int open_journal(const char *dir, struct err *err)
{
    char state[PATH_BYTES], overflow[PATH_BYTES];

    (void)str_format(state, sizeof(state), "%s/state", dir);
    (void)str_format(overflow, sizeof(overflow), "%s/%s", dir, JOURNAL_OVERFLOW_FILE);
    ledger = ledger_new();
    return journal_open(&(struct journal_cfg){ .state_dir = state,
                                               .loop = loop,
                                               .visit = on_entry,
                                               .merged = on_merged,
                                               .durable = ledger_new(),
                                               .overflow = overflow,
                                               .file_bytes = FILE_BYTES,
                                               .old_files = OLD_FILES },
                        &journal, err);
}

static void close_journal(void)
{
    journal_close(journal);
    ledger_free(ledger);
    journal = NULL;
    ledger = NULL;
}

static void on_done(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    (void)arg;
    (void)entry;
    (void)err;
    failed += ok ? 0 : 1;
    if (--waiting == 0)
        loop_stop(loop);
}

static void run(void)
{
    loop_timer_set(patience, mono_add(mono_now(), PATIENCE_MS));
    loop_run(loop);
}

/* ---- a life --------------------------------------------------------------------------------- */

static struct journal_entry entry_of(enum entry_kind kind, unsigned number)
{
    struct journal_entry e = { .kind = kind, .time = wall_now(), .group = "prod" };

    if (kind == ENTRY_HOLD || kind == ENTRY_RELEASE) {
        (void)str_copy(e.actor, sizeof(e.actor), "uid:0 root");
        return e;
    }
    e.epoch = 100 + number;
    e.verb = VERB_SWITCH;
    e.state = kind == ENTRY_OUTCOME ? OP_DONE : OP_SUBMITTING;
    (void)str_format(e.operation, sizeof(e.operation), "op-%u", number);
    (void)str_copy(e.from, sizeof(e.from), number % 2 == 0 ? "usw2" : "use1");
    (void)str_copy(e.to, sizeof(e.to), number % 2 == 0 ? "use1" : "usw2");
    (void)str_format(e.reason, sizeof(e.reason), "round %u %0*u", number, 120, 0);
    return e;
}

static const enum entry_kind flip[] = { ENTRY_INTENT, ENTRY_MOVED, ENTRY_SETTLED, ENTRY_OUTCOME };
#define FLIP (sizeof(flip) / sizeof(flip[0]))

/* All of them queued at once: they share a batch. */
static void flip_once(unsigned number)
{
    waiting = FLIP;
    for (size_t i = 0; i < FLIP; i++) {
        struct journal_entry e = entry_of(flip[i], number);

        journal_append(journal, &e, on_done, NULL);
    }
    run();
}

/* The journal fails: the overflow file takes it, and it is merged when the disk is well again. */
static void flip_forced(unsigned number)
{
    struct journal_entry intent = entry_of(ENTRY_INTENT, number);

    __atomic_store_n(&syncs_to_fail, 1, __ATOMIC_RELEASE);
    failed = 0;
    waiting = 1;
    journal_append(journal, &intent, on_done, NULL);
    run();
    for (size_t i = 0; i < FLIP; i++) {
        struct journal_entry e = entry_of(flip[i], number);

        e.is_forced = true;
        waiting = 1;
        journal_append_overflow(journal, &e, on_done, NULL);
        run();
    }
    is_merged = false;
    __atomic_store_n(&syncs_to_fail, 0, __ATOMIC_RELEASE);
    while (!is_merged)
        run();
}

static void write_once(void)
{
    struct journal_entry hold = entry_of(ENTRY_HOLD, 0);

    waiting = 1;
    journal_append(journal, &hold, on_done, NULL);
    run();
}

static int live(const char *dir)
{
    const struct journal_entry first[] = {
        { .kind = ENTRY_INIT, .time = wall_now(), .epoch = 50 },
        { .kind = ENTRY_ADOPT, .time = wall_now(), .group = "prod", .to = "use1", .epoch = 51 },
    };
    char state[PATH_BYTES];
    struct err err;

    (void)str_format(state, sizeof(state), "%s/state", dir);
    if (journal_create(state, first, 2, &err) != 0 || open_journal(dir, &err) != 0) {
        fail(dir, &err);
        return 1;
    }
    for (unsigned i = 1; i <= ROUNDS; i++) {
        if (i % 5 == 0)
            flip_forced(i);
        else
            flip_once(i);
        write_once();
    }
    close_journal();
    return 0;
}

/* ---- a start -------------------------------------------------------------------------------- */

static void start(const char *dir)
{
    char state[PATH_BYTES];
    struct journal_summary found, after;
    struct kept_view view = { .map = NULL };
    struct err err, view_err;

    (void)str_format(state, sizeof(state), "%s/state", dir);
    bool has_view = kept_view_read(state, &view, &view_err) == 0;
    if (!has_view && view_err.code != ERR_USAGE) {
        fail("view", &view_err);
        return;
    }
    if (journal_verify(state, &found, &err) != 0 || open_journal(dir, &err) != 0) {
        fail(has_view ? view.digest : "-", &err);
        kept_view_fini(&view);
        return;
    }
    const struct ledger_group *g = ledger_find(ledger, "prod");
    char line[512];
    (void)str_format(line, sizeof(line), "OK %llu %s %s %s %s %u\n",
                     (unsigned long long)found.last_seq, found.hash, has_view ? view.digest : "-",
                     g != NULL && g->op.id[0] != '\0' ? g->op.id : "-", g != NULL ? g->active : "-",
                     ledger->head_left);
    kept_view_fini(&view);
    write_once();
    close_journal();
    if (journal_verify(state, &after, &err) != 0 || after.last_seq <= found.last_seq ||
        failed != 0) {
        fail("afterwards", &err);
        return;
    }
    (void)fputs(line, stdout);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    char dir[PATH_BYTES / 2];
    struct err err;

    if (loop_new(&loop, &err) != 0) {
        fail("loop", &err);
        return 1;
    }
    patience = loop_timer_new(loop, on_patience, NULL);
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return live(argv[2]);
    while (fgets(dir, sizeof(dir), stdin) != NULL) {
        dir[strcspn(dir, "\n")] = '\0';
        start(dir);
    }
    return 0;
}
