#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/supervisor.h"

int cli_run(const struct cli_args *args)
{
    char path[PATH_MAX];
    struct err err;

    /* The judge is started again and again: by then a relative path may mean another file. */
    if (realpath(cli_config_path(args), path) == NULL)
        return cli_fail_text(args, CLI_ERROR,
                             "%s: cannot be found or read; --config names another file",
                             cli_config_path(args));
    const char *const judge[] = { "dnsflip", "judge-process", path,
                                  cli_value(args, CLI_LOG_LEVEL, "info"), NULL };
    const struct supervisor_options options = { .judge_argv = judge,
                                                .single_user = cli_has(args, CLI_SINGLE_USER) };
    int exit = supervisor_run(&options, &err);
    if (exit < 0)
        return cli_fail_text(args, CLI_ERROR, "%s", err.text);
    return exit;
}

int cli_lab(const struct cli_args *args)
{
    return cli_fail_text(args, CLI_USAGE,
                         "lab has options of its own: write `dnsflip lab` first, without others");
}
