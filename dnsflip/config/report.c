#include "dnsflip/config/report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"

#define TEXT_BYTES_MAX 4096 /* of one message */

const char *config_severity_name(enum config_severity s)
{
    switch (s) {
    case CONFIG_ERROR:
        return "error";
    case CONFIG_WARNING:
        return "warning";
    }
    return "?";
}

void config_report_init(struct config_report *r)
{
    *r = (struct config_report){ 0 };
}

void config_report_fini(struct config_report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        mem_free(r->messages[i].file);
        mem_free(r->messages[i].text);
    }
    mem_free(r->messages);
    config_report_init(r);
}

/* The newest warning gives way, so that an error is never lost to a flood of warnings. */
static struct config_message *drop_warning(struct config_report *r)
{
    size_t i = r->n - 1;

    while (r->messages[i].severity != CONFIG_WARNING)
        i--;
    mem_free(r->messages[i].file);
    mem_free(r->messages[i].text);
    r->n_kept_warnings--;
    return &r->messages[i];
}

/* Room for one more message, or NULL if it is only counted. */
static struct config_message *make_room(struct config_report *r, enum config_severity severity)
{
    if (r->n < CONFIG_MESSAGES_MAX) {
        if (r->messages == NULL)
            r->messages = mem_array(CONFIG_MESSAGES_MAX, sizeof(r->messages[0]));
        return &r->messages[r->n++];
    }
    return severity == CONFIG_ERROR && r->n_kept_warnings > 0 ? drop_warning(r) : NULL;
}

void config_report_add(struct config_report *r, enum config_severity severity,
                       struct config_place place, const char *fmt, ...)
{
    size_t order = r->n_errors + r->n_warnings;

    if (severity == CONFIG_ERROR)
        r->n_errors++;
    else
        r->n_warnings++;

    struct config_message *m = make_room(r, severity);

    if (m == NULL)
        return;
    r->n_kept_warnings += severity == CONFIG_WARNING;

    struct buf text;
    va_list ap;

    buf_init(&text, TEXT_BYTES_MAX);
    va_start(ap, fmt);
    if (!buf_vprintf(&text, fmt, ap)) {
        buf_reset(&text);
        buf_puts(&text, "(a message too long to print)");
    }
    va_end(ap);
    *m = (struct config_message){
        .severity = severity,
        .file = mem_strdup(place.file == NULL ? "" : place.file),
        .line = place.line,
        .column = place.column,
        .text = mem_strdup(buf_text(&text)),
        .order = order,
    };
    buf_fini(&text);
}

static int compare_numbers(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_places(const void *left, const void *right)
{
    const struct config_message *a = left;
    const struct config_message *b = right;
    int by_file = strcmp(a->file, b->file);

    if (by_file != 0)
        return by_file;
    if (a->line != b->line)
        return compare_numbers(a->line, b->line);
    if (a->column != b->column)
        return compare_numbers(a->column, b->column);
    return compare_numbers(a->order, b->order);
}

void config_report_more(struct config_report *r, size_t n)
{
    r->n_errors += n;
}

void config_report_sort(struct config_report *r, const char *first_file)
{
    if (r->n == 0)
        return;
    qsort(r->messages, r->n, sizeof(r->messages[0]), compare_places);

    struct config_message *sorted = mem_array(CONFIG_MESSAGES_MAX, sizeof(sorted[0]));
    size_t n = 0;

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < r->n; i++) {
            bool is_first = strcmp(r->messages[i].file, first_file) == 0;

            if (is_first == (round == 0))
                sorted[n++] = r->messages[i];
        }
    }
    mem_free(r->messages);
    r->messages = sorted;
}

void config_report_format(const struct config_message *m, struct buf *out)
{
    if (m->file[0] != '\0') {
        buf_puts(out, m->file);
        if (m->line > 0)
            buf_printf(out, ":%u", m->line);
        if (m->line > 0 && m->column > 0)
            buf_printf(out, ":%u", m->column);
        buf_puts(out, ": ");
    }
    if (m->severity == CONFIG_WARNING)
        buf_puts(out, "warning: ");
    buf_puts(out, m->text);
}

void config_report_print(const struct config_report *r, struct buf *out)
{
    for (size_t i = 0; i < r->n; i++) {
        config_report_format(&r->messages[i], out);
        buf_putc(out, '\n');
    }
    if (r->n_errors + r->n_warnings > r->n)
        buf_printf(out, "and %zu more\n", r->n_errors + r->n_warnings - r->n);
}
