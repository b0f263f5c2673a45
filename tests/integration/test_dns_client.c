/* tests/integration/test_dns_client.c -- questions over real sockets to a server that loses,
 * lies, truncates and refuses; and the stub's cache. */
#include "dnsflip/io/dns_client.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define TYPE_A 1
#define TYPE_AAAA 28
#define TIMEOUT_MS 2000
#define BURST 20000

/* A name server in the loop of its own client.  The first label says how it behaves. */
struct server {
    struct loop *loop;
    struct dns_client *client;
    int udp, tcp, connection;
    struct loop_fd *udp_watch, *tcp_watch, *connection_watch;
    struct inet_addr addr;
    unsigned asked; /* over UDP */
    unsigned asked_tcp;
    uint16_t last_port; /* of the client */
};

static struct server server;

static bool label_is(const uint8_t *msg, const char *label)
{
    size_t n = strlen(label);
    return msg[12] == n && memcmp(msg + 13, label, n) == 0;
}

static void add(uint8_t *msg, size_t *n, const void *bytes, size_t length)
{
    memcpy(msg + *n, bytes, length);
    *n += length;
}

/* Turns the question in msg into its answer; returns its length, 0 = stay silent. */
static size_t answer_of(uint8_t *msg, size_t n, bool is_tcp)
{
    static const char a[] = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\xc0\x00\x02\x01";
    static const char cname[] = "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x01\x00\x04\x01z\xc0\x0e";
    bool is_a = msg[n - 3] == TYPE_A;
    msg[2] |= 0x84;
    if (label_is(msg, "silent"))
        return 0;
    if (label_is(msg, "lost") && server.asked == 1)
        return 0;
    if (label_is(msg, "sf")) {
        msg[3] = 2;
        return n;
    }
    if (label_is(msg, "nx")) {
        msg[3] = 3;
        return n;
    }
    if (label_is(msg, "tc") && !is_tcp) {
        msg[2] |= 0x02;
        return n;
    }
    if (label_is(msg, "junk")) {
        msg[7] = 1;
        add(msg, &n, a, 7);
        return n;
    }
    if (!is_a)
        return n;
    msg[7] = 1;
    if (label_is(msg, "c"))
        add(msg, &n, cname, sizeof cname - 1);
    else
        add(msg, &n, a, sizeof a - 1);
    return n;
}

static void on_udp(void *arg)
{
    (void)arg;
    for (;;) {
        uint8_t msg[1024] = { 0 };
        struct sockaddr_in from = { 0 };
        socklen_t from_bytes = sizeof from;
        ssize_t got =
            recvfrom(server.udp, msg, 512, MSG_DONTWAIT, (struct sockaddr *)&from, &from_bytes);
        if (got < 0)
            return;
        server.asked++;
        server.last_port = from.sin_port;
        size_t n = answer_of(msg, (size_t)got, false);
        const struct sockaddr *to = (const struct sockaddr *)&from;
        if (label_is(msg, "liar")) {
            uint8_t lie[1024] = { 0 };
            memcpy(lie, msg, n);
            lie[0] ^= 0x55; /* another id */
            (void)sendto(server.udp, lie, n, 0, to, from_bytes);
            memcpy(lie, msg, n);
            lie[14] ^= 0x01; /* another name */
            (void)sendto(server.udp, lie, n, 0, to, from_bytes);
        }
        if (n > 0)
            (void)sendto(server.udp, msg, n, 0, to, from_bytes);
    }
}

/* A question arrives whole on loopback, one per connection. */
static void on_tcp_question(void *arg)
{
    (void)arg;
    uint8_t msg[1024];
    ssize_t got = recv(server.connection, msg, 512, 0);
    assert_true(got > 14);
    server.asked_tcp++;
    size_t n = answer_of(msg + 2, (size_t)got - 2, true);
    msg[0] = (uint8_t)(n >> 8);
    msg[1] = (uint8_t)(n & 0xff);
    if (n > 0) {
        (void)send(server.connection, msg, 5, 0); /* in two parts */
        (void)send(server.connection, msg + 5, n - 3, 0);
    }
    loop_fd_free(server.connection_watch);
    server.connection_watch = NULL;
    close(server.connection);
}

static void on_tcp(void *arg)
{
    (void)arg;
    server.connection = accept(server.tcp, NULL, NULL);
    assert_true(server.connection >= 0);
    assert_null(server.connection_watch);
    server.connection_watch =
        loop_fd_new(server.loop, server.connection, false, on_tcp_question, NULL);
}

struct seen {
    unsigned done, ok, wanted;
    struct dns_answer answer;
};

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct seen *seen = arg;
    seen->done++;
    seen->ok += answer->status == DNS_ASK_ANSWERED && answer->n_ips == 1;
    seen->answer = *answer;
    if (seen->done == seen->wanted)
        loop_stop(server.loop);
}

static struct dns_answer ask(const char *name, uint16_t type, bool tcp, int64_t timeout_ms)
{
    struct seen seen = { .wanted = 1 };
    server.asked = 0;
    (void)dns_client_ask(server.client, &server.addr, name, type, tcp, timeout_ms, on_answer,
                         &seen);
    assert_int_equal(seen.done, 0);
    loop_run(server.loop);
    return seen.answer;
}

static struct dns_answer resolve(const char *name, int family, int64_t timeout_ms)
{
    struct seen seen = { .wanted = 1 };
    server.asked = 0;
    (void)dns_client_resolve(server.client, name, family, timeout_ms, on_answer, &seen);
    assert_int_equal(seen.done, 0);
    loop_run(server.loop);
    return seen.answer;
}

static void a_question_is_answered_over_udp_and_tcp(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        struct dns_answer answer = ask("a.test", TYPE_A, tcp == 1, TIMEOUT_MS);
        assert_int_equal(answer.status, DNS_ASK_ANSWERED);
        assert_int_equal(answer.n_ips, 1);
        assert_true(answer.authoritative);
        assert_int_equal(server.asked, tcp == 0);
    }
    assert_int_not_equal(server.asked_tcp, 0);
}

static void a_lost_question_is_sent_again_at_half_time(void **state)
{
    (void)state;
    struct mono from = mono_now();
    struct dns_answer answer = ask("lost.test", TYPE_A, false, 200);
    assert_int_equal(answer.status, DNS_ASK_ANSWERED);
    assert_int_equal(server.asked, 2);
    assert_in_range(mono_since(mono_now(), from), 99, 199);
}

static void silence_is_a_timeout(void **state)
{
    (void)state;
    assert_int_equal(ask("silent.test", TYPE_A, false, 100).status, DNS_ASK_TIMEOUT);
    assert_int_equal(server.asked, 2);
    assert_int_equal(ask("silent.test", TYPE_A, true, 100).status, DNS_ASK_MALFORMED);
}

static void answers_to_other_questions_are_passed_over(void **state)
{
    (void)state;
    struct dns_answer answer = ask("liar.test", TYPE_A, false, TIMEOUT_MS);
    assert_int_equal(answer.status, DNS_ASK_ANSWERED);
    assert_int_equal(answer.n_ips, 1);
}

static void an_unreadable_answer_is_malformed_and_truncation_is_reported(void **state)
{
    (void)state;
    assert_int_equal(ask("junk.test", TYPE_A, false, TIMEOUT_MS).status, DNS_ASK_MALFORMED);
    struct dns_answer answer = ask("tc.test", TYPE_A, false, TIMEOUT_MS);
    assert_int_equal(answer.status, DNS_ASK_ANSWERED);
    assert_true(answer.truncated);
    assert_int_equal(ask("not..a.name", TYPE_A, false, TIMEOUT_MS).status, DNS_ASK_MALFORMED);
    assert_int_equal(ask("not..a.name", TYPE_A, true, TIMEOUT_MS).status, DNS_ASK_MALFORMED);
}

static void a_port_where_nobody_listens_refuses(void **state)
{
    (void)state;
    struct inet_addr kept = server.addr;
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof addr;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &n), 0);
    close(fd);
    server.addr.port = ntohs(addr.sin_port);
    assert_int_equal(ask("a.test", TYPE_A, false, TIMEOUT_MS).status, DNS_ASK_REFUSED);
    assert_int_equal(ask("a.test", TYPE_A, true, TIMEOUT_MS).status, DNS_ASK_REFUSED);
    server.addr = kept;
}

static void a_burst_of_names_loses_none(void **state)
{
    (void)state;
    struct seen seen = { .wanted = BURST };
    char name[64];
    for (unsigned i = 0; i < BURST; i++) {
        str_format(name, sizeof name, "a%u.dr.test", i);
        (void)dns_client_ask(server.client, &server.addr, name, TYPE_A, false, TIMEOUT_MS,
                             on_answer, &seen);
    }
    server.asked = 0;
    loop_run(server.loop);
    assert_int_equal(seen.ok, BURST);
    assert_int_equal(server.asked, BURST); /* nothing was lost, so nothing was sent twice */
}

static void fail_if_called(void *arg, const struct dns_answer *answer)
{
    (void)arg;
    (void)answer;
    fail_msg("the callback of a cancelled question ran");
}

static void a_cancelled_question_calls_nobody(void **state)
{
    (void)state;
    struct dns_client *c = server.client;
    dns_client_cancel(
        dns_client_ask(c, &server.addr, "a.test", TYPE_A, false, 50, fail_if_called, NULL));
    dns_client_cancel(
        dns_client_ask(c, &server.addr, "a.test", TYPE_A, true, 50, fail_if_called, NULL));
    dns_client_cancel(dns_client_resolve(c, "a.test", 4, 50, fail_if_called, NULL));
    struct dns_ask *flying =
        dns_client_ask(c, &server.addr, "silent.test", TYPE_A, false, 60, fail_if_called, NULL);
    (void)ask("a.test", TYPE_A, false, TIMEOUT_MS);
    dns_client_cancel(flying);
    (void)ask("silent.test", TYPE_A, false, 100);
}

static void each_burst_comes_from_a_port_of_its_own(void **state)
{
    (void)state;
    (void)ask("a.test", TYPE_A, false, TIMEOUT_MS);
    uint16_t first = server.last_port;
    unsigned same = 0;
    for (int i = 0; i < 8; i++) {
        (void)ask("a.test", TYPE_A, true, TIMEOUT_MS); /* meanwhile UDP has nothing to do */
        (void)ask("a.test", TYPE_A, false, TIMEOUT_MS);
        same += server.last_port == first;
    }
    assert_in_range(same, 0, 7);
}

static void the_stub_follows_aliases_and_keeps_what_it_learned(void **state)
{
    (void)state;
    dns_client_set_resolvers(server.client, &server.addr, 1);
    struct dns_answer answer = resolve("c.stub.test", 4, TIMEOUT_MS);
    assert_int_equal(answer.status, DNS_ASK_ANSWERED);
    assert_int_equal(answer.n_ips, 1);
    assert_int_equal(answer.ttl_s, 1);
    assert_int_equal(server.asked, 2);
    answer = resolve("C.stub.test", 4, TIMEOUT_MS);
    assert_int_equal(answer.n_ips, 1);
    assert_int_equal(server.asked, 0);
    (void)ask("silent.test", TYPE_A, false, 1100); /* lets the second of its TTL pass */
    (void)resolve("c.stub.test", 4, TIMEOUT_MS);
    assert_int_equal(server.asked, 2);
}

static void the_stub_says_what_has_no_address_and_what_it_does_not_know(void **state)
{
    (void)state;
    dns_client_set_resolvers(server.client, &server.addr, 1);
    struct dns_answer answer = resolve("nx.stub.test", 4, TIMEOUT_MS);
    assert_int_equal(answer.status, DNS_ASK_ANSWERED);
    assert_int_equal(answer.rcode, 3);
    answer = resolve("a.stub.test", 6, TIMEOUT_MS);
    assert_int_equal(answer.status, DNS_ASK_ANSWERED);
    assert_int_equal(answer.n_ips, 0);
    assert_int_equal(resolve("sf.stub.test", 4, TIMEOUT_MS).status, DNS_ASK_LOCAL);
    assert_int_equal(resolve("silent.stub.test", 4, 100).status, DNS_ASK_TIMEOUT);
    answer = resolve("tc.stub.test", 4, TIMEOUT_MS);
    assert_int_equal(answer.n_ips, 1); /* asked again over TCP */
}

static void the_stub_goes_on_to_the_next_resolver(void **state)
{
    (void)state;
    struct inet_addr resolvers[2] = { server.addr, server.addr };
    resolvers[0].ip.bytes[3] = 77; /* nobody listens there */
    dns_client_set_resolvers(server.client, resolvers, 2);
    struct dns_answer answer = resolve("second.stub.test", 4, TIMEOUT_MS);
    assert_int_equal(answer.status, DNS_ASK_ANSWERED);
    assert_int_equal(answer.n_ips, 1);
}

static int start_server(void **state)
{
    (void)state;
    struct err err;
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof addr;
    assert_int_equal(loop_new(&server.loop, &err), 0);
    assert_int_equal(dns_client_new(server.loop, &server.client, &err), 0);
    server.tcp = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server.tcp, (const struct sockaddr *)&addr, n), 0);
    assert_int_equal(listen(server.tcp, 16), 0);
    assert_int_equal(getsockname(server.tcp, (struct sockaddr *)&addr, &n), 0);
    server.udp = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(server.udp, (const struct sockaddr *)&addr, n), 0);
    assert_true(inet_from_sockaddr((const struct sockaddr *)&addr, n, &server.addr));
    server.udp_watch = loop_fd_new(server.loop, server.udp, false, on_udp, NULL);
    server.tcp_watch = loop_fd_new(server.loop, server.tcp, false, on_tcp, NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    loop_fd_free(server.udp_watch);
    loop_fd_free(server.tcp_watch);
    dns_client_free(server.client);
    loop_free(server.loop);
    close(server.udp);
    close(server.tcp);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_answered_over_udp_and_tcp),
        cmocka_unit_test(a_lost_question_is_sent_again_at_half_time),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(answers_to_other_questions_are_passed_over),
        cmocka_unit_test(an_unreadable_answer_is_malformed_and_truncation_is_reported),
        cmocka_unit_test(a_port_where_nobody_listens_refuses),
        cmocka_unit_test(a_burst_of_names_loses_none),
        cmocka_unit_test(a_cancelled_question_calls_nobody),
        cmocka_unit_test(each_burst_comes_from_a_port_of_its_own),
        cmocka_unit_test(the_stub_follows_aliases_and_keeps_what_it_learned),
        cmocka_unit_test(the_stub_says_what_has_no_address_and_what_it_does_not_know),
        cmocka_unit_test(the_stub_goes_on_to_the_next_resolver),
    };
    return cmocka_run_group_tests_name("dns_client", tests, start_server, stop_server);
}
