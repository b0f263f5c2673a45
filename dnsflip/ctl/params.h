/* dnsflip/ctl/params.h -- named parameters of a method: checked against a table, then read. */
#ifndef DNSFLIP_CTL_PARAMS_H
#define DNSFLIP_CTL_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/wall.h"
#include "dnsflip/ctl/proto.h"

enum param_type {
    PARAM_TEXT,      /* a string, not empty, at most max bytes */
    PARAM_BOOL,      /* true or false */
    PARAM_COUNT,     /* a whole number 1..max */
    PARAM_SEQ,       /* a whole number 0..max */
    PARAM_DURATION,  /* a string: "30m" */
    PARAM_WORD,      /* one of words */
    PARAM_OVERRIDES, /* a string or a list of strings: names of guards */
    PARAM_PAIRS      /* a list of strings NAME=NAME, each name at most max bytes */
};

struct param_spec {
    const char *name; /* NULL ends a table */
    enum param_type type;
    bool is_required;
    double max;               /* bytes without the NUL, or the greatest number */
    const char *const *words; /* PARAM_WORD: NULL-terminated */
};

/* params may be NULL (none given).  Every mistake is PROTO_INVALID_PARAMS and says which. */
__attribute__((warn_unused_result)) int
params_check(const cJSON *params, const struct param_spec specs[], struct proto_error *error);

/* All of these read checked parameters; fallback if it was not given. */
const char *params_text(const cJSON *params, const char *name, const char *fallback);
bool params_bool(const cJSON *params, const char *name);
double params_number(const cJSON *params, const char *name, double fallback);
int64_t params_duration_ms(const cJSON *params, const char *name, int64_t fallback);
/* Place in words of a PARAM_WORD. */
int params_word(const cJSON *params, const char *name, const char *const words[], int fallback);
uint32_t params_overrides(const cJSON *params, const char *name);
/* How many PARAM_PAIRS there are, and the n-th; its names go to two buffers of cap bytes. */
size_t params_pairs(const cJSON *params, const char *name);
void params_pair(const cJSON *params, const char *name, size_t n, char *left, char *right,
                 size_t cap);

/* The bit of an override's name ("destination-unknown", "promotion", "durability"); 0 and an error
 * that names the nearest if there is no such, or if nothing may lift it. */
uint32_t params_override_bit(const char *name, struct proto_error *error);

/* SHA-256, in hex, of the method and every parameter but request_id, in the table's order: equal
 * for equal requests however they were written. */
#define PARAMS_DIGEST_BYTES 65
void params_digest(const char *method, const cJSON *params, const struct param_spec specs[],
                   char out[static PARAMS_DIGEST_BYTES]);

#endif
