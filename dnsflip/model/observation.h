/* dnsflip/model/observation.h -- what one probe run says: an outcome and a reason per profile,
 * and the facts behind them. */
#ifndef DNSFLIP_MODEL_OBSERVATION_H
#define DNSFLIP_MODEL_OBSERVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/wall.h"

enum outcome {
    OUTCOME_PASS = 0,
    OUTCOME_FAIL,
    OUTCOME_INCONCLUSIVE, /* our own fault, or not judgeable: proves nothing */
};

/* A cluster's role for a group chooses the profile its runs are judged by. */
enum profile {
    PROFILE_ACTIVE = 0, /* serves: database and scheduler must be well */
    PROFILE_STANDBY,    /* waits: answers under the production name with a good certificate */
};
#define PROFILES 2

/* Why.  One table (reason_code_info) gives each its outcome, its name and its words. */
enum reason_code {
    REASON_OK = 0,
    /* the far side's fault: fail */
    REASON_CONNECT_REFUSED,
    REASON_CONNECT_TIMEOUT,
    REASON_CONNECT_FAILED, /* reset, host unreachable by ICMP from afar */
    REASON_TLS_FAILED,     /* handshake */
    REASON_CERT_EXPIRED,
    REASON_CERT_NAME, /* not for this hostname */
    REASON_CERT_UNTRUSTED,
    REASON_TIMEOUT,           /* connected, no complete answer in time */
    REASON_CLOSED,            /* connection closed before a complete answer */
    REASON_PROTOCOL,          /* not HTTP, bad framing */
    REASON_HTTP_STATUS,       /* a status that is not the expected one */
    REASON_HTTP_SERVER_ERROR, /* 5xx */
    REASON_NOT_JSON,          /* 200, but HTML or anything else */
    REASON_JSON_RULE,         /* a JSON pointer has not the value it should have */
    REASON_CONTENT,           /* the body lacks the text it should contain */
    REASON_NOT_AIRFLOW_HERE,  /* 404 "not at this location", base path wrong */
    REASON_AIRFLOW_DATABASE,  /* metadatabase unhealthy */
    REASON_AIRFLOW_SCHEDULER, /* scheduler unhealthy; inconclusive in promotion_grace */
    REASON_AIRFLOW_HEARTBEAT, /* scheduler heartbeat too old; inconclusive in promotion_grace */
    REASON_AIRFLOW_COMPONENT, /* a component listed as required is not healthy */
    REASON_EXECUTION_API,     /* the Execution API says it is not healthy */
    /* nobody can judge this: inconclusive */
    REASON_REDIRECT,     /* 3xx: a proxy or a login page stands in front */
    REASON_UNAUTHORIZED, /* 401, 403 */
    REASON_RATE_LIMITED, /* 429 */
    REASON_BODY_TOO_LARGE,
    REASON_BAD_JSON,     /* announced as JSON, does not parse or is another document */
    REASON_CLOCK_SKEW,   /* heartbeat from the future */
    REASON_PATH_MISSING, /* 404 from an older version that lacks the path */
    /* our own fault: inconclusive */
    REASON_RESOLVER,      /* our stub could not resolve the CNAME target */
    REASON_NO_ROUTE,      /* ENETUNREACH, EADDRNOTAVAIL, EACCES here */
    REASON_NO_DESCRIPTOR, /* EMFILE, ENFILE, ENOBUFS, ENOMEM */
    REASON_LOCAL_TLS,     /* CA file unreadable, library trouble */
    REASON_LOCAL_CLOCK,   /* certificate not valid yet: their clock or ours */
    REASON_LOCAL,         /* anything else on our side */
    REASON_FROZEN,        /* this process was not running while the probe was */
};
#define REASON_CODES (REASON_FROZEN + 1)

struct reason_code_info {
    enum outcome outcome;
    bool is_scheduler; /* inconclusive for a new active during promotion_grace */
    const char *name;  /* "connect-timeout": stable, for machines */
    const char *text;  /* "TCP connect timed out" */
};

/* The row of code; never NULL. */
const struct reason_code_info *reason_code_info(enum reason_code code);

const char *outcome_name(enum outcome v); /* "pass" "fail" "inconclusive" */
const char *profile_name(enum profile p); /* "active" "standby" */

#define OBSERVATION_DETAIL_BYTES 120

/* Microseconds from the start of the run; 0 = phase not reached or not needed. */
struct probe_times {
    uint32_t dns_us;
    uint32_t connect_us;
    uint32_t tls_us;
    uint32_t first_byte_us;
    uint32_t total_us;
};

/* A plain value that owns nothing. */
struct observation {
    enum reason_code reason[PROFILES]; /* outcome = reason_code_info(reason)->outcome */
    struct probe_times times;
    int32_t http_status; /* 0 = none */
    bool reused;         /* over a connection kept from an earlier run */
    struct inet_ip_text {
        char text[48];
    } address;                             /* that was asked; "" = none */
    struct wall certificate_expires;       /* of the leaf; 0 = not seen */
    struct wall scheduler_heartbeat;       /* 0 = not seen */
    char version[32];                      /* Airflow's own; "" = not seen */
    char detail[OBSERVATION_DETAIL_BYTES]; /* for people: what was seen, and what was expected */
};

#endif
