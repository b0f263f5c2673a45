/* dnsflip/base/log.h -- one line per event on stderr: "level area message key=value ...".
 * Only the shell of a process (supervisor, judge, face, cli, engine) logs. */
#ifndef DNSFLIP_BASE_LOG_H
#define DNSFLIP_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG = 0, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* process: static text put in front of every line ("judge"); level: the least that is written.
 * When journald reads stderr (JOURNAL_STREAM is set) lines start with its "<N>" priority and
 * carry no time of their own; otherwise they start with an RFC 3339 time. */
void log_init(const char *process, enum log_level level);

/* area: a static word ("probe").  Control characters in the text are written as \xNN.  A line
 * longer than 1,000 bytes is cut and ends in "...". */
void log_event(enum log_level level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
