/* tests/unit/test_aws_error.c -- what a service's error says, and what of it is not repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_error.h"

#define ROUTE53 " xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\""

static void assert_error(const char *body, const char *code, const char *message)
{
    struct aws_error error;

    aws_error_read(body, strlen(body), "", &error);
    assert_string_equal(error.code, code);
    assert_string_equal(error.message, message);
}

static void xml_errors_of_every_form_are_read(void **state)
{
    (void)state;
    assert_error("<?xml version=\"1.0\"?>\n<ErrorResponse" ROUTE53 "><Error><Type>Sender</Type>"
                 "<Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
                 "<RequestId>1</RequestId></ErrorResponse>",
                 "Throttling", "Rate exceeded");
    assert_error("<InvalidChangeBatch" ROUTE53 "><Messages><Message>one is wrong</Message>"
                 "<Message>two is wrong</Message></Messages></InvalidChangeBatch>",
                 "InvalidChangeBatch", "one is wrong; two is wrong");
    assert_error("<ErrorResponse><Error><Code>InvalidChangeBatch</Code><Messages>"
                 "<Message>[one, two]</Message></Messages></Error></ErrorResponse>",
                 "InvalidChangeBatch", "[one, two]");
    assert_error("<Response><Errors><Error><Code>AuthFailure</Code><Message>no</Message></Error>"
                 "</Errors></Response>",
                 "AuthFailure", "no");
}

static void json_errors_are_read(void **state)
{
    (void)state;
    assert_error("{\"__type\":\"com.amazonaws.x#ConflictException:http://x/\",\"message\":\"no\"}",
                 "ConflictException", "no");
    assert_error(" \n{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}",
                 "AccessDeniedException", "no");
    assert_error("{\"message\":7,\"__type\":[]}", "", "");
    assert_error("{\"__type\":\"A", "", "");
}

static void a_header_may_name_the_error(void **state)
{
    (void)state;
    static const char body[] = "{\"message\":\"no\"}";
    struct aws_error error;

    aws_error_read(body, strlen(body), "ConflictException:http://x/", &error);
    assert_string_equal(error.code, "ConflictException");
    assert_string_equal(error.message, "no");
    aws_error_read("", 0, "two words", &error);
    assert_string_equal(error.code, "");
}

static void what_is_no_error_gives_nothing(void **state)
{
    (void)state;
    assert_error("", "", "");
    assert_error("<html><body>502 Bad Gateway</body></html>", "", "");
    assert_error("busy", "", "");
    assert_error("<!DOCTYPE a [<!ENTITY b 'c'>]><ErrorResponse><Error><Code>&b;</Code></Error>"
                 "</ErrorResponse>",
                 "", "");
    assert_error("<ErrorResponse><Error><Code>not a code\x01</Code></Error></ErrorResponse>", "",
                 "");
    assert_error("<ErrorResponse><Error><Code>\n</Code></Error></ErrorResponse>", "", "");
}

static void what_was_read_before_a_cut_counts(void **state)
{
    (void)state;
    assert_error("<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exc", "Throttling",
                 "");
}

static void what_a_message_tells_of_the_request_is_left_out(void **state)
{
    (void)state;
    assert_error("<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>It does not "
                 "match.\n\nThe Canonical String should have been\n'x-amz-security-token:SECRET'"
                 "</Message></Error></ErrorResponse>",
                 "SignatureDoesNotMatch", "It does not match.");
    assert_error("{\"__type\":\"InvalidSignatureException\",\"message\":\"No match. The CANONICAL "
                 "String is SECRET\"}",
                 "InvalidSignatureException", "No match. The ");
    assert_error("{\"__type\":\"IncompleteSignatureException\",\"message\":\"It lacks a part. "
                 "Authorization=SECRET\"}",
                 "IncompleteSignatureException", "It lacks a part. ");
    assert_error("{\"__type\":\"X\",\"message\":\"x-amz-security-token:SECRET\"}", "X",
                 "x-amz-security-");
}

static void messages_are_one_printable_line_and_cut(void **state)
{
    (void)state;
    char body[4096];
    struct aws_error error;

    assert_error("{\"__type\":\"X\",\"message\":\"a\\u0007b\\u00e9\\nsecond line\"}", "X", "a?b??");
    assert_true(str_format(body, sizeof body, "{\"message\":\"%04000d\"}", 0));
    aws_error_read(body, strlen(body), "", &error);
    assert_int_equal(strlen(error.message), AWS_MESSAGE_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml_errors_of_every_form_are_read),
        cmocka_unit_test(json_errors_are_read),
        cmocka_unit_test(a_header_may_name_the_error),
        cmocka_unit_test(what_is_no_error_gives_nothing),
        cmocka_unit_test(what_was_read_before_a_cut_counts),
        cmocka_unit_test(what_a_message_tells_of_the_request_is_left_out),
        cmocka_unit_test(messages_are_one_printable_line_and_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
