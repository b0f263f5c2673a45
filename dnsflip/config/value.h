/* dnsflip/config/value.h -- one value by its schema row: text -> member, member -> text. */
#ifndef DNSFLIP_CONFIG_VALUE_H
#define DNSFLIP_CONFIG_VALUE_H

#include <stdbool.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/model/key_spec.h"

/* Reads text as key's type into object + key->offset.  dir: the folder that a KEY_PATH is relative
 * to.  Not for KEY_CUSTOM.  ERR_CONFIG says what is wrong with the text and what the limit is. */
__attribute__((warn_unused_result)) int value_parse(const struct key_spec *key, const char *text,
                                                    const char *dir, void *object, struct err *err);

/* Appends the member as YAML text that value_parse reads back to the same value. */
void value_format(const struct key_spec *key, const void *object, struct buf *out);

/* Does the member hold text at all?  True for every type that is not text. */
bool value_is_set(const struct key_spec *key, const void *object);

/* "a duration from 1s to 5m": what the key takes, for messages and the man page. */
void value_describe(const struct key_spec *key, struct buf *out);

/* Would text mean itself to every reader of YAML without quotes? */
bool value_is_word(const char *text);

/* Appends text as a YAML scalar, in quotes where a reader of YAML could take it for more than
 * a word. */
void value_quote(const char *text, struct buf *out);

/* NULL if text is a name / a path of a URL, with its query / a host name, else what is wrong with
 * it.  Labels are letters, digits and inner hyphens; may_underscore: "_acme-challenge" is a label
 * too. */
const char *value_name_problem(const char *text);
const char *value_url_path_problem(const char *text);
const char *value_hostname_problem(const char *text, bool may_underscore);

/* Copies a host name in lower case without its last dot.  False if it does not fit. */
bool value_copy_hostname(char *out, size_t cap, const char *text);

/* path as an absolute path, relative to dir if it is not.  False if it does not fit. */
bool value_join_path(char *out, size_t cap, const char *dir, const char *path);

#endif
