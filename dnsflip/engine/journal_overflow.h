/* dnsflip/engine/journal_overflow.h -- the overflow file: operations that an operator started
 * though the journal could not be written (--override durability).  Lines as the journal's, in a
 * chain of its own; the first says to which journal it belongs.  Without thread or loop. */
#ifndef DNSFLIP_ENGINE_JOURNAL_OVERFLOW_H
#define DNSFLIP_ENGINE_JOURNAL_OVERFLOW_H

#include "dnsflip/engine/journal_file.h"

/* Opens the file for appending; makes it, with its first line, if it is not there or empty.
 * ERR_CONFLICT: it is another journal's, whose beginning was not at initialised. */
__attribute__((warn_unused_result)) int journal_overflow_open(const char *path,
                                                              struct wall initialised,
                                                              struct journal_tail *tail,
                                                              struct err *err);

/* Calls visit for each entry behind the first line; nothing to do if there is no file. */
__attribute__((warn_unused_result)) int journal_overflow_read(const char *path,
                                                              struct wall initialised,
                                                              journal_visit *visit, void *arg,
                                                              struct err *err);

/* What it held is in the journal. */
__attribute__((warn_unused_result)) int journal_overflow_remove(const char *path, struct err *err);

#endif
