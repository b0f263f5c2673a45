/* dnsflip/model/probe_cfg.h -- how one endpoint is checked, after defaults and inheritance. */
#ifndef DNSFLIP_MODEL_PROBE_CFG_H
#define DNSFLIP_MODEL_PROBE_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/model/limits.h"

enum endpoint_class {
    CLASS_UI = 0,
    CLASS_API,
    CLASS_REMOTE_EXECUTION,
    CLASS_CUSTOM,
};
#define ENDPOINT_CLASSES 4
const char *endpoint_class_name(enum endpoint_class c); /* "ui" "api" "remote-execution" "custom" */

enum airflow_version { AIRFLOW_AUTO = 0, AIRFLOW_2, AIRFLOW_3 };

enum json_type { JSON_RULE_STRING = 0, JSON_RULE_NUMBER, JSON_RULE_BOOL, JSON_RULE_NULL };

/* The value that a JSON pointer (RFC 6901) must have. */
struct json_rule {
    char pointer[128];
    enum json_type type;
    char text[128]; /* JSON_RULE_STRING */
    double number;  /* JSON_RULE_NUMBER */
    bool truth;     /* JSON_RULE_BOOL */
};

enum probe_scheme { SCHEME_HTTPS = 0, SCHEME_HTTP };

#define PROBE_KIND_BYTES 16

/* A plain value; keys that its kind does not know keep their defaults. */
struct probe_cfg {
    char kind[PROBE_KIND_BYTES]; /* "http" "airflow" "tcp": finds the vtable */
    enum probe_scheme scheme;
    uint16_t port;                         /* 1..65535 */
    int64_t timeout_ms;                    /* of a whole run, 10 ms .. 60 s */
    char ca_file[PATH_BYTES / 8];          /* PEM; "" = the system's */
    char path[256];                        /* http: starts with '/' */
    uint16_t status_min, status_max;       /* http: accepted statuses, 200..200 by default */
    struct json_rule json[JSON_RULES_MAX]; /* http: all must hold; n_json in use */
    uint8_t n_json;
    char contains[128];      /* http: text the body must contain; "" = none */
    uint32_t max_body_bytes; /* 64 KiB by default */
    enum airflow_version version;
    int64_t heartbeat_max_age_ms; /* airflow: scheduler heartbeat older than this fails */
    bool require_triggerer;       /* airflow: its status must be "healthy" */
    bool require_dag_processor;
};

/* The same check: every member alike. */
bool probe_cfg_equal(const struct probe_cfg *a, const struct probe_cfg *b);

#endif
