/* dnsflip/model/limits.h -- the numbers that bound what stages exchange. */
#ifndef DNSFLIP_MODEL_LIMITS_H
#define DNSFLIP_MODEL_LIMITS_H

#define NAME_BYTES 64         /* group, cluster, provider, policy: 63 characters and a NUL */
#define HOSTNAME_BYTES 256    /* presentation form without the last dot: 253 and a NUL */
#define CLUSTERS_MAX 16       /* in a file, and so in a group */
#define GROUPS_MAX 4096       /* in a file */
#define PROVIDERS_MAX 16      /* in a file */
#define POLICIES_MAX 256      /* in a file */
#define REFERENCES_MAX 16     /* "am I alone?" targets */
#define ADDRESSES_MAX 8       /* of one family in one target */
#define LISTENS_MAX 16        /* listen addresses of one provider */
#define NAMESERVERS_MAX 16    /* NS records of a zone */
#define ALLOW_TRANSFER_MAX 32 /* networks that may transfer a zone */
#define ROUTE53_ZONES_MAX 16  /* hosted zones of one provider */
#define ARC_ENDPOINTS_MAX 5   /* regional endpoints of one ARC cluster: AWS makes five */
#define SECONDARIES_MAX 16    /* notified secondaries of a zone */
#define EXEMPT_MAX 32         /* networks exempt from the rate limit */
#define RATE_LIMIT_MAX 100000 /* answers of one kind to one network in a second */
#define RATE_SLIP_MAX 10      /* one truncated answer in so many */
#define COOKIE_SECRETS_MAX 2  /* the one in use, and the one before or after it */
#define COOKIE_SECRET_BYTES 16
#define NSID_BYTES 65             /* what names this server in answers: 64 and a NUL */
#define HOSTNAMES_MAX 100000      /* managed names in a file */
#define ENDPOINTS_MAX 100000      /* in a file, after {deployment} is expanded */
#define PROBES_MAX 262144         /* endpoint x cluster x address family */
#define JSON_RULES_MAX 16         /* of one probe */
#define ACCESS_MAX 32             /* uids and gids of one role */
#define ARGV_MAX 32               /* words of a hook command */
#define REASON_TEXT_BYTES 256     /* operators' reasons, reasons in words */
#define ACTOR_BYTES 64            /* "uid:0 root" */
#define REQUEST_ID_BYTES 128      /* request_id of the control protocol: 127 characters */
#define OPERATION_ID_BYTES 40     /* "op-1763867045-prod" and the like */
#define OPERATION_TOKEN_BYTES 512 /* what a provider needs to know its changes again */
#define PATH_BYTES 4096

#endif
