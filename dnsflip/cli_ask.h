/* dnsflip/cli_ask.h -- what commands share: finding the daemon, asking it, printing what it says.
 */
#ifndef DNSFLIP_CLI_ASK_H
#define DNSFLIP_CLI_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/err.h"
#include "dnsflip/cli.h"
#include "dnsflip/ctl/client.h"

struct settings;

/* Opens the control socket that the arguments, the configuration or the default name. */
__attribute__((warn_unused_result)) int cli_connect(const struct cli_args *args,
                                                    struct ctl_client **out, struct err *err);

/* The configuration file that the arguments name. */
const char *cli_config_path(const struct cli_args *args);

/* Loads it; every mistake goes to standard error.  NULL after that. */
struct settings *cli_load(const struct cli_args *args);

/* One call on a connection of its own.  CLI_DONE and *result (the caller's), or the exit code after
 * the failure was printed.  params is taken over. */
int cli_call(const struct cli_args *args, const char *method, cJSON *params, cJSON **result);
/* For an answer that something has to be waited for. */
int cli_call_for(const struct cli_args *args, const char *method, cJSON *params, int64_t timeout_ms,
                 cJSON **result);

/* Calls on a connection that is made again when it breaks, so that a restart of the judge goes by
 * unnoticed: only for methods that may be asked twice.  *client may be NULL at first. */
int cli_call_again(const struct cli_args *args, struct ctl_client **client, const char *method,
                   const cJSON *params, int64_t timeout_ms, cJSON **result);

/* Print to standard error, or with --json as {"error": ...} to standard output; return the exit
 * code. */
int cli_fail_remote(const struct cli_args *args, const struct proto_error *error);
int cli_fail_text(const struct cli_args *args, int exit, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One line of JSON on standard output. */
void cli_print_json(const cJSON *value);

/* Members of an answer, never NULL: "" / 0 / false if they are not there.  Text is cleaned of
 * control characters: parts of it come from strangers. */
const char *cli_text(const cJSON *object, const char *name);
double cli_number(const cJSON *object, const char *name);
bool cli_truth(const cJSON *object, const char *name);
const cJSON *cli_member(const cJSON *object, const char *name);

#endif
