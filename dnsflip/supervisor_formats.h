/* dnsflip/supervisor_formats.h -- what a program says of the formats it reads and writes, and
 * whether it may take over from the one that runs.  A program says it in one line:
 *
 *     dnsflip 0.1.0 hand-over=1 link=1 journal=1 ...
 *
 * Each format is a number; a program reads its own and every older one.  PURE. */
#ifndef DNSFLIP_SUPERVISOR_FORMATS_H
#define DNSFLIP_SUPERVISOR_FORMATS_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"

#define SUPERVISOR_FORMATS_MAX 16
#define SUPERVISOR_FORMATS_NAME_BYTES 24
#define SUPERVISOR_FORMATS_VERSION_BYTES 64
#define SUPERVISOR_FORMATS_LINE_BYTES 512

struct supervisor_format {
    char name[SUPERVISOR_FORMATS_NAME_BYTES];
    uint32_t number;
};

struct supervisor_formats {
    char program[SUPERVISOR_FORMATS_NAME_BYTES]; /* "dnsflip", "dnsflip-face" */
    char version[SUPERVISOR_FORMATS_VERSION_BYTES];
    struct supervisor_format items[SUPERVISOR_FORMATS_MAX];
    size_t n;
};

/* Reads such a line, with or without its newline; ERR_REMOTE if it is none. */
__attribute__((warn_unused_result)) int
supervisor_formats_parse(const char *line, struct supervisor_formats *out, struct err *err);

/* 0 if next, with its own face, may take over from running; ERR_CONFLICT says why not: a format
 * that runs is newer than what next knows, or face and next are not of one build. */
__attribute__((warn_unused_result)) int
supervisor_formats_check(const struct supervisor_formats *running,
                         const struct supervisor_formats *next,
                         const struct supervisor_formats *face, struct err *err);

#endif
