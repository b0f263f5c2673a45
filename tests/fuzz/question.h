/* tests/fuzz/question.h -- one question to a pair, from buffers of the very sizes that answer()'s
 * contract names, so that the sanitizers see what is read or written beside them. */
#ifndef TESTS_FUZZ_QUESTION_H
#define TESTS_FUZZ_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/page.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/view.h"

#define QUESTION_NOW_S UINT64_C(1800000000)

/* Who asks whom, and how. */
struct question {
    const struct view *view;
    const struct page *page;
    const struct secrets *secrets; /* NULL = there are none */
    uint8_t ip[4];                 /* of who asks */
    bool is_tcp;
    bool is_ours; /* the view was rendered by us, so that all answers must be readable too; else
                     they must only be no longer than they may */
};

/* Asks, as an answer thread does: what is signed and what wants a transfer too, all of whose
 * messages are made.  Returns the length of the (first) answer. */
size_t question_ask(const struct question *q, const uint8_t *query, size_t len);

#endif
