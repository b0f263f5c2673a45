/* dnsflip/config/reload.h -- old settings against new ones: what a reload may not change, and
 * which names it would move. */
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
 * compared, new names are no move.  by_group (NULL, or one per group of before) gets how many of
 * each group's names would move.  Returns how many names would move. */
size_t reload_moves(const struct settings *before, const struct settings *after,
                    reload_active *active, void *arg, uint32_t by_group[],
                    struct config_report *report);

/* What names one difference: of the settings it leads to and of every line of differences.  Who
 * accepts it accepts just what was shown. */
#define RELOAD_DIGEST_BYTES 17
void reload_digest(const struct settings *after, const struct config_report *differences,
                   char out[static RELOAD_DIGEST_BYTES]);

/* Gives `to` what takes effect at a start only (see reload_fixed) as `from` has it; listen
 * addresses by the provider's name.  Its digest stays. */
void reload_take_fixed(struct settings *to, const struct settings *from);

#endif
