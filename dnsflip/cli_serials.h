/* dnsflip/cli_serials.h -- the SOA serials of the configured secondaries, for `init`: a serial that
 * went back would never be transferred. */
#ifndef DNSFLIP_CLI_SERIALS_H
#define DNSFLIP_CLI_SERIALS_H

#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/model/settings.h"

#define CLI_SERIALS_MS INT64_C(3000) /* for all secondaries together */

/* Asks every secondary of every local zone; raises *epoch to serial + 1 where one is ahead of it
 * (RFC 1982).  One that does not answer is named on standard error and passed over. */
__attribute__((warn_unused_result)) int cli_serials_raise(const struct settings *s, uint32_t *epoch,
                                                          struct err *err);

#endif
