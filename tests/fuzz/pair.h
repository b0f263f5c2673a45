/* tests/fuzz/pair.h -- a view with names of every kind, rendered once, and its page, for targets
 * that ask them. */
#ifndef TESTS_FUZZ_PAIR_H
#define TESTS_FUZZ_PAIR_H

#include <stdint.h>

#include "dnsflip/dns/page.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/view.h"

#define PAIR_GROUPS 2
/* Zone dr.example.com is transferred to 192.0.2.0/24 with this key, other.example.net without. */
#define PAIR_KEY "key.example.com"

#define PAIR_OTHER_KEY "other.key" /* known, but of no zone */
#define PAIR_KEYS 2

struct pair {
    const struct view *view;
    struct page *page;
    const struct secrets *secrets; /* those keys, and a secret for cookies */
};

/* PAIR_KEY (HMAC-SHA256), PAIR_OTHER_KEY (HMAC-SHA512). */
extern const struct transfer_key pair_keys[PAIR_KEYS];

/* The pair, made at the first call and never freed. */
const struct pair *pair_get(void);

/* Every group's word: four bits of choice each, 0 = not set, also indexes that no cluster has. */
void pair_set_words(const struct pair *p, uint8_t choice);

#endif
