#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/formats.h"
#include "dnsflip/supervisor.h"

/* What is to be executed at an upgrade: not the file that runs now, which may be gone by then, but
 * the path by which it was started.  A link in it may lead to another version by then. */
static int find_program(char path[static PATH_MAX], struct err *err)
{
    const char *started = (const char *)getauxval(AT_EXECFN); /* NOLINT: an address as a number */
    char dir[PATH_MAX];
    struct stat ours;
    struct stat found;
    bool is_whole = false;

    if (started != NULL && started[0] == '/')
        is_whole = str_copy(path, PATH_MAX, started);
    else if (started != NULL && getcwd(dir, sizeof(dir)) != NULL)
        is_whole = str_format(path, PATH_MAX, "%s/%s", dir, started);
    if (is_whole && !str_starts(path, "/proc/") && !str_starts(path, "/dev/") &&
        stat("/proc/self/exe", &ours) == 0 && stat(path, &found) == 0 &&
        ours.st_dev == found.st_dev && ours.st_ino == found.st_ino)
        return 0;
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n < 0)
        return err_sys(err, errno, "/proc/self/exe");
    path[n] = '\0';
    return 0;
}

int cli_run(const struct cli_args *args)
{
    char path[PATH_MAX];
    struct err err;

    /* The judge is started again and again: by then a relative path may mean another file. */
    if (realpath(cli_config_path(args), path) == NULL)
        return cli_fail_text(args, CLI_ERROR,
                             "%s: cannot be found or read; --config names another file",
                             cli_config_path(args));
    const char *const judge[] = { "dnsflip",
                                  "judge-process",
                                  path,
                                  cli_value(args, CLI_LOG_LEVEL, "info"),
                                  cli_value(args, CLI_ACCEPT, ""),
                                  NULL };
    const char *const check[] = { "dnsflip", "rehearse-upgrade", path, judge[4], NULL };
    char program[PATH_MAX];
    if (find_program(program, &err) != 0)
        return cli_fail_text(args, CLI_ERROR, "%s", err.text);
    const struct supervisor_options options = { .judge_argv = judge,
                                                .single_user = cli_has(args, CLI_SINGLE_USER),
                                                .path = program,
                                                .formats = formats_line(),
                                                .argv = args->argv,
                                                .check_argv = check };
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
