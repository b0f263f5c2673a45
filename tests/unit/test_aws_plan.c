/* tests/unit/test_aws_plan.c -- which source is chosen, and where STS is.  That the choice is
 * botocore's is shown by tests/e2e/test_credentials_botocore.py. */
#include "dnsflip/io/aws_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_env.h"
#include "dnsflip/io/aws_profile.h"
#include "dnsflip/io/aws_sts.h"

/* The environment of "NAME=VALUE" texts, ended by NULL. */
static struct aws_env env_of(char *const *items)
{
    struct aws_env env;
    aws_env_init(&env, items);
    return env;
}

static struct aws_plan *plan_of(char *const *items, const char *config, struct err *err)
{
    struct aws_env env = env_of(items);
    struct aws_ini *ini = NULL;
    struct aws_plan *plan = NULL;
    const struct aws_cfg cfg = { .region = "eu-west-1" };
    assert_int_equal(aws_ini_parse("config", config, strlen(config), &ini, err), 0);
    struct aws_profiles *profiles = aws_profiles_new(ini, NULL);
    if (aws_plan_new(&cfg, &env, profiles, &plan, err) != 0)
        plan = NULL;
    aws_profiles_free(profiles);
    aws_env_fini(&env);
    return plan;
}

static void a_container_is_asked_without_tls_only_nearby(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_taken;
    } cases[] = { { "https://example.com/x", true },
                  { "http://127.0.0.1:8080/x", true },
                  { "http://127.200.1.9/", true },
                  { "http://[::1]:80/", true },
                  { "http://localhost/", true },
                  { "http://169.254.170.2/", true },
                  { "http://169.254.170.23/v1/credentials", true },
                  { "http://[fd00:ec2::23]/v1/credentials", true },
                  { "http://169.254.170.24/", false },
                  { "http://169.254.169.254/", false },
                  { "http://10.0.0.1/", false },
                  { "http://127.0.0.1.example.com/", false },
                  { "http://localhost.example.com/", false },
                  { "http://[::2]/", false },
                  { "http://[::1/", false },
                  { "http:///", false },
                  { "ftp://127.0.0.1/", false },
                  { "", false } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char item[256];
        struct err err;
        str_format(item, sizeof item, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s", cases[i].url);
        struct aws_plan *plan = plan_of((char *[]){ item, NULL }, "", &err);
        assert_int_equal(plan != NULL, cases[i].is_taken);
        if (plan != NULL)
            assert_int_equal(plan->base, AWS_BASE_CONTAINER);
        aws_plan_free(plan);
    }
}

static void the_relative_address_of_a_container_wins(void **state)
{
    (void)state;
    struct err err;
    char full[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://10.0.0.1/";
    char relative[] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/1";
    struct aws_plan *plan = plan_of((char *[]){ full, relative, NULL }, "", &err);
    assert_non_null(plan);
    assert_string_equal(plan->url, "http://169.254.170.2/v2/credentials/1");
    assert_int_equal(plan->timeout_ms, 2000);
    assert_int_equal(plan->tries, 3);
    aws_plan_free(plan);
}

static void instance_metadata_is_where_it_is_said_to_be(void **state)
{
    (void)state;
    static const struct {
        const char *item, *config, *url;
    } cases[] = {
        { "X=", "", "http://169.254.169.254" },
        { "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6", "", "http://[fd00:ec2::254]" },
        { "AWS_IMDS_USE_IPV6=true", "", "http://[fd00:ec2::254]" },
        { "X=", "[default]\nec2_metadata_service_endpoint_mode = ipv6\n",
          "http://[fd00:ec2::254]" },
        { "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=ipv4",
          "[default]\nec2_metadata_service_endpoint_mode = ipv6\n", "http://169.254.169.254" },
        { "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1/", "", "http://127.0.0.1:1" },
        { "X=", "[default]\nec2_metadata_service_endpoint = http://a\n", "http://a" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char item[256];
        struct err err;
        str_copy(item, sizeof item, cases[i].item);
        struct aws_plan *plan = plan_of((char *[]){ item, NULL }, cases[i].config, &err);
        if (plan == NULL) {
            fail_msg("%s", err.text);
            return;
        }
        assert_int_equal(plan->base, AWS_BASE_IMDS);
        assert_string_equal(plan->url, cases[i].url);
        assert_int_equal(plan->timeout_ms, 1000);
        assert_int_equal(plan->tries, 1);
        aws_plan_free(plan);
    }
}

static void roles_are_assumed_from_no_more_than_eight(void **state)
{
    (void)state;
    char text[2048] = "[default]\nrole_arn = r\nsource_profile = p1\n";
    struct err err;
    char item[] = "X=";
    for (int i = 1; i <= AWS_ROLES_MAX; i++) {
        size_t n = strlen(text);
        bool is_last = i == AWS_ROLES_MAX - 1;
        str_format(text + n, sizeof text - n, "[profile p%d]\nrole_arn = r\n%s%d\n", i,
                   is_last ? "external_id = " : "source_profile = p", i + 1);
        if (is_last) {
            n = strlen(text);
            str_format(text + n, sizeof text - n, "credential_source = Ec2InstanceMetadata\n");
            struct aws_plan *plan = plan_of((char *[]){ item, NULL }, text, &err);
            assert_non_null(plan);
            assert_int_equal(plan->n_roles, AWS_ROLES_MAX);
            aws_plan_free(plan);
            str_format(text + n, sizeof text - n, "source_profile = p%d\n", i + 1);
        }
    }
    assert_null(plan_of((char *[]){ item, NULL }, text, &err));
    assert_non_null(strstr(err.text, "more than 8 roles"));
}

static void sts_is_that_of_the_region(void **state)
{
    (void)state;
    static const struct {
        struct aws_cfg cfg;
        const char *item, *url;
    } cases[] = {
        { { .region = "eu-west-1" }, "X=", "https://sts.eu-west-1.amazonaws.com" },
        { { .region = "us-east-1" }, "X=", "https://sts.us-east-1.amazonaws.com" },
        { { .region = "us-east-1", .has_fips = true },
          "X=",
          "https://sts-fips.us-east-1.amazonaws.com" },
        { { .region = "cn-north-1", .partition = AWS_CHINA },
          "X=",
          "https://sts.cn-north-1.amazonaws.com.cn" },
        { { .region = "us-gov-west-1", .partition = AWS_GOVCLOUD, .has_fips = true },
          "X=",
          "https://sts.us-gov-west-1.amazonaws.com" },
        { { .region = "eu-west-1" }, "AWS_ENDPOINT_URL_STS=http://a:1/", "http://a:1" },
        { { .region = "eu-west-1" }, "AWS_ENDPOINT_URL=https://b", "https://b" },
        { { .region = "eu-west-1" }, "AWS_ENDPOINT_URL_STS=ftp://a", NULL },
        { { .region = "" }, "X=", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char item[256];
        char url[AWS_URL_BYTES];
        struct err err;
        str_copy(item, sizeof item, cases[i].item);
        struct aws_env env = env_of((char *[]){ item, NULL });
        int rc = aws_sts_url(&cases[i].cfg, &env, cases[i].cfg.region, url, &err);
        assert_int_equal(rc, cases[i].url != NULL ? 0 : -1);
        if (rc == 0)
            assert_string_equal(url, cases[i].url);
        aws_env_fini(&env);
    }
    char both[] = "AWS_ENDPOINT_URL=https://b";
    char ignored[] = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true";
    char url[AWS_URL_BYTES];
    struct err err;
    struct aws_env env = env_of((char *[]){ both, ignored, NULL });
    assert_int_equal(aws_sts_url(&cases[0].cfg, &env, cases[0].cfg.region, url, &err), 0);
    assert_string_equal(url, cases[0].url);
    aws_env_fini(&env);
}

static void the_region_is_that_of_the_nearest_who_names_one(void **state)
{
    (void)state;
    static const struct {
        const char *cfg, *first, *second, *config, *region; /* NULL = refused */
    } cases[] = {
        { "a-1", "AWS_REGION=b-1", "AWS_DEFAULT_REGION=c-1", "[default]\nregion = d-1\n", "a-1" },
        { "", "AWS_REGION=b-1", "AWS_DEFAULT_REGION=c-1", "[default]\nregion = d-1\n", "b-1" },
        { "", "AWS_REGION=", "AWS_DEFAULT_REGION=c-1", "[default]\nregion = d-1\n", "c-1" },
        { "", "X=", "X=", "[default]\nregion = d-1\n", "d-1" },
        { "", "X=", "X=", "", "" },
        { "", "AWS_REGION=b.example.com/", "X=", "", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char first[64];
        char second[64];
        struct aws_ini *ini = NULL;
        struct aws_plan *plan = NULL;
        struct aws_cfg cfg = { 0 };
        struct err err;
        str_copy(first, sizeof first, cases[i].first);
        str_copy(second, sizeof second, cases[i].second);
        str_copy(cfg.region, sizeof cfg.region, cases[i].cfg);
        struct aws_env env = env_of((char *[]){ first, second, NULL });
        assert_int_equal(
            aws_ini_parse("config", cases[i].config, strlen(cases[i].config), &ini, &err), 0);
        struct aws_profiles *profiles = aws_profiles_new(ini, NULL);
        int rc = aws_plan_new(&cfg, &env, profiles, &plan, &err);
        assert_int_equal(rc, cases[i].region != NULL ? 0 : -1);
        if (rc == 0)
            assert_string_equal(plan->region, cases[i].region);
        aws_plan_free(plan);
        aws_profiles_free(profiles);
        aws_env_fini(&env);
    }
}

static void the_form_that_sts_gets_is_encoded(void **state)
{
    (void)state;
    const struct aws_role role = { .arn = "arn:aws:iam::1:role/a",
                                   .session_name = "s@x",
                                   .duration_s = 900 };
    struct aws_sts sts;
    struct err err;
    assert_int_equal(aws_sts_web_identity(&sts, "https://sts", &role, "a+b/c=", &err), 0);
    assert_string_equal(buf_text(&sts.body),
                        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="
                        "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa&RoleSessionName=s%40x&"
                        "DurationSeconds=900&WebIdentityToken=a%2Bb%2Fc%3D");
    assert_string_equal(sts.url, "https://sts/");
    assert_int_equal(sts.n_headers, 1);
    aws_sts_fini(&sts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_is_asked_without_tls_only_nearby),
        cmocka_unit_test(the_relative_address_of_a_container_wins),
        cmocka_unit_test(instance_metadata_is_where_it_is_said_to_be),
        cmocka_unit_test(roles_are_assumed_from_no_more_than_eight),
        cmocka_unit_test(sts_is_that_of_the_region),
        cmocka_unit_test(the_region_is_that_of_the_nearest_who_names_one),
        cmocka_unit_test(the_form_that_sts_gets_is_encoded),
    };

    return cmocka_run_group_tests_name("aws_plan", tests, NULL, NULL);
}
