#include "dnsflip/supervisor_formats.h"

#include <string.h>

#include "dnsflip/base/str.h"

static const char *take_word(const char *text, char *out, size_t cap)
{
    size_t n = strcspn(text, " \n");

    out[0] = '\0';
    if (n >= cap)
        return NULL;
    memcpy(out, text, n);
    out[n] = '\0';
    return text + n + strspn(text + n, " ");
}

/* "name=7" */
static bool take_format(char *word, struct supervisor_formats *out)
{
    char *equals = strchr(word, '=');
    uint64_t number = 0;

    if (equals == NULL || equals == word || out->n == SUPERVISOR_FORMATS_MAX)
        return false;
    *equals = '\0';
    struct supervisor_format *item = &out->items[out->n];
    if (!str_copy(item->name, sizeof(item->name), word) ||
        !str_parse_u64(equals + 1, UINT32_MAX, &number))
        return false;
    item->number = (uint32_t)number;
    out->n++;
    return true;
}

int supervisor_formats_parse(const char *line, struct supervisor_formats *out, struct err *err)
{
    char word[SUPERVISOR_FORMATS_NAME_BYTES * 2];

    memset(out, 0, sizeof(*out));
    const char *at = take_word(line, out->program, sizeof(out->program));
    if (at != NULL)
        at = take_word(at, out->version, sizeof(out->version));
    while (at != NULL && *at != '\0' && *at != '\n') {
        at = take_word(at, word, sizeof(word));
        if (at != NULL && !take_format(word, out))
            at = NULL;
    }
    if (at == NULL || out->n == 0)
        return err_set(err, ERR_REMOTE, "it does not say which formats it knows, but: %.120s",
                       line);
    return 0;
}

static const struct supervisor_format *find(const struct supervisor_formats *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->items[i].name, name) == 0)
            return &f->items[i];
    }
    return NULL;
}

/* Two programs that are installed one after the other are not of one build for a moment. */
static int check_face(const struct supervisor_formats *next, const struct supervisor_formats *face,
                      struct err *err)
{
    if (strcmp(face->program, "dnsflip-face") != 0 || strcmp(next->program, "dnsflip") != 0)
        return err_set(err, ERR_CONFLICT, "the programs call themselves %s and %s", next->program,
                       face->program);
    if (strcmp(next->version, face->version) != 0)
        return err_set(err, ERR_CONFLICT,
                       "dnsflip is version %s, but dnsflip-face is %s: both must be installed",
                       next->version, face->version);
    for (size_t i = 0; i < face->n; i++) {
        const struct supervisor_format *other = find(next, face->items[i].name);
        if (other == NULL || other->number != face->items[i].number)
            return err_set(err, ERR_CONFLICT,
                           "dnsflip and dnsflip-face are not of one build: the %s format is %u of "
                           "one and %u of the other",
                           face->items[i].name, other == NULL ? 0 : other->number,
                           face->items[i].number);
    }
    return 0;
}

int supervisor_formats_check(const struct supervisor_formats *running,
                             const struct supervisor_formats *next,
                             const struct supervisor_formats *face, struct err *err)
{
    if (check_face(next, face, err) != 0)
        return -1;
    for (size_t i = 0; i < running->n; i++) {
        const struct supervisor_format *known = find(next, running->items[i].name);
        if (known == NULL || known->number < running->items[i].number)
            return err_set(
                err, ERR_CONFLICT,
                "version %s is a downgrade: it knows the %s format up to %u, and version "
                "%s, which runs, has written %u",
                next->version, running->items[i].name, known == NULL ? 0 : known->number,
                running->version, running->items[i].number);
    }
    return 0;
}
