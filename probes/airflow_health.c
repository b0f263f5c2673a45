#include "probes/airflow_health.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/str.h"
#include "probes/json.h"

static enum airflow_status status_of(const cJSON *root, const char *component)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(root, component);
    if (node == NULL)
        return AIRFLOW_STATUS_ABSENT;
    if (cJSON_IsNull(node))
        return AIRFLOW_STATUS_NULL;
    if (!cJSON_IsObject(node))
        return AIRFLOW_STATUS_OTHER;
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(node, "status");
    if (status == NULL)
        return AIRFLOW_STATUS_ABSENT;
    if (cJSON_IsNull(status))
        return AIRFLOW_STATUS_NULL;
    if (!cJSON_IsString(status))
        return AIRFLOW_STATUS_OTHER;
    if (strcmp(status->valuestring, "healthy") == 0)
        return AIRFLOW_STATUS_HEALTHY;
    if (strcmp(status->valuestring, "unhealthy") == 0)
        return AIRFLOW_STATUS_UNHEALTHY;
    return AIRFLOW_STATUS_OTHER;
}

/* Named after its component, or, in lists of instances and some builds, plainly. */
static const cJSON *heartbeat_of(const cJSON *root)
{
    const cJSON *scheduler = cJSON_GetObjectItemCaseSensitive(root, "scheduler");
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(scheduler, "latest_scheduler_heartbeat");
    if (node == NULL)
        node = cJSON_GetObjectItemCaseSensitive(scheduler, "latest_heartbeat");
    return node;
}

static void read_heartbeat(const cJSON *root, struct airflow_health *out)
{
    const cJSON *node = heartbeat_of(root);
    struct err ignored;
    if (node == NULL || cJSON_IsNull(node))
        return;
    if (!cJSON_IsString(node) || wall_parse(node->valuestring, &out->heartbeat, &ignored) != 0) {
        out->heartbeat = (struct wall){ 0 };
        out->is_bad_heartbeat = true;
    }
}

bool airflow_health_parse(const char *body, size_t n, struct airflow_health *out)
{
    *out = (struct airflow_health){ 0 };
    cJSON *root = json_parse(body, n);
    bool is_object = cJSON_IsObject(root) != 0;
    if (is_object) {
        out->metadatabase = status_of(root, "metadatabase");
        out->scheduler = status_of(root, "scheduler");
        out->triggerer = status_of(root, "triggerer");
        out->dag_processor = status_of(root, "dag_processor");
        read_heartbeat(root, out);
    }
    cJSON_Delete(root);
    return is_object;
}

static const char *word(enum airflow_status status)
{
    switch (status) {
    case AIRFLOW_STATUS_ABSENT:
        return "absent";
    case AIRFLOW_STATUS_NULL:
        return "null";
    case AIRFLOW_STATUS_HEALTHY:
        return "healthy";
    case AIRFLOW_STATUS_UNHEALTHY:
        return "unhealthy";
    case AIRFLOW_STATUS_OTHER:
        return "neither healthy, unhealthy nor null";
    }
    return "";
}

/* What a component that every Airflow has says; anything but the two words proves nothing. */
static enum reason_code judge_core(enum airflow_status status, const char *component,
                                   enum reason_code if_unhealthy, char *detail)
{
    if (status == AIRFLOW_STATUS_HEALTHY)
        return REASON_OK;
    str_format(detail, OBSERVATION_DETAIL_BYTES, "%s is %s", component, word(status));
    return status == AIRFLOW_STATUS_UNHEALTHY ? if_unhealthy : REASON_BAD_JSON;
}

static enum reason_code judge_heartbeat(const struct airflow_health *health,
                                        const struct probe_cfg *cfg, struct wall server_now,
                                        char *detail)
{
    char age[STR_DURATION_BYTES];
    char limit[STR_DURATION_BYTES];
    if (health->is_bad_heartbeat) {
        str_copy(detail, OBSERVATION_DETAIL_BYTES, "the scheduler's heartbeat is not a time");
        return REASON_BAD_JSON;
    }
    if (health->heartbeat.ms == 0)
        return REASON_OK; /* old versions say no more than "healthy" */
    int64_t age_ms = server_now.ms - health->heartbeat.ms;
    if (age_ms <= cfg->heartbeat_max_age_ms && age_ms >= -cfg->heartbeat_max_age_ms)
        return REASON_OK;
    str_format_duration(age_ms > 0 ? age_ms : -age_ms, age);
    str_format_duration(cfg->heartbeat_max_age_ms, limit);
    str_format(detail, OBSERVATION_DETAIL_BYTES,
               "the scheduler's heartbeat is %s %s the server's clock, allowed is %s", age,
               age_ms > 0 ? "behind" : "ahead of", limit);
    return age_ms > 0 ? REASON_AIRFLOW_HEARTBEAT : REASON_CLOCK_SKEW;
}

static enum reason_code judge_required(enum airflow_status status, bool is_required,
                                       const char *component, char *detail)
{
    if (!is_required || status == AIRFLOW_STATUS_HEALTHY)
        return REASON_OK;
    str_format(detail, OBSERVATION_DETAIL_BYTES, "%s is %s and required", component, word(status));
    return REASON_AIRFLOW_COMPONENT;
}

enum reason_code airflow_health_judge(const struct airflow_health *health,
                                      const struct probe_cfg *cfg, struct wall server_now,
                                      char detail[static OBSERVATION_DETAIL_BYTES])
{
    enum reason_code reason =
        judge_core(health->metadatabase, "metadatabase", REASON_AIRFLOW_DATABASE, detail);
    if (reason == REASON_OK)
        reason = judge_core(health->scheduler, "scheduler", REASON_AIRFLOW_SCHEDULER, detail);
    if (reason == REASON_OK)
        reason = judge_heartbeat(health, cfg, server_now, detail);
    if (reason == REASON_OK)
        reason = judge_required(health->triggerer, cfg->require_triggerer, "triggerer", detail);
    if (reason == REASON_OK)
        reason = judge_required(health->dag_processor, cfg->require_dag_processor, "dag_processor",
                                detail);
    return reason;
}

/* The text at key of the object that body is; NULL if it is not there.  *root is the caller's. */
static const char *text_at(const char *body, size_t n, const char *key, cJSON **root)
{
    *root = json_parse(body, n);
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(*root, key));
}

bool airflow_health_version(const char *body, size_t n, char *out, size_t cap)
{
    cJSON *root = NULL;
    const char *version = text_at(body, n, "version", &root);
    bool is_there = version != NULL && version[0] != '\0';
    if (is_there) {
        str_copy(out, cap, version);
        for (char *p = out; *p != '\0'; p++) {
            if (*p <= ' ' || *p > '~')
                *p = '?';
        }
    }
    cJSON_Delete(root);
    return is_there;
}

bool airflow_health_execution(const char *body, size_t n, bool *is_healthy)
{
    cJSON *root = NULL;
    const char *status = text_at(body, n, "status", &root);
    bool is_there = status != NULL;
    *is_healthy = is_there && strcmp(status, "healthy") == 0;
    cJSON_Delete(root);
    return is_there;
}
