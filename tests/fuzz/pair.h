/* tests/fuzz/pair.h -- a view with names of every kind, rendered once, and its page, for targets
 * that ask them. */
#ifndef TESTS_FUZZ_PAIR_H
#define TESTS_FUZZ_PAIR_H

#include <stdint.h>

#include "dnsflip/dns/page.h"
#include "dnsflip/dns/view.h"

#define PAIR_GROUPS 2

struct pair {
    const struct view *view;
    struct page *page;
};

/* The pair, made at the first call and never freed. */
const struct pair *pair_get(void);

/* Every group's word: four bits of choice each, 0 = not set, also indexes that no cluster has. */
void pair_set_words(const struct pair *p, uint8_t choice);

#endif
