/* dnsflip/cli_show.h -- the daemon's answers in words for people. */
#ifndef DNSFLIP_CLI_SHOW_H
#define DNSFLIP_CLI_SHOW_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/buf.h"

#define CLI_SHOW_BYTES_MAX (64U << 20)

/* All append to out. */
void cli_show_status(const cJSON *status, bool with_colour, struct buf *out);
void cli_show_group(const cJSON *group, bool with_colour, struct buf *out);
void cli_show_secondaries(const cJSON *status, bool with_colour, struct buf *out);
void cli_show_reasons(const cJSON *group, struct buf *out);
void cli_show_explained(const cJSON *group, struct buf *out); /* and what is wrong beside them */
void cli_show_endpoints(const cJSON *group, bool with_colour, struct buf *out);
void cli_show_operation(const cJSON *op, struct buf *out);
void cli_show_operations(const cJSON *list, bool with_colour, struct buf *out);
/* A step's live records, where its provider has some that others can change. */
void cli_show_live(const cJSON *step, struct buf *out);
void cli_show_plan(const cJSON *plan, struct buf *out);
/* One line of a journal entry. */
void cli_show_entry(const cJSON *entry, struct buf *out);

/* Writes text to standard output. */
void cli_show_print(const struct buf *text);

#endif
