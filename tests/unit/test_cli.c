/* tests/unit/test_cli.c -- the command line's words, against the real table of commands, whose
 * functions are stubs here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/check.h"
#include "dnsflip/cli.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define ARGS_MAX 16

#define STUB(name)                                                                                 \
    int name(const struct cli_args *args)                                                          \
    {                                                                                              \
        (void)args;                                                                                \
        return 0;                                                                                  \
    }
STUB(check_run)
STUB(cli_status)
STUB(cli_explain)
STUB(cli_plan)
STUB(cli_beacon_setup)
STUB(cli_beacon_check)
STUB(cli_events)
STUB(cli_audit_verify)
STUB(cli_audit_show)
STUB(cli_monitor)
STUB(cli_version)
STUB(cli_operation_list)
STUB(cli_operation_show)
STUB(cli_operation_wait)
STUB(cli_act)
STUB(cli_reload)
STUB(cli_upgrade)
STUB(cli_iam_policy)
STUB(cli_init)
STUB(cli_run)
STUB(cli_lab)

STUB(cli_completion)
STUB(cli_help)

/* Words apart by one space each; a word may be written 'in quotes'. */
static int parse(const char *line, struct cli_args *args, struct err *err, char text[static 512])
{
    char *argv[ARGS_MAX] = { text };
    int argc = 1;

    assert_true(str_format(text, 512, "dnsflip %s", line));
    text[7] = '\0';
    for (char *p = text + 8; *p != '\0';) {
        char end = *p == '\'' ? '\'' : ' ';

        if (end == '\'')
            p++;
        argv[argc++] = p;
        while (*p != '\0' && *p != end)
            p++;
        while (*p == end || *p == ' ')
            *p++ = '\0';
    }
    return cli_parse(argc, argv, args, err);
}

static void mistakes_are_named_with_the_nearest_word(void **state)
{
    (void)state;
    static const struct {
        const char *line, *word;
    } cases[] = {
        { "", "no command" },
        { "swich prod", "did you mean \"switch\"" },
        { "operation", "second word" },
        { "operation shwo x", "did you mean \"operation show\"" },
        { "status --jsno", "did you mean \"--json\"" },
        { "switch prod --over x", "did you mean \"--override\"" },
        { "status -q", "unknown option \"-q\"" },
        { "status --to usw2", "takes no option --to" },
        { "status a b", "\"b\" is one word too many" },
        { "explain", "needs GROUP" },
        { "switch prod --to", "needs a value" },
        { "switch prod --to=", "empty" },
        { "status --json=yes", "takes no value" },
        { "switch prod --to usw2 --wait forever", "accepted settled converged" },
        { "run --log-level inf", "debug info warn error" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct cli_args args;
        struct err err;
        char text[512];

        assert_int_equal(parse(cases[i].line, &args, &err, text), -1);
        assert_int_equal(err.code, ERR_USAGE);
        if (strstr(err.text, cases[i].word) == NULL)
            fail_msg("%s: %s", cases[i].line, err.text);
        cli_args_fini(&args);
    }
}

static void options_may_stand_anywhere_and_repeat(void **state)
{
    (void)state;
    struct cli_args args;
    struct err err;
    char text[512];

    assert_int_equal(parse("--json -c a.yaml switch --to=usw2 prod --override a --override b "
                           "--reason 'it burns' --config b.yaml",
                           &args, &err, text),
                     0);
    assert_string_equal(args.command->name, "switch");
    assert_string_equal(cli_operand(&args, 0), "prod");
    assert_null(cli_operand(&args, 1));
    assert_true(cli_has(&args, CLI_JSON));
    assert_false(cli_has(&args, CLI_PROMOTED));
    assert_string_equal(cli_value(&args, CLI_TO, ""), "usw2");
    assert_string_equal(cli_value(&args, CLI_CONFIG, ""), "b.yaml");
    assert_string_equal(cli_value(&args, CLI_REASON, ""), "it burns");
    assert_string_equal(cli_value(&args, CLI_WAIT, "settled"), "settled");
    assert_string_equal(cli_nth(&args, CLI_OVERRIDE, 0), "a");
    assert_string_equal(cli_nth(&args, CLI_OVERRIDE, 1), "b");
    assert_null(cli_nth(&args, CLI_OVERRIDE, 2));
    cli_args_fini(&args);
}

static void what_follows_two_dashes_is_never_an_option(void **state)
{
    (void)state;
    struct cli_args args;
    struct err err;
    char text[512];

    assert_int_equal(parse("explain -- --json", &args, &err, text), 0);
    assert_string_equal(cli_operand(&args, 0), "--json");
    assert_false(cli_has(&args, CLI_JSON));
    cli_args_fini(&args);
}

static void help_is_given_whatever_else_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *command;
    } cases[] = {
        { "--help", "help" },
        { "-h", "help" },
        { "switch --help", "switch" },
        { "operation show a b c -h", "operation show" },
        { "status --to x --help", "status" },
        { "--version", "version" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct cli_args args;
        struct err err;
        char text[512];

        assert_int_equal(parse(cases[i].line, &args, &err, text), 0);
        assert_string_equal(args.command->name, cases[i].command);
        cli_args_fini(&args);
    }
}

static void the_tables_are_whole(void **state)
{
    (void)state;
    for (int i = 0; i < CLI_OPTIONS; i++) {
        assert_non_null(cli_options[i].name);
        assert_non_null(cli_options[i].help);
        assert_int_equal(cli_options[i].kind == CLI_WORDS, cli_options[i].words != NULL);
    }
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        size_t used;

        assert_non_null(c->operands);
        assert_non_null(c->summary);
        assert_non_null(c->text);
        assert_non_null(c->run);
        assert_true(c->min <= c->max);
        assert_int_equal(c->options & CLI_ALWAYS, 0);
        for (const struct cli_command *other = cli_commands; other != c; other++)
            assert_string_not_equal(c->name, other->name);
        /* Two-word names are found by their two words, and no first word hides them. */
        char name[64];
        assert_true(strlen(c->name) < sizeof(name));
        memcpy(name, c->name, strlen(c->name) + 1);
        char *space = strchr(name, ' ');
        const char *found[2] = { name, space != NULL ? space + 1 : "" };
        if (space != NULL)
            *space = '\0';
        assert_ptr_equal(cli_find(found, 2, &used), c);
        assert_int_equal(used, space != NULL ? 2 : 1);
    }
}

static bool is_in_page(const char *page, const char *macro, const char *name)
{
    char text[96];

    (void)snprintf(text, sizeof(text), "%s%s", macro, name);
    for (const char *p = page; (p = strstr(p, text)) != NULL; p++) {
        char next = p[strlen(text)];

        if (next == ' ' || next == '\n' || next == '\0')
            return true;
    }
    return false;
}

static void the_manual_page_has_every_command_and_option(void **state)
{
    (void)state;
    struct buf page;
    struct err err;

    buf_init(&page, 1U << 20);
    if (fsio_read("dnsflip/man/dnsflip.8", &page, &err) != 0)
        fail_msg("%s", err.text);
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        if (!is_in_page(buf_text(&page), "Cm ", c->name))
            fail_msg("dnsflip(8) lacks the command %s", c->name);
    }
    for (int i = 0; i < CLI_OPTIONS; i++) {
        if (!is_in_page(buf_text(&page), "Fl -", cli_options[i].name))
            fail_msg("dnsflip(8) lacks the option --%s", cli_options[i].name);
    }
    buf_fini(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named_with_the_nearest_word),
        cmocka_unit_test(options_may_stand_anywhere_and_repeat),
        cmocka_unit_test(what_follows_two_dashes_is_never_an_option),
        cmocka_unit_test(help_is_given_whatever_else_is_wrong),
        cmocka_unit_test(the_tables_are_whole),
        cmocka_unit_test(the_manual_page_has_every_command_and_option),
    };

    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
