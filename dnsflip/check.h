/* dnsflip/check.h -- `dnsflip check`: everything that is wrong with a configuration, or risky. */
#ifndef DNSFLIP_CHECK_H
#define DNSFLIP_CHECK_H

#include <stddef.h>

#include "dnsflip/config/report.h"
#include "dnsflip/model/settings.h"

struct cli_args;

/* Loads path and checks all of it, the records of its zones included.  0: *out is the caller's.
 * -1: report says why.  Warnings are added either way. */
__attribute__((warn_unused_result)) int check_load(const char *path, struct settings **out,
                                                   struct config_report *report);

/* The command.  Exit 0: it loads; 1: it does not. */
int check_run(const struct cli_args *args);

#endif
