/* dnsflip/cli.h -- the command line: what was asked for, the table of commands, and what all of
 * them share. */
#ifndef DNSFLIP_CLI_H
#define DNSFLIP_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"

#define CLI_CONFIG_DEFAULT "/etc/dnsflip/dnsflip.yaml"
#define CLI_SOCKET_DEFAULT "/run/dnsflip/control.sock"

/* Exit codes, as dnsflip(8) lists them. */
enum {
    CLI_DONE = 0,
    CLI_ERROR = 1,
    CLI_CHANGES = 2, /* plan --detailed-exitcode; monitor --once: something is down */
    CLI_REFUSED = 3,
    CLI_PARTIAL = 4,
    CLI_UNKNOWN = 5,
    CLI_CONFLICT = 6,
    CLI_USAGE = 64,
};

enum cli_option {
    CLI_CONFIG = 0,
    CLI_SOCKET,
    CLI_JSON,
    CLI_HELP,
    CLI_TO,
    CLI_REASON,
    CLI_OVERRIDE,
    CLI_PROMOTED,
    CLI_PLANNED,
    CLI_REQUEST_ID,
    CLI_WAIT,
    CLI_TIMEOUT,
    CLI_FOR,
    CLI_GROUP,
    CLI_ACTIVE,
    CLI_ACCEPT,
    CLI_VERB,
    CLI_DETAILED,
    CLI_FOLLOW,
    CLI_LIMIT,
    CLI_ONCE,
    CLI_NAGIOS,
    CLI_PRINT,
    CLI_SCHEMA,
    CLI_SINGLE_USER,
    CLI_LOG_LEVEL,
    CLI_ADDRESS,
    CLI_TERRAFORM,
};
#define CLI_OPTIONS (CLI_TERRAFORM + 1)
#define CLI_BIT(option) (UINT32_C(1) << (option))
/* What every command takes. */
#define CLI_ALWAYS                                                                                 \
    (CLI_BIT(CLI_CONFIG) | CLI_BIT(CLI_SOCKET) | CLI_BIT(CLI_JSON) | CLI_BIT(CLI_HELP))

/* What a value or operand names, for completion. */
enum cli_kind {
    CLI_ANYTHING = 0,
    CLI_FILE,
    CLI_A_GROUP,
    CLI_A_CLUSTER,
    CLI_AN_OPERATION,
    CLI_A_RULE, /* that --override takes */
    CLI_WORDS,
};

struct cli_option_spec {
    const char *name;  /* "to": written --to */
    char letter;       /* 'h' for -h; 0 = none */
    const char *value; /* "CLUSTER"; NULL = a flag */
    enum cli_kind kind;
    const char *words; /* CLI_WORDS: apart by spaces */
    const char *help;
};

struct cli_args;

struct cli_command {
    const char *name;     /* "status", "operation list"; NULL ends the table */
    const char *operands; /* "GROUP", "[GROUP]", "" */
    uint8_t min, max;     /* operands */
    enum cli_kind kind;   /* of its operands */
    uint32_t options;     /* beside CLI_ALWAYS */
    uint32_t exits;       /* bit n: exit code n may come, beside 0, 1 and 64 */
    const char *section;  /* of the list of commands; NULL = not listed */
    const char *summary;  /* one line, no full stop */
    const char *text;     /* paragraphs for --help */
    int (*run)(const struct cli_args *args);
};

struct cli_given {
    enum cli_option option;
    const char *value; /* NULL for a flag */
};

struct cli_args {
    const struct cli_command *command;
    struct cli_given *given; /* owned; in the order of the command line */
    size_t n_given;
    const char **operands; /* owned */
    size_t n_operands;
    char *const *argv; /* borrowed: the whole command line */
};

extern const struct cli_option_spec cli_options[CLI_OPTIONS];
extern const struct cli_command cli_commands[];

/* Reads argv[1..].  0: *out is the caller's.  -1: err says what is wrong, *command (may be NULL) is
 * the command it is wrong for. */
__attribute__((warn_unused_result)) int cli_parse(int argc, char *const argv[],
                                                  struct cli_args *out, struct err *err);
void cli_args_fini(struct cli_args *args);

/* The command whose name is the first words, and in *used how many that are; NULL if none is. */
const struct cli_command *cli_find(const char *const words[], size_t n, size_t *used);

bool cli_has(const struct cli_args *args, enum cli_option option);
/* The last value given; fallback if none was. */
const char *cli_value(const struct cli_args *args, enum cli_option option, const char *fallback);
/* The n-th value of an option that may be repeated; NULL behind the last. */
const char *cli_nth(const struct cli_args *args, enum cli_option option, size_t n);
/* Operand n, NULL if it was not given. */
const char *cli_operand(const struct cli_args *args, size_t n);

/* ---- help and completion -------------------------------------------------------------------- */

void cli_help_all(void);
void cli_help_command(const struct cli_command *command);
int cli_completion(const struct cli_args *args);
int cli_help(const struct cli_args *args);

/* ---- commands ------------------------------------------------------------------------------- */

int cli_status(const struct cli_args *args);
int cli_explain(const struct cli_args *args);
int cli_plan(const struct cli_args *args);
int cli_beacon_setup(const struct cli_args *args);
int cli_beacon_check(const struct cli_args *args);
int cli_events(const struct cli_args *args);
int cli_audit_verify(const struct cli_args *args);
int cli_audit_show(const struct cli_args *args);
int cli_monitor(const struct cli_args *args);
int cli_iam_policy(const struct cli_args *args);
int cli_version(const struct cli_args *args);
int cli_operation_list(const struct cli_args *args);
int cli_operation_show(const struct cli_args *args);
int cli_operation_wait(const struct cli_args *args);
int cli_act(const struct cli_args *args);
int cli_reload(const struct cli_args *args);
int cli_upgrade(const struct cli_args *args);
int cli_init(const struct cli_args *args);
int cli_run(const struct cli_args *args);
/* Only when `lab` is not the first word: says so. */
int cli_lab(const struct cli_args *args);

#endif
