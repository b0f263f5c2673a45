/* dnsflip/cli_table.h -- tables with aligned columns on standard output.  Colour only repeats what
 * the words say, and only on a terminal (NO_COLOR is honoured). */
#ifndef DNSFLIP_CLI_TABLE_H
#define DNSFLIP_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/buf.h"

#define CLI_TABLE_COLUMNS_MAX 10
#define CLI_TABLE_BYTES_MAX (64U << 20)

enum cli_tone { CLI_PLAIN = 0, CLI_GOOD, CLI_BAD, CLI_DOUBT };

struct cli_table {
    size_t n_columns;
    struct cli_cell *cells; /* owned; row by row, the heading first */
    size_t n, cap;
};

/* headings: n_columns of them. */
void cli_table_init(struct cli_table *t, size_t n_columns, const char *const headings[]);
void cli_table_fini(struct cli_table *t);

/* The next cell of the present row, copied.  NULL is "-". */
void cli_table_add(struct cli_table *t, enum cli_tone tone, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends the table; nothing follows the last cell of a row. */
void cli_table_write(const struct cli_table *t, bool with_colour, struct buf *out);

/* Is standard output a terminal that may be coloured? */
bool cli_table_may_colour(void);

/* The tone of a verdict, health or state by its word. */
enum cli_tone cli_table_tone(const char *word);

#endif
