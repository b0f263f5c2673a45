/* dnsflip/render/nodes.h -- names -> the nodes, directories and answers of the view's file. */
#ifndef DNSFLIP_RENDER_NODES_H
#define DNSFLIP_RENDER_NODES_H

#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/render/names.h"

/* The whole file for names that zone_check has found good: a sealed memfd, the caller's; -1 on
 * failure. */
__attribute__((warn_unused_result)) int nodes_render(struct names *ns, uint64_t generation,
                                                     uint32_t serial, struct err *err);

#endif
