/* dnsflip/io/aws_profile.h -- the AWS config and credentials files, read as botocore (Python's
 * configparser, strict) reads them: pure, bounded; what they hold is overwritten when freed.
 *
 *   key = value or key: value; keys in any case; a line that is indented deeper than its key goes
 * on with the value; '#' and ';' begin a comment line; [DEFAULT] counts in every section; a value
 *   that starts on the next line is a table of its own.  A section or key that comes twice is
 *   refused. */
#ifndef DNSFLIP_IO_AWS_PROFILE_H
#define DNSFLIP_IO_AWS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/err.h"

#define AWS_FILE_BYTES_MAX (1U << 20)
#define AWS_SECTIONS_MAX 1024
#define AWS_OPTIONS_MAX 4096    /* of a file */
#define AWS_NAME_BYTES_MAX 1024 /* of a section or key */
#define AWS_WORDS_MAX 256

struct aws_ini;      /* one file */
struct aws_profiles; /* both files as one */

/* Reads n bytes; name is the file's, for err, which never holds a line's text.  ERR_CONFIG with the
 * line, or ERR_LIMIT. */
__attribute__((warn_unused_result)) int aws_ini_parse(const char *name, const char *text, size_t n,
                                                      struct aws_ini **out, struct err *err);
void aws_ini_free(struct aws_ini *ini); /* NULL does nothing */

bool aws_ini_has(const struct aws_ini *ini, const char *section);
/* Borrowed; NULL = none.  key in lower case.  A table of its own is "". */
const char *aws_ini_get(const struct aws_ini *ini, const char *section, const char *key);

/* config: profiles are [default] and [profile NAME]; credentials: every section is one and wins
 * over config, key by key.  Both are taken over; NULL = there is no such file. */
struct aws_profiles *aws_profiles_new(struct aws_ini *config, struct aws_ini *credentials);
void aws_profiles_free(struct aws_profiles *profiles); /* NULL does nothing */

bool aws_profiles_has(const struct aws_profiles *profiles, const char *profile);
/* Borrowed; NULL = none.  Of both files, the config file alone, the credentials file alone. */
const char *aws_profiles_get(const struct aws_profiles *profiles, const char *profile,
                             const char *key);
const char *aws_profiles_config(const struct aws_profiles *profiles, const char *profile,
                                const char *key);
const char *aws_profiles_credentials(const struct aws_profiles *profiles, const char *profile,
                                     const char *key);

/* The words of a command as a POSIX shell splits them, with quotes and backslashes but nothing
 * expanded; ended by NULL.  NULL if a quote is left open or there are too many. */
char **aws_words_new(const char *command);
void aws_words_free(char **words);

#endif
