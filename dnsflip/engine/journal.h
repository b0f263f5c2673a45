/* dnsflip/engine/journal.h -- stage 7 of 7: entries -> disk, in order, on a writer thread, with
 * fsync before anybody is told.  Append-only JSON lines, each carrying the hash of the one before.
 * Simulated stories link a fake with these symbols. */
#ifndef DNSFLIP_ENGINE_JOURNAL_H
#define DNSFLIP_ENGINE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/model/journal_entry.h"

struct journal;
struct ledger;
struct loop;

#define JOURNAL_FILE "journal.jsonl"           /* in state_dir */
#define JOURNAL_OVERFLOW_FILE "overflow.jsonl" /* beside the control socket */
#define JOURNAL_LOCK "lock"                    /* in state_dir: one judge at a time */
#define JOURNAL_LINE_MAX 12288       /* bytes, newline included; a full entry, all escaped, fits */
#define JOURNAL_QUEUE_MAX 16384      /* entries waiting for the disk */
#define JOURNAL_RETRY_MS 1000        /* at least, between two tries to reopen after a failure */
#define JOURNAL_CLOSE_MS 2000        /* journal_close waits no longer for the disk */
#define JOURNAL_OVERFLOW_MAX 1024    /* entries in the overflow file */
#define JOURNAL_BEGIN_AGAIN_MS 60000 /* at least, between two tries to begin a new file */

/* ok: durable on disk.  !ok: err says why (write failed, queue full). */
typedef void journal_done(void *arg, const struct journal_entry *entry, bool ok,
                          const struct err *err);

/* Called per entry of a replay, in order.  -1 stops the replay. */
typedef int journal_visit(void *arg, const struct journal_entry *entry, struct err *err);

/* Reads path and checks the chain, calling visit for each entry (visit may be NULL).  A torn last
 * line (no newline, or no JSON object ends in it, or with zeros in it; and last, or followed by
 * nothing but parts of its own batch) is left out and *torn_bytes says how long that is; any other
 * bad line fails with "path:line: why" (ERR_REMOTE; ERR_CONFLICT if a newer
 * dnsflip wrote it), and so does a visit that fails.  A missing file fails with ERR_USAGE.
 * Takes no lock. */
__attribute__((warn_unused_result)) int journal_read(const char *path, journal_visit *visit,
                                                     void *arg, uint64_t *torn_bytes,
                                                     struct err *err);

/* The same of every file that state_dir still has, oldest first; a start needs the last alone. */
__attribute__((warn_unused_result)) int
journal_read_all(const char *state_dir, journal_visit *visit, void *arg, struct err *err);

/* What `audit verify` prints: a last hash that was noted elsewhere proves that nothing before it
 * was changed, cut or added. */
struct journal_summary {
    uint64_t files;
    uint64_t entries, first_seq, last_seq;
    uint64_t bytes; /* torn ones not counted */
    uint64_t torn_bytes;
    struct wall first, last; /* times of the entries; 0 = there is none */
    char hash[65];           /* of the last line */
};
__attribute__((warn_unused_result)) int
journal_verify(const char *state_dir, struct journal_summary *out, struct err *err);

/* Makes state_dir/journal.jsonl holding the entries, all or nothing; ERR_CONFLICT if there is one
 * or a judge runs there.  Made by root, it belongs to the owner of state_dir. */
__attribute__((warn_unused_result)) int journal_create(const char *state_dir,
                                                       const struct journal_entry entries[],
                                                       size_t n, struct err *err);

/* Both run in the loop's thread.  Trouble that costs no entry: a new file could not be begun and
 * the journal goes on in the old one, or the overflow file cannot be read.  Merged: so many entries
 * that only the overflow file had are now in the journal. */
typedef void journal_trouble(void *arg, const struct err *err);
typedef void journal_merged(void *arg, size_t entries);

struct journal_cfg {
    const char *state_dir;
    struct loop *loop;
    journal_visit *visit; /* of the replay */
    journal_trouble *trouble;
    journal_merged *merged;
    void *arg;            /* of all three */
    const char *overflow; /* the overflow file; NULL = none.  Wants durable */
    /* What a start would know: folded by the journal from what is durable and nothing else, in the
     * order of the disk.  The journal's own from here on, also on failure.  NULL = no new file is
     * ever begun. */
    struct ledger *durable;
    uint64_t
        file_bytes;     /* a file that has grown by so much since it began is followed by another */
    uint32_t old_files; /* so many older ones are kept; 0 = all */
};

/* Takes the lock (ERR_CONFLICT: another judge has it), replays into visit, cuts a torn last line,
 * starts the writer thread.  Behind the journal's own entries visit gets those that only the
 * overflow file has.  A read-only file system is no obstacle: entries fail until it is writable. */
__attribute__((warn_unused_result)) int journal_open(const struct journal_cfg *cfg,
                                                     struct journal **out, struct err *err);

/* Waits up to JOURNAL_CLOSE_MS for what is queued, then lets go; no callbacks any more.  If the
 * disk hangs longer, thread and lock stay until it comes back.  NULL does nothing; not from a
 * journal_done. */
void journal_close(struct journal *j);

/* Queues a copy of entry (seq is set by the journal).  done runs exactly once, in the loop's
 * thread, never before this returns, in the order of appends; NULL = nobody waits.  The order on
 * disk is the order of calls.  An entry that finds the queue full fails in the next turn, ahead of
 * those that wait.
 *
 * After a failed write or sync the file is cut back to what is durable and closed: its descriptor
 * is not trusted again.  Every entry appended before that failure was reported fails with it, so
 * nothing that built on a lost entry is ever written.  Later ones try to open, check and sync the
 * file anew, at most every JOURNAL_RETRY_MS, and fail until that works. */
void journal_append(struct journal *j, const struct journal_entry *entry, journal_done *done,
                    void *arg);

/* The same, but nothing is written if the journal knows already what an operation's entry says
 * (ledger_awaits): for what may have got there on another way. */
void journal_append_missing(struct journal *j, const struct journal_entry *entry,
                            journal_done *done, void *arg);

/* The same with the overflow file, for an operation that goes on though the journal cannot be
 * written.  As soon as it can, at the latest by the next start, all that is there and that the
 * journal lacks is merged into it. */
void journal_append_overflow(struct journal *j, const struct journal_entry *entry,
                             journal_done *done, void *arg);

/* Entries queued and not yet reported, and how long the oldest has waited. */
void journal_backlog(const struct journal *j, uint64_t *entries, int64_t *oldest_ms);

#endif
