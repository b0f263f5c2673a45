/* dnsflip/config/report.h -- what is wrong with a configuration, or worth knowing about it: every
 * message of one run, each with its place. */
#ifndef DNSFLIP_CONFIG_REPORT_H
#define DNSFLIP_CONFIG_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/buf.h"

#define CONFIG_MESSAGES_MAX 1000 /* kept; the rest is counted */

enum config_severity { CONFIG_ERROR = 0, CONFIG_WARNING };
const char *config_severity_name(enum config_severity s); /* "error" "warning" */

struct config_message {
    enum config_severity severity;
    char *file;            /* owned; "" = the message is about the whole */
    uint32_t line, column; /* from 1; 0 = not known */
    char *text;            /* owned: "path.to.key: what is wrong, the limit, the way out" */
    size_t order;          /* in which it was found */
};

struct config_report {
    struct config_message *messages; /* owned; n in use */
    size_t n;
    size_t n_errors, n_warnings; /* all of them, the dropped ones included */
    size_t n_kept_warnings;      /* among messages: they give way to errors */
};

struct config_place {
    const char *file;
    uint32_t line, column;
};

void config_report_init(struct config_report *r);
void config_report_fini(struct config_report *r);

void config_report_add(struct config_report *r, enum config_severity severity,
                       struct config_place place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* n more errors were found whose messages nobody kept. */
void config_report_more(struct config_report *r, size_t n);

/* By file (first_file first), line and column; in the order found where these are equal. */
void config_report_sort(struct config_report *r, const char *first_file);

/* "file:line:column: text" (:column only where it is known), "file:line:column: warning: text" or
 * "text"; without a newline. */
void config_report_format(const struct config_message *m, struct buf *out);

/* All messages, one a line, then "and N more" if some were dropped. */
void config_report_print(const struct config_report *r, struct buf *out);

#endif
