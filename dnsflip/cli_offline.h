/* dnsflip/cli_offline.h -- what commands know without a daemon: the journal read without a lock, or
 * what --active says. */
#ifndef DNSFLIP_CLI_OFFLINE_H
#define DNSFLIP_CLI_OFFLINE_H

#include "dnsflip/base/err.h"
#include "dnsflip/cli.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/model/settings.h"

/* The ledger that the journal in state_dir folds to; with --active every group of s is active
 * there instead.  *out is the caller's. */
__attribute__((warn_unused_result)) int cli_ledger(const struct cli_args *args,
                                                   const struct settings *s, struct ledger **out,
                                                   struct err *err);

/* Folds the entry "group is active in cluster" into l, as `init` and `adopt` write it. */
__attribute__((warn_unused_result)) int cli_ledger_adopt(struct ledger *l, const char *group,
                                                         const char *cluster, struct err *err);

#endif
