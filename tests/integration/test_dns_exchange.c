/* tests/integration/test_dns_exchange.c -- datagrams over real sockets: from which address they
 * come, and whose answers are heard. */
#include "dnsflip/io/dns_exchange.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/io/loop.h"

#define LIMIT_MS 10000

static struct loop *loop;
static struct loop_timer *limit;
static struct inet_addr server;
static int server_fd, stranger_fd;
static struct loop_fd *watch;
static struct inet_addr client; /* whom the server heard */

static struct {
    unsigned messages;
    char text[16];
    int sys_errno;
} heard;

static int bind_udp(const char *ip, struct inet_addr *out)
{
    struct sockaddr_storage address;
    socklen_t n;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    *out = (struct inet_addr){ .port = 0 };
    assert_true(inet_parse_ip(ip, &out->ip));
    n = inet_to_sockaddr(out, &address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    n = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    assert_true(inet_from_sockaddr((struct sockaddr *)&address, n, out));
    return fd;
}

static void on_limit(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

/* The server answers "yes", after a stranger has said "no". */
static void on_server(void *arg)
{
    struct sockaddr_storage from;
    socklen_t n = sizeof(from);
    char bytes[64];

    (void)arg;
    assert_true(recvfrom(server_fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &n) > 0);
    assert_true(inet_from_sockaddr((struct sockaddr *)&from, n, &client));
    assert_int_equal(sendto(stranger_fd, "no", 2, 0, (struct sockaddr *)&from, n), 2);
    assert_int_equal(sendto(server_fd, "yes", 3, 0, (struct sockaddr *)&from, n), 3);
}

static void on_message(void *arg, const uint8_t *msg, size_t n, int sys_errno)
{
    struct dns_exchange **x = arg;

    heard.messages++;
    heard.sys_errno = sys_errno;
    memcpy(heard.text, msg, n < sizeof(heard.text) ? n : 0);
    dns_exchange_close(*x); /* allowed in here */
    *x = NULL;
    loop_stop(loop);
}

static int setup(void **state)
{
    struct inet_addr stranger;
    struct err err;

    (void)state;
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(loop_new(&loop, &err), 0);
    limit = loop_timer_new(loop, on_limit, NULL);
    loop_timer_set(limit, mono_add(mono_now(), LIMIT_MS));
    server_fd = bind_udp("127.0.0.1", &server);
    stranger_fd = bind_udp("127.0.0.1", &stranger);
    watch = loop_fd_new(loop, server_fd, false, on_server, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    loop_fd_free(watch);
    loop_timer_free(limit);
    if (server_fd >= 0)
        close(server_fd);
    close(stranger_fd);
    loop_free(loop);
    return 0;
}

static void exchange(const struct inet_ip *source)
{
    struct dns_exchange *x = NULL;
    struct err err;

    assert_int_equal(dns_exchange_open(loop, &server, source, on_message, &x, &x, &err), 0);
    assert_int_equal(dns_exchange_send(x, (const uint8_t *)"ask", 3, &err), 0);
    loop_run(loop);
    assert_null(x);
}

static void test_a_message_comes_from_the_given_address(void **state)
{
    struct inet_ip source;

    (void)state;
    assert_true(inet_parse_ip("127.0.0.77", &source));
    exchange(&source);
    assert_true(inet_ip_equal(&client.ip, &source));
}

static void test_only_the_server_is_heard(void **state)
{
    (void)state;
    exchange(NULL);
    assert_int_equal(heard.messages, 1);
    assert_string_equal(heard.text, "yes");
}

static void test_that_nobody_listens_is_told(void **state)
{
    (void)state;
    loop_fd_free(watch);
    watch = NULL;
    close(server_fd);
    server_fd = -1;
    exchange(NULL);
    assert_int_equal(heard.sys_errno, ECONNREFUSED);
}

static void test_an_address_that_is_not_ours_is_an_error_with_both(void **state)
{
    struct dns_exchange *x = NULL;
    struct inet_ip source;
    struct err err;

    (void)state;
    assert_true(inet_parse_ip("192.0.2.77", &source));
    assert_int_equal(dns_exchange_open(loop, &server, &source, on_message, &x, &x, &err), -1);
    assert_non_null(strstr(err.text, "192.0.2.77"));
    assert_non_null(strstr(err.text, "127.0.0.1"));
    assert_null(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_message_comes_from_the_given_address, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_only_the_server_is_heard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_that_nobody_listens_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_address_that_is_not_ours_is_an_error_with_both,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
