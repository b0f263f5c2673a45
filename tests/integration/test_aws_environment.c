/* tests/integration/test_aws_environment.c -- io/aws with the real chain of credentials: those of
 * the environment, over a service that checks every signature. */
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
#include "tests/support/skip.h"

static struct loop *loop;

static void on_done(void *arg, const struct aws_answer *answer)
{
    struct aws_answer *to = arg;
    *to = *answer;
    if (answer->outcome == AWS_OK)
        assert_string_equal(answer->body, "1 GET  None None 0");
    loop_stop(loop);
}

static void a_request_is_signed_with_the_environment(void **state)
{
    (void)state;
    struct aws_cfg cfg = { .region = "us-east-1" };
    struct aws_answer answer = { .outcome = AWS_FAILED };
    struct aws_server services;
    struct aws *aws = NULL;
    struct io io;
    struct err err;
    char url[64];

    aws_server_start(&services);
    if (services.pid == 0)
        SKIP_BECAUSE(AWS_SERVER_PYTHON " is missing: make deps");
    assert_int_equal(setenv("AWS_ACCESS_KEY_ID", "AKIDNEW", 1), 0);
    assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "new-secret", 1), 0);
    assert_int_equal(setenv("AWS_SESSION_TOKEN", "token/of+the==session", 1), 0);
    assert_int_equal(unsetenv("AWS_PROFILE"), 0);
    assert_int_equal(loop_new(&loop, &err), 0);
    assert_int_equal(io_init(&io, loop, &err), 0);
    if (aws_new(&cfg, &io, &aws, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(
        str_format(url, sizeof url, "http://127.0.0.1:%u", aws_server_port(&services, "aws")));
    const struct aws_request request = { .service = "route53",
                                         .region = "us-east-1",
                                         .url = url,
                                         .method = "GET",
                                         .path = "/do/ok/environment",
                                         .content_type = "",
                                         .target = "",
                                         .timeout_ms = 60000,
                                         .answer_max_bytes = 4096 };
    aws_start(aws, &request, on_done, &answer);
    loop_run(loop);
    if (answer.outcome != AWS_OK)
        fail_msg("%s", answer.err.text);
    aws_free(aws);
    io_fini(&io);
    loop_free(loop);
    aws_server_stop(&services);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_signed_with_the_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
