/* dnsflip/render/emit.h -- the view's file in the making: bytes that only grow, equal parts stored
 * once. */
#ifndef DNSFLIP_RENDER_EMIT_H
#define DNSFLIP_RENDER_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/render/compose.h"

struct emit_part {
    uint64_t hash;
    uint32_t offset; /* 0 = empty */
    uint32_t len;
};

struct emit {
    uint8_t *bytes; /* owned */
    size_t len, cap;
    struct emit_part *parts; /* owned: open addressing, n_slots a power of two */
    size_t n_parts, n_slots;
    bool is_too_long; /* VIEW_BYTES_MAX was reached */
};

void emit_init(struct emit *e);
void emit_fini(struct emit *e);

/* n zeroed bytes at the end, aligned to 8.  Returns their offset. */
uint32_t emit_room(struct emit *e, size_t n);

/* The offset of a part with these bytes, aligned to 8: an old one if there is one. */
uint32_t emit_part(struct emit *e, const void *bytes, size_t n);

/* The answer that c has composed.  target: of a CNAME that is to be followed or a DNAME, else NULL.
 */
uint32_t emit_answer(struct emit *e, const struct compose *c, const uint8_t *target, size_t len);

/* Pads the file, fills in size and checksum, and puts it into a sealed memfd, the caller's. */
__attribute__((warn_unused_result)) int emit_seal(struct emit *e, struct err *err);

#endif
