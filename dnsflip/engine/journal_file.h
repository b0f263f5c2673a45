/* dnsflip/engine/journal_file.h -- the journal's file and its lock, without thread or loop:
 * what the writer, `init` and `audit` share.  journal_read, _verify and _create live here too. */
#ifndef DNSFLIP_ENGINE_JOURNAL_FILE_H
#define DNSFLIP_ENGINE_JOURNAL_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/journal_codec.h"

#define JOURNAL_FILE_MODE 0640 /* the group may read it, as it may ask for the status */

/* Where the good lines of a file end. */
struct journal_tail {
    uint64_t bytes;
    uint64_t head_bytes; /* those of its head, if the file follows another */
    uint64_t first;      /* number of its first entry */
    uint64_t seq;        /* of the last entry; 0 = there is none */
    char hash[JOURNAL_HASH_BYTES];
};

/* Reads fd from its beginning as journal_read does; path is for messages.  after: the tail of the
 * file before, which the first line must follow; NULL = take its word for it. */
__attribute__((warn_unused_result)) int
journal_file_read(int fd, const char *path, const struct journal_tail *after, journal_visit *visit,
                  void *arg, struct journal_tail *tail, uint64_t *torn_bytes, struct err *err);

/* Opens path for reading, or for appending too; ERR_USAGE if there is none. */
__attribute__((warn_unused_result)) int journal_file_open(const char *path, bool for_append,
                                                          struct err *err);

/* dir/name */
__attribute__((warn_unused_result)) int
journal_file_path(char out[static PATH_BYTES], const char *dir, const char *name, struct err *err);

/* The descriptor that holds the lock of state_dir; ERR_CONFLICT if somebody else has it. */
__attribute__((warn_unused_result)) int journal_file_lock(const char *state_dir, struct err *err);

/* Cuts the file at tail and makes what is left durable. */
__attribute__((warn_unused_result)) int
journal_file_cut(int fd, const char *path, const struct journal_tail *tail, struct err *err);

/* Opens the file anew after a failure: its last durable line must be the one that tail tells of;
 * what follows it is cut, and its name is made durable.  The descriptor, for appending. */
__attribute__((warn_unused_result)) int
journal_file_reopen(const char *path, const struct journal_tail *tail, struct err *err);

#endif
