/* dnsflip/engine/hooks.h -- promotion: fence hook, promote hook, and the proof that it worked.
 * Simulated stories link a fake with these symbols. */
#ifndef DNSFLIP_ENGINE_HOOKS_H
#define DNSFLIP_ENGINE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/model/observation.h"
#include "dnsflip/model/operation.h"
#include "dnsflip/model/settings.h"

struct hooks;
struct io;

#define HOOKS_AT_ONCE 4 /* further ones wait */

enum hook_kind { HOOK_FENCE = 0, HOOK_PROMOTE };

/* detail: exit status, and the last line the hook wrote. */
typedef void hooks_done(void *arg, bool ok, const char *detail);

__attribute__((warn_unused_result)) int hooks_new(struct io *io, const char *state_dir,
                                                  struct hooks **out, struct err *err);
void hooks_free(struct hooks *h); /* stops nothing that runs outside; no callbacks any more */

/* Runs the command without a shell, in its own process group, in a clean environment: PATH,
 * DNSFLIP_{OPERATION,GROUP,FROM,TO,VERB,EPOCH,NAMES,SCOPE,KIND,REASON}.  It inherits the hook's
 * lock (flock on state_dir/hooks/KEY.lock, KEY = group, or from-to clusters for scope cluster) and
 * so holds it as long as it runs, whoever dies.  SIGTERM at timeout, SIGKILL 5 s later.
 * A hook of scope cluster that already succeeded for the same {from, to} and with the same words
 * within this evacuation (10 min) is not run again, unless one in the other direction succeeded
 * since; calls that come while it runs share its end.  A lock that a hook of an earlier judge holds
 * is waited for as long as the hook may take, then the hook fails unrun; when the hook ends, so
 * does its lock, whatever it left in the background.  cfg is not kept.
 * done runs exactly once, never before this returns, unless cancelled. */
void hooks_run(struct hooks *h, enum hook_kind kind, const struct promotion_cfg *cfg,
               const struct operation *op, hooks_done *done, void *arg);

/* done(ok) as soon as nobody holds the hook's lock; polled every 200 ms. */
void hooks_wait_lock(struct hooks *h, const struct promotion_cfg *cfg, const struct operation *op,
                     hooks_done *done, void *arg);

/* Asks the proof until it passes (ok) or timeout_ms has passed; once if timeout_ms is 0.  Its
 * host is cfg->proof_host with {cluster} = op->to, resolved by our own stub, never cached longer
 * than its TTL.  HOOKS_PROOF_MS between two tries. */
#define HOOKS_PROOF_MS INT64_C(1000)
void hooks_prove(struct hooks *h, const struct promotion_cfg *cfg, const struct operation *op,
                 int64_t timeout_ms, hooks_done *done, void *arg);

/* Drops all that waits or runs for the operation; a running hook gets SIGTERM. */
void hooks_cancel(struct hooks *h, const char *operation);

#endif
