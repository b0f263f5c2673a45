#include <string.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_profile_internal.h"

struct line {
    const char *text; /* without the blanks around it */
    size_t n;
    size_t indent;
};

struct reader {
    const char *name; /* of the file */
    struct aws_ini *ini;
    struct aws_section *section; /* being read; NULL = none yet */
    bool has_option;             /* whose value may go on */
    size_t line;
    size_t indent; /* of the option's line */
    size_t n_options;
    size_t n_empty;   /* lines that end the value, or stand inside it if it goes on */
    bool is_table;    /* the value began on its second line */
    struct buf value; /* of the option */
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static struct line trim(const char *text, size_t n)
{
    struct line line = { .text = text, .n = n };
    while (line.n > 0 && is_blank(line.text[0])) {
        line.text++;
        line.n--;
    }
    line.indent = n - line.n;
    while (line.n > 0 && is_blank(line.text[line.n - 1]))
        line.n--;
    return line;
}

static int refuse(const struct reader *r, const char *what, struct err *err)
{
    return err_set(err, ERR_CONFIG, "%s:%zu: %s", r->name, r->line, what);
}

/* The value that was read becomes the option's. */
static void finish_option(struct reader *r)
{
    if (r->has_option) {
        struct aws_option *option = &r->section->options[r->section->n_options - 1];
        option->value = mem_strdup(r->is_table ? "" : buf_text(&r->value));
    }
    buf_reset(&r->value);
    r->has_option = false;
    r->is_table = false;
    r->n_empty = 0;
}

static int begin_section(struct reader *r, const char *name, size_t n, struct err *err)
{
    struct aws_ini *ini = r->ini;
    finish_option(r);
    if (n > AWS_NAME_BYTES_MAX)
        return refuse(r, "a section's name is longer than 1024 bytes", err);
    if (n == 7 && memcmp(name, "DEFAULT", 7) == 0) {
        r->section = &ini->defaults;
        return 0;
    }
    char *copy = mem_strndup(name, n);
    if (aws_ini_has(ini, copy)) {
        mem_free(copy);
        return refuse(r, "a section of this name is there already", err);
    }
    if (ini->n_sections == AWS_SECTIONS_MAX) {
        mem_free(copy);
        return refuse(r, "more than 1024 sections", err);
    }
    if (ini->n_sections == ini->cap_sections) {
        ini->cap_sections = ini->cap_sections > 0 ? 2 * ini->cap_sections : 8;
        ini->sections = mem_resize(ini->sections, ini->cap_sections, sizeof *ini->sections);
    }
    r->section = &ini->sections[ini->n_sections++];
    *r->section = (struct aws_section){ .name = copy };
    return 0;
}

static struct aws_option *add_option(struct reader *r)
{
    struct aws_section *s = r->section;
    if (s->n_options == s->cap_options) {
        s->cap_options = s->cap_options > 0 ? 2 * s->cap_options : 8;
        s->options = mem_resize(s->options, s->cap_options, sizeof *s->options);
    }
    s->options[s->n_options] = (struct aws_option){ 0 };
    r->n_options++;
    return &s->options[s->n_options++];
}

static bool has_key(const struct aws_section *s, const char *key)
{
    for (size_t i = 0; i < s->n_options; i++) {
        if (strcmp(s->options[i].key, key) == 0)
            return true;
    }
    return false;
}

static int begin_option(struct reader *r, const struct line *line, struct err *err)
{
    finish_option(r);
    size_t end = 0;
    while (end < line->n && line->text[end] != '=' && line->text[end] != ':')
        end++;
    if (end == line->n)
        return refuse(r, "neither a [section] nor KEY = VALUE nor a comment", err);
    struct line key = trim(line->text, end);
    if (key.n == 0)
        return refuse(r, "no key before the '=' or ':'", err);
    if (key.n > AWS_NAME_BYTES_MAX)
        return refuse(r, "a key is longer than 1024 bytes", err);
    if (r->n_options == AWS_OPTIONS_MAX)
        return refuse(r, "more than 4096 keys", err);
    char *copy = mem_strndup(key.text, key.n);
    for (char *c = copy; *c != '\0'; c++)
        *c = str_lower(*c);
    if (has_key(r->section, copy)) {
        mem_free(copy);
        return refuse(r, "this key is in the section already", err);
    }
    struct line value = trim(line->text + end + 1, line->n - end - 1);
    add_option(r)->key = copy;
    r->has_option = true;
    r->is_table = value.n == 0; /* if more lines follow */
    buf_add(&r->value, value.text, value.n);
    return 0;
}

/* A line that is indented deeper than the option's. */
static int go_on(struct reader *r, const struct line *line, struct err *err)
{
    if (r->is_table && memchr(line->text, '=', line->n) == NULL)
        return refuse(r, "in a table of its own every line is KEY = VALUE", err);
    for (; r->n_empty > 0; r->n_empty--)
        buf_putc(&r->value, '\n');
    buf_putc(&r->value, '\n');
    buf_add(&r->value, line->text, line->n);
    return 0;
}

static int take_line(struct reader *r, const char *text, size_t n, struct err *err)
{
    struct line line = trim(text, n);
    if (line.n > 0 && (line.text[0] == '#' || line.text[0] == ';'))
        return 0;
    if (line.n == 0) {
        if (r->has_option)
            r->n_empty++;
        return 0;
    }
    if (r->has_option && line.indent > r->indent)
        return go_on(r, &line, err);
    r->indent = line.indent;
    if (line.text[0] == '[') {
        size_t end = line.n;
        while (end > 0 && line.text[end - 1] != ']')
            end--;
        if (end > 2) /* what follows the bracket is passed over */
            return begin_section(r, line.text + 1, end - 2, err);
    }
    if (r->section == NULL)
        return refuse(r, "no [section] before it", err);
    return begin_option(r, &line, err);
}

static int read_lines(struct reader *r, const char *text, size_t n, struct err *err)
{
    for (size_t at = 0; at < n;) {
        size_t end = at;
        while (end < n && text[end] != '\n' && text[end] != '\r')
            end++;
        r->line++;
        if (take_line(r, text + at, end - at, err) != 0)
            return -1;
        at = end + 1;
        if (end + 1 < n && text[end] == '\r' && text[end + 1] == '\n')
            at++;
    }
    return 0;
}

int aws_ini_parse(const char *name, const char *text, size_t n, struct aws_ini **out,
                  struct err *err)
{
    if (n > AWS_FILE_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "%s: longer than %u bytes", name, AWS_FILE_BYTES_MAX);
    for (size_t i = 0; i < n;) {
        size_t length = text[i] == '\0' ? 0 : str_utf8_length(text + i, n - i);
        if (length == 0)
            return err_set(err, ERR_CONFIG, "%s: byte %zu is not UTF-8 text", name, i + 1);
        i += length;
    }
    struct reader r = { .name = name, .ini = mem_zalloc(sizeof *r.ini) };
    buf_init(&r.value, AWS_FILE_BYTES_MAX);
    r.value.is_secret = true;
    int rc = read_lines(&r, text, n, err);
    if (r.has_option)
        finish_option(&r);
    buf_fini(&r.value);
    if (rc != 0) {
        aws_ini_free(r.ini);
        return -1;
    }
    *out = r.ini;
    return 0;
}
