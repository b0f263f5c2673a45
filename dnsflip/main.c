#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/judge.h"
#include "dnsflip/lab/lab.h"

int main(int argc, char *argv[])
{
    struct cli_args args;
    struct err err;
    int exit;

    /* So that JSON too aborts where there is no memory, and nobody has to ask. */
    cJSON_InitHooks(&(cJSON_Hooks){ .malloc_fn = mem_zalloc, .free_fn = mem_free });
    /* The supervisor's way to start the judge: not for people, so not in the table. */
    if (argc > 1 && strcmp(argv[1], "judge-process") == 0)
        return judge_main(argc - 1, argv + 1);
    /* A running version's way to ask whether this one could take over from it. */
    if (argc > 1 && strcmp(argv[1], "rehearse-upgrade") == 0)
        return judge_rehearse(argc - 1, argv + 1);
    /* A program of its own, with words and options of its own. */
    if (argc > 1 && strcmp(argv[1], "lab") == 0)
        return lab_main(argc - 1, argv + 1);
    if (cli_parse(argc, argv, &args, &err) != 0) {
        exit = cli_fail_text(&args, CLI_USAGE, "%s", err.text);
        if (args.command != NULL)
            (void)fprintf(stderr, "dnsflip %s --help tells more\n", args.command->name);
        else
            (void)fputs("dnsflip help lists the commands\n", stderr);
    } else if (cli_has(&args, CLI_HELP) && args.command->run != cli_help) {
        cli_help_command(args.command);
        exit = CLI_DONE;
    } else {
        exit = args.command->run(&args);
    }
    cli_args_fini(&args);
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit == CLI_DONE)
        exit = CLI_ERROR;
    return exit;
}
