/* dnsflip/config/load.h -- a configuration file -> settings, or every mistake in it. */
#ifndef DNSFLIP_CONFIG_LOAD_H
#define DNSFLIP_CONFIG_LOAD_H

#include <stddef.h>

#include "dnsflip/config/report.h"
#include "dnsflip/model/settings.h"

/* Reads and checks the whole file.  0: *out is a new settings, the caller's; report may hold
 * warnings.  -1: *out is NULL and report holds every mistake, sorted by place.  report must be
 * initialised; messages are added to it. */
__attribute__((warn_unused_result)) int config_load(const char *path, struct settings **out,
                                                    struct config_report *report);

/* The same from memory: path gives the messages their name and relative paths their folder. */
__attribute__((warn_unused_result)) int config_load_text(const char *path, const char *text,
                                                         size_t len, struct settings **out,
                                                         struct config_report *report);

#endif
