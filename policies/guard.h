/* policies/guard.h -- stage 4 of 7: which rules veto a move by which verb.  One table. */
#ifndef DNSFLIP_POLICIES_GUARD_H
#define DNSFLIP_POLICIES_GUARD_H

#include <stdbool.h>

#include "dnsflip/model/decision.h"

/* What rule does to verb when its condition holds. */
enum guard_effect guard_effect_of(enum guard_rule rule, enum verb verb);

/* Asks every rule in order; fills out[GUARD_RULES].  lifted: rules an operator named; those that
 * may not be overridden stay, and VERB_AUTO lifts nothing. */
void guard_ask(const struct guard_input *in, enum verb verb, override_set lifted,
               struct guard_result out[static GUARD_RULES]);

/* The first veto not lifted, or -1. */
int guard_first_veto(const struct guard_result results[static GUARD_RULES]);

#endif
