/* tests/integration/test_aws.c -- io/aws against services that check every signature with botocore
 * and fail as they are told: what is sent, how often, and what each call ends with. */
#include "dnsflip/io/aws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "tests/support/aws_server.h"
#include "tests/support/fixed_credentials.h"

#define TIMEOUT_MS 60000 /* never reached, unless something is wrong */
#define SHORT_MS 2500    /* certainly reached */
#define HANG_MS 5000     /* an answer would be there by then */
#define TOKEN "token/of+the==session"

static struct {
    struct loop *loop;
    struct io io;
    struct aws_cfg cfg;
    struct aws *aws;
} t;

/* What a call gave, kept after its callback. */
struct seen {
    int n_done;
    struct aws_answer answer; /* its body is not valid */
    char body[4096];
    int *n_left; /* NULL: the loop ends with this one */
};

static struct aws_server services;
static struct seen seen;
static char url[64], path[256];
static unsigned long next_id;

static void on_done(void *arg, const struct aws_answer *answer)
{
    struct seen *to = arg;
    to->n_done++;
    to->answer = *answer;
    str_copy(to->body, sizeof to->body, answer->body);
    assert_null(strstr(answer->err.text, TOKEN));
    assert_null(strstr(answer->err.text, "secret"));
    assert_int_equal(answer->outcome == AWS_OK, answer->err.text[0] == '\0');
    if (to->n_left == NULL || --*to->n_left == 0)
        loop_stop(t.loop);
}

/* A request that meets the fates in turn, one more than it was tried the last for ever. */
static struct aws_request request_for(const char *service, const char *fates)
{
    assert_true(
        str_format(url, sizeof url, "http://127.0.0.1:%u", aws_server_port(&services, service)));
    assert_true(str_format(path, sizeof path, "/do/%s/%lu", fates, ++next_id));
    return (struct aws_request){ .service = "route53",
                                 .region = "us-east-1",
                                 .url = url,
                                 .method = "GET",
                                 .path = path,
                                 .content_type = "",
                                 .target = "",
                                 .timeout_ms = TIMEOUT_MS,
                                 .answer_max_bytes = sizeof seen.body };
}

static struct aws_request write_for(const char *service, const char *fates)
{
    struct aws_request request = request_for(service, fates);
    request.method = "POST";
    request.content_type = "text/xml";
    request.body = "<Change/>";
    request.body_bytes = strlen(request.body);
    request.is_write = true;
    return request;
}

static void run(const struct aws_request *request)
{
    memset(&seen, 0, sizeof seen);
    assert_non_null(aws_start(t.aws, request, on_done, &seen));
    assert_int_equal(seen.n_done, 0);
    loop_run(t.loop);
    assert_int_equal(seen.n_done, 1);
}

static void expect_ok(const char *body)
{
    if (seen.answer.outcome != AWS_OK)
        fail_msg("outcome %d: %s", (int)seen.answer.outcome, seen.answer.err.text);
    assert_string_equal(seen.body, body);
}

static void expect_failure(enum aws_outcome outcome, const char *text)
{
    assert_int_equal(seen.answer.outcome, outcome);
    if (strstr(seen.answer.err.text, text) == NULL)
        fail_msg("no '%s' in: %s", text, seen.answer.err.text);
}

/* How often the service saw an id. */
static void expect_count(const char *service, unsigned long id, const char *count)
{
    struct aws_request request = request_for(service, "ok");
    assert_true(str_format(path, sizeof path, "/count/%lu", id));
    run(&request);
    expect_ok(count);
}

static void a_read_is_signed_with_its_query_sorted_and_encoded(void **state)
{
    (void)state;
    struct aws_request request = request_for("aws", "ok, twice");
    request.params[0] = (struct aws_param){ "type", "A" };
    request.params[1] = (struct aws_param){ "name", "\\052.a b.example.com./*~" };
    request.params[2] = (struct aws_param){ "maxitems", "300" };
    request.params[3] = (struct aws_param){ "identifier", "" };
    request.params[4] = (struct aws_param){ "name-b", "&=+" };
    request.n_params = 5;
    run(&request);
    expect_ok(
        "1 GET identifier=&maxitems=300&name=%5C052.a%20b.example.com.%2F%2A~&name-b=%26%3D%2B"
        "&type=A None None 0");
}

static void a_write_is_signed_with_its_body_and_target(void **state)
{
    (void)state;
    static const char body[] = { '{', 0, (char)0xff, '\r', '\n', '}' };
    struct aws_request request = write_for("aws", "ok");
    request.service = "route53-recovery-cluster";
    request.content_type = "application/x-amz-json-1.0";
    request.target = "ToggleCustomerAPI.UpdateRoutingControlStates";
    request.body = body;
    request.body_bytes = sizeof body;
    run(&request);
    expect_ok("1 POST  application/x-amz-json-1.0 ToggleCustomerAPI.UpdateRoutingControlStates 6");
}

static void a_clock_that_is_20_minutes_off_costs_one_request(void **state)
{
    (void)state;
    static const char *const names[] = { "ahead", "behind" };
    for (size_t i = 0; i < 2; i++) {
        struct aws_state now;
        struct aws_request request = write_for(names[i], "ok");
        run(&request);
        expect_ok("2 POST  text/xml None 9");
        request = request_for(names[i], "ok");
        run(&request);
        expect_ok("1 GET  None None 0");
        aws_state(t.aws, &now);
        const int64_t expected_ms = i == 0 ? 1200000 : -1200000;
        assert_in_range(now.skew_ms - expected_ms + 60000, 0, 120000);
        /* The other one is 40 minutes away from here; and then our clock is right again. */
    }
    struct aws_request request = request_for("aws", "ok");
    run(&request);
    expect_ok("2 GET  None None 0");
}

static void a_throttling_storm_is_waited_out(void **state)
{
    (void)state;
    struct aws_state now;
    struct aws_request request = write_for("aws", "throttle,busy,throttle,busy,ok");
    run(&request);
    expect_ok("5 POST  text/xml None 9");
    aws_state(t.aws, &now);
    assert_int_equal(now.throttled, 2);
    assert_int_equal(now.sent, 5);
    assert_int_equal(now.n_waiting, 0);
}

static void a_storm_that_does_not_end_fails_without_effect(void **state)
{
    (void)state;
    struct aws_request request = write_for("aws", "throttle");
    request.timeout_ms = SHORT_MS;
    run(&request);
    expect_failure(AWS_FAILED, "Throttling: Rate exceeded");
    assert_string_equal(seen.answer.code, "Throttling");
    assert_true(seen.answer.err.retry);
}

static void a_read_is_tried_again_whatever_befell_it(void **state)
{
    (void)state;
    struct aws_request request = request_for("aws", "500,drop,half,ok");
    run(&request);
    expect_ok("4 GET  None None 0");
    request = request_for("resets", "ok");
    request.timeout_ms = SHORT_MS;
    run(&request);
    expect_failure(AWS_FAILED, "after");
    assert_true(seen.answer.err.retry);
}

static void a_write_of_unknown_outcome_is_sent_once(void **state)
{
    (void)state;
    static const char *const fates[] = { "500,ok", "drop,ok", "half,ok", "long,ok", "hang,ok" };
    for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++) {
        struct aws_request request = write_for("aws", fates[i]);
        if (strcmp(fates[i], "hang,ok") == 0)
            request.timeout_ms = HANG_MS;
        run(&request);
        assert_int_equal(seen.answer.outcome, AWS_UNKNOWN);
        expect_count("aws", next_id, "1");
    }
    struct aws_request request = write_for("resets", "ok");
    run(&request);
    assert_int_equal(seen.answer.outcome, AWS_UNKNOWN);
}

static void a_service_that_is_gone_fails_without_effect(void **state)
{
    (void)state;
    struct aws_request request = write_for("closed", "ok");
    request.timeout_ms = SHORT_MS;
    run(&request);
    expect_failure(AWS_FAILED, "no connection");
    assert_true(seen.answer.err.retry);
    request = request_for("closed", "ok");
    request.timeout_ms = SHORT_MS;
    run(&request);
    expect_failure(AWS_FAILED, "tries");
}

static void an_answer_that_is_too_long_is_not_asked_for_again(void **state)
{
    (void)state;
    struct aws_request request = request_for("aws", "long");
    run(&request);
    expect_failure(AWS_FAILED, "longer than 4096 bytes");
    assert_false(seen.answer.err.retry);
    expect_count("aws", next_id, "1");
}

static void a_refusal_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *fate, *code, *text;
        enum err_code err;
    } rows[] = {
        { "invalid", "InvalidChangeBatch",
          "InvalidChangeBatch: [Tried to delete what is not there], ", ERR_REMOTE },
        { "denied", "AccessDenied", "AccessDenied: User is not authorized, HTTP status 403 from",
          ERR_DENIED },
        { "json", "ConflictException", "ConflictException: a rule says no, HTTP status 409 from",
          ERR_REMOTE },
        { "header", "EndpointTemporarilyUnavailableException",
          "EndpointTemporarilyUnavailableException: not now, HTTP status 400 from", ERR_REMOTE },
        { "redirect", "", "HTTP status 302 from 127.0.0.1:", ERR_REMOTE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aws_request request = write_for("aws", rows[i].fate);
        run(&request);
        expect_failure(AWS_REFUSED, rows[i].text);
        assert_string_equal(seen.answer.code, rows[i].code);
        assert_int_equal(seen.answer.err.code, rows[i].err);
        assert_false(seen.answer.err.retry);
        expect_count("aws", next_id, "1");
    }
    struct aws_request request = request_for("aws", "ok");
    assert_true(str_format(path, sizeof path, "/count/redirected"));
    run(&request);
    expect_ok("0");
}

static void credentials_that_expired_are_renewed_once(void **state)
{
    (void)state;
    fixed_credentials.sets[0].id = "AKIDOLD";
    fixed_credentials.sets[0].secret = "old-secret";
    struct aws_request request = write_for("aws", "ok");
    run(&request);
    expect_ok("2 POST  text/xml None 9");
    assert_int_equal(fixed_credentials.n_refused, 1);

    fixed_credentials.sets[1] = fixed_credentials.sets[0];
    request = write_for("aws", "ok");
    run(&request);
    expect_failure(AWS_REFUSED, "ExpiredToken");
    assert_true(seen.answer.err.retry);
    expect_count("aws", next_id, "2");
}

static void a_wrong_secret_is_refused_and_no_secret_is_told(void **state)
{
    (void)state;
    /* The service answers with the canonical string, which holds the session token. */
    fixed_credentials.sets[0].id = "AKIDWRONG";
    struct aws_request request = write_for("aws", "ok");
    run(&request);
    expect_failure(AWS_REFUSED, "SignatureDoesNotMatch");
    assert_non_null(strstr(seen.body, TOKEN));
    expect_count("aws", next_id, "1");
}

static void without_credentials_nothing_is_sent(void **state)
{
    (void)state;
    struct aws_state now;
    fixed_credentials.is_none = true;
    struct aws_request request = write_for("aws", "ok");
    run(&request);
    expect_failure(AWS_FAILED, "no source has credentials");

    fixed_credentials.may_retry = true;
    fixed_credentials.n_none_left = 2;
    run(&request);
    expect_ok("1 POST  text/xml None 9");

    fixed_credentials.is_mute = true;
    request = write_for("aws", "ok");
    request.timeout_ms = SHORT_MS;
    run(&request);
    expect_failure(AWS_FAILED, "no AWS credentials came");
    aws_state(t.aws, &now);
    assert_int_equal(now.sent, 1);
}

static void flips_go_before_refreshes_that_came_earlier(void **state)
{
    (void)state;
    struct seen all[9];
    int n_left = 9;
    char paths[9][64];
    memset(all, 0, sizeof all);
    for (size_t i = 0; i < 9; i++) {
        struct aws_request request = request_for("aws", "ok");
        const bool is_flip = i >= 5;
        assert_true(str_format(paths[i], sizeof paths[i], "/do/ok/%c%zu", is_flip ? 'f' : 'r', i));
        request.path = paths[i];
        request.lane = is_flip ? AWS_LANE_FLIP : AWS_LANE_REFRESH;
        all[i].n_left = &n_left;
        aws_start(t.aws, &request, on_done, &all[i]);
    }
    struct aws_state now;
    aws_state(t.aws, &now);
    assert_int_equal(now.n_waiting, 9);
    loop_run(t.loop);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(all[i].n_done, 1);
        assert_int_equal(all[i].answer.outcome, AWS_OK);
    }
    struct aws_request request = request_for("aws", "ok");
    request.path = "/order/all";
    run(&request);
    assert_non_null(strchr(seen.body, 'f'));
    assert_true(strrchr(seen.body, 'f') < strrchr(seen.body, 'r'));
}

static void a_call_that_gets_no_turn_fails_in_its_time(void **state)
{
    (void)state;
    struct aws_request request = request_for("aws", "throttle,ok");
    run(&request);
    assert_int_equal(seen.answer.outcome, AWS_OK);
    /* The reserve is gone for some seconds. */
    request = request_for("aws", "ok");
    request.lane = AWS_LANE_REFRESH;
    request.timeout_ms = 500;
    run(&request);
    expect_failure(AWS_FAILED, "no turn within");
    expect_count("aws", next_id, "0");
}

static void a_cancelled_call_is_never_heard_of(void **state)
{
    (void)state;
    struct seen silent = { 0 };
    /* Cancelled while it waits. */
    struct aws_request request = request_for("aws", "ok");
    struct aws_call *call = aws_start(t.aws, &request, on_done, &silent);
    aws_cancel(call);
    expect_count("aws", next_id, "0");
    /* While it is on its way: the other one, started behind it, ends while this hangs. */
    request = write_for("aws", "hang");
    call = aws_start(t.aws, &request, on_done, &silent);
    request = request_for("aws", "ok");
    run(&request);
    aws_cancel(call);
    request = request_for("aws", "ok");
    run(&request);
    expect_ok("1 GET  None None 0");
    /* While its credentials are asked for, and while it backs off. */
    request = request_for("closed", "ok");
    call = aws_start(t.aws, &request, on_done, &silent);
    request = request_for("aws", "ok");
    run(&request);
    aws_cancel(call);
    assert_int_equal(silent.n_done, 0);
}

static void one_call_more_than_can_wait_is_refused(void **state)
{
    (void)state;
    struct seen silent = { 0 };
    struct aws_state now;
    struct aws_request request = request_for("aws", "ok");
    for (int i = 0; i < AWS_QUEUE_MAX; i++)
        aws_start(t.aws, &request, on_done, &silent);
    fixed_credentials.is_mute = true;
    run(&request);
    expect_failure(AWS_FAILED, "4096 requests to AWS wait");
    assert_int_equal(seen.answer.err.code, ERR_LIMIT);
    assert_true(seen.answer.err.retry);
    aws_state(t.aws, &now);
    assert_int_equal(now.n_waiting, AWS_QUEUE_MAX);
    /* The end of the test frees them all. */
    assert_int_equal(silent.n_done, 0);
}

static void what_cannot_be_asked_is_told_in_the_next_turn(void **state)
{
    (void)state;
    struct aws_request request = write_for("aws", "ok");
    request.timeout_ms = AWS_WRITE_LEAST_MS;
    run(&request);
    expect_failure(AWS_FAILED, "with 1000 ms of time, not 2000 to");
    assert_int_equal(seen.answer.err.code, ERR_USAGE);
    request = request_for("aws", "ok");
    request.n_params = AWS_PARAMS_MAX + 1;
    run(&request);
    expect_failure(AWS_FAILED, "9 parameters, at most 8");
    request = request_for("aws", "ok");
    request.url = "http://127.0.0.1:1/path";
    run(&request);
    expect_failure(AWS_FAILED, "URL of scheme and host");
}

static int set_up(void **state)
{
    (void)state;
    struct err err;
    fixed_credentials = (struct fixed_credentials){ 0 };
    for (size_t i = 0; i < 2; i++) {
        fixed_credentials.sets[i].id = "AKIDNEW";
        fixed_credentials.sets[i].secret = "new-secret";
        fixed_credentials.sets[i].token = TOKEN;
    }
    assert_int_equal(loop_new(&t.loop, &err), 0);
    assert_int_equal(io_init(&t.io, t.loop, &err), 0);
    assert_int_equal(aws_new(&t.cfg, &t.io, &t.aws, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aws_free(t.aws);
    io_fini(&t.io);
    loop_free(t.loop);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_read_is_signed_with_its_query_sorted_and_encoded),
        TEST(a_write_is_signed_with_its_body_and_target),
        TEST(a_clock_that_is_20_minutes_off_costs_one_request),
        TEST(a_throttling_storm_is_waited_out),
        TEST(a_storm_that_does_not_end_fails_without_effect),
        TEST(a_read_is_tried_again_whatever_befell_it),
        TEST(a_write_of_unknown_outcome_is_sent_once),
        TEST(a_service_that_is_gone_fails_without_effect),
        TEST(an_answer_that_is_too_long_is_not_asked_for_again),
        TEST(a_refusal_says_why),
        TEST(credentials_that_expired_are_renewed_once),
        TEST(a_wrong_secret_is_refused_and_no_secret_is_told),
        TEST(without_credentials_nothing_is_sent),
        TEST(flips_go_before_refreshes_that_came_earlier),
        TEST(a_call_that_gets_no_turn_fails_in_its_time),
        TEST(a_cancelled_call_is_never_heard_of),
        TEST(one_call_more_than_can_wait_is_refused),
        TEST(what_cannot_be_asked_is_told_in_the_next_turn),
    };

    return aws_server_run(&services, tests, sizeof tests / sizeof tests[0]);
}
