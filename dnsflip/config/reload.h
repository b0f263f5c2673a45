/* dnsflip/config/reload.h -- old settings against new ones: what a reload may not change, and
 * which names it would move.  Reads settings only. */
#ifndef DNSFLIP_CONFIG_RELOAD_H
#define DNSFLIP_CONFIG_RELOAD_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/config/report.h"
#include "dnsflip/model/settings.h"

/* Adds an error for every key that differs and takes effect at a start only.  Returns how many. */
size_t reload_fixed(const struct settings *before, const struct settings *after,
                    struct config_report *report);

/* The name of the cluster that is active for the group of that name, or NULL if the group is
 * unadopted: its names are not served. */
typedef const char *reload_active(void *arg, const char *group);

/* Adds an error for every managed name of before whose address, CNAME or HTTPS RRsets would be
 * others under after with the same active clusters; TTLs and the order of addresses are not
 * compared, new names are no move.  Returns how many names would move. */
size_t reload_moves(const struct settings *before, const struct settings *after,
                    reload_active *active, void *arg, struct config_report *report);

#endif
