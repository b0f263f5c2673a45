#include "dnsflip/ctl/metrics_text.h"

#include <stdint.h>

void metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_value(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            (void)buf_puts(out, "\\n");
        else if (*text == '\\' || *text == '"')
            (void)buf_printf(out, "\\%c", *text);
        else
            (void)buf_putc(out, *text);
    }
}

void metrics_sample(struct buf *out, const char *name, const struct metrics_label labels[],
                    double value)
{
    (void)buf_puts(out, name);
    for (unsigned i = 0; labels != NULL && labels[i].name != NULL; i++) {
        (void)buf_printf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        add_value(out, labels[i].value);
        (void)buf_putc(out, '"');
    }
    if (labels != NULL && labels[0].name != NULL)
        (void)buf_putc(out, '}');
    /* Whole numbers up to 2^53 without an exponent, so that counters read well. */
    if (value >= -0x1p53 && value <= 0x1p53 && (double)(int64_t)value == value)
        (void)buf_printf(out, " %.0f\n", value);
    else
        (void)buf_printf(out, " %.15g\n", value);
}
