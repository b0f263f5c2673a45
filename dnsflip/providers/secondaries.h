/* dnsflip/providers/secondaries.h -- the standard name servers that take the local zones from us:
 * told by NOTIFY (RFC 1996) of every change, their SOA read back: who follows, who lags. */
#ifndef DNSFLIP_PROVIDERS_SECONDARIES_H
#define DNSFLIP_PROVIDERS_SECONDARIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/model/secondary.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/providers/provider.h"

struct io;
struct secondaries;

#define SECONDARIES_TRIES 5                   /* of one series of NOTIFY, in 30 s */
#define SECONDARIES_READ_FIRST_MS INT64_C(50) /* after a change: the first look but one ... */
#define SECONDARIES_READ_MS INT64_C(30000)    /* ... doubled up to this, which is the rule */
#define SECONDARIES_READ_TIMEOUT_MS INT64_C(2000)
#define SECONDARIES_LATE_MS INT64_C(30000) /* who lags so long is worth a line in the log */
/* So long a start at which nobody told its serial keeps automatic moves back: a secondary that is
 * dead must not forbid for ever the move that its region's loss asks for. */
#define SECONDARIES_BELIEF_MS INT64_C(600000)

/* One per judge; knows nobody until secondaries_use.  io is borrowed. */
struct secondaries *secondaries_new(struct io *io);
void secondaries_free(struct secondaries *s); /* NULL does nothing */

/* What is served from now on: the zones of settings, with page and the view's own serial.  Both
 * are borrowed until the next call.  Who was known before, by zone and address, is known still. */
void secondaries_use(struct secondaries *s, const struct settings *settings,
                     const struct page *page, uint32_t view_serial);

/* The face answers with what secondaries_use said: NOTIFY may go out, and does. */
void secondaries_serve(struct secondaries *s);

/* A word of the page has changed.  The next turn of the loop tells whoever it concerns: one NOTIFY
 * for all changes of one turn; a newer serial takes the place of one still being told. */
void secondaries_changed(struct secondaries *s); /* NULL does nothing */

size_t secondaries_count(const struct secondaries *s); /* NULL: 0 */
void secondaries_status(const struct secondaries *s, size_t i, struct secondary_status *out);

/* False if addr is a secondary of that zone which is not known to have the group's newest flip:
 * what it would answer is known, or nothing is.  s NULL: true. */
bool secondaries_have(const struct secondaries *s, unsigned provider, const struct inet_addr *addr,
                      uint32_t group);

/* ---- the live records, as the secondaries have them ------------------------------------------ */

/* No secondary of the zone has told its serial: what it answers is not known.  With is_vetoed, live
 * records are unreadable until one tells, at most for SECONDARIES_BELIEF_MS. */
void secondaries_unheard(struct secondaries *s, unsigned provider, bool is_vetoed);
/* Is there still such a zone?  A serial must not leap then: it could pass one that nobody knows. */
bool secondaries_are_unheard(const struct secondaries *s);

/* As long as the page has this word for the group, its live records are these. */
void secondaries_note(struct secondaries *s, uint32_t group, struct page_word word,
                      const struct live *live);

/* live, as read from the page (word), becomes what it is with the secondaries' copies: unreadable,
 * overtaken, or as noted. */
void secondaries_live(const struct secondaries *s, uint32_t group, struct page_word word,
                      struct live *live);

/* Why a new view, whose serial would pass theirs, must not be made now; false: it may. */
bool secondaries_obstacle(const struct secondaries *s, struct err *why);

/* fn runs when one's state has changed, from was to now->state, or what it answers while it is
 * ahead; now NULL: what is known of the zone's live records has changed.  Never inside a call of
 * this header.  One listener. */
typedef void secondaries_event(void *arg, unsigned provider, const struct secondary_status *now,
                               enum secondary_state was);
void secondaries_on_event(struct secondaries *s, secondaries_event *fn, void *arg);

#endif
