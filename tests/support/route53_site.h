/* tests/support/route53_site.h -- zones, the hosts of one group, and its moves planned and applied,
 * with every promise looked at on the way. */
#ifndef TESTS_SUPPORT_ROUTE53_SITE_H
#define TESTS_SUPPORT_ROUTE53_SITE_H

#include "dnsflip/providers/route53_batch.h"
#include "tests/support/route53_zone.h"

#define EPOCH 1764028800U
#define OWNER "\"heritage=dnsflip,group=prod,epoch=1764000000,batch=1/1\""
#define SITE_HOSTS_MAX 16384

struct site {
    struct route53_zone zones[4];
    size_t n_zones;
    struct route53_group group;
    struct hostname_cfg *hosts[SITE_HOSTS_MAX];
    struct route53_move move;
    int stop_after; /* batches, as if the power went then; 0 = never */
};

/* Group prod with clusters use1 and usw2, routing simple. */
extern const struct route53_group site_simple;

/* One public zone, example.com, with an ownership record; the move goes from use1 to usw2. */
void site_init(struct site *s, const struct route53_group *group);
void site_fini(struct site *s);
void site_add_zone(struct site *s, const char *id, const char *name, bool is_private);
void site_add(struct site *s, struct hostname_cfg *host); /* taken over */

/* Plans and applies all batches.  Looked at: each is what the service takes, within its limits and
 * as counted; no name that had records is without after any.  Returns how many batches there were,
 * -1 with err if the plan refuses. */
int site_move(struct site *s, struct err *err);

/* Is the text in the zone's dump? */
bool site_has(const struct site *s, size_t zone, const char *text);

/* The plan is refused with that code, and the text holds part. */
void site_refuses(struct site *s, enum err_code code, const char *part);

#endif
