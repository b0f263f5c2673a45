/* probes/airflow_health.h -- Airflow's health document, read and judged.  Pure.
 * Its HTTP status proves nothing: it is 200 whatever the document says. */
#ifndef DNSFLIP_PROBES_AIRFLOW_HEALTH_H
#define DNSFLIP_PROBES_AIRFLOW_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/wall.h"
#include "dnsflip/model/observation.h"
#include "dnsflip/model/probe_cfg.h"

/* What the document says of one component. */
enum airflow_status {
    AIRFLOW_STATUS_ABSENT = 0, /* no such key: an older version */
    AIRFLOW_STATUS_NULL,       /* not deployed */
    AIRFLOW_STATUS_HEALTHY,
    AIRFLOW_STATUS_UNHEALTHY,
    AIRFLOW_STATUS_OTHER, /* of another type, or another word */
};

struct airflow_health {
    enum airflow_status metadatabase;
    enum airflow_status scheduler;
    enum airflow_status triggerer;
    enum airflow_status dag_processor;
    struct wall heartbeat; /* the scheduler's latest; 0 = absent or null */
    bool is_bad_heartbeat; /* present, and not a time */
};

/* Reads body.  False if it is not one JSON object; keys that are not known are passed over. */
bool airflow_health_parse(const char *body, size_t n, struct airflow_health *out);

/* What the document proves of an active cluster at server_now (the server's own clock, from its
 * Date header).  detail gets words unless it is REASON_OK. */
enum reason_code airflow_health_judge(const struct airflow_health *health,
                                      const struct probe_cfg *cfg, struct wall server_now,
                                      char detail[static OBSERVATION_DETAIL_BYTES]);

/* Reads {"version": "3.1.0", ...} into out.  False if body is not that. */
bool airflow_health_version(const char *body, size_t n, char *out, size_t cap);

/* Reads {"status": "healthy"}.  False if body is not a JSON object with a text "status";
 * *is_healthy says whether the text is that word. */
bool airflow_health_execution(const char *body, size_t n, bool *is_healthy);

#endif
