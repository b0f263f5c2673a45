/* tests/unit/test_sigv4.c -- AWS Signature Version 4: the examples of its documentation, limits.
 * tests/e2e/test_signing.py holds it to AWS's whole suite and to another signer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/io/sigv4.h"

#define OUT_BYTES_MAX 8192

static const struct sigv4_header usual[] = {
    { "Host", "iam.amazonaws.com" },
    { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
    { "X-Amz-Date", "20150830T123600Z" },
};
static struct buf out;
static struct secret *secret;
static struct sigv4_request request;
static struct sigv4_key key;
static char empty_hash[SIGV4_HASH_BYTES];

static int set_up(void **state)
{
    (void)state;
    static const char text[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    buf_init(&out, OUT_BYTES_MAX);
    sigv4_hash(NULL, 0, empty_hash);
    secret = secret_new(text, strlen(text));
    request = (struct sigv4_request){ .method = "GET",
                                      .path = "/",
                                      .query = "",
                                      .headers = usual,
                                      .n_headers = 3,
                                      .payload_hash = empty_hash,
                                      .is_path_normalised = true };
    key = (struct sigv4_key){ .access_key_id = "AKIDEXAMPLE",
                              .secret_key = secret,
                              .region = "us-east-1",
                              .service = "iam",
                              .time = { .ms = INT64_C(1440938160000) } };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&out);
    secret_free(secret);
    return 0;
}

static const char *canonical(void)
{
    struct err err = { 0 };

    buf_reset(&out);
    assert_int_equal(sigv4_canonical(&request, &out, &err), 0);
    return buf_text(&out);
}

/* Line n, from 0, of the canonical request. */
static const char *canonical_line(int n)
{
    (void)canonical();
    char *line = out.data;

    for (; n > 0; n--)
        line = strchr(line, '\n') + 1;
    *strchr(line, '\n') = '\0';
    return line;
}

static void the_documented_example_is_signed_as_documented(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct buf text;

    request.query = "Action=ListUsers&Version=2010-05-08";
    assert_string_equal(canonical(),
                        "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
                        "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
                        "host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                        "content-type;host;x-amz-date\n"
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    buf_init(&text, OUT_BYTES_MAX);
    assert_int_equal(sigv4_string_to_sign(buf_text(&out), &key, &text, &err), 0);
    assert_string_equal(buf_text(&text),
                        "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
                        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
    buf_fini(&text);
    buf_reset(&out);
    assert_int_equal(sigv4_authorize(&request, &key, &out, &err), 0);
    assert_string_equal(buf_text(&out),
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/"
                        "aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature="
                        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void times_become_dates_within_four_digit_years(void **state)
{
    (void)state;
    char date[SIGV4_DATE_BYTES];

    sigv4_date((struct wall){ .ms = INT64_C(1440938160999) }, date);
    assert_string_equal(date, "20150830T123600Z");
    sigv4_date((struct wall){ .ms = INT64_MIN }, date);
    assert_string_equal(date, "19700101T000000Z");
    sigv4_date((struct wall){ .ms = INT64_MAX }, date);
    assert_string_equal(date, "99991231T235959Z");
}

static void everything_but_unreserved_is_encoded(void **state)
{
    (void)state;
    sigv4_encode("aZ09-_.~ /*\xe1\x88\xb4+%", 16, false, &out);
    assert_string_equal(buf_text(&out), "aZ09-_.~%20%2F%2A%E1%88%B4%2B%25");
    buf_reset(&out);
    sigv4_encode("/a b", 4, true, &out);
    assert_string_equal(buf_text(&out), "/a%20b");
}

static void paths_are_resolved_only_if_told(void **state)
{
    (void)state;
    static const struct {
        const char *path, *normalised, *raw;
    } cases[] = {
        { "", "/", "/" },
        { "/", "/", "/" },
        { "//a//", "/a/", "//a//" },
        { "/a/./b/../c", "/a/c", "/a/./b/../c" },
        { "/../../a", "/a", "/../../a" },
        { "/a/..", "/", "/a/.." },
        { "/...", "/...", "/..." },
        { "/a%20b", "/a%2520b", "/a%2520b" },
        { "/2013-04-01/hostedzone/Z1/rrset/", "/2013-04-01/hostedzone/Z1/rrset/",
          "/2013-04-01/hostedzone/Z1/rrset/" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        request.path = cases[i].path;
        request.is_path_normalised = true;
        assert_string_equal(canonical_line(1), cases[i].normalised);
        request.is_path_normalised = false;
        assert_string_equal(canonical_line(1), cases[i].raw);
    }
}

static void a_query_has_one_form_however_it_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *query, *canonical;
    } cases[] = {
        { "b=2&a=1", "a=1&b=2" },
        { "a=2&a=1&a", "a=&a=1&a=2" },
        { "Param-3=3&Param=2", "Param=2&Param-3=3" },
        { "name=%2a.example.com.&type=A", "name=%2A.example.com.&type=A" },
        { "name=*.example.com.", "name=%2A.example.com." },
        { "a=x=y", "a=x%3Dy" },
        { "a=1%2", "a=1%252" },
        { "a=%zz", "a=%25zz" },
        { "a=1+1", "a=1%2B1" },
        { "&&a=1&", "a=1" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        request.query = cases[i].query;
        assert_string_equal(canonical_line(2), cases[i].canonical);
    }
}

static void a_limit_passed_is_an_error_with_its_number(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct sigv4_header many[SIGV4_HEADERS_MAX + 1];
    struct buf query;
    static char path[SIGV4_CANONICAL_BYTES_MAX];

    for (size_t i = 0; i <= SIGV4_HEADERS_MAX; i++)
        many[i] = (struct sigv4_header){ "x", "y" };
    request.headers = many;
    request.n_headers = SIGV4_HEADERS_MAX;
    assert_int_equal(sigv4_canonical(&request, &out, &err), 0);
    request.n_headers = SIGV4_HEADERS_MAX + 1;
    assert_int_equal(sigv4_authorize(&request, &key, &out, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "33 headers to sign, at most 32"));

    request.n_headers = 1;
    buf_init(&query, OUT_BYTES_MAX);
    for (size_t i = 0; i < SIGV4_PARAMS_MAX; i++)
        (void)buf_puts(&query, "a=1&");
    request.query = buf_text(&query);
    assert_int_equal(sigv4_canonical(&request, &out, &err), 0);
    (void)buf_puts(&query, "a=1");
    request.query = buf_text(&query);
    assert_int_equal(sigv4_canonical(&request, &out, &err), -1);
    buf_fini(&query);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "more than 64 parameters"));

    request.query = "";
    memset(path, '/', 1);
    memset(path + 1, ' ', sizeof(path) - 2);
    request.path = path;
    assert_int_equal(sigv4_canonical(&request, &out, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
}

static void an_output_that_is_full_is_an_error(void **state)
{
    (void)state;
    struct err err = { 0 };

    for (size_t max = 0; max < 190; max++) {
        struct buf small;

        buf_init(&small, max);
        assert_int_equal(sigv4_authorize(&request, &key, &small, &err), -1);
        assert_int_equal(err.code, ERR_LIMIT);
        buf_fini(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_documented_example_is_signed_as_documented, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(times_become_dates_within_four_digit_years, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(everything_but_unreserved_is_encoded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(paths_are_resolved_only_if_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_has_one_form_however_it_is_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_limit_passed_is_an_error_with_its_number, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_output_that_is_full_is_an_error, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
