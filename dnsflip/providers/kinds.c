/* dnsflip/providers/kinds.c -- the kinds of provider that there are; a test that wants fewer links
 * a list of its own. */
#include "dnsflip/providers/provider.h"

const struct provider_ops *const provider_kinds[] = { &provider_local, &provider_beacon,
                                                      &provider_route53, &provider_arc, NULL };
