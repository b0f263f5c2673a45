/* tests/integration/test_server.c -- the answer threads in this process: several sockets,
 * wildcards, IPv6, new sockets and new pairs while questions are asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/dns/server.h"
#include "dnsflip/supervisor_sockets.h"
#include "tests/support/instance.h"
#include "tests/support/skip.h"
#include "tests/support/zone.h"

#define NAMES 50
#define ANSWER_MS 2000
#define LISTENS 4

/* One server for the whole program: its threads end with the process. */
static struct {
    struct server *server;
    struct counters *counters;
    struct supervisor_sockets sockets;
    uint64_t generation;
} world;

/* Binds addr (port 0 = any) and returns what was bound. */
static struct inet_addr add_socket(enum link_role role, const char *addr, uint32_t threads)
{
    struct link_message ask = link_message(LINK_BIND);
    const struct supervisor_socket *item = NULL;
    struct err err;

    ask.role = (uint32_t)role;
    ask.threads = threads;
    assert_true(inet_parse_addr(addr, 0, &ask.addr));
    assert_int_equal(supervisor_sockets_bind(&world.sockets, &ask, &item, &err), 0);
    return item->addr;
}

/* Hands copies of all bound sockets to the server. */
static void serve_all(void)
{
    struct server_listen listens[LISTENS];
    struct server_listens set = { .items = listens, .n = world.sockets.n };
    struct err err;

    assert_true(world.sockets.n <= LISTENS);
    for (size_t i = 0; i < world.sockets.n; i++) {
        const struct supervisor_socket *item = &world.sockets.items[i];
        listens[i].is_tcp = item->role == LINK_ROLE_DNS_TCP;
        listens[i].n_fds = item->n_fds;
        for (uint32_t k = 0; k < item->n_fds; k++)
            listens[i].fds[k] = dup(item->fds[k]);
        if (!listens[i].is_tcp)
            set.threads = item->n_fds;
    }
    assert_int_equal(server_listen(world.server, &set, &err), 0);
}

static void publish(uint8_t index)
{
    struct server_pair pair = { .view = NULL };
    struct page *page = NULL;
    int fds[2];
    struct err err;

    assert_int_equal(zone_pair(++world.generation, NAMES, index, fds, &page, &err), 0);
    assert_int_equal(view_open(fds[0], &pair.view, &err), 0);
    assert_int_equal(page_map(fds[1], &pair.page, &err), 0);
    assert_int_equal(server_publish(world.server, &pair, &err), 0);
    struct mono end = mono_add(mono_now(), ANSWER_MS);
    while (!server_settle(world.server)) {
        assert_true(mono_since(end, mono_now()) > 0);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
}

/* Asks addr:port from a socket that takes no answer from any other address. */
static int ask(const char *ip, uint16_t port, uint16_t id)
{
    struct inet_addr addr = { .port = port };
    struct sockaddr_storage sa;
    uint8_t query[INSTANCE_QUERY_BYTES];
    uint8_t answer[1500];

    assert_true(inet_parse_ip(ip, &addr.ip));
    socklen_t len = inet_to_sockaddr(&addr, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
    size_t n = instance_query(query, id, id);
    assert_int_equal(send(fd, query, n, 0), n);
    struct pollfd polled = { .fd = fd, .events = POLLIN };
    ssize_t got = poll(&polled, 1, ANSWER_MS) == 1 ? recv(fd, answer, sizeof(answer), 0) : -1;
    (void)close(fd);
    return got < 0 ? -1 : instance_cluster(answer, (size_t)got, id);
}

static void a_wildcard_socket_answers_from_the_address_asked(void **state)
{
    (void)state;
    struct inet_addr any = add_socket(LINK_ROLE_DNS_UDP, "0.0.0.0:0", 1);

    serve_all();
    for (uint16_t i = 0; i < 8; i++) {
        assert_int_equal(ask("127.0.0.1", any.port, i), 1);
        assert_int_equal(ask("127.0.0.2", any.port, i), 1);
        assert_int_equal(ask("127.9.8.7", any.port, i), 1);
    }
}

static void one_thread_serves_several_sockets_of_both_families(void **state)
{
    (void)state;
    int probe = socket(AF_INET6, SOCK_DGRAM, 0);
    struct inet_addr six = { .port = 0 };
    struct sockaddr_storage sa;

    assert_true(inet_parse_ip("::1", &six.ip));
    socklen_t len = inet_to_sockaddr(&six, &sa);
    if (probe < 0 || bind(probe, (struct sockaddr *)&sa, len) != 0)
        SKIP_BECAUSE("no IPv6 on loopback");
    assert_int_equal(close(probe), 0);
    struct inet_addr four = add_socket(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 1);
    six = add_socket(LINK_ROLE_DNS_UDP, "[::1]:0", 1);
    struct inet_addr any = add_socket(LINK_ROLE_DNS_UDP, "[::]:0", 1);
    serve_all();
    for (uint16_t i = 0; i < 8; i++) {
        assert_int_equal(ask("127.0.0.1", four.port, i), 1);
        assert_int_equal(ask("::1", six.port, i), 1);
        assert_int_equal(ask("::1", any.port, i), 1);
    }
}

static void what_is_asked_while_threads_change_waits_and_is_answered(void **state)
{
    (void)state;
    struct inet_addr one = add_socket(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 1);

    for (uint32_t threads = 1; threads < 6; threads++) {
        /* The socket that is asked now is there before and after: more threads only add some. */
        (void)add_socket(LINK_ROLE_DNS_UDP, "127.0.0.1:0", threads);
        serve_all();
        assert_int_equal(ask("127.0.0.1", one.port, (uint16_t)threads), 1);
        supervisor_sockets_forget(&world.sockets);
        struct link_message keep = link_message(LINK_BIND);
        const struct supervisor_socket *item = NULL;
        struct err err;
        keep.role = LINK_ROLE_DNS_UDP;
        keep.threads = threads;
        keep.addr = one;
        assert_int_equal(supervisor_sockets_bind(&world.sockets, &keep, &item, &err), 0);
        supervisor_sockets_drop(&world.sockets);
        serve_all();
        assert_int_equal(ask("127.0.0.1", one.port, (uint16_t)threads), 1);
    }
}

static void a_published_pair_is_the_only_one_heard_once_it_has_settled(void **state)
{
    (void)state;
    struct inet_addr one = add_socket(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 2);

    serve_all();
    for (uint16_t i = 0; i < 20; i++) {
        publish((uint8_t)(1 + i % 2));
        for (uint16_t k = 0; k < 10; k++)
            assert_int_equal(ask("127.0.0.1", one.port, k), 1 + i % 2);
    }
    publish(1);
}

static void bytes_that_are_no_query_harm_nobody(void **state)
{
    (void)state;
    struct inet_addr one = add_socket(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 1);
    struct sockaddr_storage sa;
    socklen_t len = inet_to_sockaddr(&one, &sa);
    static uint8_t bytes[9000];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    serve_all();
    for (size_t n = 0; n <= sizeof(bytes); n += n < 64 ? 1 : 447) {
        memset(bytes, (int)(n * 37), n);
        assert_int_equal(sendto(fd, bytes, n, 0, (struct sockaddr *)&sa, len), n);
    }
    assert_int_equal(close(fd), 0);
    assert_int_equal(ask("127.0.0.1", one.port, 1), 1);
}

static int forget_sockets(void **state)
{
    (void)state;
    supervisor_sockets_forget(&world.sockets);
    supervisor_sockets_drop(&world.sockets);
    serve_all();
    return 0;
}

int main(void)
{
    struct err err;
    int fd = counters_new(COUNTERS_THREADS_MAX, &world.counters, &err);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_wildcard_socket_answers_from_the_address_asked, forget_sockets),
        cmocka_unit_test_teardown(one_thread_serves_several_sockets_of_both_families,
                                  forget_sockets),
        cmocka_unit_test_teardown(what_is_asked_while_threads_change_waits_and_is_answered,
                                  forget_sockets),
        cmocka_unit_test_teardown(a_published_pair_is_the_only_one_heard_once_it_has_settled,
                                  forget_sockets),
        cmocka_unit_test_teardown(bytes_that_are_no_query_harm_nobody, forget_sockets),
    };

    if (fd < 0)
        return 1;
    world.server = server_new(world.counters);
    publish(1);
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
