/* tests/unit/test_airflow_health.c -- the health document in every shape it comes in. */
#include "probes/airflow_health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define NOW "2026-08-21T10:11:22Z"
#define MAX_AGE_MS 30000
#define DB "\"metadatabase\":{\"status\":\"healthy\"}"
#define BEAT(t) "\"latest_scheduler_heartbeat\":" t
#define SCHEDULER(status, beat) "\"scheduler\":{\"status\":" status "," beat "}"
#define WELL SCHEDULER("\"healthy\"", BEAT("\"2026-08-21T10:11:12.123456+00:00\""))
#define NULLS                                                                                      \
    "\"triggerer\":{\"status\":null,\"latest_triggerer_heartbeat\":null},"                         \
    "\"dag_processor\":{\"status\":null,\"latest_dag_processor_heartbeat\":null}"

static struct wall time_of(const char *text)
{
    struct wall t;
    struct err err;
    assert_int_equal(wall_parse(text, &t, &err), 0);
    return t;
}

static enum reason_code judge(const char *body, const struct probe_cfg *cfg, char *detail)
{
    struct airflow_health health;
    size_t n = strlen(body);
    char *copy = mem_strndup(body, n); /* exact, for the sanitizer */
    bool is_object = airflow_health_parse(copy, n, &health);
    mem_free(copy);
    detail[0] = '\0';
    if (!is_object)
        return REASON_NOT_JSON;
    return airflow_health_judge(&health, cfg, time_of(NOW), detail);
}

static const struct {
    const char *what, *body;
    enum reason_code reason;
} shapes[] = {
    { "stock 3", "{" DB "," WELL "," NULLS "}", REASON_OK },
    { "2.3, without the younger components", "{" DB "," WELL "}", REASON_OK },
    { "plain heartbeat key",
      "{" DB ",\"scheduler\":{\"status\":\"healthy\",\"latest_heartbeat\":\"" NOW "\"}}",
      REASON_OK },
    { "no fraction", "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"2026-08-21T10:11:12+00:00\"")) "}",
      REASON_OK },
    { "Z", "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"2026-08-21T10:11:12Z\"")) "}", REASON_OK },
    { "space, as 1.10 wrote it",
      "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"2026-08-21 10:11:12.5+00:00\"")) "}", REASON_OK },
    { "another zone",
      "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"2026-08-21T12:11:12+02:00\"")) "}", REASON_OK },
    { "null heartbeat", "{" DB "," SCHEDULER("\"healthy\"", BEAT("null")) "}", REASON_OK },
    { "unknown keys, degraded",
      "{\"new\":[1,{}]," DB ",\"scheduler\":{\"status\":\"healthy\",\"detailed_status\":"
      "\"degraded\",\"instances\":[{\"hostname\":\"a\",\"status\":\"unhealthy\"}]},\"api\":3}",
      REASON_OK },
    { "triggerer unhealthy, not required",
      "{" DB "," WELL ",\"triggerer\":{\"status\":\"unhealthy\"}}", REASON_OK },
    { "database unhealthy", "{\"metadatabase\":{\"status\":\"unhealthy\"}," WELL "}",
      REASON_AIRFLOW_DATABASE },
    { "both unhealthy: the database says it",
      "{\"metadatabase\":{\"status\":\"unhealthy\"}," SCHEDULER("\"unhealthy\"", BEAT("null")) "}",
      REASON_AIRFLOW_DATABASE },
    { "no scheduler ever", "{" DB "," SCHEDULER("\"unhealthy\"", BEAT("null")) "}",
      REASON_AIRFLOW_SCHEDULER },
    { "heartbeat 31 s old",
      "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"2026-08-21T10:10:51+00:00\"")) "}",
      REASON_AIRFLOW_HEARTBEAT },
    { "heartbeat 30 s old",
      "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"2026-08-21T10:10:52+00:00\"")) "}", REASON_OK },
    { "heartbeat 30 s ahead",
      "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"2026-08-21T10:11:52+00:00\"")) "}", REASON_OK },
    { "heartbeat 31 s ahead",
      "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"2026-08-21T10:11:53+00:00\"")) "}",
      REASON_CLOCK_SKEW },
    { "heartbeat is no time", "{" DB "," SCHEDULER("\"healthy\"", BEAT("\"yesterday\"")) "}",
      REASON_BAD_JSON },
    { "heartbeat is a number", "{" DB "," SCHEDULER("\"healthy\"", BEAT("1755771072")) "}",
      REASON_BAD_JSON },
    { "scheduler null", "{" DB ",\"scheduler\":null}", REASON_BAD_JSON },
    { "scheduler status null", "{" DB "," SCHEDULER("null", BEAT("null")) "}", REASON_BAD_JSON },
    { "scheduler missing", "{" DB "}", REASON_BAD_JSON },
    { "scheduler is a text", "{" DB ",\"scheduler\":\"healthy\"}", REASON_BAD_JSON },
    { "status is true", "{\"metadatabase\":{\"status\":true}," WELL "}", REASON_BAD_JSON },
    { "another word", "{\"metadatabase\":{\"status\":\"Healthy\"}," WELL "}", REASON_BAD_JSON },
    { "empty", "{}", REASON_BAD_JSON },
    { "a list", "[{}]", REASON_NOT_JSON },
    { "a text", "\"healthy\"", REASON_NOT_JSON },
    { "nothing", "", REASON_NOT_JSON },
    { "cut off", "{" DB "," WELL, REASON_NOT_JSON },
    { "something behind it", "{" DB "," WELL "} ok", REASON_NOT_JSON },
    { "HTML", "<!doctype html>", REASON_NOT_JSON },
};

static void each_shape_is_judged_as_it_must_be(void **state)
{
    (void)state;
    struct probe_cfg cfg = { .heartbeat_max_age_ms = MAX_AGE_MS };
    char detail[OBSERVATION_DETAIL_BYTES];
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        enum reason_code reason = judge(shapes[i].body, &cfg, detail);
        if (reason != shapes[i].reason)
            fail_msg("%s: %s (%s)", shapes[i].what, reason_code_info(reason)->name, detail);
        assert_int_equal(detail[0] == '\0', reason == REASON_OK || reason == REASON_NOT_JSON);
    }
}

static void a_required_component_must_be_there_and_healthy(void **state)
{
    (void)state;
    static const struct {
        const char *triggerer, *dag_processor;
        bool needs_triggerer, needs_dag_processor;
        enum reason_code reason;
    } rows[] = {
        { "\"healthy\"", "null", true, false, REASON_OK },
        { "null", "null", true, false, REASON_AIRFLOW_COMPONENT },
        { "\"unhealthy\"", "null", true, false, REASON_AIRFLOW_COMPONENT },
        { "7", "null", true, false, REASON_AIRFLOW_COMPONENT },
        { "null", "\"healthy\"", false, true, REASON_OK },
        { "\"healthy\"", "null", true, true, REASON_AIRFLOW_COMPONENT },
        { "null", "null", false, false, REASON_OK },
    };
    char body[1024];
    char detail[OBSERVATION_DETAIL_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct probe_cfg cfg = { .heartbeat_max_age_ms = MAX_AGE_MS,
                                 .require_triggerer = rows[i].needs_triggerer,
                                 .require_dag_processor = rows[i].needs_dag_processor };
        str_format(body, sizeof body,
                   "{" DB "," WELL
                   ",\"triggerer\":{\"status\":%s},\"dag_processor\":{\"status\":%s}}",
                   rows[i].triggerer, rows[i].dag_processor);
        assert_int_equal(judge(body, &cfg, detail), rows[i].reason);
    }
    struct probe_cfg cfg = { .heartbeat_max_age_ms = MAX_AGE_MS, .require_triggerer = true };
    assert_int_equal(judge("{" DB "," WELL "}", &cfg, detail), REASON_AIRFLOW_COMPONENT);
    assert_string_equal(detail, "triggerer is absent and required");
}

static void versions_are_read_and_made_printable(void **state)
{
    (void)state;
    static const struct {
        const char *body, *version;
    } rows[] = {
        { "{\"version\":\"3.1.0\",\"git_version\":null}", "3.1.0" },
        { "{\"version\":\"2.10.5+astro.4\"}", "2.10.5+astro.4" },
        { "{\"version\":\"3\\u0000x\"}", "3" },
        { "{\"version\":\"3 \\n\\u00e9\"}", "3????" },
        { "{\"version\":\"0123456789012345678901234567890123456789\"}",
          "0123456789012345678901234567890" },
        { "{\"version\":\"\"}", NULL },
        { "{\"version\":3}", NULL },
        { "{\"Version\":\"3\"}", NULL },
        { "[]", NULL },
        { "<html>", NULL },
    };
    char version[32];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_there =
            airflow_health_version(rows[i].body, strlen(rows[i].body), version, sizeof version);
        assert_int_equal(is_there, rows[i].version != NULL);
        if (is_there)
            assert_string_equal(version, rows[i].version);
    }
}

static void the_execution_api_is_healthy_by_that_word_only(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool is_there, is_healthy;
    } rows[] = {
        { "{\"status\":\"healthy\"}", true, true },
        { " {\"status\":\"healthy\",\"x\":1}\n", true, true },
        { "{\"status\":\"unhealthy\"}", true, false },
        { "{\"status\":null}", false, false },
        { "{\"state\":\"healthy\"}", false, false },
        { "\"healthy\"", false, false },
        { "", false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_healthy = true;
        assert_int_equal(airflow_health_execution(rows[i].body, strlen(rows[i].body), &is_healthy),
                         rows[i].is_there);
        assert_int_equal(is_healthy, rows[i].is_healthy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shape_is_judged_as_it_must_be),
        cmocka_unit_test(a_required_component_must_be_there_and_healthy),
        cmocka_unit_test(versions_are_read_and_made_printable),
        cmocka_unit_test(the_execution_api_is_healthy_by_that_word_only),
    };
    return cmocka_run_group_tests_name("airflow_health", tests, NULL, NULL);
}
