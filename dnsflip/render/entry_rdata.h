/* dnsflip/render/entry_rdata.h -- the data of one record's text: what ldns would read as something
 * else than what stands there. */
#ifndef DNSFLIP_RENDER_ENTRY_RDATA_H
#define DNSFLIP_RENDER_ENTRY_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ENTRY_WORD_BYTES 64 /* of what is no owner and no data: TTL, class, type */

struct entry_word {
    char *at;
    size_t n;
};

static inline bool entry_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The word behind p; n = 0 at the end. */
static inline struct entry_word entry_word_at(char *p)
{
    p += strspn(p, " ");
    return (struct entry_word){ .at = p, .n = strcspn(p, " ") };
}

/* NULL, or what is wrong with the data of a record of that type, written in the way of its type. */
const char *entry_rdata_problem(struct entry_word type, char *data);

#endif
