/* dnsflip/providers/beacon_setup.h -- what has to be made in Route 53, once and in peace time, for
 * a group that is moved by a beacon: a health check and failover records, as a shell script for the
 * aws command line or as Terraform; PURE. */
#ifndef DNSFLIP_PROVIDERS_BEACON_SETUP_H
#define DNSFLIP_PROVIDERS_BEACON_SETUP_H

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/providers/beacon_layout.h"
#include "dnsflip/providers/route53_records.h"

#define BEACON_INTERVAL_S 10 /* of the health check: 10 or 30, never to be changed */
#define BEACON_THRESHOLD 3   /* checks in a row that change a checker's mind */
#define BEACON_SETUP_BYTES_MAX (64U << 20)

/* Everything is borrowed from the settings. */
struct beacon_setup {
    const struct group_cfg *cfg;
    struct route53_group group;
    struct beacon_layout layout;
    const char *asked; /* the cluster that the check asks for */
    struct inet_addr address;
};

/* address: where the checkers reach the beacon, port 0 = that of its first listen address; NULL =
 * its first listen address that the internet can reach.  Fails with ERR_CONFIG if the group has no
 * beacon, or if its records cannot be kept as failover pairs. */
__attribute__((warn_unused_result)) int
beacon_setup_init(struct beacon_setup *out, const struct settings *settings, uint32_t group,
                  const struct inet_addr *address, struct err *err);

void beacon_setup_aws(const struct beacon_setup *setup, struct buf *out);
void beacon_setup_terraform(const struct beacon_setup *setup, struct buf *out);

/* Can Route 53's checkers, which are on the public internet, not reach it? */
bool beacon_setup_is_private(const struct inet_ip *ip);

#endif
