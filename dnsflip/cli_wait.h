/* dnsflip/cli_wait.h -- waiting for an operation, with progress on standard error. */
#ifndef DNSFLIP_CLI_WAIT_H
#define DNSFLIP_CLI_WAIT_H

#include <cjson/cJSON.h>

#include "dnsflip/cli.h"

struct ctl_client;

/* CLI_DONE if --timeout can be read, else CLI_USAGE after saying so. */
int cli_wait_check(const struct cli_args *args);

/* Waits until the operation is as far as --wait asks, has ended, or --timeout has passed.  Returns
 * the exit code that this is; *final: the operation, the caller's, NULL if it could not be asked.
 */
int cli_wait(const struct cli_args *args, struct ctl_client **client, const char *operation,
             cJSON **final);

/* One line about how it ended. */
void cli_wait_print(const cJSON *operation);

#endif
