/* tests/fuzz/hostile.h -- every question that a view itself suggests: each of its names as it is,
 * with a label more and with its first label changed, for each of its types and for others, over
 * UDP and TCP. */
#ifndef TESTS_FUZZ_HOSTILE_H
#define TESTS_FUZZ_HOSTILE_H

#include <stdbool.h>

#include "dnsflip/dns/page.h"
#include "dnsflip/dns/view.h"

/* Asks them all, from buffers of the very sizes that the contract names.  is_ours: rendered by us,
 * so every answer must be readable too; else it must only be no longer than it may. */
void hostile_ask_all(const struct view *view, const struct page *page, bool is_ours);

#endif
