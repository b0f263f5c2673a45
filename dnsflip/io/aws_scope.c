#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws.h"

static const struct {
    const char *url, *fips_url; /* fips_url NULL: there is none */
    const char *region;
} route53[] = {
    [AWS_STANDARD] = { "https://route53.amazonaws.com", "https://route53-fips.amazonaws.com",
                       "us-east-1" },
    [AWS_CHINA] = { "https://route53.amazonaws.com.cn", NULL, "cn-northwest-1" },
    /* All endpoints of GovCloud are FIPS endpoints. */
    [AWS_GOVCLOUD] = { "https://route53.us-gov.amazonaws.com",
                       "https://route53.us-gov.amazonaws.com", "us-gov-west-1" },
};

const char *aws_authority(const char *url)
{
    const char *rest = str_starts(url, "https://")  ? url + strlen("https://")
                       : str_starts(url, "http://") ? url + strlen("http://")
                                                    : NULL;

    if (rest == NULL || *rest == '\0' || strlen(url) >= AWS_URL_BYTES)
        return NULL;
    for (const char *p = rest; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("/?#@\\", *p) != NULL)
            return NULL;
    }
    return rest;
}

const char *aws_cfg_problem(const struct aws_cfg *cfg)
{
    if (cfg->endpoint[0] != '\0') {
        if (aws_authority(cfg->endpoint) == NULL)
            return "an endpoint is https://HOST or https://HOST:PORT (or http://), without user, "
                   "path or query";
    } else if (cfg->has_fips && route53[cfg->partition].fips_url == NULL) {
        return "AWS has no FIPS endpoint of Route 53 in China: leave fips out";
    }
    return NULL;
}

void aws_route53_scope(const struct aws_cfg *cfg, struct aws_scope *out)
{
    const char *fips_url = route53[cfg->partition].fips_url;
    const char *url = cfg->endpoint[0] != '\0'            ? cfg->endpoint
                      : cfg->has_fips && fips_url != NULL ? fips_url
                                                          : route53[cfg->partition].url;

    str_copy(out->url, sizeof(out->url), url);
    str_copy(out->region, sizeof(out->region), route53[cfg->partition].region);
}
