#include "dnsflip/config/schema.h"

#include "dnsflip/model/settings.h"

#define MEMBER(member)                                                                             \
    .offset = offsetof(struct route53_cfg, member),                                                \
    .size = sizeof(((struct route53_cfg *)0)->member)

static const char *const partitions[] = { "aws", "aws-cn", "aws-us-gov", NULL };
static const char *const routings[] = { "simple", "weighted", "failover", NULL };

const struct key_spec schema_route53_keys[] = {
    { .name = "kind", .type = KEY_CUSTOM, .required = true, .help = "route53." },
    { .name = "zones",
      .type = KEY_CUSTOM,
      .required = true,
      .may_reload = true,
      .help = "The hosted zones that the names are in, public or private; a name belongs to the "
              "zone with the longest matching name, and moves in the public and the private one "
              "where there are both." },
    { .name = "region",
      .type = KEY_NAME,
      MEMBER(aws.region),
      .may_reload = true,
      .help = "The region whose STS is asked for credentials; AWS_REGION by default. Choose the "
              "one dnsflip runs in." },
    { .name = "partition",
      .type = KEY_ENUM,
      MEMBER(aws.partition),
      .fallback = "aws",
      .words = partitions,
      .may_reload = true,
      .help = "The AWS partition that the zones are in." },
    { .name = "fips",
      .type = KEY_BOOL,
      MEMBER(aws.has_fips),
      .fallback = "false",
      .may_reload = true,
      .help = "The FIPS endpoints of partition aws or aws-us-gov." },
    { .name = "endpoint",
      .type = KEY_CUSTOM,
      .may_reload = true,
      .help = "Where the Route 53 API is, instead of the partition's own address." },
    { .name = "ca_file",
      .type = KEY_PATH,
      MEMBER(aws.ca_file),
      .may_reload = true,
      .help = "Certificates (PEM) that the API's is checked against, instead of the system's." },
    { .name = "proxy",
      .type = KEY_CUSTOM,
      .may_reload = true,
      .help = "The HTTP proxy that the API is reached through; variables like https_proxy are not "
              "looked at." },
    { .name = "profile",
      .type = KEY_TEXT,
      MEMBER(aws.profile),
      .may_reload = true,
      .help = "The profile of the shared files; AWS_PROFILE, else default, by default. Named here, "
              "it goes before keys in the environment." },
    { .name = "routing",
      .type = KEY_ENUM,
      MEMBER(routing),
      .fallback = "simple",
      .words = routings,
      .may_reload = true,
      .help = "How the records of a name tell its clusters apart: simple, one record that is the "
              "active cluster's; weighted, one per cluster, SetIdentifier its name, weights 100 "
              "and 0; failover, PRIMARY the active cluster's and SECONDARY the other's." },
    { .name = "refresh",
      .type = KEY_DURATION,
      MEMBER(refresh_ms),
      .fallback = "60s",
      .min = 10000,
      .max = 3600000,
      .may_reload = true,
      .help = "How often the live records are compared with what they should be." },
    { .name = "verify",
      .type = KEY_CUSTOM,
      .may_reload = true,
      .help = "The name servers that are asked whether a move arrived; by default those that "
              "Route 53 gave each public zone. Private zones have none that can be asked from "
              "outside: name the resolver of their network." },
    { .name = NULL },
};
