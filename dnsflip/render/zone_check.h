/* dnsflip/render/zone_check.h -- what the RFCs and the managed names ask of a zone, and ldns does
 * not check. */
#ifndef DNSFLIP_RENDER_ZONE_CHECK_H
#define DNSFLIP_RENDER_ZONE_CHECK_H

#include "dnsflip/render/names.h"

/* Checks all names and reports every mistake to ns.  Marks the names that NS records point to. */
void zone_check(struct names *ns);

/* Whether another local zone, below this one, answers for the name. */
bool zone_check_is_shadowed(const struct names *ns, const struct names_name *name);

#endif
