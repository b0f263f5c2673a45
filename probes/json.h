/* probes/json.h -- JSON from strangers: strict parse, RFC 6901 pointers, rules.  Pure. */
#ifndef DNSFLIP_PROBES_JSON_H
#define DNSFLIP_PROBES_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/model/probe_cfg.h"

struct cJSON;

/* The whole text as one JSON value, nothing but white space behind it; NULL if it is not.  The
 * caller deletes it with cJSON_Delete. */
struct cJSON *json_parse(const char *text, size_t n);

/* The value that an RFC 6901 pointer leads to; NULL if there is none.  Borrowed from root. */
const struct cJSON *json_at(const struct cJSON *root, const char *pointer);

/* NULL if text is a pointer that json_at can follow, else what is wrong with it. */
const char *json_pointer_problem(const char *text);

/* Does the rule hold?  If not, detail says what was found and what was expected. */
bool json_rule_holds(const struct cJSON *root, const struct json_rule *rule, char *detail,
                     size_t cap);

#endif
