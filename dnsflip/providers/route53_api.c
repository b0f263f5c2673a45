#include "dnsflip/providers/route53_api.h"

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"

#define PATH_TEXT_BYTES 160
#define API "/2013-04-01"
#define PAGE_RECORDS "300"
#define ZONE_READS_MAX 3 /* of one zone whose list cannot be understood */

int route53_api_init(struct route53_api *api, const struct route53_cfg *cfg, struct io *io,
                     struct err *err)
{
    *api = (struct route53_api){ .cfg = cfg, .loop = io->loop };
    aws_route53_scope(&cfg->aws, &api->scope);
    return aws_new(&cfg->aws, io, &api->aws, err);
}

void route53_api_fini(struct route53_api *api)
{
    aws_free(api->aws);
    api->aws = NULL;
}

static struct aws_request request_of(const struct route53_api *api, enum aws_lane lane,
                                     const char *path)
{
    return (struct aws_request){ .service = "route53",
                                 .region = api->scope.region,
                                 .url = api->scope.url,
                                 .method = "GET",
                                 .path = path,
                                 .content_type = "",
                                 .target = "",
                                 .lane = lane,
                                 .timeout_ms = ROUTE53_REQUEST_MS,
                                 .answer_max_bytes = ROUTE53_ANSWER_BYTES };
}

struct aws_call *route53_api_zone(struct route53_api *api, const char *zone, enum aws_lane lane,
                                  aws_done *done, void *arg)
{
    char path[PATH_TEXT_BYTES];
    struct aws_request request = request_of(api, lane, path);

    (void)str_format(path, sizeof(path), API "/hostedzone/%s", zone);
    return aws_start(api->aws, &request, done, arg);
}

struct aws_call *route53_api_list(struct route53_api *api, const char *zone,
                                  const struct route53_page *from, enum aws_lane lane,
                                  aws_done *done, void *arg)
{
    char path[PATH_TEXT_BYTES];
    struct aws_request request = request_of(api, lane, path);

    (void)str_format(path, sizeof(path), API "/hostedzone/%s/rrset", zone);
    request.params[request.n_params++] = (struct aws_param){ "maxitems", PAGE_RECORDS };
    if (from->is_truncated) {
        request.params[request.n_params++] = (struct aws_param){ "name", from->next_name };
        request.params[request.n_params++] = (struct aws_param){ "type", from->next_type };
    }
    if (from->is_truncated && from->next_id[0] != '\0')
        request.params[request.n_params++] = (struct aws_param){ "identifier", from->next_id };
    return aws_start(api->aws, &request, done, arg);
}

struct aws_call *route53_api_change(struct route53_api *api, const char *zone, const char *body,
                                    size_t n, aws_done *done, void *arg)
{
    char path[PATH_TEXT_BYTES];
    struct aws_request request = request_of(api, AWS_LANE_FLIP, path);

    (void)str_format(path, sizeof(path), API "/hostedzone/%s/rrset/", zone);
    request.method = "POST";
    request.content_type = "text/xml";
    request.body = body;
    request.body_bytes = n;
    request.is_write = true;
    return aws_start(api->aws, &request, done, arg);
}

struct aws_call *route53_api_health_check(struct route53_api *api, const char *id, aws_done *done,
                                          void *arg)
{
    char path[PATH_TEXT_BYTES];
    struct aws_request request = request_of(api, AWS_LANE_REFRESH, path);

    (void)str_format(path, sizeof(path), API "/healthcheck/%s", id);
    return aws_start(api->aws, &request, done, arg);
}

struct aws_call *route53_api_get_change(struct route53_api *api, const char *id, aws_done *done,
                                        void *arg)
{
    char path[PATH_TEXT_BYTES];
    struct aws_request request = request_of(api, AWS_LANE_FLIP, path);

    (void)str_format(path, sizeof(path), API "/change/%s", id);
    return aws_start(api->aws, &request, done, arg);
}

/* ---- all zones ------------------------------------------------------------------------------ */

struct route53_reading {
    struct route53_api *api;
    enum aws_lane lane;
    struct aws_call *call;       /* in flight, NULL = none */
    struct route53_zones *zones; /* owned until done */
    struct route53_page page;
    unsigned n_reads; /* of the zone that is being read */
    route53_zones_done *done;
    void *arg;
};

void route53_zones_free(struct route53_zones *zones)
{
    if (zones == NULL)
        return;
    for (size_t i = 0; i < zones->n; i++)
        route53_zone_fini(&zones->zones[i]);
    mem_free(zones);
}

static void reading_free(struct route53_reading *reading)
{
    route53_zones_free(reading->zones);
    loop_defer_free(reading->api->loop, reading);
}

void route53_zones_cancel(struct route53_reading *reading)
{
    if (reading == NULL)
        return;
    if (reading->call != NULL)
        aws_cancel(reading->call);
    reading_free(reading);
}

static void reading_end(struct route53_reading *reading, const struct err *why)
{
    route53_zones_done *done = reading->done;
    void *arg = reading->arg;
    struct route53_zones *zones = NULL;
    struct err err = { 0 };

    if (why != NULL) {
        err = *why;
    } else {
        zones = reading->zones;
        reading->zones = NULL;
    }
    reading_free(reading);
    done(arg, zones, why != NULL ? &err : NULL);
}

static const char *zone_id(const struct route53_reading *reading)
{
    return reading->api->cfg->zones[reading->zones->n - 1];
}

static void on_zone(void *arg, const struct aws_answer *answer);

static void read_zone(struct route53_reading *reading)
{
    reading->n_reads++;
    reading->page = (struct route53_page){ 0 };
    reading->call =
        route53_api_zone(reading->api, zone_id(reading), reading->lane, on_zone, reading);
}

static void next_zone(struct route53_reading *reading)
{
    const struct route53_cfg *cfg = reading->api->cfg;

    if (reading->zones->n == cfg->n_zones) {
        reading_end(reading, NULL);
        return;
    }
    reading->zones->n++;
    reading->n_reads = 0;
    read_zone(reading);
}

/* Cut off on its way, without end, another one's page, or changed while it was read: the zone is
 * read anew.  What the service refuses, and what is too large for us, stays so. */
static bool is_spoilt(const struct aws_answer *answer, const struct err *err)
{
    return (answer->outcome == AWS_OK) != (err->code == ERR_LIMIT);
}

static void reading_fail(struct route53_reading *reading, const struct aws_answer *answer,
                         struct err *err)
{
    struct route53_zone *zone = &reading->zones->zones[reading->zones->n - 1];

    if (is_spoilt(answer, err) && reading->n_reads < ZONE_READS_MAX) {
        route53_zone_fini(zone);
        read_zone(reading);
        return;
    }
    (void)err_wrap(err, "hosted zone %s", zone_id(reading));
    reading_end(reading, err);
}

static void on_page(void *arg, const struct aws_answer *answer)
{
    struct route53_reading *reading = arg;
    struct route53_set *records = &reading->zones->zones[reading->zones->n - 1].records;
    size_t had = records->n + records->n_left_out;
    struct err err = answer->err;

    reading->call = NULL;
    if (answer->outcome != AWS_OK ||
        route53_read_page(answer->body, answer->body_bytes, records, &reading->page, &err) != 0) {
        reading_fail(reading, answer, &err);
        return;
    }
    if (reading->page.is_truncated && records->n + records->n_left_out == had) {
        (void)err_set(&err, ERR_REMOTE, "a page of the list is empty, though it is not the last");
        reading_fail(reading, answer, &err);
        return;
    }
    if (reading->page.is_truncated) {
        reading->call = route53_api_list(reading->api, zone_id(reading), &reading->page,
                                         reading->lane, on_page, reading);
        return;
    }
    if (route53_set_sort(records, &err) != 0) {
        reading_fail(reading, answer, &err);
        return;
    }
    next_zone(reading);
}

static void on_zone(void *arg, const struct aws_answer *answer)
{
    struct route53_reading *reading = arg;
    struct route53_zone_facts *facts = &reading->zones->facts[reading->zones->n - 1];
    struct route53_zone *zone = &reading->zones->zones[reading->zones->n - 1];
    struct err err = answer->err;

    reading->call = NULL;
    if (answer->outcome != AWS_OK ||
        route53_read_zone(answer->body, answer->body_bytes, facts, &err) != 0) {
        reading_fail(reading, answer, &err);
        return;
    }
    (void)str_copy(zone->id, sizeof(zone->id), zone_id(reading));
    (void)str_copy(zone->name, sizeof(zone->name), facts->name);
    zone->is_private = facts->is_private;
    reading->call = route53_api_list(reading->api, zone_id(reading), &reading->page, reading->lane,
                                     on_page, reading);
}

struct route53_reading *route53_zones_read(struct route53_api *api, enum aws_lane lane,
                                           route53_zones_done *done, void *arg)
{
    struct route53_reading *reading = mem_zalloc(sizeof(*reading));

    reading->api = api;
    reading->lane = lane;
    reading->done = done;
    reading->arg = arg;
    reading->zones = mem_zalloc(sizeof(*reading->zones));
    next_zone(reading);
    return reading;
}
