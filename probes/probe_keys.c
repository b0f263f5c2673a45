#include "probes/probe_keys.h"

#include "dnsflip/model/probe_cfg.h"

#define SIZE_OF(member) sizeof(((struct probe_cfg *)0)->member)
#define AT(member) .offset = offsetof(struct probe_cfg, member), .size = SIZE_OF(member)

static const char *const airflow_versions[] = { "auto", "2", "3", NULL };

const struct key_spec probe_http_keys[] = {
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

const struct key_spec probe_airflow_keys[] = {
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

const struct key_spec probe_tcp_keys[] = {
    { .name = NULL },
};
