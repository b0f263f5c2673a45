/* tests/integration/test_server.c -- the answer threads in this process: several sockets,
 * wildcards, IPv6, new sockets and new pairs while questions are asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/beacon/beacon.h"
#include "dnsflip/dns/server.h"
#include "dnsflip/supervisor_sockets.h"
#include "tests/support/instance.h"
#include "tests/support/skip.h"
#include "tests/support/zone.h"

#define NAMES 50
#define ANSWER_MS 2000
#define LISTENS 4
#define MANY_NAMES 5000 /* a zone that no small socket buffer takes */
#define SMALL_BYTES 4096
#define LARGE_BYTES (1 << 20)
#define SLOW_READERS 6
#define TRANSFER_WAIT_MS 20000

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
        listens[i].kind = item->role == LINK_ROLE_DNS_TCP  ? SERVER_TCP
                          : item->role == LINK_ROLE_BEACON ? SERVER_BEACON
                                                           : SERVER_UDP;
        listens[i].n_fds = item->n_fds;
        for (uint32_t k = 0; k < item->n_fds; k++)
            listens[i].fds[k] = dup(item->fds[k]);
        if (listens[i].kind == SERVER_UDP)
            set.threads = item->n_fds;
    }
    assert_int_equal(server_listen(world.server, &set, &err), 0);
}

static void publish_names(unsigned names, uint8_t index)
{
    struct server_pair pair = { .view = NULL };
    struct page *page = NULL;
    int fds[2];
    struct err err;

    assert_int_equal(zone_pair(++world.generation, names, index, fds, &page, &err), 0);
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

static void publish(uint8_t index)
{
    publish_names(NAMES, index);
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

/* The status that a health checker gets for a cluster of the group. */
static int check(struct inet_addr addr, const char *cluster)
{
    struct sockaddr_storage sa;
    socklen_t len = inet_to_sockaddr(&addr, &sa);
    char text[512];
    size_t n = 0;
    ssize_t got = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
    assert_true(str_format(text, sizeof(text), "GET /beacon/prod/%s HTTP/1.1\r\n\r\n", cluster));
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    struct pollfd polled = { .fd = fd, .events = POLLIN };
    while (poll(&polled, 1, ANSWER_MS) == 1 &&
           (got = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0)
        n += (size_t)got;
    (void)close(fd);
    text[n] = '\0';
    assert_true(str_starts(text, "HTTP/1.1 "));
    return (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
}

static void health_checkers_are_answered_while_pairs_and_sockets_change(void **state)
{
    (void)state;
    struct inet_addr dns = add_socket(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 1);
    struct inet_addr first = add_socket(LINK_ROLE_BEACON, "127.0.0.1:0", 1);
    struct inet_addr second = add_socket(LINK_ROLE_BEACON, "127.0.0.1:0", 1);

    for (uint16_t i = 0; i < 20; i++) {
        bool is_one = i % 2 == 0;

        serve_all();
        publish(is_one ? 1 : 2);
        assert_int_equal(check(first, "one"), is_one ? 200 : 503);
        assert_int_equal(check(second, "two"), is_one ? 503 : 200);
        assert_int_equal(ask("127.0.0.1", dns.port, i), is_one ? 1 : 2);
    }
    assert_int_equal(counters_sum(world.counters, COUNTER_BEACON_ACTIVE), 20);
    assert_int_equal(counters_sum(world.counters, COUNTER_BEACON_STANDBY), 20);
    publish(1);
}

static void set_buffer(int fd, int which, int bytes)
{
    assert_int_equal(setsockopt(fd, SOL_SOCKET, which, &bytes, sizeof(bytes)), 0);
}

/* A socket whose connections keep little of what is sent. */
static struct inet_addr add_small_socket(void)
{
    struct inet_addr addr = add_socket(LINK_ROLE_DNS_TCP, "127.0.0.1:0", 1);

    set_buffer(world.sockets.items[world.sockets.n - 1].fds[0], SO_SNDBUF, SMALL_BYTES);
    serve_all();
    return addr;
}

/* A connection that takes in next to nothing by itself, and asks for a transfer of the zone. */
static int ask_transfer(struct inet_addr addr)
{
    static const uint8_t query[] = "\0\33\1\2\0\0\0\1\0\0\0\0\0\0\4flip\4test\0\0\374\0\1";
    struct sockaddr_storage sa;
    socklen_t len = inet_to_sockaddr(&addr, &sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    set_buffer(fd, SO_RCVBUF, SMALL_BYTES);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(send(fd, query, sizeof(query) - 1, 0), sizeof(query) - 1);
    return fd;
}

static bool read_whole(int fd, uint8_t *out, size_t n)
{
    for (size_t at = 0; at < n;) {
        struct pollfd polled = { .fd = fd, .events = POLLIN };
        ssize_t got = poll(&polled, 1, TRANSFER_WAIT_MS) == 1 ? recv(fd, out + at, n - at, 0) : -1;
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

struct transferred {
    unsigned records, rcode;
    unsigned of_first, of_second; /* addresses of each cluster */
    bool is_whole;                /* the last message came */
};

/* Reads messages until there are so many records. */
static void read_transfer(int fd, unsigned records, struct transferred *got)
{
    static const uint8_t first[4] = { 192, 0, 2, 1 }, second[4] = { 198, 51, 100, 1 };
    static uint8_t message[65535];
    uint8_t prefix[2];

    while (got->records < records && read_whole(fd, prefix, sizeof(prefix))) {
        size_t n = (size_t)prefix[0] << 8 | prefix[1];
        assert_true(n >= 12 && read_whole(fd, message, n));
        got->rcode = message[3] & 15U;
        got->records += (unsigned)message[6] << 8 | message[7];
        for (size_t i = 12; i + 4 <= n; i++) {
            got->of_first += memcmp(message + i, first, sizeof(first)) == 0;
            got->of_second += memcmp(message + i, second, sizeof(second)) == 0;
        }
        if (got->rcode != 0)
            return;
    }
    got->is_whole = got->records >= records;
}

/* Each name has its address and those of its two clusters' own names; ns1 and SOA, NS besides. */
static unsigned records_of(unsigned names)
{
    return 3 * names + 4;
}

static void a_transfer_ends_with_the_pair_it_began_with(void **state)
{
    (void)state;
    struct inet_addr one = add_small_socket();
    struct transferred got = { .records = 0 };

    publish_names(MANY_NAMES, 1);
    int fd = ask_transfer(one);
    read_transfer(fd, 10, &got);
    assert_int_equal(got.rcode, 0);
    /* Each of these settles while the first one is still read. */
    for (unsigned i = 0; i < 3; i++)
        publish(2);
    set_buffer(fd, SO_RCVBUF, LARGE_BYTES);
    read_transfer(fd, records_of(MANY_NAMES), &got);
    assert_true(got.is_whole);
    assert_int_equal(got.records, records_of(MANY_NAMES));
    assert_int_equal(got.of_first, 2 * MANY_NAMES); /* as active, and as itself */
    assert_int_equal(got.of_second, MANY_NAMES);
    assert_int_equal(close(fd), 0);
    publish(1);
}

static void pairs_held_for_slow_readers_are_wanted_back_in_the_end(void **state)
{
    (void)state;
    struct inet_addr one = add_small_socket();
    uint64_t cut = counters_sum(world.counters, COUNTER_TRANSFERS_CUT);
    int fds[SLOW_READERS];

    for (size_t i = 0; i < SLOW_READERS; i++) {
        struct transferred got = { .records = 0 };

        publish_names(MANY_NAMES, 1);
        fds[i] = ask_transfer(one);
        read_transfer(fds[i], 10, &got);
    }
    assert_true(counters_sum(world.counters, COUNTER_TRANSFERS_CUT) > cut);
    for (size_t i = 0; i < SLOW_READERS; i++)
        assert_int_equal(close(fds[i]), 0);
    publish(1);
}

static void one_client_has_eight_transfers_at_once_and_others_are_answered(void **state)
{
    (void)state;
    struct inet_addr udp = add_socket(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 1);
    struct inet_addr one = add_small_socket();
    uint64_t refused = counters_sum(world.counters, COUNTER_TRANSFERS_REFUSED);
    int fds[9];

    publish_names(MANY_NAMES, 1);
    for (size_t i = 0; i < 9; i++) {
        struct transferred got = { .records = 0 };

        fds[i] = ask_transfer(one);
        read_transfer(fds[i], 10, &got);
        assert_int_equal(got.rcode, i < 8 ? 0 : 5);
    }
    assert_int_equal(counters_sum(world.counters, COUNTER_TRANSFERS_REFUSED), refused + 1);
    assert_int_equal(ask("127.0.0.1", udp.port, 7), 1);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(close(fds[i]), 0);
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
        cmocka_unit_test_teardown(health_checkers_are_answered_while_pairs_and_sockets_change,
                                  forget_sockets),
        cmocka_unit_test_teardown(a_transfer_ends_with_the_pair_it_began_with, forget_sockets),
        cmocka_unit_test_teardown(pairs_held_for_slow_readers_are_wanted_back_in_the_end,
                                  forget_sockets),
        cmocka_unit_test_teardown(one_client_has_eight_transfers_at_once_and_others_are_answered,
                                  forget_sockets),
        cmocka_unit_test_teardown(bytes_that_are_no_query_harm_nobody, forget_sockets),
    };

    if (fd < 0)
        return 1;
    world.server = server_new(world.counters, beacon_run);
    publish(1);
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
