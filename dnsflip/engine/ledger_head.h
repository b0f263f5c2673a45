/* dnsflip/engine/ledger_head.h -- the head of a journal file that follows another: entries that
 * fold to what all entries before them folded to.  Pure.  Whoever gives a ledger another member
 * carries it here too; tests/unit/test_ledger_head.c asks for it. */
#ifndef DNSFLIP_ENGINE_LEDGER_HEAD_H
#define DNSFLIP_ENGINE_LEDGER_HEAD_H

#include "dnsflip/engine/ledger.h"

/* Takes one entry of a head.  -1 ends the writing. */
typedef int ledger_head_take(void *arg, struct journal_entry *entry, struct err *err);

/* Gives take the entries of the head, in order, all with time now.  follows: the name of the file
 * before.  Request ids that have expired are left out. */
__attribute__((warn_unused_result)) int ledger_head_write(const struct ledger *l,
                                                          const char *follows, struct wall now,
                                                          ledger_head_take *take, void *arg,
                                                          struct err *err);

/* One entry of a head -> the ledger; for ledger_fold alone. */
__attribute__((warn_unused_result)) int
ledger_head_fold(struct ledger *l, const struct journal_entry *e, struct err *err);

#endif
