/* tests/support/ledger_story.h -- entries of the journal written as short stories. */
#ifndef TESTS_SUPPORT_LEDGER_STORY_H
#define TESTS_SUPPORT_LEDGER_STORY_H

#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/engine/ledger.h"

#define STORY_MAX 16
#define SECOND_MS INT64_C(1000)
#define HOUR_S 3600

/* Story time starts in 2026, so that a forgotten time cannot pass. */
static inline struct wall at(int64_t second)
{
    return (struct wall){ .ms = INT64_C(1795400000000) + second * SECOND_MS };
}

/* One entry; time in story seconds; behind it the kind, and what else is said. */
#define E(second, ...)                                                                             \
    {                                                                                              \
        .time = { .ms = (second) }, .kind = __VA_ARGS__                                            \
    }
#define INIT E(0, ENTRY_INIT, .epoch = 10)
#define ADOPT(second) E(second, ENTRY_ADOPT, .group = "prod", .to = "use1", .epoch = 11)
#define BEGIN INIT, ADOPT(1)
/* Behind the verb the epoch, and what else is said. */
#define INTENT(second, id, from_, to_, verb_, ...)                                                 \
    {                                                                                              \
        .time = { .ms = (second) }, .kind = ENTRY_INTENT, .group = "prod", .operation = id,        \
        .from = from_, .to = to_, .verb = verb_, .epoch = __VA_ARGS__                              \
    }
#define OP(second, id, ...)                                                                        \
    {                                                                                              \
        .time = { .ms = (second) }, .group = "prod", .operation = id, .kind = __VA_ARGS__          \
    }
/* Behind the id the destination, and .epoch. */
#define MOVED(second, id, ...) OP(second, id, ENTRY_MOVED, .to = __VA_ARGS__)
#define END_OF_STORY                                                                               \
    {                                                                                              \
        .seq = UINT64_MAX                                                                          \
    }

/* Folds one entry, its times read as story seconds. */
int fold(struct ledger *l, struct journal_entry e, struct err *err);

/* Folds entries up to END_OF_STORY or the first refusal, whose text goes to err. */
int fold_all(struct ledger *l, const struct journal_entry entries[], struct err *err);

#endif
