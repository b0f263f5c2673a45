#include "dnsflip/model/probe_cfg.h"

#include <stddef.h>
#include <string.h>

const char *endpoint_class_name(enum endpoint_class c)
{
    switch (c) {
    case CLASS_UI:
        return "ui";
    case CLASS_API:
        return "api";
    case CLASS_REMOTE_EXECUTION:
        return "remote-execution";
    case CLASS_CUSTOM:
        return "custom";
    }
    return NULL;
}

static bool json_rule_equal(const struct json_rule *a, const struct json_rule *b)
{
    return strcmp(a->pointer, b->pointer) == 0 && a->type == b->type &&
           strcmp(a->text, b->text) == 0 && a->number == b->number && a->truth == b->truth;
}

static bool http_equal(const struct probe_cfg *a, const struct probe_cfg *b)
{
    if (a->n_json != b->n_json)
        return false;
    for (unsigned i = 0; i < a->n_json; i++) {
        if (!json_rule_equal(&a->json[i], &b->json[i]))
            return false;
    }
    return strcmp(a->path, b->path) == 0 && a->status_min == b->status_min &&
           a->status_max == b->status_max && strcmp(a->contains, b->contains) == 0 &&
           a->max_body_bytes == b->max_body_bytes;
}

bool probe_cfg_equal(const struct probe_cfg *a, const struct probe_cfg *b)
{
    return strcmp(a->kind, b->kind) == 0 && a->scheme == b->scheme && a->port == b->port &&
           a->timeout_ms == b->timeout_ms && strcmp(a->ca_file, b->ca_file) == 0 &&
           http_equal(a, b) && a->version == b->version &&
           a->heartbeat_max_age_ms == b->heartbeat_max_age_ms &&
           a->require_triggerer == b->require_triggerer &&
           a->require_dag_processor == b->require_dag_processor;
}
