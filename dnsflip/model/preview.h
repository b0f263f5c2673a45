/* dnsflip/model/preview.h -- what a step of a plan would do to live records that others can change
 * too, for people. */
#ifndef DNSFLIP_MODEL_PREVIEW_H
#define DNSFLIP_MODEL_PREVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/model/limits.h"

/* A hosted zone as it was read last; everything is borrowed until the next turn. */
struct preview_zone {
    const char *id, *name, *accelerated;
    bool is_private;
};

/* What a step would do to the live records as they were read last, for people. */
struct preview {
    bool is_read; /* false: they were not, and nothing else here is known */
    int64_t age_ms;
    char refusal[ERR_TEXT_BYTES]; /* why it would not be sent; "" = it would */
    uint32_t moved, there;        /* names x zones that move; that are where they go already */
    uint32_t batches, requests;
    uint32_t elements, characters;          /* of the fullest batch */
    int64_t submit_ms, settle_ms, cache_ms; /* expected, one after the other */
    struct preview_zone zones[ROUTE53_ZONES_MAX];
    size_t n_zones;
};
/* live: the records of name in the zone, "" = none. */
typedef void preview_look(void *arg, const char *name, const char *zone, const char *live);

#endif
