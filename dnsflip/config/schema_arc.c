#include "dnsflip/config/schema.h"

#include "dnsflip/model/settings.h"

#define MEMBER(type, member)                                                                       \
    .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)

const struct key_spec schema_arc_keys[] = {
    { .name = "kind",
      .type = KEY_CUSTOM,
      .required = true,
      .help = "What it is: arc (routing controls of Application Recovery Controller)." },
    { .name = "endpoints",
      .type = KEY_CUSTOM,
      .required = true,
      .may_reload = true,
      .help = "The regional endpoints of the ARC cluster, by region, as aws "
              "route53-recovery-control-config describe-cluster shows them; there are five. They "
              "are asked one after the other until one answers." },
    { .name = "controls",
      .type = KEY_CUSTOM,
      .required = true,
      .may_reload = true,
      .help =
          "The ARN of the routing control of each cluster of the group: exactly one of them is "
          "On. Its Route 53 health check stands at the records that answer with that cluster." },
    { .name = "nameservers",
      .type = KEY_CUSTOM,
      .may_reload = true,
      .help = "Addresses of name servers of the zone that holds the records; the port is 53 if not "
              "given. They are asked whether the world has moved after a flip; without them that "
              "is not measured." },
    { .name = "region",
      .type = KEY_NAME,
      MEMBER(arc_cfg, aws.region),
      .may_reload = true,
      .help = "Region whose STS gives credentials, if a role is to be assumed; AWS_REGION, "
              "AWS_DEFAULT_REGION or the profile's if not given. It should not be the region that "
              "may be lost." },
    { .name = "profile",
      .type = KEY_TEXT,
      MEMBER(arc_cfg, aws.profile),
      .may_reload = true,
      .help = "Profile of the shared AWS configuration files; AWS_PROFILE, else default, if not "
              "given." },
    { .name = "ca_file",
      .type = KEY_PATH,
      MEMBER(arc_cfg, aws.ca_file),
      .may_reload = true,
      .help = "Certificates (PEM) to trust instead of the system's." },
    { .name = "refresh",
      .type = KEY_DURATION,
      MEMBER(arc_cfg, refresh_ms),
      .fallback = "60s",
      .min = 10000,
      .max = 3600000,
      .may_reload = true,
      .help = "How often the states are compared with what they should be." },
    { .name = "proxy",
      .type = KEY_CUSTOM,
      .may_reload = true,
      .help = "HTTP proxy for requests to AWS, http://HOST:PORT; proxies of the environment are "
              "not used." },
    { .name = NULL },
};
