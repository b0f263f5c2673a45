/* dnsflip/providers/route53_name.h -- names as the Route 53 API writes them ("\052.example.com."),
 * and which zone a name lies in; PURE. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_NAME_H
#define DNSFLIP_PROVIDERS_ROUTE53_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/model/limits.h"

#define ROUTE53_NAME_TEXT_BYTES                                                                    \
    (4 * HOSTNAME_BYTES + 1) /* every byte escaped, and the last dot                               \
                              */

/* Lower case, no last dot, escapes undone; what has no printable form of its own, a dot inside a
 * label and a backslash stay escaped, so that route53_name_format gives the same name again.
 * False if an escape is broken or the name does not fit; out is "" then. */
bool route53_name_parse(const char *text, char out[static HOSTNAME_BYTES]);

/* The API's form: everything but letters, digits, '-', '_' and dots escaped, and a last dot.
 * Returns out. */
const char *route53_name_format(const char *name, char out[static ROUTE53_NAME_TEXT_BYTES]);

/* Is name the zone's apex, or below it? */
bool route53_name_is_in(const char *name, const char *zone);

#endif
