/* dnsflip/model/key_spec.h -- one row of the configuration schema: a key, its type, its place in
 * a settings struct, its default, its limits, its words for people.  One table of these feeds
 * loading, defaults, `check --print`, the man page and the JSON Schema. */
#ifndef DNSFLIP_MODEL_KEY_SPEC_H
#define DNSFLIP_MODEL_KEY_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_type {
    KEY_BOOL,     /* bool */
    KEY_UINT,     /* uint32_t, min..max */
    KEY_DURATION, /* int64_t milliseconds, min..max */
    KEY_TTL,      /* uint32_t seconds, written as a duration in whole seconds, min..max */
    KEY_SIZE,     /* uint32_t bytes, min..max */
    KEY_TEXT,     /* char[size] */
    KEY_NAME,     /* char[size]: [a-z0-9] and inner [-_.], at most 63 */
    KEY_HOSTNAME, /* char[size]: a DNS name, stored lower case without its last dot */
    KEY_PATH,     /* char[size]: a file; relative to the configuration file's folder */
    KEY_URL_PATH, /* char[size]: starts with '/' */
    KEY_ENUM,     /* an enum (int-sized), one of words, in the enum's order from 0 */
    KEY_PORT,     /* uint16_t, 1..65535 */
    KEY_CUSTOM,   /* the loader has a function for it (lists, maps, targets) */
};

struct key_spec {
    const char *name; /* NULL ends a table */
    enum key_type type;
    size_t offset;            /* of the member in the struct the table is for */
    size_t size;              /* of the member, bytes */
    const char *fallback;     /* default as its user would write it; NULL = required or absent */
    int64_t min, max;         /* in the member's unit; both 0 = the type's own limits */
    const char *const *words; /* KEY_ENUM: NULL-terminated */
    bool required;
    bool may_reload;  /* false: a change needs a restart, and a reload refuses it */
    const char *help; /* one sentence for the man page and the JSON Schema */
};

#endif
