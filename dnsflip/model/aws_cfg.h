/* dnsflip/model/aws_cfg.h -- how the AWS services are reached; providers that call them hold one.
 */
#ifndef DNSFLIP_MODEL_AWS_CFG_H
#define DNSFLIP_MODEL_AWS_CFG_H

#include <stdbool.h>

#include "dnsflip/model/limits.h"

#define AWS_REGION_BYTES 64
#define AWS_URL_BYTES 512

enum aws_partition { AWS_STANDARD = 0, AWS_CHINA, AWS_GOVCLOUD };

/* A plain value; nothing in it is secret. */
struct aws_cfg {
    enum aws_partition partition;
    bool has_fips;                 /* the FIPS endpoints */
    char region[AWS_REGION_BYTES]; /* of STS and ARC, never of the signing scope of Route 53 */
    char endpoint[AWS_URL_BYTES];  /* "" = the partition's own; else the Route 53 API is there */
    char ca_file[PATH_BYTES / 8];  /* PEM; "" = the system's */
    char proxy[AWS_URL_BYTES];     /* http://HOST:PORT; "" = none (the environment is not asked) */
    char profile[NAME_BYTES];      /* "" = AWS_PROFILE, else "default" */
};

#endif
