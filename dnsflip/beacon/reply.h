/* dnsflip/beacon/reply.h -- a health checker's bytes -> the bytes it gets: does this cluster
 * receive the group's traffic?  PURE but for the page's words, which it loads. */
#ifndef DNSFLIP_BEACON_REPLY_H
#define DNSFLIP_BEACON_REPLY_H

#include <stddef.h>

#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/view.h"

#define BEACON_REPLY_BYTES 512

/* Answers the request in bytes[0..n) from the words of page, which belongs to view.  Returns the
 * length of the reply in out, which may be cut nowhere, and in *counter what it counts as; 0 while
 * more bytes are needed.  /beacon/GROUP/CLUSTER of a group with a beacon is 200 where the cluster
 * is active and 503 where it is not; the body of both is one line,
 *   dnsflip group=GROUP cluster=CLUSTER state=active|standby|unadopted epoch=N
 * whose text up to the epoch is the same for as long as the state is. */
size_t beacon_reply(const struct view *view, const struct page *page, const char *bytes, size_t n,
                    char out[static BEACON_REPLY_BYTES], enum counter *counter);

#endif
