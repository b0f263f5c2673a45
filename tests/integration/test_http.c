/* tests/integration/test_http.c -- io/http against real servers: which connection a request
 * takes, and what each way of failing is called. */
#include "dnsflip/io/http.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "tests/support/probe_server.h"

#define TIMEOUT_MS 5000
#define SHORT_MS 300

static struct probe_server server;

/* What a request gave, kept after its callback. */
struct seen {
    bool is_done;
    struct http_response response; /* its pointers are not valid */
    char body[2048];
    char type[64];
};

static void on_done(void *arg, const struct http_response *response)
{
    struct seen *seen = arg;
    assert_false(seen->is_done);
    seen->is_done = true;
    seen->response = *response;
    str_copy(seen->body, sizeof seen->body, response->body);
    str_copy(seen->type, sizeof seen->type, response->content_type);
    loop_stop(server.loop);
}

static struct http_request request_to(const char *name, const char *ip, uint32_t id,
                                      const char *path)
{
    static char ca_file[4096];
    str_copy(ca_file, sizeof ca_file, tempdir_path(&server.dir, "trusted.pem"));
    struct http_request request = { .hostname = "airflow.test",
                                    .path = path,
                                    .ca_file = ca_file,
                                    .has_tls = strncmp(name, "http", 4) != 0,
                                    .port = probe_server_port(&server, name),
                                    .n_addresses = 1,
                                    .id = id,
                                    .timeout_ms = TIMEOUT_MS,
                                    .body_max_bytes = 65536 };
    assert_true(inet_parse_ip(ip, &request.addresses[0]));
    return request;
}

static struct seen get(const struct http_request *request)
{
    struct seen seen = { 0 };
    struct http_run *run = NULL;
    struct err err;
    assert_int_equal(http_start(server.io.http, request, on_done, &seen, &run, &err), 0);
    assert_false(seen.is_done);
    loop_run(server.loop);
    assert_true(seen.is_done);
    return seen;
}

static struct seen get_path(uint32_t id, const char *path)
{
    struct http_request request = request_to("http", "127.0.0.1", id, path);
    return get(&request);
}

/* "connection": N of the JSON that /ok answers with. */
static long connection_of(const struct seen *seen)
{
    static const char key[] = "\"connection\": ";
    const char *at = strstr(seen->body, key);
    assert_int_equal(seen->response.reason, REASON_OK);
    assert_non_null(at);
    return strtol(at + sizeof key - 1, NULL, 10);
}

static void a_second_request_reuses_the_connection_and_a_fresh_one_replaces_it(void **state)
{
    (void)state;
    const char *servers[] = { "http", "good" };
    for (size_t i = 0; i < 2; i++) {
        struct http_request request = request_to(servers[i], "127.0.0.1", 1 + (uint32_t)i, "/ok");
        struct seen first = get(&request);
        struct seen second = get(&request);
        assert_false(first.response.reused);
        assert_true(second.response.reused);
        assert_int_equal(connection_of(&first), connection_of(&second));
        assert_int_equal(second.response.times.connect_us, 0);
        assert_int_not_equal(first.response.times.connect_us, 0);

        request.is_fresh = true;
        struct seen third = get(&request);
        request.is_fresh = false;
        struct seen fourth = get(&request);
        assert_false(third.response.reused);
        assert_int_not_equal(connection_of(&third), connection_of(&first));
        assert_true(fourth.response.reused);
        assert_int_equal(connection_of(&fourth), connection_of(&third));
    }
}

static void two_clusters_of_one_hostname_never_share_a_connection(void **state)
{
    (void)state;
    const char *servers[] = { "http", "good" };
    for (size_t i = 0; i < 2; i++) {
        /* One shard, one hostname, one port: only the address and the id differ. */
        struct http_request a = request_to(servers[i], "127.0.0.1", 64 + (uint32_t)i * 2, "/ok");
        struct http_request b = request_to(servers[i], "127.0.0.2", 65 + (uint32_t)i * 2, "/ok");
        for (int round = 0; round < 3; round++) {
            struct seen at_a = get(&a);
            struct seen at_b = get(&b);
            assert_non_null(strstr(at_a.body, "\"server\": \"127.0.0.1\""));
            assert_non_null(strstr(at_b.body, "\"server\": \"127.0.0.2\""));
            assert_int_equal(at_a.response.reused, round > 0);
            assert_int_equal(at_b.response.reused, round > 0);
        }
    }
}

static void one_id_whose_address_changes_leaves_its_connection(void **state)
{
    (void)state;
    struct http_request a = request_to("http", "127.0.0.1", 70, "/ok");
    struct http_request b = request_to("http", "127.0.0.2", 70, "/ok");
    (void)get(&a);
    struct seen moved = get(&b);
    assert_false(moved.response.reused);
    assert_non_null(strstr(moved.body, "\"server\": \"127.0.0.2\""));
}

static void two_ids_at_one_address_have_a_connection_each(void **state)
{
    (void)state;
    struct seen a = get_path(80, "/ok");
    struct seen b = get_path(81, "/ok");
    struct seen a_again = get_path(80, "/ok");
    assert_int_not_equal(connection_of(&a), connection_of(&b));
    assert_int_equal(connection_of(&a), connection_of(&a_again));
}

static void a_connection_that_the_server_closed_is_replaced_without_a_failure(void **state)
{
    (void)state;
    const char *paths[] = { "/bye", "/once" };
    for (uint32_t i = 0; i < 2; i++) {
        struct seen first = get_path(90 + i, paths[i]);
        struct seen second = get_path(90 + i, paths[i]);
        assert_int_not_equal(connection_of(&first), connection_of(&second));
        assert_false(second.response.reused);
    }
}

static void
a_replaced_tls_connection_resumes_its_session_but_a_fresh_one_shows_its_certificate(void **state)
{
    (void)state;
    struct http_request request = request_to("good", "127.0.0.1", 95, "/bye");
    struct seen first = get(&request);
    struct seen second = get(&request);
    assert_non_null(strstr(first.body, "\"resumed\": false"));
    assert_non_null(strstr(second.body, "\"resumed\": true"));
    assert_int_equal(second.response.certificate_expires.ms, first.response.certificate_expires.ms);
    request.is_fresh = true;
    struct seen third = get(&request);
    assert_non_null(strstr(third.body, "\"resumed\": false"));
    assert_int_not_equal(third.response.certificate_expires.ms, 0);
}

static void the_request_carries_the_hostname_and_nothing_it_should_not(void **state)
{
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
    struct seen seen = get_path(100, "/echo");
    assert_int_equal(seen.response.reason, REASON_OK);
    assert_string_equal(seen.type, "text/plain");
    assert_non_null(strstr(seen.body, "GET /echo HTTP/1.1"));
    assert_non_null(strstr(seen.body, "Host: airflow.test:"));
    assert_null(strstr(seen.body, "Accept-Encoding"));
    assert_null(strstr(seen.body, "Cookie"));
    assert_in_range(seen.response.date.ms, loop_now(server.loop).wall.ms - 5000,
                    loop_now(server.loop).wall.ms + 5000);
}

static void each_way_of_failing_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum reason_code reason;
        int64_t timeout_ms;
    } rows[] = {
        { "/hang", REASON_TIMEOUT, SHORT_MS },
        { "/hang-after-headers", REASON_TIMEOUT, SHORT_MS },
        { "/drip", REASON_TIMEOUT, SHORT_MS },
        { "/reset", REASON_CLOSED, TIMEOUT_MS },
        { "/close", REASON_CLOSED, TIMEOUT_MS },
        { "/silent-close", REASON_CLOSED, TIMEOUT_MS },
        { "/garbage", REASON_PROTOCOL, TIMEOUT_MS },
        { "/headers", REASON_PROTOCOL, TIMEOUT_MS },
        { "/big", REASON_BODY_TOO_LARGE, TIMEOUT_MS },
        { "/endless", REASON_BODY_TOO_LARGE, TIMEOUT_MS },
        { "/status/302", REASON_OK, TIMEOUT_MS },
        { "/status/503", REASON_OK, TIMEOUT_MS },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_request request =
            request_to("http", "127.0.0.1", 128 + (uint32_t)i, rows[i].path);
        request.timeout_ms = rows[i].timeout_ms;
        struct seen seen = get(&request);
        if (seen.response.reason != rows[i].reason)
            fail_msg("%s: %s (%s)", rows[i].path, reason_code_info(seen.response.reason)->name,
                     seen.response.detail);
        assert_int_equal(seen.response.detail[0] == '\0', rows[i].reason == REASON_OK);
        assert_in_range(seen.response.times.total_us, 1, (rows[i].timeout_ms + 500) * 1000);
    }
}

static void each_certificate_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *server;
        enum reason_code reason;
    } rows[] = {
        { "good", REASON_OK },
        { "other-name", REASON_CERT_NAME },
        { "expired", REASON_CERT_EXPIRED },
        { "future", REASON_LOCAL_CLOCK },
        { "untrusted", REASON_CERT_UNTRUSTED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_request request =
            request_to(rows[i].server, "127.0.0.1", 192 + (uint32_t)i, "/ok");
        struct seen seen = get(&request);
        if (seen.response.reason != rows[i].reason)
            fail_msg("%s: %s (%s)", rows[i].server, reason_code_info(seen.response.reason)->name,
                     seen.response.detail);
    }
    struct http_request request = request_to("good", "127.0.0.1", 192, "/ok");
    struct seen seen = get(&request);
    int64_t day_ms = INT64_C(86400000);
    assert_true(seen.response.reused);
    assert_in_range(seen.response.certificate_expires.ms - loop_now(server.loop).wall.ms,
                    day_ms - 600000, day_ms);

    request.ca_file = "";
    assert_int_equal(get(&request).response.reason, REASON_CERT_UNTRUSTED);
    request.ca_file = "/nonexistent/ca.pem";
    seen = get(&request);
    assert_int_equal(seen.response.reason, REASON_LOCAL_TLS);
    assert_non_null(strstr(seen.response.detail, "/nonexistent/ca.pem"));
}

/* A listener that never accepts.  With a backlog of 0 its queue is full: the kernel drops further
 * attempts to connect. */
static int deaf_listener(uint16_t *port, int extra[2], int backlog)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, n), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &n), 0);
    for (int i = 0; i < 2; i++) {
        extra[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(extra[i], (const struct sockaddr *)&addr, n);
    }
    *port = ntohs(addr.sin_port);
    return fd;
}

static void a_hang_in_the_handshake_is_no_connect_timeout(void **state)
{
    (void)state;
    int extra[2];
    struct http_request request = request_to("good", "127.0.0.1", 200, "/ok");
    /* The kernel completes the connection into the queue; nobody ever greets. */
    int fd = deaf_listener(&request.port, extra, 8);
    request.timeout_ms = SHORT_MS;
    struct seen seen = get(&request);
    assert_int_equal(seen.response.reason, REASON_TIMEOUT);
    assert_non_null(strstr(seen.response.detail, "TLS handshake"));
    close(fd);
    close(extra[0]);
    close(extra[1]);
}

static void plain_http_on_a_tls_port_and_tls_on_a_plain_one_fail(void **state)
{
    (void)state;
    struct http_request request = request_to("http", "127.0.0.1", 210, "/ok");
    request.has_tls = true;
    assert_int_equal(get(&request).response.reason, REASON_TLS_FAILED);
    request = request_to("good", "127.0.0.1", 211, "/ok");
    request.has_tls = false;
    assert_int_equal(get(&request).response.reason, REASON_CLOSED);
}

static void a_refused_connection_is_theirs_and_a_missing_descriptor_ours(void **state)
{
    (void)state;
    struct http_request request = request_to("http", "127.0.0.1", 220, "/ok");
    request.port = probe_server_closed_port();
    assert_int_equal(get(&request).response.reason, REASON_CONNECT_REFUSED);

    request = request_to("http", "127.0.0.1", 221, "/ok");
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    int next = dup(0);
    close(next);
    struct rlimit none_left = { .rlim_cur = (rlim_t)next, .rlim_max = old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    struct seen seen = get(&request);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(seen.response.reason, REASON_NO_DESCRIPTOR);

    request = request_to("http", "127.0.0.1", 222, "/ok");
    assert_true(inet_parse_ip("255.255.255.255", &request.addresses[0]));
    seen = get(&request);
    assert_int_equal(seen.response.reason, REASON_NO_ROUTE);
}

static void a_connection_that_nobody_takes_times_out_while_connecting(void **state)
{
    (void)state;
    int extra[2];
    struct http_request request = request_to("http", "127.0.0.1", 230, "/ok");
    int fd = deaf_listener(&request.port, extra, 0);
    request.timeout_ms = SHORT_MS;
    struct seen seen = get(&request);
    assert_int_equal(seen.response.reason, REASON_CONNECT_TIMEOUT);
    close(fd);
    close(extra[0]);
    close(extra[1]);
}

static void addresses_are_tried_in_order_until_one_connects(void **state)
{
    (void)state;
    struct http_request request = request_to("http", "127.0.0.1", 240, "/ok");
    request.n_addresses = 3;
    assert_true(inet_parse_ip("127.0.0.9", &request.addresses[0]));
    assert_true(inet_parse_ip("127.0.0.2", &request.addresses[1]));
    assert_true(inet_parse_ip("127.0.0.1", &request.addresses[2]));
    struct seen first = get(&request);
    assert_non_null(strstr(first.body, "\"server\": \"127.0.0.2\""));
    assert_true(inet_ip_equal(&first.response.address, &request.addresses[1]));
    struct seen second = get(&request);
    assert_true(second.response.reused);
    assert_int_equal(connection_of(&first), connection_of(&second));

    request = request_to("http", "127.0.0.1", 241, "/ok");
    request.port = probe_server_closed_port();
    request.n_addresses = 2;
    request.addresses[1] = request.addresses[0];
    assert_int_equal(get(&request).response.reason, REASON_CONNECT_REFUSED);
}

static void ipv6_is_asked_like_ipv4(void **state)
{
    (void)state;
    struct http_request request = request_to("http6", "::1", 250, "/ok");
    struct seen first = get(&request);
    struct seen second = get(&request);
    assert_non_null(strstr(first.body, "\"server\": \"::1\""));
    assert_true(second.response.reused);
}

static void fail_if_called(void *arg, const struct http_response *response)
{
    (void)arg;
    (void)response;
    fail_msg("the callback of a cancelled request ran");
}

static void a_cancelled_request_calls_nobody(void **state)
{
    (void)state;
    struct http_request request = request_to("http", "127.0.0.1", 260, "/hang");
    struct http_run *run = NULL;
    struct err err;
    assert_int_equal(http_start(server.io.http, &request, fail_if_called, NULL, &run, &err), 0);
    (void)get_path(261, "/ok");
    http_cancel(run);
    (void)get_path(261, "/ok");
    request.ca_file = "/nonexistent/ca.pem";
    request.has_tls = true;
    assert_int_equal(http_start(server.io.http, &request, fail_if_called, NULL, &run, &err), 0);
    http_cancel(run);
    (void)get_path(261, "/ok");
}

static void too_long_a_url_is_refused(void **state)
{
    (void)state;
    char path[HTTP_URL_BYTES_MAX];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    struct http_request request = request_to("http", "127.0.0.1", 270, path);
    struct http_run *run = NULL;
    struct err err;
    assert_int_equal(http_start(server.io.http, &request, fail_if_called, NULL, &run, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
}

static int start_server(void **state)
{
    (void)state;
    probe_server_start(&server);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    probe_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_request_reuses_the_connection_and_a_fresh_one_replaces_it),
        cmocka_unit_test(two_clusters_of_one_hostname_never_share_a_connection),
        cmocka_unit_test(one_id_whose_address_changes_leaves_its_connection),
        cmocka_unit_test(two_ids_at_one_address_have_a_connection_each),
        cmocka_unit_test(a_connection_that_the_server_closed_is_replaced_without_a_failure),
        cmocka_unit_test(
            a_replaced_tls_connection_resumes_its_session_but_a_fresh_one_shows_its_certificate),
        cmocka_unit_test(the_request_carries_the_hostname_and_nothing_it_should_not),
        cmocka_unit_test(each_way_of_failing_has_its_reason),
        cmocka_unit_test(each_certificate_has_its_reason),
        cmocka_unit_test(a_hang_in_the_handshake_is_no_connect_timeout),
        cmocka_unit_test(plain_http_on_a_tls_port_and_tls_on_a_plain_one_fail),
        cmocka_unit_test(a_refused_connection_is_theirs_and_a_missing_descriptor_ours),
        cmocka_unit_test(a_connection_that_nobody_takes_times_out_while_connecting),
        cmocka_unit_test(addresses_are_tried_in_order_until_one_connects),
        cmocka_unit_test(ipv6_is_asked_like_ipv4),
        cmocka_unit_test(a_cancelled_request_calls_nobody),
        cmocka_unit_test(too_long_a_url_is_refused),
    };
    return cmocka_run_group_tests_name("http", tests, start_server, stop_server);
}
