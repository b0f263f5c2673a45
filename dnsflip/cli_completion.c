#include "dnsflip/cli.h"

#include <stdio.h>
#include <string.h>

#include "dnsflip/model/decision.h"

/* Both scripts are made from the table of commands, so they cannot fall behind it. */

static void print_words_of(const struct cli_command *c)
{
    for (int i = 0; i < CLI_OPTIONS; i++) {
        if (((c->options | CLI_ALWAYS) & CLI_BIT(i)) != 0)
            printf(" --%s", cli_options[i].name);
    }
}

static const char *kind_name(enum cli_kind kind)
{
    switch (kind) {
    case CLI_A_GROUP:
        return "groups";
    case CLI_A_CLUSTER:
        return "clusters";
    case CLI_AN_OPERATION:
        return "operations";
    case CLI_FILE:
        return "files";
    case CLI_A_RULE:
        return "rules";
    case CLI_ANYTHING:
    case CLI_WORDS:
        return "";
    }
    return "";
}

/* Is c the first command of its family, "operation" and the like? */
static bool is_first_of_family(const struct cli_command *c)
{
    size_t len = strcspn(c->name, " ") + 1;

    for (const struct cli_command *other = cli_commands; other != c; other++) {
        if (strncmp(other->name, c->name, len) == 0)
            return false;
    }
    return true;
}

/* First words, or with family the second words of commands that begin with it. */
static void print_names(const char *family)
{
    size_t len = family != NULL ? strlen(family) : 0;

    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        const char *space = strchr(c->name, ' ');
        size_t first = space != NULL ? (size_t)(space - c->name) : strlen(c->name);

        if (c->section == NULL)
            continue;
        if (family != NULL) {
            if (space != NULL && first == len && strncmp(c->name, family, len) == 0)
                printf(" %s", space + 1);
            continue;
        }
        if (space == NULL || is_first_of_family(c))
            printf(" %.*s", (int)first, c->name);
    }
}

static void print_commands(void)
{
    puts("_dnsflip_commands() {\n    case \"$1\" in");
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        const char *space = strchr(c->name, ' ');
        if (c->section == NULL || space == NULL || !is_first_of_family(c))
            continue;
        char family[32];
        (void)snprintf(family, sizeof(family), "%.*s", (int)(space - c->name), c->name);
        printf("    %s) echo", family);
        print_names(family);
        puts(" ;;");
    }
    printf("    *) echo");
    print_names(NULL);
    puts(" ;;\n    esac\n}");
    puts("_dnsflip_options() {\n    case \"$1\" in");
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        if (c->section == NULL)
            continue;
        printf("    \"%s\") echo", c->name);
        print_words_of(c);
        puts(" ;;");
    }
    puts("    esac\n}\n_dnsflip_operand() {\n    case \"$1\" in");
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        if (c->section != NULL && c->kind != CLI_ANYTHING)
            printf("    \"%s\") echo %s ;;\n", c->name, kind_name(c->kind));
    }
    /* Not in the table: the lab reads its words by itself. */
    puts("    lab) echo demo fail hang slow unhealthy heal use1 usw2 ;;\n    esac\n}");
}

static void print_values(void)
{
    puts("_dnsflip_value() {\n    case \"$1\" in");
    for (int i = 0; i < CLI_OPTIONS; i++) {
        const struct cli_option_spec *o = &cli_options[i];

        if (o->value == NULL)
            continue;
        printf("    --%s", o->name);
        if (o->letter != 0)
            printf(" | -%c", o->letter);
        printf(") echo %s ;;\n", o->kind == CLI_WORDS      ? o->words
                                 : o->kind == CLI_ANYTHING ? "-"
                                                           : kind_name(o->kind));
    }
    puts("    *) return 1 ;;\n    esac\n}");
    printf("_dnsflip_rules() {\n    echo promotion durability foreign-owner");
    for (int r = 0; r < GUARD_RULES; r++) {
        const struct guard_rule_info *info = guard_rule_info((enum guard_rule)r);

        if (info->may_override)
            printf(" %s", info->name);
    }
    puts("\n}");
}

/* The body that both shells share: the word lists, as functions that print them. */
static void print_lists(void)
{
    print_commands();
    print_values();
    /* What the daemon knows, if one answers: names are taken from its JSON. */
    puts("_dnsflip_known() {\n"
         "    case \"$1\" in\n"
         "    groups) dnsflip status --json 2>/dev/null |\n"
         "        grep -o '\"name\":\"[^\"]*\",\"mode\"' | cut -d'\"' -f4 ;;\n"
         "    clusters) dnsflip status --json 2>/dev/null |\n"
         "        grep -o '\"name\":\"[^\"]*\",\"region\"' | cut -d'\"' -f4 | sort -u ;;\n"
         "    operations) dnsflip operation list --json 2>/dev/null |\n"
         "        grep -o '\"operation\":\"[^\"]*\"' | cut -d'\"' -f4 ;;\n"
         "    rules) _dnsflip_rules ;;\n"
         "    -) ;;\n"
         "    *) echo \"$@\" ;;\n"
         "    esac\n}");
}

static void print_bash(void)
{
    puts("# bash completion for dnsflip, made by `dnsflip completion bash`");
    print_lists();
    puts("_dnsflip() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local first='' command='' words='' i skip=0\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        if ((skip)); then skip=0; continue; fi\n"
         "        case ${COMP_WORDS[i]} in\n"
         "        -*) _dnsflip_value \"${COMP_WORDS[i]}\" >/dev/null && skip=1 ;;\n"
         "        *) if [[ -z $first ]]; then first=${COMP_WORDS[i]} command=$first\n"
         "           elif [[ $command == \"$first\" && $first =~ ^(audit|operation|completion)$ "
         "]]; then\n"
         "               command=\"$first ${COMP_WORDS[i]}\"; fi ;;\n"
         "        esac\n"
         "    done\n"
         "    if words=$(_dnsflip_value \"$prev\"); then\n"
         "        if [[ $words == files ]]; then compopt -o default; return; fi\n"
         "        # shellcheck disable=SC2086 # several words on purpose\n"
         "        words=$(_dnsflip_known $words)\n"
         "    elif [[ -z $first ]]; then words=$(_dnsflip_commands '')\n"
         "    elif [[ $cur == -* ]]; then words=$(_dnsflip_options \"$command\")\n"
         "    elif [[ $command == \"$first\" && $first =~ ^(audit|operation|completion)$ ]]; then\n"
         "        words=$(_dnsflip_commands \"$first\")\n"
         "    else words=$(_dnsflip_known \"$(_dnsflip_operand \"$command\")\"); fi\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "}\n"
         "complete -F _dnsflip dnsflip");
}

static void print_zsh(void)
{
    puts("#compdef dnsflip\n# zsh completion for dnsflip, made by `dnsflip completion zsh`");
    print_lists();
    puts("_dnsflip() {\n"
         "    local cur=$words[CURRENT] prev=$words[CURRENT-1] first='' cmd='' list='' i skip=0\n"
         "    for ((i = 2; i < CURRENT; i++)); do\n"
         "        if ((skip)); then skip=0; continue; fi\n"
         "        case $words[i] in\n"
         "        -*) _dnsflip_value $words[i] >/dev/null && skip=1 ;;\n"
         "        *) if [[ -z $first ]]; then first=$words[i] cmd=$first\n"
         "           elif [[ $cmd == $first && $first == (audit|operation|completion) ]]; then\n"
         "               cmd=\"$first $words[i]\"; fi ;;\n"
         "        esac\n"
         "    done\n"
         "    if list=$(_dnsflip_value $prev); then\n"
         "        if [[ $list == files ]]; then _files; return; fi\n"
         "        list=$(_dnsflip_known ${=list})\n"
         "    elif [[ -z $first ]]; then list=$(_dnsflip_commands '')\n"
         "    elif [[ $cur == -* ]]; then list=$(_dnsflip_options $cmd)\n"
         "    elif [[ $cmd == $first && $first == (audit|operation|completion) ]]; then\n"
         "        list=$(_dnsflip_commands $first)\n"
         "    else list=$(_dnsflip_known \"$(_dnsflip_operand $cmd)\"); fi\n"
         "    compadd -- ${=list}\n"
         "}\n"
         "if [[ $funcstack[1] == _dnsflip ]]; then _dnsflip \"$@\"; else compdef _dnsflip dnsflip; "
         "fi");
}

int cli_completion(const struct cli_args *args)
{
    if (strcmp(args->command->name, "completion bash") == 0)
        print_bash();
    else
        print_zsh();
    return CLI_DONE;
}
