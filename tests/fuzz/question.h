/* tests/fuzz/question.h -- one question to a pair, from buffers of the very sizes that answer()'s
 * contract names, so that the sanitizers see what is read or written beside them. */
#ifndef TESTS_FUZZ_QUESTION_H
#define TESTS_FUZZ_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/page.h"
#include "dnsflip/dns/view.h"

/* is_ours: the view was rendered by us, so that the answer must be readable too; else it must only
 * be no longer than it may.  Returns the length of the answer. */
size_t question_ask(const struct view *view, const struct page *page, const uint8_t *query,
                    size_t len, bool is_tcp, bool is_ours);

#endif
