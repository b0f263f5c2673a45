#include "dnsflip/config/schema.h"

#include <string.h>

#include "probes/probe_keys.h"

#define SIZE_OF(member) sizeof(((struct probe_cfg *)0)->member)
#define AT(member) .offset = offsetof(struct probe_cfg, member), .size = SIZE_OF(member)

static const char *const schemes[] = { "https", "http", NULL };

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

static const char *const of_http[] = { "kind", "scheme", "port", "timeout", "ca_file", NULL };
static const char *const of_tcp[] = { "kind", "port", "timeout", NULL };

static const struct schema_probe kinds[] = {
    { "http", probe_http_keys, of_http },
    { "airflow", probe_airflow_keys, of_http },
    { "tcp", probe_tcp_keys, of_tcp },
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
