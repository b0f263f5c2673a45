/* tests/unit/test_pages.c -- what a cluster of the lab answers, shape by shape, as Airflow 3 does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/lab/pages.h"

#define HEARTBEAT "2026-11-23T03:04:05.678+00:00"

static struct wall now;

static int read_now(void **state)
{
    struct err err;

    (void)state;
    return wall_parse("2026-11-23T03:04:05.678Z", &now, &err);
}

static void check(const struct pages_state *state, const char *path, int status, const char *type,
                  const char *body)
{
    struct pages_reply reply;

    pages_answer(state, path, now, &reply);
    assert_int_equal(reply.status, status);
    assert_string_equal(reply.content_type, type);
    assert_string_equal(reply.body, body);
}

static void an_active_cluster_is_healthy_with_a_heartbeat(void **state)
{
    const struct pages_state up = { .has_scheduler = true };

    (void)state;
    check(&up, "/api/v2/monitor/health", 200, "application/json",
          "{\"metadatabase\":{\"status\":\"healthy\"},"
          "\"scheduler\":{\"status\":\"healthy\",\"latest_scheduler_heartbeat\":\"" HEARTBEAT
          "\"},\"triggerer\":{\"status\":null,\"latest_triggerer_heartbeat\":null},"
          "\"dag_processor\":{\"status\":\"healthy\","
          "\"latest_dag_processor_heartbeat\":\"" HEARTBEAT "\"}}");
    check(&up, "/api/v2/version", 200, "application/json",
          "{\"version\":\"3.1.0\",\"git_version\":null}");
    check(&up, "/execution/health", 200, "application/json", "{\"status\":\"healthy\"}");
    check(&up, "/execution/health/ping", 200, "application/json",
          "{\"ok\":[\"database\"],\"failing\":{}}");
}

static void a_standby_has_no_scheduler_and_still_200(void **state)
{
    const struct pages_state standby = { .has_scheduler = false };
    struct pages_reply reply;

    (void)state;
    pages_answer(&standby, "/api/v2/monitor/health", now, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "\"metadatabase\":{\"status\":\"healthy\"}"));
    assert_non_null(strstr(reply.body, "\"scheduler\":{\"status\":\"unhealthy\","
                                       "\"latest_scheduler_heartbeat\":null}"));
}

static void an_unhealthy_cluster_says_so_in_json_alone(void **state)
{
    const struct pages_state sick = { .has_scheduler = true, .is_unhealthy = true };
    struct pages_reply reply;

    (void)state;
    pages_answer(&sick, "/api/v2/monitor/health", now, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "\"metadatabase\":{\"status\":\"unhealthy\"}"));
    check(&sick, "/execution/health", 200, "application/json", "{\"status\":\"unhealthy\"}");
    pages_answer(&sick, "/execution/health/ping", now, &reply);
    assert_int_equal(reply.status, 500);
}

static void unknown_paths_are_404_json_in_the_api_and_200_html_elsewhere(void **state)
{
    const struct pages_state up = { .has_scheduler = true };
    struct pages_reply reply;

    (void)state;
    check(&up, "/api/v1/version", 404, "application/json", "{\"error\":\"API route not found\"}");
    check(&up, "/health", 404, "application/json", "{\"error\":\"API route not found\"}");
    pages_answer(&up, "/edge_worker/v1/health", now, &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.content_type, "text/html; charset=utf-8");
    assert_non_null(strstr(reply.body, "<!doctype html>"));
}

static void a_query_behind_the_path_changes_nothing(void **state)
{
    const struct pages_state up = { .has_scheduler = true };

    (void)state;
    check(&up, "/execution/health?x=/api/", 200, "application/json", "{\"status\":\"healthy\"}");
}

static void only_the_primary_of_a_database_is_writable(void **state)
{
    const struct pages_state database = { .primary = "usw2" };
    const struct pages_state none = { .primary = "" };
    struct pages_reply reply;

    (void)state;
    check(&database, "/usw2/writable", 200, "application/json", "{\"writable\":true}");
    check(&database, "/use1/writable", 200, "application/json", "{\"writable\":false}");
    check(&database, "/usw22/writable", 200, "application/json", "{\"writable\":false}");
    pages_answer(&none, "/usw2/writable", now, &reply);
    assert_string_equal(reply.content_type, "text/html; charset=utf-8");
}

static void each_status_has_its_words(void **state)
{
    (void)state;
    assert_string_equal(pages_status_text(200), "OK");
    assert_string_equal(pages_status_text(404), "Not Found");
    assert_string_equal(pages_status_text(500), "Internal Server Error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_active_cluster_is_healthy_with_a_heartbeat),
        cmocka_unit_test(a_standby_has_no_scheduler_and_still_200),
        cmocka_unit_test(an_unhealthy_cluster_says_so_in_json_alone),
        cmocka_unit_test(unknown_paths_are_404_json_in_the_api_and_200_html_elsewhere),
        cmocka_unit_test(a_query_behind_the_path_changes_nothing),
        cmocka_unit_test(only_the_primary_of_a_database_is_writable),
        cmocka_unit_test(each_status_has_its_words),
    };

    return cmocka_run_group_tests_name("pages", tests, read_now, NULL);
}
