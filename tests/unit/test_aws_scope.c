/* tests/unit/test_aws_scope.c -- where the Route 53 API is, and by which region it is signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws.h"

static void each_partition_has_its_endpoint_and_region(void **state)
{
    (void)state;
    static const struct {
        enum aws_partition partition;
        bool has_fips;
        const char *url, *region;
    } rows[] = {
        { AWS_STANDARD, false, "https://route53.amazonaws.com", "us-east-1" },
        { AWS_STANDARD, true, "https://route53-fips.amazonaws.com", "us-east-1" },
        { AWS_CHINA, false, "https://route53.amazonaws.com.cn", "cn-northwest-1" },
        { AWS_GOVCLOUD, false, "https://route53.us-gov.amazonaws.com", "us-gov-west-1" },
        { AWS_GOVCLOUD, true, "https://route53.us-gov.amazonaws.com", "us-gov-west-1" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct aws_cfg cfg = { .partition = rows[i].partition,
                                     .has_fips = rows[i].has_fips,
                                     .region = "eu-west-1" };
        struct aws_scope scope;

        assert_null(aws_cfg_problem(&cfg));
        aws_route53_scope(&cfg, &scope);
        assert_string_equal(scope.url, rows[i].url);
        assert_string_equal(scope.region, rows[i].region);
    }
}

static void fips_where_there_is_none_is_a_mistake(void **state)
{
    (void)state;
    struct aws_cfg cfg = { .partition = AWS_CHINA, .has_fips = true };

    assert_non_null(strstr(aws_cfg_problem(&cfg), "no FIPS endpoint"));
    str_copy(cfg.endpoint, sizeof cfg.endpoint, "https://proxy.example.cn");
    assert_null(aws_cfg_problem(&cfg));
}

static void an_own_endpoint_keeps_the_region_of_the_partition(void **state)
{
    (void)state;
    struct aws_cfg cfg = { .partition = AWS_GOVCLOUD, .endpoint = "http://127.0.0.1:5000" };
    struct aws_scope scope;

    aws_route53_scope(&cfg, &scope);
    assert_string_equal(scope.url, "http://127.0.0.1:5000");
    assert_string_equal(scope.region, "us-gov-west-1");
}

static void an_endpoint_is_scheme_and_host_alone(void **state)
{
    (void)state;
    static const char *const good[] = { "https://a", "http://a:1", "https://[::1]:8080" };
    static const char *const bad[] = { "a",           "ftp://a",         "https://",
                                       "https://a/",  "https://a?b",     "https://u@a",
                                       "https://a b", "https://a#b",     "https://a\\b",
                                       "HTTPS://a",   "https://\xc3\xa9" };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct aws_cfg cfg = { 0 };
        str_copy(cfg.endpoint, sizeof cfg.endpoint, good[i]);
        assert_null(aws_cfg_problem(&cfg));
        assert_string_equal(aws_authority(good[i]), strstr(good[i], "//") + 2);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct aws_cfg cfg = { 0 };
        str_copy(cfg.endpoint, sizeof cfg.endpoint, bad[i]);
        assert_non_null(aws_cfg_problem(&cfg));
        assert_null(aws_authority(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_partition_has_its_endpoint_and_region),
        cmocka_unit_test(fips_where_there_is_none_is_a_mistake),
        cmocka_unit_test(an_own_endpoint_keeps_the_region_of_the_partition),
        cmocka_unit_test(an_endpoint_is_scheme_and_host_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
