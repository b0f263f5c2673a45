/* tests/integration/test_aws_environment.c -- io/aws with the real chain of credentials: those of
 * the environment, to a service that checks every signature; by TLS, through a proxy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "tests/support/aws_server.h"

static struct aws_server services;
static struct loop *loop;
static struct io io;

static void on_done(void *arg, const struct aws_answer *answer)
{
    struct aws_answer *to = arg;
    *to = *answer;
    if (answer->outcome == AWS_OK)
        assert_string_equal(answer->body, "1 GET  None None 0");
    loop_stop(loop);
}

/* What the service answers to one read under cfg. */
static struct aws_answer ask(const struct aws_cfg *cfg, const char *path)
{
    struct aws_answer answer = { .outcome = AWS_FAILED };
    struct aws_scope scope;
    struct aws *aws = NULL;
    struct err err;

    if (aws_new(cfg, &io, &aws, &err) != 0)
        fail_msg("%s", err.text);
    aws_route53_scope(cfg, &scope);
    const struct aws_request request = { .service = "route53",
                                         .region = scope.region,
                                         .url = scope.url,
                                         .method = "GET",
                                         .path = path,
                                         .content_type = "",
                                         .target = "",
                                         .timeout_ms = 60000,
                                         .answer_max_bytes = 4096 };
    aws_start(aws, &request, on_done, &answer);
    loop_run(loop);
    aws_free(aws);
    return answer;
}

static struct aws_cfg cfg_for(const char *scheme, const char *service)
{
    struct aws_cfg cfg = { .region = "us-east-1" };
    assert_true(str_format(cfg.endpoint, sizeof cfg.endpoint, "%s://127.0.0.1:%u", scheme,
                           aws_server_port(&services, service)));
    return cfg;
}

static void expect_ok(const struct aws_answer *answer)
{
    if (answer->outcome != AWS_OK)
        fail_msg("%s", answer->err.text);
}

static void a_request_is_signed_with_the_environment(void **state)
{
    (void)state;
    const struct aws_cfg cfg = cfg_for("http", "aws");
    const struct aws_answer answer = ask(&cfg, "/do/ok/environment");
    expect_ok(&answer);
}

static void the_own_authority_is_trusted_and_no_other(void **state)
{
    (void)state;
    struct aws_cfg cfg = cfg_for("https", "tls");
    struct aws_answer answer = ask(&cfg, "/do/ok/untrusted");
    assert_int_equal(answer.outcome, AWS_FAILED);
    assert_false(answer.err.retry);
    assert_non_null(strstr(answer.err.text, "certificate"));

    assert_true(
        str_copy(cfg.ca_file, sizeof cfg.ca_file, tempdir_path(&services.dir, "trusted.pem")));
    answer = ask(&cfg, "/do/ok/trusted");
    expect_ok(&answer);
}

static void a_proxy_is_given_the_request_signed_for_its_host(void **state)
{
    (void)state;
    struct aws_cfg cfg = { .region = "us-east-1", .endpoint = "http://route53.test" };
    assert_true(str_format(cfg.proxy, sizeof cfg.proxy, "http://127.0.0.1:%u",
                           aws_server_port(&services, "aws")));
    const struct aws_answer answer = ask(&cfg, "/do/ok/proxied");
    expect_ok(&answer);
}

static int set_up(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(setenv("AWS_ACCESS_KEY_ID", "AKIDNEW", 1), 0);
    assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "new-secret", 1), 0);
    assert_int_equal(setenv("AWS_SESSION_TOKEN", "token/of+the==session", 1), 0);
    assert_int_equal(unsetenv("AWS_PROFILE"), 0);
    assert_int_equal(loop_new(&loop, &err), 0);
    assert_int_equal(io_init(&io, loop, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    io_fini(&io);
    loop_free(loop);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_signed_with_the_environment),
        TEST(the_own_authority_is_trusted_and_no_other),
        TEST(a_proxy_is_given_the_request_signed_for_its_host),
    };

    return aws_server_run(&services, tests, sizeof tests / sizeof tests[0]);
}
