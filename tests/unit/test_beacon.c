/* tests/unit/test_beacon.c -- what a health checker's bytes ask for, and what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/beacon/reply.h"
#include "dnsflip/beacon/request.h"
#include "dnsflip/render/render.h"
#include "tests/support/site.h"

#define EPOCH 1763867045
#define WITH_BEACON 1 /* group "east", usw2 then use1; prod has none */

struct bench {
    const struct view *view;
    struct page *page;
    char reply[BEACON_REPLY_BYTES];
    size_t n;
    enum counter counter;
};

static struct bench bench;

static int set_up(void **state)
{
    struct settings *s = site_new(NULL);
    struct err err;

    (void)state;
    (void)site_add_group(s, "east");
    (void)site_add_group(s, "eastern"); /* begins as the other */
    (void)site_add_group(s, "apple");
    site_add_beacon(s, WITH_BEACON);
    site_add_beacon(s, WITH_BEACON + 1);
    site_add_beacon(s, WITH_BEACON + 2);
    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10", "203.0.113.10");
    int fd = render_view(s, 1, 100, &err);
    assert_true(fd >= 0);
    assert_int_equal(view_open(fd, &bench.view, &err), 0);
    (void)close(fd);
    fd = page_new((uint32_t)s->n_groups, 1, &bench.page, &err);
    assert_true(fd >= 0);
    (void)close(fd);
    settings_free(s);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    view_close(bench.view);
    page_unmap(bench.page);
    return 0;
}

static void set_word(uint8_t index, uint32_t epoch)
{
    page_set(bench.page, WITH_BEACON, (struct page_word){ .index = index, .epoch = epoch });
}

static const char *ask_bytes(const char *bytes, size_t n)
{
    bench.n = beacon_reply(bench.view, bench.page, bytes, n, bench.reply, &bench.counter);
    return bench.n == 0 ? "" : bench.reply;
}

static const char *ask(const char *request)
{
    return ask_bytes(request, strlen(request));
}

/* Status and body of a GET of path. */
static void assert_answer(const char *path, const char *status, const char *body)
{
    char request[BEACON_REQUEST_BYTES];
    const char *end;

    assert_true(str_format(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path));
    (void)ask(request);
    assert_true(str_starts(bench.reply, "HTTP/1.1 "));
    assert_memory_equal(bench.reply + strlen("HTTP/1.1 "), status, strlen(status));
    end = strstr(bench.reply, "\r\n\r\n");
    assert_non_null(end);
    if (body != NULL)
        assert_string_equal(end + 4, body);
}

static void the_active_cluster_is_200_and_every_other_503(void **state)
{
    (void)state;
    set_word(1, EPOCH);
    assert_answer("/beacon/east/usw2", "200 OK",
                  "dnsflip group=east cluster=usw2 state=active epoch=1763867045\n");
    assert_int_equal(bench.counter, COUNTER_BEACON_ACTIVE);
    assert_answer("/beacon/east/use1", "503 Service Unavailable",
                  "dnsflip group=east cluster=use1 state=standby epoch=1763867045\n");
    assert_int_equal(bench.counter, COUNTER_BEACON_STANDBY);
    set_word(2, EPOCH + 1);
    assert_answer("/beacon/east/usw2", "503", NULL);
    assert_answer("/beacon/east/use1", "200",
                  "dnsflip group=east cluster=use1 state=active epoch=1763867046\n");
}

static void no_cluster_of_an_unadopted_group_receives_traffic(void **state)
{
    (void)state;
    set_word(0, 0);
    assert_answer("/beacon/east/usw2", "503",
                  "dnsflip group=east cluster=usw2 state=unadopted epoch=0\n");
    assert_answer("/beacon/east/use1", "503", NULL);
}

static void every_group_with_a_beacon_is_found_and_no_other(void **state)
{
    (void)state;
    set_word(1, EPOCH);
    assert_answer("/beacon/apple/use1", "503",
                  "dnsflip group=apple cluster=use1 state=unadopted epoch=0\n");
    assert_answer("/beacon/eastern/use1", "503",
                  "dnsflip group=eastern cluster=use1 state=unadopted epoch=0\n");
    assert_answer("/beacon/prod/use1", "404", NULL);
    assert_int_equal(bench.counter, COUNTER_BEACON_UNKNOWN);
}

static void any_other_path_is_404(void **state)
{
    static const char *const paths[] = {
        "/",
        "/beacon",
        "/beacon/",
        "/beacon//",
        "/beacon/east",
        "/beacon/east/",
        "/beacon/eas/usw2",
        "/beacon/easte/usw2",
        "/beacon/east/usw",
        "/beacon/east/usw22",
        "/beacon/east/usw2/",
        "/beacon/east/usw2?",
        "/beacon/EAST/usw2",
        "//beacon/east/usw2",
        "/Beacon/east/usw2",
        "/beacon/e%61st/usw2",
        "/metrics",
    };

    (void)state;
    set_word(1, EPOCH);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_answer(paths[i], "404 Not Found", NULL);
}

static void head_has_the_same_fields_and_no_body(void **state)
{
    char get[BEACON_REPLY_BYTES];

    (void)state;
    set_word(1, EPOCH);
    (void)str_copy(get, sizeof(get), ask("GET /beacon/east/usw2 HTTP/1.1\r\n\r\n"));
    strstr(get, "\r\n\r\n")[4] = '\0';
    assert_string_equal(ask("HEAD /beacon/east/usw2 HTTP/1.1\r\n\r\n"), get);
    assert_non_null(strstr(get, "Content-Length: 62\r\n"));
    assert_non_null(strstr(get, "Cache-Control: no-store\r\n"));
    assert_non_null(strstr(get, "Connection: close\r\n"));
}

static void what_is_no_request_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *request, *status;
    } cases[] = {
        { "POST /beacon/east/usw2 HTTP/1.1\r\n\r\n", "HTTP/1.1 405 " },
        { "OPTIONS * HTTP/1.1\r\n\r\n", "HTTP/1.1 405 " },
        { "get /beacon/east/usw2 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /beacon/east/usw2\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /beacon/east/usw2 HTTP/2.0\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /beacon/east/usw2 HTTP/1.x\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /beacon/east/usw2 HTTP/1.11\r\n\r\n", "HTTP/1.1 400 " },
        { "GET  /beacon/east/usw2 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /beacon/east/usw2  HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "GET beacon HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "GET http://x/beacon/east/usw2 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /\x01 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { " / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "\r\n\r\n", "HTTP/1.1 400 " },
        { "\r\nGET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!str_starts(ask(cases[i].request), cases[i].status))
            fail_msg("%s -> %s", cases[i].request, bench.reply);
        assert_int_equal(bench.counter, COUNTER_BEACON_REFUSED);
    }
    assert_non_null(strstr(ask("PUT / HTTP/1.0\r\n\r\n"), "\r\nAllow: GET, HEAD\r\n"));
}

static void a_request_is_answered_at_its_last_byte_and_not_before(void **state)
{
    static const char request[] = "GET /beacon/east/usw2 HTTP/1.0\r\nHost: a\r\nUser-Agent: "
                                  "Amazon-Route53-Health-Check-Service\r\n\r\n";
    size_t n = strlen(request);

    (void)state;
    set_word(1, EPOCH);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(ask_bytes(request, i), "");
    assert_true(str_starts(ask_bytes(request, n), "HTTP/1.1 200 "));
}

static void a_request_has_a_kibibyte_and_no_more(void **state)
{
    static const char start[] = "GET /beacon/east/usw2 HTTP/1.1\r\nX: ";
    static const char end[] = { '\r', '\n', '\r', '\n' };
    char request[BEACON_REQUEST_BYTES + 1];
    size_t n = BEACON_REQUEST_BYTES;

    (void)state;
    set_word(1, EPOCH);
    memset(request, 'x', sizeof(request));
    memcpy(request, start, sizeof(start) - 1);
    memcpy(request + n - sizeof(end), end, sizeof(end));
    assert_true(str_starts(ask_bytes(request, n), "HTTP/1.1 200 "));
    request[n - sizeof(end)] = 'x';
    memcpy(request + n + 1 - sizeof(end), end, sizeof(end));
    assert_string_equal(ask_bytes(request, n - 1), "");
    assert_true(str_starts(ask_bytes(request, n), "HTTP/1.1 431 "));
    assert_true(str_starts(ask_bytes(request, n + 1), "HTTP/1.1 431 "));
    assert_int_equal(bench.counter, COUNTER_BEACON_REFUSED);
}

static void what_follows_a_request_changes_nothing(void **state)
{
    (void)state;
    set_word(1, EPOCH);
    assert_true(str_starts(ask("GET /beacon/east/usw2 HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n\r\n"),
                           "HTTP/1.1 200 "));
}

static void the_longest_names_fit_in_a_request_and_in_its_reply(void **state)
{
    static const char longest[] = "a23456789012345678901234567890123456789012345678901234567890123";
    struct settings *s = site_new(NULL);
    const struct view *view;
    struct err err;
    char request[BEACON_REQUEST_BYTES];

    (void)state;
    assert_int_equal(strlen(longest), NAME_BYTES - 1);
    (void)str_copy(s->groups[SITE_PROD].name, NAME_BYTES, longest);
    (void)str_copy(s->clusters[0].name, NAME_BYTES, longest);
    site_add_beacon(s, SITE_PROD);
    int fd = render_view(s, 1, 100, &err);
    assert_int_equal(view_open(fd, &view, &err), 0);
    (void)close(fd);
    assert_true(str_format(request, sizeof(request), "GET /beacon/%s/%s HTTP/1.1\r\n\r\n", longest,
                           longest));
    page_set(bench.page, 0, (struct page_word){ .index = 1, .epoch = UINT32_MAX });
    bench.n = beacon_reply(view, bench.page, request, strlen(request), bench.reply, &bench.counter);
    assert_int_equal(bench.counter, COUNTER_BEACON_ACTIVE);
    assert_true(str_ends(bench.reply, "state=active epoch=4294967295\n"));
    view_close(view);
    settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_active_cluster_is_200_and_every_other_503),
        cmocka_unit_test(no_cluster_of_an_unadopted_group_receives_traffic),
        cmocka_unit_test(every_group_with_a_beacon_is_found_and_no_other),
        cmocka_unit_test(any_other_path_is_404),
        cmocka_unit_test(head_has_the_same_fields_and_no_body),
        cmocka_unit_test(what_is_no_request_is_refused_with_its_reason),
        cmocka_unit_test(a_request_is_answered_at_its_last_byte_and_not_before),
        cmocka_unit_test(a_request_has_a_kibibyte_and_no_more),
        cmocka_unit_test(what_follows_a_request_changes_nothing),
        cmocka_unit_test(the_longest_names_fit_in_a_request_and_in_its_reply),
    };

    return cmocka_run_group_tests_name("beacon", tests, set_up, tear_down);
}
