/* dnsflip/engine/verify.h -- stage 6 of 7, the look from outside: every server of the providers
 * asked for every moved name (UDP, TCP for a sample) until all answers are the plan's. */
#ifndef DNSFLIP_ENGINE_VERIFY_H
#define DNSFLIP_ENGINE_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/model/plan.h"
#include "dnsflip/model/settings.h"

struct io;
struct provider;
struct secondaries;
struct verify;

#define VERIFY_IN_FLIGHT 256 /* questions of one operation that wait for an answer */
#define VERIFY_TCP_EVERY 50  /* every so many names over TCP too */
#define VERIFY_AGAIN_MS INT64_C(250)
#define VERIFY_TIMEOUT_MS INT64_C(2000)

/* verified of asked answers are the plan's; is_done: all of them.  laggards: a few of the others.
 */
typedef void verify_progress(void *arg, uint32_t verified, uint32_t asked, bool is_done,
                             const char *laggards);

/* providers: one per settings->providers, asked for servers that the settings do not name; NULL or
 * entries NULL: there are none.
 * A secondary is asked once it has told that it has the flip; NULL: every server is asked at once.
 * Starts asking; progress runs whenever a round has ended, never before this returns, until
 * is_done or verify_cancel.  all of them are borrowed until then.  With nothing to
 * ask it is done in the next turn. */
struct verify *verify_start(struct io *io, const struct settings *settings, const struct plan *plan,
                            const struct target_change changes[], struct provider *const *providers,
                            const struct secondaries *secondaries, verify_progress *progress,
                            void *arg);
void verify_cancel(struct verify *v); /* NULL does nothing */

#endif
