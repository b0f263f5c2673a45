#include "dnsflip/config/name_map.h"

#include <string.h>

#include "dnsflip/base/mem.h"

#define CAP_MIN 64 /* a power of two, as every cap is */
#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

void name_map_init(struct name_map *m)
{
    *m = (struct name_map){ 0 };
}

void name_map_fini(struct name_map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        mem_free(m->entries[i].name);
    mem_free(m->entries);
    name_map_init(m);
}

static uint64_t hash(const char *name)
{
    uint64_t h = FNV_OFFSET;

    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)*name) * FNV_PRIME;
    return h ^ (h >> 32);
}

/* The entry of name, or the free one where it belongs. */
static struct name_map_entry *find(const struct name_map *m, const char *name)
{
    size_t i = (size_t)hash(name) & (m->cap - 1);

    while (m->entries[i].name != NULL && strcmp(m->entries[i].name, name) != 0)
        i = (i + 1) & (m->cap - 1);
    return &m->entries[i];
}

static void grow(struct name_map *m)
{
    struct name_map wider = { .n = m->n, .cap = m->cap == 0 ? CAP_MIN : 2 * m->cap };

    wider.entries = mem_array(wider.cap, sizeof(wider.entries[0]));
    for (size_t i = 0; i < m->cap; i++) {
        if (m->entries[i].name != NULL)
            *find(&wider, m->entries[i].name) = m->entries[i];
    }
    mem_free(m->entries);
    *m = wider;
}

bool name_map_add(struct name_map *m, const char *name, uint64_t value)
{
    if (2 * (m->n + 1) > m->cap)
        grow(m);

    struct name_map_entry *e = find(m, name);

    if (e->name != NULL)
        return false;
    *e = (struct name_map_entry){ .name = mem_strdup(name), .value = value };
    m->n++;
    return true;
}

bool name_map_get(const struct name_map *m, const char *name, uint64_t *value)
{
    if (m->cap == 0)
        return false;

    const struct name_map_entry *e = find(m, name);

    if (e->name == NULL)
        return false;
    *value = e->value;
    return true;
}
