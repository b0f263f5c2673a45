/* dnsflip/render/restamp.h -- a view once more, under another generation and serial: what it
 * answers stays as it is, whatever became of the settings it was made of. */
#ifndef DNSFLIP_RENDER_RESTAMP_H
#define DNSFLIP_RENDER_RESTAMP_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"

/* bytes: a view's file.  ERR_REMOTE if it is none of this program's format; all else about it is
 * for view_open to check.  Returns a sealed memfd, the caller's; -1 on failure. */
__attribute__((warn_unused_result)) int
restamp_view(const void *bytes, size_t len, uint64_t generation, uint32_t serial, struct err *err);

#endif
