#include "dnsflip/config/schema.h"

#include <string.h>

#define SIZE_OF(member) sizeof(((struct probe_cfg *)0)->member)
#define AT(member) .offset = offsetof(struct probe_cfg, member), .size = SIZE_OF(member)

static const char *const schemes[] = { "https", "http", NULL };
static const char *const airflow_versions[] = { "auto", "2", "3", NULL };

const char schema_probe_kinds[] = "http, airflow, tcp";

const struct key_spec schema_probe_common_keys[] = {
    { .name = "kind",
      .type = KEY_NAME,
      AT(kind),
      .may_reload = true,
      .help = "What is asked: http, airflow or tcp. May be inherited." },
    { .name = "scheme",
      .type = KEY_ENUM,
      AT(scheme),
      .fallback = "https",
      .words = schemes,
      .may_reload = true,
      .help = "With or without TLS; the certificate is checked against the production hostname." },
    { .name = "port",
      .type = KEY_PORT,
      AT(port),
      .fallback = "443",
      .may_reload = true,
      .help = "The TCP port; 80 by default where the scheme is http." },
    { .name = "timeout",
      .type = KEY_DURATION,
      AT(timeout_ms),
      .min = 10,
      .max = 60000,
      .may_reload = true,
      .help = "Of a whole run; the policy's timeout by default, at most its interval." },
    { .name = "ca_file",
      .type = KEY_PATH,
      AT(ca_file),
      .may_reload = true,
      .help = "PEM file of the authorities to trust instead of the system's." },
    { .name = NULL },
};

const struct key_spec schema_probe_http_keys[] = {
    { .name = "path",
      .type = KEY_URL_PATH,
      AT(path),
      .fallback = "/",
      .may_reload = true,
      .help = "What is asked for, below the endpoint's base_path." },
    { .name = "status",
      .type = KEY_CUSTOM,
      .fallback = "200",
      .may_reload = true,
      .help = "The status, or the first and the last status, that pass." },
    { .name = "json",
      .type = KEY_CUSTOM,
      .may_reload = true,
      .help = "JSON pointers (RFC 6901) and the value that each must have; all must hold." },
    { .name = "contains",
      .type = KEY_TEXT,
      AT(contains),
      .may_reload = true,
      .help = "Text that the body must contain." },
    { .name = "max_body",
      .type = KEY_SIZE,
      AT(max_body_bytes),
      .fallback = "64KiB",
      .min = 1024,
      .max = 1 << 20,
      .may_reload = true,
      .help = "A longer body is not judged." },
    { .name = NULL },
};

const struct key_spec schema_probe_airflow_keys[] = {
    { .name = "version",
      .type = KEY_ENUM,
      AT(version),
      .fallback = "auto",
      .words = airflow_versions,
      .may_reload = true,
      .help = "Airflow's major version; auto finds out." },
    { .name = "heartbeat_max_age",
      .type = KEY_DURATION,
      AT(heartbeat_max_age_ms),
      .fallback = "30s",
      .min = 5000,
      .max = 3600000,
      .may_reload = true,
      .help = "A scheduler heartbeat older than this fails an active cluster." },
    { .name = "require_triggerer",
      .type = KEY_BOOL,
      AT(require_triggerer),
      .fallback = "false",
      .may_reload = true,
      .help = "The triggerer must be there and healthy." },
    { .name = "require_dag_processor",
      .type = KEY_BOOL,
      AT(require_dag_processor),
      .fallback = "false",
      .may_reload = true,
      .help = "The DAG processor must be there and healthy." },
    { .name = "max_body",
      .type = KEY_SIZE,
      AT(max_body_bytes),
      .fallback = "64KiB",
      .min = 1024,
      .max = 1 << 20,
      .may_reload = true,
      .help = "A longer body is not judged." },
    { .name = NULL },
};

static const struct key_spec no_keys[] = { { .name = NULL } };
static const char *const of_http[] = { "kind", "scheme", "port", "timeout", "ca_file", NULL };
static const char *const of_tcp[] = { "kind", "port", "timeout", NULL };

static const struct schema_probe kinds[] = {
    { "http", schema_probe_http_keys, of_http },
    { "airflow", schema_probe_airflow_keys, of_http },
    { "tcp", no_keys, of_tcp },
};

const struct schema_probe *schema_probe(const char *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    }
    return NULL;
}

const struct key_spec *schema_probe_key(const struct schema_probe *kind, const char *name)
{
    for (size_t i = 0; kind->common[i] != NULL; i++) {
        if (strcmp(kind->common[i], name) == 0)
            return schema_find(schema_probe_common_keys, name);
    }
    return schema_find(kind->keys, name);
}
