/* dnsflip/cli_monitor.h -- the two sources of `dnsflip monitor`, a daemon or the line run right
 * here, and what is made of a look. */
#ifndef DNSFLIP_CLI_MONITOR_H
#define DNSFLIP_CLI_MONITOR_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/cli.h"

#define CLI_MONITOR_MS INT64_C(1000) /* between two looks */

/* What was shown last, so that a file or pipe gets a table only when something changed. */
struct cli_screen {
    const struct cli_args *args;
    struct buf shown;
};

/* Shows status in the way that the arguments and the terminal ask for. */
void cli_monitor_show(struct cli_screen *screen, const cJSON *status);

/* Shows status once and returns the exit code that says how it is: the last thing of --once. */
int cli_monitor_end(const struct cli_args *args, const cJSON *status);

/* How the world is, by a status.  Pure. */
struct cli_health {
    unsigned n_groups, n_down, n_unknown; /* groups with a cluster that is so in its role */
    bool is_active_down;                  /* ... the active one */
    bool is_active_unknown;
    bool is_odd; /* unadopted, diverged, or an operation that a person must look at */
    bool is_isolated;
};
struct cli_health cli_monitor_health(const cJSON *status);
int cli_monitor_exit(const struct cli_health *h);
/* Appends "DNSFLIP CRITICAL - ..." and returns Nagios's own exit code. */
int cli_monitor_nagios(const struct cli_health *h, const cJSON *status, struct buf *out);

/* The exit code after a look that went like exit: for Nagios not being able to look is its own code
 * and line. */
int cli_monitor_looked(const struct cli_args *args, int exit);

/* cli_monitor_alone.c: probes and policies run in this process; nothing is written. */
int cli_monitor_alone(const struct cli_args *args);

#endif
