/* dnsflip/engine/journal_file.h -- the journal's file and its lock, without thread or loop:
 * what the writer, `init` and `audit` share.  journal_read, _verify and _create live here too. */
#ifndef DNSFLIP_ENGINE_JOURNAL_FILE_H
#define DNSFLIP_ENGINE_JOURNAL_FILE_H

#include <stdint.h>

#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/journal_codec.h"

/* Where the good lines end. */
struct journal_tail {
    uint64_t bytes;
    uint64_t seq; /* of the last entry; 0 = there is none */
    char hash[JOURNAL_HASH_BYTES];
};

/* Reads fd from its beginning as journal_read does; path is for messages. */
__attribute__((warn_unused_result)) int journal_file_read(int fd, const char *path,
                                                          journal_visit *visit, void *arg,
                                                          struct journal_tail *tail,
                                                          uint64_t *torn_bytes, struct err *err);

/* The descriptor that holds the lock of state_dir; ERR_CONFLICT if somebody else has it. */
__attribute__((warn_unused_result)) int journal_file_lock(const char *state_dir, struct err *err);

/* Cuts the file at tail and makes what is left durable. */
__attribute__((warn_unused_result)) int
journal_file_cut(int fd, const char *path, const struct journal_tail *tail, struct err *err);

/* Opens the file anew after a failure: its last durable line must be the one that tail tells of;
 * what follows it is cut.  The descriptor, for appending. */
__attribute__((warn_unused_result)) int
journal_file_reopen(const char *path, const struct journal_tail *tail, struct err *err);

#endif
