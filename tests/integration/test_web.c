/* tests/integration/test_web.c -- io/web against real servers: what is sent, through what, and
 * whether a request that failed may have left. */
#include "dnsflip/io/web.h"

#include <netdb.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "tests/support/probe_server.h"

#define TIMEOUT_MS 20000 /* never reached, unless something is wrong */
#define SHORT_MS 300     /* certainly reached */
#define HELD_S 30
#define SECRET "sesame-open-9d41"

static struct probe_server server;
static sem_t held; /* a lookup of hang.test waits for it */
static atomic_bool was_waited_for;

/* What a call gave, kept after its callback. */
struct seen {
    int n_done;
    struct web_answer answer; /* its body is not valid */
    size_t body_bytes;
    char body[300000];
};

static struct seen seen;

/* libcurl's resolver thread comes here: two names of ours, the rest as ever. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): those are reserved. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    (void)hints;
    if (node != NULL && strcmp(node, "hang.test") == 0) {
        /* An end, so that a lookup that is waited for fails the test and does not hang it. */
        struct timespec end;
        (void)clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += HELD_S;
        if (sem_timedwait(&held, &end) != 0)
            was_waited_for = true;
        return EAI_AGAIN;
    }
    bool is_ours =
        node != NULL && (strcmp(node, "airflow.test") == 0 || strcmp(node, "127.0.0.1") == 0);
    if (!is_ours)
        return EAI_NONAME;
    struct {
        struct addrinfo info;
        struct sockaddr_in addr;
    } *one = calloc(1, sizeof *one);
    assert_non_null(one);
    one->addr =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    one->addr.sin_port = htons((uint16_t)(service != NULL ? strtoul(service, NULL, 10) : 0));
    one->info = (struct addrinfo){ .ai_family = AF_INET,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_addrlen = sizeof one->addr };
    one->info.ai_addr = (struct sockaddr *)(void *)&one->addr;
    *out = &one->info;
    return 0;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): that one is reserved. */
void freeaddrinfo(struct addrinfo *info)
{
    free(info);
}

static void on_done(void *arg, const struct web_answer *answer)
{
    struct seen *to = arg;
    to->n_done++;
    to->answer = *answer;
    to->body_bytes = answer->body_bytes;
    str_copy(to->body, sizeof to->body, answer->body);
    loop_stop(server.loop);
}

static const char *url_of(const char *scheme, const char *host, const char *name, const char *path)
{
    static char url[512];
    assert_true(str_format(url, sizeof url, "%s://%s:%u%s", scheme, host,
                           probe_server_port(&server, name), path));
    return url;
}

static struct web_request request_to(const char *url)
{
    return (struct web_request){ .method = "GET",
                                 .url = url,
                                 .ca_file = "",
                                 .proxy = "",
                                 .timeout_ms = TIMEOUT_MS,
                                 .answer_max_bytes = 65536 };
}

static void run(const struct web_request *request)
{
    struct web_call *call = NULL;
    struct err err;
    memset(&seen, 0, sizeof seen);
    if (web_start(server.io.web, request, on_done, &seen, &call, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(seen.n_done, 0);
    loop_run(server.loop);
    assert_int_equal(seen.n_done, 1);
}

static void expect_failure(enum web_outcome outcome, const char *text)
{
    assert_int_equal(seen.answer.outcome, outcome);
    assert_int_equal(seen.body_bytes, 0);
    if (strstr(seen.answer.err.text, text) == NULL)
        fail_msg("no '%s' in: %s", text, seen.answer.err.text);
    assert_null(strstr(seen.answer.err.text, SECRET));
}

static const char *trusted(void)
{
    return tempdir_path(&server.dir, "trusted.pem");
}

static void every_byte_of_the_body_and_each_header_arrives(void **state)
{
    (void)state;
    static const struct web_header headers[] = {
        { "X-One", "1" }, { "x-empty", "" }, { "X-One", "2" }, { "Content-Type", "text/xml" }
    };
    static const char body[] = { 'a', 0, '\r', '\n', (char)0xff, 'z' };
    const char *methods[] = { "POST", "PUT" };
    for (size_t i = 0; i < 2; i++) {
        struct web_request request =
            request_to(url_of("http", "127.0.0.1", "http", "/body/%2A?a=%2f&b"));
        request.method = methods[i];
        request.headers = headers;
        request.n_headers = 4;
        request.body = body;
        request.body_bytes = sizeof body;
        run(&request);
        assert_int_equal(seen.answer.outcome, WEB_ANSWERED);
        assert_int_equal(seen.answer.status, 200);
        assert_int_not_equal(seen.answer.date.ms, 0);
        assert_non_null(strstr(seen.body, methods[i]));
        assert_non_null(strstr(seen.body, " /body/%2A?a=%2f&b HTTP/1.1\r\n"));
        assert_non_null(strstr(seen.body, "\r\nX-One: 1\r\n"));
        assert_non_null(strstr(seen.body, "\r\nx-empty:\r\n"));
        assert_non_null(strstr(seen.body, "\r\nX-One: 2\r\n"));
        assert_non_null(strstr(seen.body, "\r\nContent-Type: text/xml\r\n"));
        assert_null(strstr(seen.body, "Expect"));
        assert_non_null(strstr(seen.body, "\n61000d0aff7a"));
    }
}

static void a_put_without_a_body_says_that_it_has_none(void **state)
{
    (void)state;
    struct web_request request = request_to(url_of("http", "127.0.0.1", "http", "/body"));
    request.method = "PUT";
    run(&request);
    assert_non_null(strstr(seen.body, "PUT /body HTTP/1.1"));
    assert_non_null(strstr(seen.body, "Content-Length: 0"));
    assert_null(strstr(seen.body, "Content-Type"));
}

static void the_largest_body_is_sent_without_asking(void **state)
{
    (void)state;
    struct web_request request = request_to(url_of("http", "127.0.0.1", "http", "/body"));
    char *body = calloc(1, WEB_BODY_BYTES_MAX + 1);
    assert_non_null(body);
    request.method = "POST";
    request.body = body;
    request.body_bytes = WEB_BODY_BYTES_MAX;
    request.answer_max_bytes = WEB_ANSWER_BYTES_MAX;
    run(&request);
    assert_int_equal(seen.answer.outcome, WEB_ANSWERED);
    assert_null(strstr(seen.body, "Expect"));
    assert_in_range(seen.body_bytes, 2 * (size_t)WEB_BODY_BYTES_MAX,
                    2 * (size_t)WEB_BODY_BYTES_MAX + 1000);
    free(body);
}

static void reads_share_a_connection_and_writes_open_their_own(void **state)
{
    (void)state;
    struct web_request request = request_to(url_of("http", "127.0.0.1", "http", "/body"));
    run(&request);
    assert_true(seen.body[0] >= '1');
    run(&request);
    assert_true(seen.body[0] >= '2');
    request.method = "POST";
    run(&request);
    assert_int_equal(seen.body[0], '1');
}

/* The kept connection is dead when the second request takes it. */
static void a_read_on_a_dead_kept_connection_is_sent_again(void **state)
{
    (void)state;
    struct web_request request = request_to(url_of("http", "127.0.0.1", "http", "/once"));
    run(&request);
    assert_int_equal(seen.answer.status, 200);
    run(&request);
    assert_int_equal(seen.answer.status, 200);
}

static void tls_trusts_the_ca_file_and_nothing_else(void **state)
{
    (void)state;
    struct web_request request = request_to(url_of("https", "airflow.test", "good", "/ok"));
    request.ca_file = trusted();
    run(&request);
    assert_int_equal(seen.answer.outcome, WEB_ANSWERED);

    request.ca_file = "";
    run(&request);
    expect_failure(WEB_NOT_SENT, "certificate");
    assert_false(seen.answer.err.retry);

    request.ca_file = trusted();
    static const char *const bad[] = { "other-name", "expired", "untrusted" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request.url = url_of("https", "airflow.test", bad[i], "/ok?" SECRET);
        run(&request);
        expect_failure(WEB_NOT_SENT, "GET https://airflow.test:");
    }
    request.ca_file = "/nowhere/ca.pem";
    run(&request);
    expect_failure(WEB_NOT_SENT, "/nowhere/ca.pem");
}

static void a_proxy_is_used_as_told_and_never_as_the_environment_says(void **state)
{
    (void)state;
    char proxy[64];
    static const struct web_header headers[] = { { "X-Token", SECRET } };
    str_format(proxy, sizeof proxy, "http://127.0.0.1:%u", probe_server_port(&server, "proxy"));
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    assert_int_equal(setenv("https_proxy", proxy, 1), 0);
    assert_int_equal(setenv("no_proxy", "elsewhere.test", 1), 0);

    struct web_request request = request_to(url_of("http", "127.0.0.1", "http", "/body"));
    run(&request);
    assert_null(strstr(seen.body, "proxy\n"));

    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    request.proxy = proxy;
    request.url = "http://elsewhere.test/a?b";
    run(&request);
    assert_non_null(strstr(seen.body, "proxy\nGET http://elsewhere.test/a?b HTTP/1.1"));

    /* The proxy would answer a CONNECT itself if it saw the header. */
    request.url = url_of("https", "airflow.test", "good", "/body");
    request.ca_file = trusted();
    request.headers = headers;
    request.n_headers = 1;
    run(&request);
    assert_int_equal(seen.answer.outcome, WEB_ANSWERED);
    assert_non_null(strstr(seen.body, "X-Token: " SECRET));

    request.url = "https://forbidden.test/" SECRET;
    run(&request);
    expect_failure(WEB_NOT_SENT, "through the proxy");
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("no_proxy");
}

static void what_never_stood_was_not_sent(void **state)
{
    (void)state;
    static const struct web_header headers[] = { { "Authorization", SECRET } };
    char url[128];
    str_format(url, sizeof url, "http://127.0.0.1:%u/" SECRET "?" SECRET,
               probe_server_closed_port());
    struct web_request request = request_to(url);
    request.method = "POST";
    request.headers = headers;
    request.n_headers = 1;
    request.body = SECRET;
    request.body_bytes = strlen(SECRET);
    run(&request);
    expect_failure(WEB_NOT_SENT, "Connection refused");
    assert_true(seen.answer.err.retry);

    request.url = "http://nobody.test/";
    run(&request);
    expect_failure(WEB_NOT_SENT, "resolve host");

    request.url = url_of("https", "airflow.test", "aborter", "/");
    run(&request);
    expect_failure(WEB_NOT_SENT, "POST https://airflow.test:");

    request.timeout_ms = SHORT_MS;
    request.url = url_of("https", "airflow.test", "mute", "/");
    run(&request);
    expect_failure(WEB_NOT_SENT, "no answer within 300 ms");
    assert_int_equal(seen.answer.err.code, ERR_TIMEOUT);
}

static void what_left_without_a_whole_answer_is_unknown(void **state)
{
    (void)state;
    static const char *const paths[] = { "/reset", "/close", "/silent-close", "/garbage",
                                         "/headers" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct web_request request = request_to(url_of("http", "127.0.0.1", "http", paths[i]));
        request.method = "POST";
        request.body = SECRET;
        request.body_bytes = strlen(SECRET);
        run(&request);
        expect_failure(WEB_UNKNOWN, "POST http://127.0.0.1:");
    }
    static const char *const slow[] = { "/hang", "/hang-after-headers", "/drip" };
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        struct web_request request = request_to(url_of("http", "127.0.0.1", "http", slow[i]));
        request.method = "POST";
        request.timeout_ms = SHORT_MS;
        run(&request);
        expect_failure(WEB_UNKNOWN, "no answer within 300 ms");
        assert_int_equal(seen.answer.err.code, ERR_TIMEOUT);
    }
}

static void an_answer_stops_at_its_limit(void **state)
{
    (void)state;
    static const char *const paths[] = { "/big", "/endless" };
    for (size_t i = 0; i < 2; i++) {
        struct web_request request = request_to(url_of("http", "127.0.0.1", "http", paths[i]));
        run(&request);
        expect_failure(WEB_UNKNOWN, "answer longer than 65536 bytes");
        assert_int_equal(seen.answer.err.code, ERR_LIMIT);
    }
    struct web_request request = request_to(url_of("http", "127.0.0.1", "http", "/big"));
    request.answer_max_bytes = 200000;
    run(&request);
    assert_int_equal(seen.answer.outcome, WEB_ANSWERED);
    assert_int_equal(seen.body_bytes, 200000);
}

static void a_status_is_an_answer_and_a_redirect_is_not_followed(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int32_t status;
    } cases[] = { { "/status/500", 500 }, { "/status/302", 302 }, { "/early", 413 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct web_request request = request_to(url_of("http", "127.0.0.1", "http", cases[i].path));
        request.method = "POST";
        run(&request);
        assert_int_equal(seen.answer.outcome, WEB_ANSWERED);
        assert_int_equal(seen.answer.status, cases[i].status);
    }
}

static void a_lookup_that_hangs_ends_with_the_time_out(void **state)
{
    (void)state;
    struct web_request request = request_to("https://hang.test/");
    struct web_call *call = NULL;
    struct err err;
    request.timeout_ms = SHORT_MS;
    run(&request);
    expect_failure(WEB_NOT_SENT, "no connection came to stand");

    memset(&seen, 0, sizeof seen);
    assert_int_equal(web_start(server.io.web, &request, on_done, &seen, &call, &err), 0);
    request.url = url_of("http", "127.0.0.1", "http", "/ok");
    request.timeout_ms = TIMEOUT_MS;
    struct web_call *other = NULL;
    assert_int_equal(web_start(server.io.web, &request, on_done, &seen, &other, &err), 0);
    loop_run(server.loop);
    web_cancel(call);
    assert_int_equal(seen.n_done, 1);
    assert_int_equal(seen.answer.status, 200);
    assert_false(was_waited_for);
    for (int i = 0; i < 2; i++)
        (void)sem_post(&held);
}

static void a_cancelled_call_says_nothing_more(void **state)
{
    (void)state;
    static struct seen cancelled;
    struct web_call *call = NULL;
    struct err err;
    struct web_request request = request_to(url_of("http", "127.0.0.1", "http", "/ok"));
    assert_int_equal(web_start(server.io.web, &request, on_done, &cancelled, &call, &err), 0);
    web_cancel(call);
    run(&request);
    assert_int_equal(cancelled.n_done, 0);
}

static void no_more_calls_than_the_limit_run_at_once(void **state)
{
    (void)state;
    struct web_call *calls[WEB_CALLS_MAX + 1];
    struct err err;
    struct web_request request = request_to(url_of("http", "127.0.0.1", "mute", "/"));
    for (size_t i = 0; i < WEB_CALLS_MAX; i++)
        assert_int_equal(web_start(server.io.web, &request, on_done, &seen, &calls[i], &err), 0);
    assert_int_equal(
        web_start(server.io.web, &request, on_done, &seen, &calls[WEB_CALLS_MAX], &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    for (size_t i = 0; i < WEB_CALLS_MAX; i++)
        web_cancel(calls[i]);
    request.url = url_of("http", "127.0.0.1", "http", "/ok");
    run(&request);
    assert_int_equal(seen.answer.outcome, WEB_ANSWERED);
}

static void what_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    static char long_url[WEB_URL_BYTES_MAX + 1] = "http://a/";
    static char long_value[WEB_HEADER_BYTES_MAX];
    memset(long_url + 9, 'x', sizeof long_url - 10);
    memset(long_value, 'x', sizeof long_value - 1);
    static const char *const urls[] = {
        "ftp://a/",      "http:///",          "http://a b/",       "http://a/#f", "http://u@a/",
        "http://u:p@a/", "http://a/\xc3\xa9", "http://a/\r\nX: 1", "a",           long_url
    };
    static const struct web_header bad[] = { { "", "1" },   { "a b", "1" }, { "a", "1\r\nb: 2" },
                                             { "a:", "1" }, { "a", "1\n" }, { "a", long_value } };
    struct web_call *call = NULL;
    struct err err;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct web_request request = request_to(urls[i]);
        assert_int_equal(web_start(server.io.web, &request, on_done, &seen, &call, &err), -1);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct web_request request = request_to("http://a/");
        request.headers = &bad[i];
        request.n_headers = 1;
        assert_int_equal(web_start(server.io.web, &request, on_done, &seen, &call, &err), -1);
    }
    struct web_request request = request_to("http://a/");
    request.method = "DELETE";
    assert_int_equal(web_start(server.io.web, &request, on_done, &seen, &call, &err), -1);
    request.method = "GET";
    request.body = "x";
    assert_int_equal(web_start(server.io.web, &request, on_done, &seen, &call, &err), -1);
    request.method = "POST";
    request.body_bytes = WEB_BODY_BYTES_MAX + 1;
    assert_int_equal(web_start(server.io.web, &request, on_done, &seen, &call, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
}

static int start(void **state)
{
    (void)state;
    (void)sem_init(&held, 0, 0);
    probe_server_start(&server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    probe_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_the_body_and_each_header_arrives),
        cmocka_unit_test(a_put_without_a_body_says_that_it_has_none),
        cmocka_unit_test(the_largest_body_is_sent_without_asking),
        cmocka_unit_test(reads_share_a_connection_and_writes_open_their_own),
        cmocka_unit_test(a_read_on_a_dead_kept_connection_is_sent_again),
        cmocka_unit_test(tls_trusts_the_ca_file_and_nothing_else),
        cmocka_unit_test(a_proxy_is_used_as_told_and_never_as_the_environment_says),
        cmocka_unit_test(what_never_stood_was_not_sent),
        cmocka_unit_test(what_left_without_a_whole_answer_is_unknown),
        cmocka_unit_test(an_answer_stops_at_its_limit),
        cmocka_unit_test(a_status_is_an_answer_and_a_redirect_is_not_followed),
        cmocka_unit_test(a_lookup_that_hangs_ends_with_the_time_out),
        cmocka_unit_test(a_cancelled_call_says_nothing_more),
        cmocka_unit_test(no_more_calls_than_the_limit_run_at_once),
        cmocka_unit_test(what_cannot_be_sent_is_refused),
    };

    return cmocka_run_group_tests_name("web", tests, start, stop);
}
