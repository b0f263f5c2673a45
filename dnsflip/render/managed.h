/* dnsflip/render/managed.h -- what the configuration itself puts into the zones: apex records, name
 * servers, managed names, each cluster's own names of them, _acme-challenge. */
#ifndef DNSFLIP_RENDER_MANAGED_H
#define DNSFLIP_RENDER_MANAGED_H

#include "dnsflip/render/names.h"

/* Opens a zone in ns for each provider of kind local, with SOA, NS and the addresses of its name
 * servers. */
void managed_open_zones(struct names *ns);

/* Adds all managed names.  To be called when the static records have been read: a cluster's own
 * name (CLUSTER.HOST) gives way to whatever else has that name, which is noted. */
void managed_add_names(struct names *ns);

#endif
