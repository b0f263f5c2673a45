/* tests/unit/test_params.c -- parameters against their table, and the digest of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/ctl/params.h"
#include "dnsflip/model/decision.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const char *const words[] = { "switch", "failover", NULL };

static const struct param_spec specs[] = {
    { "group", PARAM_TEXT, true, 8, NULL },          { "planned", PARAM_BOOL, false, 0, NULL },
    { "limit", PARAM_COUNT, false, 10, NULL },       { "after", PARAM_SEQ, false, 10, NULL },
    { "for", PARAM_DURATION, false, 0, NULL },       { "verb", PARAM_WORD, false, 0, words },
    { "override", PARAM_OVERRIDES, false, 0, NULL }, { "adopt", PARAM_PAIRS, false, 4, NULL },
    { "request_id", PARAM_TEXT, false, 20, NULL },   { NULL, PARAM_BOOL, false, 0, NULL },
};

static void mistakes_are_named_with_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *params, *word;
    } cases[] = {
        { "{}", "\"group\" is missing" },
        { "{\"gruop\":\"a\"}", "did you mean \"group\"" },
        { "{\"group\":7}", "must be a string" },
        { "{\"group\":\"\"}", "empty" },
        { "{\"group\":\"123456789\"}", "9 bytes long, the limit is 8" },
        { "{\"group\":\"a\\nb\"}", "control" },
        { "{\"group\":\"a\",\"planned\":1}", "true or false" },
        { "{\"group\":\"a\",\"planned\":\"true\"}", "true or false" },
        { "{\"group\":\"a\",\"limit\":0}", "from 1 to 10" },
        { "{\"group\":\"a\",\"limit\":11}", "from 1 to 10" },
        { "{\"group\":\"a\",\"limit\":1.5}", "whole number" },
        { "{\"group\":\"a\",\"limit\":\"5\"}", "whole number" },
        { "{\"group\":\"a\",\"after\":-1}", "from 0 to 10" },
        { "{\"group\":\"a\",\"for\":30}", "duration" },
        { "{\"group\":\"a\",\"for\":\"30\"}", "duration" },
        { "{\"group\":\"a\",\"verb\":\"swich\"}", "did you mean \"switch\"" },
        { "{\"group\":\"a\",\"verb\":true}", "must be a string" },
        { "{\"group\":\"a\",\"override\":\"destination-unknwon\"}",
          "did you mean \"destination-unknown\"" },
        { "{\"group\":\"a\",\"override\":\"diverged\"}", "cannot be overridden" },
        { "{\"group\":\"a\",\"override\":7}", "list" },
        { "{\"group\":\"a\",\"override\":[7]}", "not a string" },
        { "{\"group\":\"a\",\"adopt\":\"b=c\"}", "list of strings" },
        { "{\"group\":\"a\",\"adopt\":[\"b=c\",7]}", "NAME=NAME" },
        { "{\"group\":\"a\",\"adopt\":[\"b\"]}", "\"b\", which is not NAME=NAME" },
        { "{\"group\":\"a\",\"adopt\":[\"=c\"]}", "NAME=NAME" },
        { "{\"group\":\"a\",\"adopt\":[\"b=\"]}", "NAME=NAME" },
        { "{\"group\":\"a\",\"adopt\":[\"b=12345\"]}", "NAME=NAME" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        cJSON *params = cJSON_Parse(cases[i].params);
        struct proto_error error;

        assert_non_null(params);
        assert_int_equal(params_check(params, specs, &error), -1);
        assert_int_equal(error.code, PROTO_INVALID_PARAMS);
        if (strstr(error.text, cases[i].word) == NULL)
            fail_msg("%s: %s", cases[i].params, error.text);
        cJSON_Delete(params);
    }
}

static void what_is_required_is_missed_when_nothing_was_given(void **state)
{
    (void)state;
    static const struct param_spec none[] = { { NULL, PARAM_BOOL, false, 0, NULL } };
    struct proto_error error;

    assert_int_equal(params_check(NULL, specs, &error), -1);
    assert_int_equal(params_check(NULL, none, &error), 0);
    cJSON *params = cJSON_Parse("{\"a\":1}");
    assert_int_equal(params_check(params, none, &error), -1);
    assert_non_null(strstr(error.text, "takes none"));
    cJSON_Delete(params);
}

static void values_are_read_and_absent_ones_have_their_fallback(void **state)
{
    (void)state;
    cJSON *params = cJSON_Parse("{\"group\":\"a\",\"planned\":true,\"limit\":5,\"for\":\"1h30m\","
                                "\"verb\":\"failover\",\"override\":[\"destination-unknown\","
                                "\"promotion\"]}");
    struct proto_error error;

    assert_int_equal(params_check(params, specs, &error), 0);
    assert_string_equal(params_text(params, "group", ""), "a");
    assert_string_equal(params_text(params, "request_id", "none"), "none");
    assert_true(params_bool(params, "planned"));
    assert_true(params_number(params, "limit", 0) > 4.5);
    assert_int_equal(params_number(params, "after", 3), 3);
    assert_int_equal(params_duration_ms(params, "for", 0), 5400000);
    assert_int_equal(params_word(params, "verb", words, 0), 1);
    assert_int_equal(params_overrides(params, "override"),
                     OVERRIDE_RULE(GUARD_DESTINATION_UNKNOWN) | OVERRIDE_PROMOTION);
    cJSON_Delete(params);
    assert_false(params_bool(NULL, "planned"));
    assert_int_equal(params_overrides(NULL, "override"), 0);
    assert_int_equal(params_word(NULL, "verb", words, 7), 7);
}

static void pairs_are_read_in_order(void **state)
{
    (void)state;
    cJSON *params = cJSON_Parse("{\"group\":\"a\",\"adopt\":[\"b=c\",\"d=e=f\"]}");
    struct proto_error error;
    char left[8];
    char right[8];

    assert_int_equal(params_check(params, specs, &error), 0);
    assert_int_equal(params_pairs(params, "adopt"), 2);
    params_pair(params, "adopt", 0, left, right, sizeof(left));
    assert_string_equal(left, "b");
    assert_string_equal(right, "c");
    params_pair(params, "adopt", 1, left, right, sizeof(left));
    assert_string_equal(left, "d");
    assert_string_equal(right, "e=f");
    assert_int_equal(params_pairs(params, "nothing"), 0);
    cJSON_Delete(params);
}

static void digest(const char *method, const char *text, char out[static PARAMS_DIGEST_BYTES])
{
    cJSON *params = cJSON_Parse(text);

    assert_non_null(params);
    params_digest(method, params, specs, out);
    cJSON_Delete(params);
}

static void equal_requests_have_equal_digests_however_they_are_written(void **state)
{
    (void)state;
    static const char *const same[] = {
        "{\"group\":\"a\",\"for\":\"90m\",\"override\":[\"promotion\",\"source-down\"]}",
        "{\"override\":[\"source-down\",\"promotion\"],\"for\":\"1h30m\",\"group\":\"a\"}",
        "{ \"group\" : \"a\", \"planned\": false, \"for\":\"5400s\","
        "\"override\":[\"promotion\",\"source-down\",\"promotion\"]}",
        "{\"group\":\"a\",\"for\":\"90m\",\"override\":[\"promotion\",\"source-down\"],"
        "\"request_id\":\"other\"}",
    };
    static const char *const other[] = {
        "{\"group\":\"b\",\"for\":\"90m\",\"override\":[\"promotion\",\"source-down\"]}",
        "{\"group\":\"a\",\"for\":\"91m\",\"override\":[\"promotion\",\"source-down\"]}",
        "{\"group\":\"a\",\"for\":\"90m\",\"override\":\"promotion\"}",
        ("{\"group\":\"a\",\"for\":\"90m\",\"override\":[\"promotion\",\"source-down\"],"
         "\"planned\":true}"),
    };
    char first[PARAMS_DIGEST_BYTES], next[PARAMS_DIGEST_BYTES];

    digest("hold", same[0], first);
    assert_int_equal(strlen(first), PARAMS_DIGEST_BYTES - 1);
    for (size_t i = 1; i < LENGTH(same); i++) {
        digest("hold", same[i], next);
        assert_string_equal(first, next);
    }
    for (size_t i = 0; i < LENGTH(other); i++) {
        digest("hold", other[i], next);
        assert_string_not_equal(first, next);
    }
    digest("release", same[0], next);
    assert_string_not_equal(first, next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named_with_what_would_be_right),
        cmocka_unit_test(what_is_required_is_missed_when_nothing_was_given),
        cmocka_unit_test(values_are_read_and_absent_ones_have_their_fallback),
        cmocka_unit_test(pairs_are_read_in_order),
        cmocka_unit_test(equal_requests_have_equal_digests_however_they_are_written),
    };

    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
