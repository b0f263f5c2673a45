#include "dnsflip/cli.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 79
#define INDENT 2
#define COLUMN 28 /* of the words beside a name */

static const struct {
    int code;
    const char *text;
} exits[] = {
    { CLI_DONE, "done, or nothing to do" },
    { CLI_ERROR, "error: the message says what, where and what to do" },
    { CLI_CHANGES,
      "plan --detailed-exitcode: there are changes; monitor --once: something is down" },
    { CLI_REFUSED, "refused by a guard, named together with the way to override it" },
    { CLI_PARTIAL, "partial, or done but not converged in time" },
    { CLI_UNKNOWN, "isolated or unknown: no action was taken on purpose" },
    { CLI_CONFLICT, "conflict: the world is not what was expected" },
    { CLI_USAGE, "usage" },
};

/* What an option says where it means something of the command's own. */
static const struct {
    const char *command;
    enum cli_option option;
    const char *value, *help;
} own_words[] = {
    { "switch", CLI_TO, "CLUSTER", "destination" },
    { "init", CLI_ACTIVE, "CLUSTER", "the active cluster of each group that --group leaves out" },
    { "init", CLI_GROUP, "GROUP=CLUSTER", "the active cluster of this group; repeatable" },
    { "monitor", CLI_TIMEOUT, "DURATION",
      "with --once: wait at most so long for the first rounds" },
};

/* Prints text from column `at` on, wrapped at WIDTH, further lines indented to indent. */
static void print_wrapped(const char *text, size_t at, size_t indent)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (at > indent && at + len > WIDTH) {
            printf("\n%*s", (int)indent, "");
            at = indent;
        }
        printf("%.*s", (int)len, text);
        at += len;
        text += len;
        if (*text == ' ') {
            if (at + 1 + strcspn(text + 1, " ") <= WIDTH)
                putchar(' ');
            at++;
            text++;
        }
    }
    putchar('\n');
}

static void print_pair(const char *name, const char *text)
{
    size_t at = INDENT + strlen(name);

    printf("%*s%s", INDENT, "", name);
    if (at + 2 > COLUMN) {
        putchar('\n');
        at = 0;
    }
    printf("%*s", (int)(COLUMN - at), "");
    print_wrapped(text, COLUMN, COLUMN);
}

static void print_option(const struct cli_command *c, enum cli_option option)
{
    const struct cli_option_spec *o = &cli_options[option];
    const char *value = o->value, *help = o->help;
    char name[64];
    int len = 0;

    for (size_t i = 0; c != NULL && i < sizeof(own_words) / sizeof(own_words[0]); i++) {
        if (own_words[i].option == option && strcmp(own_words[i].command, c->name) == 0) {
            value = own_words[i].value;
            help = own_words[i].help;
        }
    }
    if (o->letter != 0)
        len = snprintf(name, sizeof(name), "-%c, ", o->letter);
    if (len >= 0 && (size_t)len < sizeof(name))
        (void)snprintf(name + len, sizeof(name) - (size_t)len, "--%s%s%s", o->name,
                       value != NULL ? " " : "", value != NULL ? value : "");
    print_pair(name, help);
}

static void print_exits(uint32_t set)
{
    puts("\nExit codes:");
    for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        bool is_common =
            exits[i].code == CLI_DONE || exits[i].code == CLI_ERROR || exits[i].code == CLI_USAGE;
        char code[16];

        if (!is_common && (set & (UINT32_C(1) << exits[i].code)) == 0)
            continue;
        (void)snprintf(code, sizeof(code), "%d", exits[i].code);
        printf("%*s%-4s", INDENT, "", code);
        print_wrapped(exits[i].text, INDENT + 4, INDENT + 4);
    }
}

void cli_help_command(const struct cli_command *c)
{
    printf("usage: dnsflip %s%s%s%s\n\n", c->name, c->operands[0] != '\0' ? " " : "", c->operands,
           c->options != 0 ? " [OPTION]..." : "");
    print_wrapped(c->summary, 0, 0);
    if (c->text[0] != '\0') {
        putchar('\n');
        print_wrapped(c->text, 0, 0);
    }
    puts("\nOptions:");
    for (int i = 0; i < CLI_OPTIONS; i++) {
        if (((c->options | CLI_ALWAYS) & CLI_BIT(i)) != 0)
            print_option(c, (enum cli_option)i);
    }
    print_exits(c->exits);
}

void cli_help_all(void)
{
    const char *section = "";

    puts("usage: dnsflip COMMAND [OPTION]...\n");
    print_wrapped(
        "Watches Airflow clusters in two regions, and when one is lost moves every hostname "
        "to the other: by itself, or when told.",
        0, 0);
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        char name[64];

        if (c->section == NULL)
            continue;
        if (strcmp(section, c->section) != 0) {
            section = c->section;
            printf("\n%s:\n", section);
        }
        (void)snprintf(name, sizeof(name), "%s%s%s", c->name, c->operands[0] != '\0' ? " " : "",
                       c->operands);
        print_pair(name, c->summary);
    }
    puts("\nEvery command:");
    for (int i = 0; i < CLI_OPTIONS; i++) {
        if ((CLI_ALWAYS & CLI_BIT(i)) != 0)
            print_option(NULL, (enum cli_option)i);
    }
    print_exits(UINT32_MAX);
    puts("\ndnsflip COMMAND --help tells more; so do dnsflip(8) and dnsflip.yaml(5).");
}

int cli_help(const struct cli_args *args)
{
    size_t used;
    const struct cli_command *c =
        args->n_operands > 0 ? cli_find(args->operands, args->n_operands, &used) : NULL;

    if (args->n_operands > 0 && c == NULL) {
        (void)fprintf(stderr, "dnsflip: no command is called \"%s\"; dnsflip help lists them\n",
                      args->operands[0]);
        return CLI_USAGE;
    }
    if (c != NULL)
        cli_help_command(c);
    else
        cli_help_all();
    return CLI_DONE;
}
