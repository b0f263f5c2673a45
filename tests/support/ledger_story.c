/* tests/support/ledger_story.c -- entries of the journal written as short stories. */
#include "tests/support/ledger_story.h"

int fold(struct ledger *l, struct journal_entry e, struct err *err)
{
    e.time = at(e.time.ms);
    if (e.until.ms != 0)
        e.until = at(e.until.ms);
    return ledger_fold(l, &e, err);
}

int fold_all(struct ledger *l, const struct journal_entry entries[], struct err *err)
{
    for (size_t i = 0; i < STORY_MAX && entries[i].seq != UINT64_MAX; i++) {
        if (fold(l, entries[i], err) != 0)
            return -1;
    }
    return 0;
}
