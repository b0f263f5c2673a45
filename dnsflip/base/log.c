#include "dnsflip/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/wall.h"

#define LINE_BYTES_MAX 1000
#define CUT_MARK "..."
#define CUT_MARK_BYTES (sizeof(CUT_MARK) - 1)

/* What a process is told once, at its start, and then only reads. */
static struct {
    const char *process;
    enum log_level least;
    bool to_journald;
} settings = { .process = "dnsflip", .least = LOG_LEVEL_INFO };

static const struct {
    const char *name;
    int priority; /* syslog's */
} levels[] = {
    [LOG_LEVEL_DEBUG] = { "debug", 7 },
    [LOG_LEVEL_INFO] = { "info", 6 },
    [LOG_LEVEL_WARN] = { "warn", 4 },
    [LOG_LEVEL_ERROR] = { "error", 3 },
};

struct line {
    char bytes[LINE_BYTES_MAX + 1]; /* and the newline */
    size_t len;
    size_t cut_at; /* the last place where the mark fits and no escape or character is split */
    bool is_cut;
};

void log_init(const char *process, enum log_level level)
{
    settings.process = process;
    settings.least = level;
    settings.to_journald = getenv("JOURNAL_STREAM") != NULL;
}

static void add(struct line *line, const char *piece)
{
    size_t n = strlen(piece);
    bool is_utf8_tail = ((unsigned char)piece[0] & 0xc0) == 0x80;

    if (line->len <= LINE_BYTES_MAX - CUT_MARK_BYTES && !is_utf8_tail)
        line->cut_at = line->len;
    if (line->is_cut || n > LINE_BYTES_MAX - line->len) {
        line->is_cut = true;
        return;
    }
    memcpy(line->bytes + line->len, piece, n);
    line->len += n;
}

/* A text from outside must not be able to start a line of its own, or to move a cursor. */
static void add_escaped(struct line *line, const char *text)
{
    for (; *text != '\0' && !line->is_cut; text++) {
        unsigned char c = (unsigned char)*text;
        char piece[8] = { *text };

        if (c < 0x20 || c == 0x7f)
            (void)snprintf(piece, sizeof(piece), "\\x%02x", c);
        add(line, piece);
    }
}

static void start_line(struct line *line, enum log_level level, const char *area)
{
    char text[WALL_TEXT_BYTES];

    if (settings.to_journald)
        (void)snprintf(text, sizeof(text), "<%d>", levels[level].priority);
    else
        (void)wall_format(wall_now(), text);
    add(line, text);
    if (!settings.to_journald)
        add(line, " ");
    add(line, settings.process);
    add(line, " ");
    add(line, levels[level].name);
    add(line, " ");
    add(line, area);
    add(line, " ");
}

void log_event(enum log_level level, const char *area, const char *fmt, ...)
{
    struct line line = { .len = 0 };
    char text[LINE_BYTES_MAX + 2]; /* one byte more than a line: a longer text is seen to be cut */
    va_list ap;

    if (level < settings.least)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    start_line(&line, level, area);
    add_escaped(&line, text);
    if (line.is_cut) {
        memcpy(line.bytes + line.cut_at, CUT_MARK, CUT_MARK_BYTES);
        line.len = line.cut_at + CUT_MARK_BYTES;
    }
    line.bytes[line.len++] = '\n';
    /* One write, so that lines of several threads never mix; there is nobody to tell of a failure.
     */
    ssize_t written = write(STDERR_FILENO, line.bytes, line.len);
    (void)written;
}
