/* dnsflip/config/name_map.h -- text -> number, for the many names of one file. */
#ifndef DNSFLIP_CONFIG_NAME_MAP_H
#define DNSFLIP_CONFIG_NAME_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_map {
    struct name_map_entry {
        char *name; /* owned; NULL = free */
        uint64_t value;
    } * entries; /* owned; cap of them */
    size_t n, cap;
};

void name_map_init(struct name_map *m);
void name_map_fini(struct name_map *m);

/* Adds name, of which a copy is kept.  False if it is there already: then nothing changes. */
bool name_map_add(struct name_map *m, const char *name, uint64_t value);

bool name_map_get(const struct name_map *m, const char *name, uint64_t *value);

#endif
