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
struct loop;

#define JOURNAL_FILE "journal.jsonl" /* in state_dir */
#define JOURNAL_LOCK "lock"          /* in state_dir: one judge at a time */
#define JOURNAL_LINE_MAX 4096        /* bytes, newline included */
#define JOURNAL_QUEUE_MAX 16384      /* entries waiting for the disk */

/* ok: durable on disk.  !ok: err says why (write failed, queue full). */
typedef void journal_done(void *arg, const struct journal_entry *entry, bool ok,
                          const struct err *err);

/* Called per entry of a replay, in order.  -1 stops the replay. */
typedef int journal_visit(void *arg, const struct journal_entry *entry, struct err *err);

/* Reads path and checks the chain, calling visit for each entry (visit may be NULL).  A torn last
 * line (no newline, or not parseable and last) is left out and *torn_bytes says how long it is; any
 * other bad line fails with its line number.  A missing file fails with ERR_USAGE. Takes no lock.
 */
__attribute__((warn_unused_result)) int journal_read(const char *path, journal_visit *visit,
                                                     void *arg, uint64_t *torn_bytes,
                                                     struct err *err);

/* Makes state_dir/journal.jsonl holding the entries; fails with ERR_CONFLICT if there is one. */
__attribute__((warn_unused_result)) int journal_create(const char *state_dir,
                                                       const struct journal_entry entries[],
                                                       size_t n, struct err *err);

/* Takes the lock (ERR_CONFLICT: another judge has it), replays into visit, cuts a torn last line,
 * starts the writer thread. */
__attribute__((warn_unused_result)) int journal_open(const char *state_dir, struct loop *loop,
                                                     journal_visit *visit, void *arg,
                                                     struct journal **out, struct err *err);

/* Waits up to 2 s for what is queued, then lets go. NULL does nothing. */
void journal_close(struct journal *j);

/* Queues a copy of entry (seq is set by the journal).  done runs exactly once, in the loop's
 * thread, never before this returns, in the order of appends; NULL = nobody waits.  The order on
 * disk is the order of calls. */
void journal_append(struct journal *j, const struct journal_entry *entry, journal_done *done,
                    void *arg);

/* Entries queued and not yet durable, and how long the oldest has waited. */
void journal_backlog(const struct journal *j, uint64_t *entries, int64_t *oldest_ms);

#endif
