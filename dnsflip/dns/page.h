/* dnsflip/dns/page.h -- the page: which cluster each group's names answer with, one 64-bit word
 * a group.  The judge writes it, the face reads it; a flip is one atomic store of one word, so
 * index and epoch (from which the SOA serial comes) are never torn apart. */
#ifndef DNSFLIP_DNS_PAGE_H
#define DNSFLIP_DNS_PAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"

#define PAGE_MAGIC UINT64_C(0x3147505f50494c46) /* "FLIP_PG1" in memory order */
#define PAGE_FORMAT 1
#define PAGE_SETTINGS_BYTES 32 /* SHA-256 */

/* index (8 bits): 0 = not set and never a cluster, else 1 + the cluster's place in the group's
 * order; ahead (24 bits): how far the serial that the word makes is ahead of its epoch; epoch (32
 * bits): node-wide, never reused, compared by RFC 1982.
 * An operation has its epoch from its beginning, and one that began later may flip first.  The
 * zone's serial is the newest of its words' serials: were it that of the epochs alone, secondaries
 * would never hear of the flip that came second. */
struct page_word {
    uint8_t index;
    uint32_t epoch;
    uint32_t ahead;
};

#define PAGE_AHEAD_MAX UINT32_C(0xffffff)

static inline uint32_t page_word_serial(struct page_word w)
{
    return w.epoch + w.ahead;
}

static inline uint64_t page_word_pack(struct page_word w)
{
    return (uint64_t)w.index << 56 | (uint64_t)(w.ahead & PAGE_AHEAD_MAX) << 32 | w.epoch;
}

static inline struct page_word page_word_unpack(uint64_t v)
{
    return (struct page_word){ .index = (uint8_t)(v >> 56),
                               .epoch = (uint32_t)v,
                               .ahead = (uint32_t)(v >> 32) & PAGE_AHEAD_MAX };
}

/* The shared memory itself. */
struct page {
    uint64_t magic;
    uint32_t format;
    uint32_t groups;                       /* words in use */
    uint64_t generation;                   /* equals the generation of the view it belongs to */
    uint8_t settings[PAGE_SETTINGS_BYTES]; /* digest of those that the view was made of; all zero =
                                              not said: the face never reads it */
    uint64_t reserved;
    _Atomic uint64_t words[]; /* one per group of the view, in the view's order */
};

/* A new page of n words, all not set: a memfd sealed FUTURE_WRITE|SHRINK|GROW, so that this
 * process's mapping (*out, writable) stays the only one that can ever write.  Returns the
 * descriptor, the caller's; -1 on failure. */
__attribute__((warn_unused_result)) int page_new(uint32_t n, uint64_t generation, struct page **out,
                                                 struct err *err);

/* Maps fd read-only after checking seals, size, magic, format and that it has as many words as it
 * says.  Does not take fd over. */
__attribute__((warn_unused_result)) int page_map(int fd, const struct page **out, struct err *err);

void page_unmap(const struct page *p);

static inline struct page_word page_get(const struct page *p, uint32_t group)
{
    return page_word_unpack(atomic_load_explicit(&p->words[group], memory_order_acquire));
}

static inline void page_set(struct page *p, uint32_t group, struct page_word w)
{
    atomic_store_explicit(&p->words[group], page_word_pack(w), memory_order_seq_cst);
}

#endif
