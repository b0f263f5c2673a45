/* tests/fuzz/fuzz_airflow.c -- any bytes as the body that an Airflow, or whatever stands in front
 * of it, answers with; and rules with any pointer on it.
 *
 *   pointer of a rule, ended by a newline | the body */
#include <assert.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/str.h"
#include "dnsflip/model/probe_cfg.h"
#include "probes/airflow_health.h"
#include "probes/json.h"
#include "tests/fuzz/fuzz.h"

#define SERVER_NOW_MS INT64_C(1800000000000)
#define VERSION_BYTES 32
#define DETAIL_BYTES 120

static void judge(const char *body, size_t n)
{
    struct probe_cfg cfg = { .heartbeat_max_age_ms = 30000,
                             .require_triggerer = true,
                             .require_dag_processor = true };
    struct airflow_health health;
    char detail[OBSERVATION_DETAIL_BYTES] = "";
    char version[VERSION_BYTES];
    bool is_healthy = false;

    if (airflow_health_parse(body, n, &health)) {
        enum reason_code reason =
            airflow_health_judge(&health, &cfg, (struct wall){ .ms = SERVER_NOW_MS }, detail);

        assert(memchr(detail, '\0', sizeof(detail)) != NULL);
        assert((reason == REASON_OK) == (detail[0] == '\0'));
        assert(reason != REASON_OK || (health.metadatabase == AIRFLOW_STATUS_HEALTHY &&
                                       health.scheduler == AIRFLOW_STATUS_HEALTHY));
    }
    if (airflow_health_version(body, n, version, sizeof(version))) {
        assert(memchr(version, '\0', sizeof(version)) != NULL);
        for (const char *p = version; *p != '\0'; p++)
            assert(*p > ' ' && *p <= '~');
    }
    if (!airflow_health_execution(body, n, &is_healthy))
        assert(!is_healthy);
}

static void ask_rules(const char *pointer, const char *body, size_t n)
{
    struct json_rule rules[] = {
        { .type = JSON_RULE_STRING, .text = "healthy" },
        { .type = JSON_RULE_NUMBER, .number = 3 },
        { .type = JSON_RULE_BOOL, .truth = true },
        { .type = JSON_RULE_NULL },
    };
    struct cJSON *root = json_parse(body, n);
    unsigned holding = 0;

    if (root == NULL)
        return;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        char detail[DETAIL_BYTES] = "";

        (void)str_copy(rules[i].pointer, sizeof(rules[i].pointer), pointer);
        if (json_rule_holds(root, &rules[i], detail, sizeof(detail)))
            holding++;
        else
            assert(detail[0] != '\0' && memchr(detail, '\0', sizeof(detail)) != NULL);
    }
    /* One value is of one type. */
    assert(holding <= 1);
    cJSON_Delete(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { .at = data, .n = size };
    char pointer[sizeof(((struct json_rule *)0)->pointer)] = "";
    size_t n = 0;

    for (uint8_t c = fuzz_byte(&in); c != '\n' && c != '\0'; c = fuzz_byte(&in)) {
        if (n + 1 < sizeof(pointer))
            pointer[n++] = (char)c;
    }
    judge((const char *)in.at, in.n);
    if (json_pointer_problem(pointer) == NULL)
        ask_rules(pointer, (const char *)in.at, in.n);
    return 0;
}
