/* tests/unit/test_json.c -- strict parsing, JSON pointers, and rules on values. */
#include "probes/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "dnsflip/base/str.h"

/* The document of RFC 6901 section 5, and a little more. */
static const char document[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
    "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"deep\":{\"er\":[[true,null]]},\"01\":9}";

static void what_is_left_over_spoils_the_document(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_json;
    } rows[] = {
        { "{}", true },        { " [1, 2]\r\n\t ", true }, { "null", true },   { "{} {}", false },
        { "{},", false },      { "{}\f", false },          { "", false },      { " ", false },
        { "{\"a\":}", false }, { "[1,]", false },          { "<html>", false }
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cJSON *root = json_parse(rows[i].text, strlen(rows[i].text));
        assert_int_equal(root != NULL, rows[i].is_json);
        cJSON_Delete(root);
    }
}

static void pointers_lead_where_the_rfc_says(void **state)
{
    (void)state;
    static const struct {
        const char *pointer;
        int number; /* -1 = a value of another type, -2 = nothing there */
    } rows[] = {
        { "", -1 },        { "/foo", -1 },         { "/foo/0", -1 },   { "/", 0 },
        { "/a~1b", 1 },    { "/c%d", 2 },          { "/e^f", 3 },      { "/g|h", 4 },
        { "/i\\j", 5 },    { "/k\"l", 6 },         { "/ ", 7 },        { "/m~0n", 8 },
        { "/01", 9 },      { "/deep/er/0/1", -1 }, { "/foo/2", -2 },   { "/foo/-", -2 },
        { "/foo/00", -2 }, { "/foo/+1", -2 },      { "/foo/0/x", -2 }, { "/Foo", -2 },
        { "foo", -2 },     { "/m~2n", -2 },        { "/m~", -2 },      { "/foo/99999999999", -2 },
        { "//", -2 },
    };
    cJSON *root = json_parse(document, sizeof document - 1);
    assert_non_null(root);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const cJSON *node = json_at(root, rows[i].pointer);
        assert_int_equal(node == NULL, rows[i].number == -2);
        if (rows[i].number >= 0)
            assert_int_equal((int)cJSON_GetNumberValue(node), rows[i].number);
    }
    cJSON_Delete(root);
}

static void ill_formed_pointers_are_named(void **state)
{
    (void)state;
    assert_null(json_pointer_problem(""));
    assert_null(json_pointer_problem("/a~0~1/0//b"));
    assert_non_null(json_pointer_problem("a"));
    assert_non_null(json_pointer_problem("/a~"));
    assert_non_null(json_pointer_problem("/a~2"));
}

static void rules_compare_type_and_value(void **state)
{
    (void)state;
    static const char text[] = "{\"s\":\"healthy\",\"n\":1.5,\"t\":true,\"f\":false,\"z\":null,"
                               "\"o\":{},\"l\":[]}";
    static const struct {
        struct json_rule rule;
        bool holds;
        const char *detail;
    } rows[] = {
        { { .pointer = "/s", .type = JSON_RULE_STRING, .text = "healthy" }, true, NULL },
        { { .pointer = "/s", .type = JSON_RULE_STRING, .text = "Healthy" },
          false,
          "/s is \"healthy\", expected \"Healthy\"" },
        { { .pointer = "/n", .type = JSON_RULE_NUMBER, .number = 1.5 }, true, NULL },
        { { .pointer = "/n", .type = JSON_RULE_NUMBER, .number = 2 },
          false,
          "/n is 1.5, expected 2" },
        { { .pointer = "/t", .type = JSON_RULE_BOOL, .truth = true }, true, NULL },
        { { .pointer = "/f", .type = JSON_RULE_BOOL, .truth = false }, true, NULL },
        { { .pointer = "/f", .type = JSON_RULE_BOOL, .truth = true },
          false,
          "/f is false, expected true" },
        { { .pointer = "/z", .type = JSON_RULE_NULL }, true, NULL },
        { { .pointer = "/t", .type = JSON_RULE_NULL }, false, "/t is true, expected null" },
        { { .pointer = "/z", .type = JSON_RULE_BOOL }, false, "/z is null, expected false" },
        { { .pointer = "/o", .type = JSON_RULE_NULL }, false, "/o is an object, expected null" },
        { { .pointer = "/l", .type = JSON_RULE_NULL }, false, "/l is an array, expected null" },
        { { .pointer = "/x", .type = JSON_RULE_NULL }, false, "/x is missing, expected null" },
    };
    cJSON *root = json_parse(text, sizeof text - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char detail[120] = "";
        assert_int_equal(json_rule_holds(root, &rows[i].rule, detail, sizeof detail),
                         rows[i].holds);
        if (!rows[i].holds)
            assert_string_equal(detail, rows[i].detail);
    }
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_over_spoils_the_document),
        cmocka_unit_test(pointers_lead_where_the_rfc_says),
        cmocka_unit_test(ill_formed_pointers_are_named),
        cmocka_unit_test(rules_compare_type_and_value),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
