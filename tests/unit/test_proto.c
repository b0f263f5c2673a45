/* tests/unit/test_proto.c -- the control protocol's lines: what is a request, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/ctl/proto.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\""

static void lines_that_are_no_request_are_refused_with_the_right_code(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int code;
        const char *id, *word;
    } cases[] = {
        { "", PROTO_PARSE_ERROR, "null", "not JSON" },
        { "{", PROTO_PARSE_ERROR, "null", "not JSON" },
        { "{\"a\":}", PROTO_PARSE_ERROR, "null", "not JSON" },
        { CALL "} x", PROTO_PARSE_ERROR, "null", "more than one" },
        { CALL "}" CALL "}", PROTO_PARSE_ERROR, "null", "more than one" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\x01\"}", PROTO_PARSE_ERROR, "null",
          "control" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\"}", PROTO_PARSE_ERROR, "null",
          "escaped NUL" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc0\xaf\"}", PROTO_PARSE_ERROR, "null",
          "UTF-8" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xed\xa0\x80\"}", PROTO_PARSE_ERROR, "null",
          "UTF-8" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xe2\x82", PROTO_PARSE_ERROR, "null",
          "UTF-8" },
        { "[]", PROTO_INVALID_REQUEST, "null", "batches" },
        { "[" CALL "}]", PROTO_INVALID_REQUEST, "null", "batches" },
        { "7", PROTO_INVALID_REQUEST, "null", "object" },
        { "null", PROTO_INVALID_REQUEST, "null", "object" },
        { "{}", PROTO_INVALID_REQUEST, "null", "\"id\"" },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"status\"}", PROTO_INVALID_REQUEST, "null", "\"id\"" },
        { "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", PROTO_INVALID_REQUEST, "null",
          "\"id\"" },
        { "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"a\"}", PROTO_INVALID_REQUEST, "null",
          "\"id\"" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}", PROTO_INVALID_REQUEST, "null",
          "integer" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1e300,\"method\":\"a\"}", PROTO_INVALID_REQUEST, "null",
          "integer" },
        { "{\"id\":1,\"method\":\"a\"}", PROTO_INVALID_REQUEST, "1", "jsonrpc" },
        { "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", PROTO_INVALID_REQUEST, "1",
          "jsonrpc" },
        { "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"a\"}", PROTO_INVALID_REQUEST, "1", "jsonrpc" },
        { "{\"jsonrpc\":\"2.0\",\"id\":\"x\"}", PROTO_INVALID_REQUEST, "\"x\"", "method" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", PROTO_INVALID_REQUEST, "1", "method" },
        { CALL ",\"param\":{}}", PROTO_INVALID_REQUEST, "1", "did you mean \"params\"" },
        { CALL ",\"method\":\"b\"}", PROTO_INVALID_REQUEST, "1", "twice" },
        { CALL ",\"params\":[1]}", PROTO_INVALID_PARAMS, "1", "object" },
        { CALL ",\"params\":null}", PROTO_INVALID_PARAMS, "1", "object" },
        { CALL ",\"params\":{\"a\":1,\"a\":2}}", PROTO_INVALID_PARAMS, "1", "twice" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct proto_request request;
        struct proto_error error;

        assert_int_equal(proto_parse(cases[i].line, strlen(cases[i].line), &request, &error), -1);
        assert_int_equal(error.code, cases[i].code);
        assert_non_null(strstr(error.text, cases[i].word));
        assert_string_equal(request.id, cases[i].id);
        assert_null(request.root);
    }
}

static void a_line_with_a_nul_inside_is_refused(void **state)
{
    (void)state;
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\0\"method\":\"a\"}";
    struct proto_request request;
    struct proto_error error;

    assert_int_equal(proto_parse(line, sizeof(line) - 1, &request, &error), -1);
    assert_int_equal(error.code, PROTO_PARSE_ERROR);
}

static void requests_are_read_and_their_ids_echoed_as_they_came(void **state)
{
    (void)state;
    static const struct {
        const char *line, *id, *method;
        bool has_params;
    } cases[] = {
        { CALL "}", "1", "status", false },
        { CALL ",\"params\":{\"group\":\"prod\"}}", "1", "status", true },
        { "  {\"jsonrpc\":\"2.0\",\"id\":\"a\\\"b\",\"method\":\"x\"} \r", "\"a\\\"b\"", "x",
          false },
        { "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", "null", "x", false },
        { "{\"jsonrpc\":\"2.0\",\"id\":-9007199254740991,\"method\":\"x\"}", "-9007199254740991",
          "x", false },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc3\xa9\\\\u0000\"}", "1", "\xc3\xa9\\u0000",
          false },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct proto_request request;
        struct proto_error error;

        assert_int_equal(proto_parse(cases[i].line, strlen(cases[i].line), &request, &error), 0);
        assert_string_equal(request.id, cases[i].id);
        assert_string_equal(request.method, cases[i].method);
        assert_int_equal(request.params != NULL, cases[i].has_params);
        proto_request_fini(&request);
    }
}

static void an_id_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char line[512] = "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\"";
    size_t used = strlen(line);
    struct proto_request request;
    struct proto_error error;

    memset(line + used, 'x', 200);
    memcpy(line + used + 200, "\"}", 3);
    assert_int_equal(proto_parse(line, strlen(line), &request, &error), -1);
    assert_int_equal(error.code, PROTO_INVALID_REQUEST);
    assert_non_null(strstr(error.text, "longer"));
}

static void answers_are_one_line_each_and_carry_exit_code_and_rule(void **state)
{
    (void)state;
    struct proto_error error;
    struct buf out;
    cJSON *result = cJSON_CreateObject();

    buf_init(&out, 4096);
    (void)cJSON_AddStringToObject(result, "text", "two\nlines");
    proto_add_result(&out, "\"a\"", result);
    assert_string_equal(buf_text(&out), "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"text\":"
                                        "\"two\\nlines\"}}\n");
    buf_reset(&out);
    assert_int_equal(proto_fail_exit(&error, 3, "no: %s", "held"), -1);
    memcpy(error.rule, "operator-hold", sizeof("operator-hold"));
    error.may_override = true;
    proto_add_error(&out, "7", &error);
    assert_string_equal(
        buf_text(&out),
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32003,\"message\":\"no: "
        "held\",\"data\":{\"rule\":\"operator-hold\",\"override\":"
        "\"operator-hold\"}}}\n");
    buf_reset(&out);
    error.may_override = false;
    proto_add_error(&out, "7", &error);
    assert_non_null(strstr(buf_text(&out), "\"override\":null"));
    buf_reset(&out);
    proto_add_event(&out, "event", result);
    assert_string_equal(
        buf_text(&out),
        "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"text\":\"two\\nlines\"}}\n");
    cJSON_Delete(result);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_no_request_are_refused_with_the_right_code),
        cmocka_unit_test(a_line_with_a_nul_inside_is_refused),
        cmocka_unit_test(requests_are_read_and_their_ids_echoed_as_they_came),
        cmocka_unit_test(an_id_that_is_too_long_is_refused),
        cmocka_unit_test(answers_are_one_line_each_and_carry_exit_code_and_rule),
    };

    return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
