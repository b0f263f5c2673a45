#include "dnsflip/cli.h"

#include <stdio.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define COMMANDS_MAX 64
#define NAME_WORDS_MAX 2
#define COMMAND_NAME_BYTES 64
#define FAMILY_BYTES 128 /* second words of one first word */
#define PREFIX_MIN 2     /* letters of an option that are enough to guess the rest */

static bool is_called(const struct cli_command *c, const char *const words[], size_t n,
                      size_t *used)
{
    char name[COMMAND_NAME_BYTES];

    if (strchr(c->name, ' ') == NULL) {
        *used = 1;
        return n >= 1 && strcmp(c->name, words[0]) == 0;
    }
    *used = NAME_WORDS_MAX;
    return n >= NAME_WORDS_MAX && str_format(name, sizeof(name), "%s %s", words[0], words[1]) &&
           strcmp(c->name, name) == 0;
}

const struct cli_command *cli_find(const char *const words[], size_t n, size_t *used)
{
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        if (is_called(c, words, n, used))
            return c;
    }
    *used = 0;
    return NULL;
}

static int fail_nearest(const char *what, const char *word, const char *const words[], size_t n,
                        struct err *err)
{
    const char *near = str_nearest(word, words, n);

    if (near != NULL)
        return err_set(err, ERR_USAGE, "unknown %s \"%s\"; did you mean \"%s\"?", what, word, near);
    return err_set(err, ERR_USAGE, "unknown %s \"%s\"", what, word);
}

/* The first word of several commands alone: which there are. */
static int fail_family(const char *first, struct err *err)
{
    char list[FAMILY_BYTES] = "";
    size_t len = strlen(first), at = 0;

    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        if (strncmp(c->name, first, len) != 0 || c->name[len] != ' ')
            continue;
        (void)str_format(list + at, sizeof(list) - at, "%s%s", at > 0 ? ", " : "",
                         c->name + len + 1);
        at += strlen(list + at);
    }
    return err_set(err, ERR_USAGE, "\"%s\" needs a second word: %s", first, list);
}

static int fail_command(const char *const words[], size_t n, struct err *err)
{
    const char *names[COMMANDS_MAX];
    char name[COMMAND_NAME_BYTES];
    size_t n_names = 0;
    bool is_family = false;

    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        size_t len = strlen(words[0]);

        if (c->section != NULL)
            names[n_names++] = c->name;
        is_family = is_family || (strncmp(c->name, words[0], len) == 0 && c->name[len] == ' ');
    }
    if (!is_family)
        return fail_nearest("command", words[0], names, n_names, err);
    if (n < NAME_WORDS_MAX)
        return fail_family(words[0], err);
    (void)str_format(name, sizeof(name), "%s %s", words[0], words[1]);
    return fail_nearest("command", name, names, n_names, err);
}

static int fail_option(const char *name, size_t len, struct err *err)
{
    const char *names[CLI_OPTIONS];
    char word[COMMAND_NAME_BYTES];

    (void)str_format(word, sizeof(word), "--%.*s", (int)len, name);
    for (int i = 0; i < CLI_OPTIONS; i++)
        names[i] = cli_options[i].name;
    const char *near = str_nearest(word + 2, names, CLI_OPTIONS);
    for (int i = 0; i < CLI_OPTIONS; i++) {
        if (len >= PREFIX_MIN && str_starts(names[i], word + 2))
            near = names[i];
    }
    if (near != NULL)
        return err_set(err, ERR_USAGE, "unknown option \"%s\"; did you mean \"--%s\"?", word, near);
    return err_set(err, ERR_USAGE, "unknown option \"%s\"", word);
}

static int find_long(const char *name, size_t len)
{
    for (int i = 0; i < CLI_OPTIONS; i++) {
        if (strlen(cli_options[i].name) == len && strncmp(cli_options[i].name, name, len) == 0)
            return i;
    }
    return -1;
}

static int find_letter(char letter)
{
    for (int i = 0; i < CLI_OPTIONS; i++) {
        if (cli_options[i].letter == letter)
            return i;
    }
    return -1;
}

/* One option at argv[*at]; its value may be the next word. */
static int take_option(int argc, char *const argv[], int *at, struct cli_args *out, struct err *err)
{
    const char *word = argv[*at];
    const char *value = NULL;
    int option;

    if (word[1] == '-') {
        const char *name = word + 2;
        size_t len = strcspn(name, "=");

        option = find_long(name, len);
        if (option < 0)
            return fail_option(name, len, err);
        value = name[len] == '=' ? name + len + 1 : NULL;
    } else {
        option = word[2] == '\0' ? find_letter(word[1]) : -1;
        if (option < 0)
            return err_set(err, ERR_USAGE, "unknown option \"%s\"", word);
    }
    const struct cli_option_spec *spec = &cli_options[option];
    if (spec->value == NULL && value != NULL)
        return err_set(err, ERR_USAGE, "option --%s takes no value", spec->name);
    if (spec->value != NULL && value == NULL) {
        if (*at + 1 >= argc)
            return err_set(err, ERR_USAGE, "option --%s needs a value: --%s %s", spec->name,
                           spec->name, spec->value);
        value = argv[++*at];
    }
    if (value != NULL && value[0] == '\0')
        return err_set(err, ERR_USAGE, "option --%s has an empty value", spec->name);
    out->given[out->n_given++] = (struct cli_given){ (enum cli_option)option, value };
    return 0;
}

static bool is_word_of(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = list; (p = strstr(p, word)) != NULL; p += len) {
        if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
            return true;
    }
    return false;
}

static int check_options(const struct cli_args *args, struct err *err)
{
    for (size_t i = 0; i < args->n_given; i++) {
        const struct cli_given *g = &args->given[i];
        const struct cli_option_spec *spec = &cli_options[g->option];

        if (((args->command->options | CLI_ALWAYS) & CLI_BIT(g->option)) == 0)
            return err_set(err, ERR_USAGE, "%s takes no option --%s", args->command->name,
                           spec->name);
        if (spec->kind == CLI_WORDS && !is_word_of(spec->words, g->value))
            return err_set(err, ERR_USAGE, "--%s is \"%s\", not one of: %s", spec->name, g->value,
                           spec->words);
    }
    return 0;
}

static int check_operands(const struct cli_args *args, struct err *err)
{
    const struct cli_command *c = args->command;

    if (args->n_operands < c->min)
        return err_set(err, ERR_USAGE, "%s needs %s: dnsflip %s %s", c->name, c->operands, c->name,
                       c->operands);
    if (args->n_operands > c->max)
        return err_set(err, ERR_USAGE, "%s: \"%s\" is one word too many", c->name,
                       args->operands[c->max]);
    return 0;
}

/* A mistake must not hide that the answer, the mistake itself, is wanted as JSON. */
static int fail_parse(int argc, char *const argv[], int at, struct cli_args *out)
{
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--json") == 0)
            out->given[out->n_given++] = (struct cli_given){ CLI_JSON, NULL };
    }
    return -1;
}

int cli_parse(int argc, char *const argv[], struct cli_args *out, struct err *err)
{
    bool is_rest = false;
    size_t n = 0, used = 0;

    *out = (struct cli_args){ .command = NULL, .argv = argv };
    out->given = mem_array((size_t)argc + 1, sizeof(*out->given));
    out->operands = mem_array((size_t)argc + 1, sizeof(*out->operands));
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        if (!is_rest && strcmp(word, "--") == 0)
            is_rest = true;
        else if (is_rest || word[0] != '-' || word[1] == '\0')
            out->operands[n++] = word;
        else if (strcmp(word, "--version") == 0 && n == 0)
            out->operands[n++] = "version";
        else if (take_option(argc, argv, &i, out, err) != 0)
            return fail_parse(argc, argv, i, out);
    }
    if (n == 0) {
        if (!cli_has(out, CLI_HELP))
            return err_set(err, ERR_USAGE, "no command was given");
        out->operands[n++] = "help";
    }
    out->command = cli_find(out->operands, n, &used);
    if (out->command == NULL)
        return fail_command(out->operands, n, err);
    memmove(out->operands, out->operands + used, (n - used) * sizeof(*out->operands));
    out->n_operands = n - used;
    if (cli_has(out, CLI_HELP))
        return 0;
    if (check_options(out, err) != 0)
        return -1;
    return check_operands(out, err);
}

void cli_args_fini(struct cli_args *args)
{
    mem_free(args->given);
    mem_free(args->operands);
    *args = (struct cli_args){ .command = NULL };
}

bool cli_has(const struct cli_args *args, enum cli_option option)
{
    for (size_t i = 0; i < args->n_given; i++) {
        if (args->given[i].option == option)
            return true;
    }
    return false;
}

const char *cli_value(const struct cli_args *args, enum cli_option option, const char *fallback)
{
    for (size_t i = args->n_given; i > 0; i--) {
        if (args->given[i - 1].option == option)
            return args->given[i - 1].value;
    }
    return fallback;
}

const char *cli_nth(const struct cli_args *args, enum cli_option option, size_t n)
{
    for (size_t i = 0; i < args->n_given; i++) {
        if (args->given[i].option == option && n-- == 0)
            return args->given[i].value;
    }
    return NULL;
}

const char *cli_operand(const struct cli_args *args, size_t n)
{
    return n < args->n_operands ? args->operands[n] : NULL;
}
