/* tests/support/zone.h -- a pair as a judge would make it: one group of two clusters, whose names
 * n0.flip.test, n1.flip.test ... answer with 192.0.2.1 (cluster one) or with 198.51.100.1 (two); it
 * has a beacon.  Loopback may transfer the zone. */
#ifndef TESTS_SUPPORT_ZONE_H
#define TESTS_SUPPORT_ZONE_H

#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/dns/page.h"

#define ZONE_NAME "flip.test"
#define ZONE_FIRST_CLUSTER "192.0.2.1"
#define ZONE_SECOND_CLUSTER "198.51.100.1"

/* A rendered view with names hostnames, and its page with the group's word set to index; the
 * descriptors are the caller's, *page is writable.  -1 on failure, with nothing left open. */
__attribute__((warn_unused_result)) int zone_pair(uint64_t generation, unsigned names,
                                                  uint8_t index, int fds[static 2],
                                                  struct page **page, struct err *err);

#endif
