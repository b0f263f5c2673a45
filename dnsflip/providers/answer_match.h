/* dnsflip/providers/answer_match.h -- is what a name server answered what a cluster's target says?
 */
#ifndef DNSFLIP_PROVIDERS_ANSWER_MATCH_H
#define DNSFLIP_PROVIDERS_ANSWER_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/io/dns_client.h"
#include "dnsflip/model/target.h"

/* type: A or AAAA; the order of addresses says nothing. */
bool answer_match(const struct target *want, uint16_t type, const struct dns_answer *got);

#endif
