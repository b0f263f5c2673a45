#include "dnsflip/providers/route53_api.h"

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"

#define PATH_TEXT_BYTES 160
#define API "/2013-04-01"
#define PAGE_RECORDS "300"

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
    char path[PATH_TEXT_BYTES] = "";
    struct aws_request request = request_of(api, lane, path);

    (void)str_format(path, sizeof(path), API "/hostedzone/%s", zone);
    return aws_start(api->aws, &request, done, arg);
}

struct aws_call *route53_api_list(struct route53_api *api, const char *zone,
                                  const struct route53_page *from, enum aws_lane lane,
                                  aws_done *done, void *arg)
{
    char path[PATH_TEXT_BYTES] = "";
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
    char path[PATH_TEXT_BYTES] = "";
    struct aws_request request = request_of(api, AWS_LANE_FLIP, path);

    (void)str_format(path, sizeof(path), API "/hostedzone/%s/rrset/", zone);
    request.method = "POST";
    request.content_type = "text/xml";
    request.body = body;
    request.body_bytes = n;
    request.is_write = true;
    api->writes++;
    return aws_start(api->aws, &request, done, arg);
}

struct aws_call *route53_api_health_check(struct route53_api *api, const char *id, aws_done *done,
                                          void *arg)
{
    char path[PATH_TEXT_BYTES] = "";
    struct aws_request request = request_of(api, AWS_LANE_REFRESH, path);

    (void)str_format(path, sizeof(path), API "/healthcheck/%s", id);
    return aws_start(api->aws, &request, done, arg);
}

struct aws_call *route53_api_get_change(struct route53_api *api, const char *id, aws_done *done,
                                        void *arg)
{
    char path[PATH_TEXT_BYTES] = "";
    struct aws_request request = request_of(api, AWS_LANE_FLIP, path);

    (void)str_format(path, sizeof(path), API "/change/%s", id);
    return aws_start(api->aws, &request, done, arg);
}
