/* tests/support/kinds_without_aws.c -- for programs that need no network: the providers whose flip
 * is a store. */
#include "dnsflip/providers/provider.h"

const struct provider_ops *const provider_kinds[] = { &provider_local, &provider_beacon, NULL };
