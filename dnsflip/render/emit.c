#include "dnsflip/render/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"

#define FIRST_BYTES 65536
#define FIRST_SLOTS 1024
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

void emit_init(struct emit *e)
{
    *e = (struct emit){ .cap = FIRST_BYTES, .n_slots = FIRST_SLOTS };
    e->bytes = mem_zalloc(e->cap);
    e->parts = mem_array(e->n_slots, sizeof(*e->parts));
}

void emit_fini(struct emit *e)
{
    mem_free(e->bytes);
    mem_free(e->parts);
}

uint32_t emit_room(struct emit *e, size_t n)
{
    size_t at = (e->len + 7) / 8 * 8;

    /* What is written after that goes to the start, and the file is never used. */
    if (n > VIEW_BYTES_MAX - VIEW_PADDING_BYTES - at)
        e->is_too_long = true;
    if (e->is_too_long)
        at = 0;
    if (at + n > e->cap) {
        size_t cap = e->cap;

        while (cap < at + n)
            cap *= 2;
        e->bytes = mem_resize(e->bytes, cap, 1);
        memset(e->bytes + e->cap, 0, cap - e->cap);
        e->cap = cap;
    }
    if (!e->is_too_long)
        e->len = at + n;
    return (uint32_t)at;
}

static uint64_t hash_bytes(const uint8_t *p, size_t n)
{
    uint64_t h = n;
    uint64_t tail = 0;

    for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), p += sizeof(uint64_t))
        h = view_hash_word(h, view_word(p));
    memcpy(&tail, p, n);
    return view_hash_word(h, tail);
}

static void grow_parts(struct emit *e)
{
    struct emit_part *old = e->parts;
    size_t n = e->n_slots;

    e->n_slots *= 2;
    e->parts = mem_array(e->n_slots, sizeof(*e->parts));
    for (size_t i = 0; i < n; i++) {
        size_t slot = (size_t)old[i].hash & (e->n_slots - 1);

        if (old[i].offset == 0)
            continue;
        while (e->parts[slot].offset != 0)
            slot = (slot + 1) & (e->n_slots - 1);
        e->parts[slot] = old[i];
    }
    mem_free(old);
}

uint32_t emit_part(struct emit *e, const void *bytes, size_t n)
{
    uint64_t hash = hash_bytes(bytes, n);
    size_t slot = (size_t)hash & (e->n_slots - 1);
    uint32_t offset;

    for (; e->parts[slot].offset != 0; slot = (slot + 1) & (e->n_slots - 1)) {
        const struct emit_part *part = &e->parts[slot];

        if (part->hash == hash && part->len == n && memcmp(e->bytes + part->offset, bytes, n) == 0)
            return part->offset;
    }
    offset = emit_room(e, n);
    if (e->is_too_long)
        return 0;
    memcpy(e->bytes + offset, bytes, n);
    e->parts[slot] = (struct emit_part){ .hash = hash, .offset = offset, .len = (uint32_t)n };
    e->n_parts++;
    if (e->n_parts * 2 > e->n_slots)
        grow_parts(e);
    return offset;
}

static uint32_t emit_relocs(struct emit *e, const struct compose *c)
{
    size_t n = c->n_suffixes + c->n_owners;
    struct view_reloc *relocs = mem_array(n + 1, sizeof(*relocs));
    uint32_t offset;

    memcpy(relocs, c->suffixes, c->n_suffixes * sizeof(*relocs));
    memcpy(relocs + c->n_suffixes, c->owners, c->n_owners * sizeof(*relocs));
    offset = emit_part(e, relocs, (n + 1) * sizeof(*relocs));
    mem_free(relocs);
    return offset;
}

uint32_t emit_answer(struct emit *e, const struct compose *c, const uint8_t *target, size_t len)
{
    struct view_answer *a = mem_zalloc(sizeof(*a) + c->len);
    uint8_t name[1 + NAMES_WIRE_BYTES];
    uint32_t offset;

    a->len = (uint16_t)c->len;
    a->n_answer = c->counts[COMPOSE_ANSWER];
    a->n_authority = c->counts[COMPOSE_AUTHORITY];
    a->n_additional = c->counts[COMPOSE_ADDITIONAL];
    a->serial_at = c->serial_at;
    a->n_suffix_relocs = (uint16_t)c->n_suffixes;
    a->n_relocs = (uint16_t)(c->n_suffixes + c->n_owners);
    a->relocs = emit_relocs(e, c);
    if (target != NULL) {
        name[0] = (uint8_t)len;
        memcpy(name + 1, target, len);
        a->target = emit_part(e, name, len + 1);
    }
    memcpy(a->body, c->body, c->len);
    offset = emit_part(e, a, sizeof(*a) + c->len);
    mem_free(a);
    return offset;
}

int emit_seal(struct emit *e, struct err *err)
{
    struct view_header *h;
    int fd;

    (void)emit_room(e, VIEW_PADDING_BYTES);
    if (e->is_too_long)
        return err_set(err, ERR_LIMIT, "the view would be longer than %u bytes", VIEW_BYTES_MAX);
    h = (void *)e->bytes;
    h->size = e->len;
    h->checksum = view_checksum(e->bytes, e->len);
    fd = fsio_memfd("dnsflip-view", 0, err);
    if (fd < 0)
        return -1;
    if (fsio_write_all(fd, e->bytes, e->len, err) < 0)
        goto err_close;
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
        err_sys(err, errno, "cannot seal the view");
        goto err_close;
    }
    return fd;

err_close:
    close(fd);
    return -1;
}
