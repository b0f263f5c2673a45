/* tests/unit/test_aws_document.c -- credentials in what sources answer. */
#include "dnsflip/io/aws_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "sesame/open+"

static void accept_json(const char *text, bool is_process, const char *id, bool has_token)
{
    struct aws_keys keys;
    struct err err;
    if (aws_document_json(text, strlen(text), is_process, &keys, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(keys.access_key_id, id);
    assert_string_equal(secret_reveal(keys.secret_key), SECRET);
    assert_int_equal(keys.session_token != NULL, has_token);
    aws_keys_fini(&keys);
    assert_null(keys.secret_key);
}

static void refuse_json(const char *text, bool is_process, const char *expected)
{
    struct aws_keys keys;
    struct err err;
    assert_int_equal(aws_document_json(text, strlen(text), is_process, &keys, &err), -1);
    assert_string_equal(err.text, expected);
    assert_null(keys.secret_key);
    assert_null(strstr(err.text, "sesame"));
}

#define TWO "\"AccessKeyId\": \"AKIA1\", \"SecretAccessKey\": \"" SECRET "\""
#define ENDS "\"Expiration\": \"2026-11-23T03:04:05Z\""

static void documents_of_metadata_and_processes_are_read(void **state)
{
    (void)state;
    accept_json("{\"Code\": \"Success\", " TWO ", \"Token\": \"t\", " ENDS ", \"X\": [1]}\n", false,
                "AKIA1", true);
    accept_json("{" TWO ", \"Token\": \"t\", " ENDS "}", false, "AKIA1", true);
    accept_json("{\"Version\": 1, " TWO "}", true, "AKIA1", false);
    accept_json("{\"Version\": 1, " TWO ", \"SessionToken\": \"t\", " ENDS "}", true, "AKIA1",
                true);

    struct aws_keys keys;
    struct err err;
    assert_int_equal(aws_document_json("{}\0", 3, false, &keys, &err), -1);
    assert_string_equal(err.text, "the answer holds a NUL byte");
    const char *text = "{" TWO ", \"Token\": \"t\", " ENDS "}";
    assert_int_equal(aws_document_json(text, strlen(text), false, &keys, &err), 0);
    assert_int_equal(keys.expires.ms, INT64_C(1795403045000));
    aws_keys_fini(&keys);
}

static void what_is_missing_is_named_and_nothing_told(void **state)
{
    (void)state;
    refuse_json("", false, "the answer is not JSON");
    refuse_json("{\"sesame\"", false, "the answer is not JSON");
    refuse_json("[\"sesame\"]", false, "the answer is not a JSON object");
    refuse_json("{" TWO "} sesame", false, "the answer goes on behind its JSON");
    refuse_json("{\"Code\": \"sesame\", " TWO "}", false,
                "the answer has a \"Code\" other than \"Success\"");
    refuse_json("{\"SecretAccessKey\": \"" SECRET "\"}", false, "the answer has no AccessKeyId");
    refuse_json("{\"AccessKeyId\": \"AKIA1\"}", false, "the answer has no SecretAccessKey");
    refuse_json("{" TWO ", " ENDS "}", false, "the answer has no Token");
    refuse_json("{" TWO ", \"Token\": \"t\"}", false, "the answer has no Expiration");
    refuse_json("{" TWO ", \"Token\": \"t\", \"Expiration\": \"sesame\"}", false,
                "the answer: the expiration is not a time like 2026-11-23T03:04:05Z");
    refuse_json("{" TWO ", \"Token\": \"sesame\\nx\", " ENDS "}", false,
                "the answer: the session token is longer than 4096 bytes, or holds a byte that no "
                "header may");
    refuse_json("{\"AccessKeyId\": \"se same\", \"SecretAccessKey\": \"x\", \"Token\": \"t\", " ENDS
                "}",
                false, "the answer: the access key id is not 1 to 128 letters and digits");
    refuse_json("{" TWO ", \"Token\": \"t\", \"Expiration\": \"\"}", false,
                "the answer's Expiration is empty or no text");
    refuse_json("{" TWO ", \"Token\": \"\\u0000t\", " ENDS "}", false,
                "the answer's Token is empty or no text");
    refuse_json("{\"Version\": 1, " TWO ", \"Expiration\": 1795403045}", true,
                "the answer's Expiration is empty or no text");
    refuse_json("{\"Version\": 1, " TWO ", \"Expiration\": \"\\u00002026\"}", true,
                "the answer's Expiration is empty or no text");
    refuse_json("{" TWO "}", true, "the answer has no \"Version\": 1");
    refuse_json("{\"Version\": 2, " TWO "}", true, "the answer has no \"Version\": 1");
    refuse_json("{\"Version\": \"1\", " TWO "}", true, "the answer has no \"Version\": 1");
}

#define FIELDS                                                                                     \
    "<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>" SECRET "</SecretAccessKey>"                \
    "<SessionToken>t</SessionToken>"
#define END "<Expiration>2026-11-23T03:04:05Z</Expiration>"
#define STS(fields)                                                                                \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"   \
    "<Credentials>" fields "</Credentials></AssumeRoleResult></AssumeRoleResponse>"

static void answers_of_sts_are_read(void **state)
{
    (void)state;
    struct aws_keys keys;
    struct err err;
    assert_int_equal(aws_document_sts(STS(FIELDS END), strlen(STS(FIELDS END)), &keys, &err), 0);
    assert_string_equal(keys.access_key_id, "ASIA1");
    assert_string_equal(secret_reveal(keys.session_token), "t");
    assert_int_equal(keys.expires.ms, INT64_C(1795403045000));
    aws_keys_fini(&keys);
    static const char *const bad[] = {
        STS(FIELDS), STS(FIELDS "<Expiration></Expiration>"),      STS(FIELDS FIELDS END), "<x/>",
        "sesame",    STS(FIELDS "<Expiration>sesame</Expiration>")
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(aws_document_sts(bad[i], strlen(bad[i]), &keys, &err), -1);
        assert_int_equal(err.code, ERR_REMOTE);
        assert_null(keys.secret_key);
        assert_null(strstr(err.text, "sesame"));
    }
}

static void the_code_of_an_error_is_a_word_or_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code;
    } cases[] = { { "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>",
                    "ExpiredToken" },
                  { "<ErrorResponse><Error><Code>ses ame</Code></Error></ErrorResponse>", "" },
                  { "<x/>", "" },
                  { "<html", "" },
                  { "", "" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char code[AWS_STS_CODE_BYTES];
        aws_document_code(cases[i].text, strlen(cases[i].text), code);
        assert_string_equal(code, cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_of_metadata_and_processes_are_read),
        cmocka_unit_test(what_is_missing_is_named_and_nothing_told),
        cmocka_unit_test(answers_of_sts_are_read),
        cmocka_unit_test(the_code_of_an_error_is_a_word_or_nothing),
    };

    return cmocka_run_group_tests_name("aws_document", tests, NULL, NULL);
}
