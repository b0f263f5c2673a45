/* dnsflip/providers/route53.h -- provider "route53": record sets of hosted zones moved through the
 * API by compare-and-swap.  One step moves a group in all zones of the provider, batch after batch;
 * what is moved already is left out, so the same step may be submitted again at any time. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_H
#define DNSFLIP_PROVIDERS_ROUTE53_H

#include "dnsflip/providers/provider.h"

/* All reading and all batches of one submit; past it, what was done is not known. */
#define ROUTE53_SUBMIT_MS INT64_C(120000)
/* How often GetChange asks whether a change is on all of a zone's servers. */
#define ROUTE53_POLL_MS INT64_C(3000)

/* What is usual, for plans: a request's answer, and a change on all servers. */
#define ROUTE53_REQUEST_TYPICAL_MS INT64_C(100)
#define ROUTE53_INSYNC_MS INT64_C(60000)

#endif
