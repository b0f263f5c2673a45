/* dnsflip/providers/route53_api.h -- the requests of the Route 53 API that moving names and
 * looking at a beacon's health checks take, and the reading of all hosted zones of a provider. */
#ifndef DNSFLIP_PROVIDERS_ROUTE53_API_H
#define DNSFLIP_PROVIDERS_ROUTE53_API_H

#include "dnsflip/io/aws.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/providers/route53_batch.h"
#include "dnsflip/providers/route53_read.h"

#define ROUTE53_REQUEST_MS INT64_C(20000) /* of one request, waiting for its turn included */
#define ROUTE53_ANSWER_BYTES (8U << 20)

struct route53_round;

/* Borrowed by all that is started with it. */
struct route53_api {
    const struct route53_cfg *cfg;
    struct loop *loop;
    struct aws *aws; /* owned */
    struct aws_scope scope;
    uint64_t writes; /* changes sent, and answers to them: what was read before one is old */
    struct route53_round *rounds[AWS_LANE_REFRESH + 1][2]; /* running, and next; their readers' */
};

__attribute__((warn_unused_result)) int route53_api_init(struct route53_api *api,
                                                         const struct route53_cfg *cfg,
                                                         struct io *io, struct err *err);
void route53_api_fini(struct route53_api *api);

/* Each: done as aws_done says; zone and id are used before it returns. */
struct aws_call *route53_api_zone(struct route53_api *api, const char *zone, enum aws_lane lane,
                                  aws_done *done, void *arg);
struct aws_call *route53_api_list(struct route53_api *api, const char *zone,
                                  const struct route53_page *from, enum aws_lane lane,
                                  aws_done *done, void *arg);
struct aws_call *route53_api_change(struct route53_api *api, const char *zone, const char *body,
                                    size_t n, aws_done *done, void *arg);
struct aws_call *route53_api_health_check(struct route53_api *api, const char *id, aws_done *done,
                                          void *arg);
struct aws_call *route53_api_get_change(struct route53_api *api, const char *id, aws_done *done,
                                        void *arg);

/* ---- all zones ------------------------------------------------------------------------------ */

struct route53_zones {
    struct route53_zone zones[ROUTE53_ZONES_MAX]; /* in the configuration's order */
    struct route53_zone_facts facts[ROUTE53_ZONES_MAX];
    size_t n;
    unsigned shares;
};
void route53_zones_free(struct route53_zones *zones); /* one share; NULL does nothing */
struct route53_zones *route53_zones_share(struct route53_zones *zones); /* one more */

struct route53_reading;
/* zones: a share that is the callee's to free; NULL: err says which zone could not be read and why.
 */
typedef void route53_zones_done(void *arg, struct route53_zones *zones, const struct err *err);

/* Reads every zone of the configuration, one request after the other, for all who ask while nothing
 * is changed through this api.  done runs exactly once,
 * never before this returned, unless cancelled. */
struct route53_reading *route53_zones_read(struct route53_api *api, enum aws_lane lane,
                                           route53_zones_done *done, void *arg);
void route53_zones_cancel(struct route53_reading *reading); /* NULL does nothing */

#endif
