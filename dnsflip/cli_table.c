#include "dnsflip/cli_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"

#define CELL_BYTES_MAX 1024
#define GAP 2 /* spaces between columns */

struct cli_cell {
    char *text; /* owned */
    enum cli_tone tone;
};

static void add(struct cli_table *t, enum cli_tone tone, const char *text)
{
    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 64 : t->cap * 2;
        t->cells = mem_resize(t->cells, t->cap, sizeof(*t->cells));
    }
    t->cells[t->n++] = (struct cli_cell){ mem_strdup(text), tone };
}

void cli_table_init(struct cli_table *t, size_t n_columns, const char *const headings[])
{
    *t = (struct cli_table){ .n_columns = n_columns };
    for (size_t i = 0; i < n_columns; i++)
        add(t, CLI_PLAIN, headings[i]);
}

void cli_table_fini(struct cli_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        mem_free(t->cells[i].text);
    mem_free(t->cells);
    *t = (struct cli_table){ .n = 0 };
}

void cli_table_add(struct cli_table *t, enum cli_tone tone, const char *fmt, ...)
{
    char text[CELL_BYTES_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    add(t, tone, text[0] != '\0' ? text : "-");
}

static const char *tone_code(enum cli_tone tone)
{
    switch (tone) {
    case CLI_PLAIN:
        return "";
    case CLI_GOOD:
        return "\033[32m";
    case CLI_BAD:
        return "\033[31m";
    case CLI_DOUBT:
        return "\033[33m";
    }
    return "";
}

void cli_table_write(const struct cli_table *t, bool with_colour, struct buf *out)
{
    size_t widths[CLI_TABLE_COLUMNS_MAX] = { 0 };

    for (size_t i = 0; i < t->n; i++) {
        size_t len = strlen(t->cells[i].text);

        if (len > widths[i % t->n_columns])
            widths[i % t->n_columns] = len;
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct cli_cell *cell = &t->cells[i];
        size_t column = i % t->n_columns;
        bool is_last = column + 1 == t->n_columns;
        bool is_coloured = with_colour && cell->tone != CLI_PLAIN;

        (void)buf_printf(out, "%s%s%s", is_coloured ? tone_code(cell->tone) : "", cell->text,
                         is_coloured ? "\033[0m" : "");
        if (!is_last)
            (void)buf_printf(out, "%*s", (int)(widths[column] - strlen(cell->text) + GAP), "");
        else
            (void)buf_putc(out, '\n');
    }
}

bool cli_table_may_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) == 1 && (no_colour == NULL || no_colour[0] == '\0') &&
           term != NULL && strcmp(term, "dumb") != 0;
}

enum cli_tone cli_table_tone(const char *word)
{
    static const struct {
        const char *word;
        enum cli_tone tone;
    } words[] = {
        { "up", CLI_GOOD },         { "done", CLI_GOOD },
        { "down", CLI_BAD },        { "failed", CLI_BAD },
        { "refused", CLI_BAD },     { "needs-attention", CLI_BAD },
        { "abandoned", CLI_BAD },   { "partial", CLI_DOUBT },
        { "unknown", CLI_DOUBT },   { "not-converged", CLI_DOUBT },
        { "cancelled", CLI_DOUBT }, { "superseded", CLI_DOUBT },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, word) == 0)
            return words[i].tone;
    }
    return CLI_PLAIN;
}
