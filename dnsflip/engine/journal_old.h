/* dnsflip/engine/journal_old.h -- the journal's older files: a file that has grown enough is
 * followed by another, whose head repeats all that is still known (ledger_head.h), so that a start
 * reads one file.  The chain of hashes goes on from file to file.  journal_read_all and _verify
 * live here. */
#ifndef DNSFLIP_ENGINE_JOURNAL_OLD_H
#define DNSFLIP_ENGINE_JOURNAL_OLD_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/engine/journal_file.h"
#include "dnsflip/engine/ledger.h"

/* "journal-000000000042.jsonl": the file whose first entry has that number. */
#define JOURNAL_OLD_FORMAT "journal-%012llu.jsonl"
#define JOURNAL_OLD_BYTES 40

/* Begins a new file behind the durable one that tail tells of, which gets its old name, and then
 * removes the oldest ones beyond keep (0 = keep all).  At any moment of it a power cut leaves a
 * whole journal.  0: *fd and *tail are those of the new file.  -1 and *fd -1: whether the new file
 * is durable is not known, *tail says how it must end: see journal_file_reopen.  -1 and *fd as it
 * was: all is as before. */
__attribute__((warn_unused_result)) int journal_old_begin(const char *state_dir,
                                                          const struct ledger *l, uint32_t keep,
                                                          int *fd, struct journal_tail *tail,
                                                          struct err *err);

/* Removes what a crash left of a file that never got its name.  With the lock held. */
void journal_old_clean(const char *state_dir);

/* Is there any? */
bool journal_old_exist(const char *state_dir);

#endif
