/* tests/integration/test_tcp.c -- DNS over TCP (RFC 7766) against the real face: framing,
 * pipelining, many idle connections, limits, time-outs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/dns/server_frame.h"
#include "tests/support/fake_judge.h"
#include "tests/support/instance.h"

#define ANSWER_BYTES 1500
#define ANSWER_MS 2000
#define PIPELINED 500
#define IDLE_MANY 400
#define PER_CLIENT 512 /* as in dnsflip/dns/server_tcp.c */
#define LATE_MS                                                                                    \
    3000 /* after a deadline: the sweep is once a second, and the machine may be busy              \
          */

static size_t frame(uint8_t *out, uint16_t id, unsigned i)
{
    size_t n = instance_query(out + SERVER_FRAME_PREFIX_BYTES, id, i);

    server_frame_prefix(out, n);
    return SERVER_FRAME_PREFIX_BYTES + n;
}

static void send_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes += sent;
        n -= (size_t)sent;
    }
}

static void expect_answer(int fd, uint16_t id)
{
    uint8_t answer[ANSWER_BYTES];
    int n = instance_read(fd, answer, sizeof(answer), ANSWER_MS);

    assert_true(n > 0);
    assert_int_equal(instance_cluster(answer, (size_t)n, id), 1);
}

static void ask_once(int fd, uint16_t id)
{
    uint8_t query[INSTANCE_QUERY_BYTES + SERVER_FRAME_PREFIX_BYTES];

    send_all(fd, query, frame(query, id, id));
    expect_answer(fd, id);
}

static void pipelined_queries_are_all_answered_in_order(void **state)
{
    static uint8_t bytes[PIPELINED * (INSTANCE_QUERY_BYTES + SERVER_FRAME_PREFIX_BYTES)];
    size_t n = 0;
    int fd = instance_connect(*state, NULL);

    for (uint16_t id = 0; id < PIPELINED; id++)
        n += frame(bytes + n, id, id);
    send_all(fd, bytes, n);
    for (uint16_t id = 0; id < PIPELINED; id++)
        expect_answer(fd, id);
    assert_int_equal(close(fd), 0);
}

static void a_query_that_comes_byte_by_byte_is_answered(void **state)
{
    uint8_t query[INSTANCE_QUERY_BYTES + SERVER_FRAME_PREFIX_BYTES];
    int fd = instance_connect(*state, NULL);

    for (uint16_t id = 1; id < 4; id++) {
        size_t n = frame(query, id, id);
        for (size_t i = 0; i < n; i++)
            send_all(fd, query + i, 1);
        expect_answer(fd, id);
    }
    assert_int_equal(close(fd), 0);
}

static void a_client_that_closes_its_side_still_gets_its_answers(void **state)
{
    uint8_t query[INSTANCE_QUERY_BYTES + SERVER_FRAME_PREFIX_BYTES];
    uint8_t answer[ANSWER_BYTES];
    int fd = instance_connect(*state, NULL);

    for (uint16_t id = 0; id < 3; id++)
        send_all(fd, query, frame(query, id, id));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    for (uint16_t id = 0; id < 3; id++)
        expect_answer(fd, id);
    assert_int_equal(instance_read(fd, answer, sizeof(answer), ANSWER_MS), 0);
    assert_int_equal(close(fd), 0);
}

static void a_message_longer_than_any_query_ends_its_connection(void **state)
{
    const uint8_t prefix[] = { 0xff, 0xff, 0, 0 };
    uint8_t answer[ANSWER_BYTES];
    int fd = instance_connect(*state, NULL);

    send_all(fd, prefix, sizeof(prefix));
    assert_int_equal(instance_read(fd, answer, sizeof(answer), ANSWER_MS), 0);
    assert_int_equal(close(fd), 0);
}

static void new_connections_are_answered_beside_many_idle_ones(void **state)
{
    int idle[IDLE_MANY];

    for (int i = 0; i < IDLE_MANY; i++)
        idle[i] = instance_connect(*state, NULL);
    ask_once(idle[IDLE_MANY - 1], 1); /* all before it have been accepted */
    for (uint16_t i = 0; i < 20; i++) {
        int fd = instance_connect(*state, NULL);
        ask_once(fd, i);
        assert_int_equal(close(fd), 0);
    }
    ask_once(idle[0], 1); /* none of them had to go for the others */
    for (int i = 0; i < IDLE_MANY; i++)
        assert_int_equal(close(idle[i]), 0);
}

static void one_client_cannot_take_all_connections(void **state)
{
    int fds[PER_CLIENT];
    uint8_t answer[ANSWER_BYTES];

    for (int i = 0; i < PER_CLIENT; i++)
        fds[i] = instance_connect(*state, "127.0.0.2");
    ask_once(fds[PER_CLIENT - 1], 1);
    int refused = instance_connect(*state, "127.0.0.2");
    assert_int_equal(instance_read(refused, answer, sizeof(answer), ANSWER_MS), 0);
    int other = instance_connect(*state, "127.0.0.3");
    ask_once(other, 2);
    assert_int_equal(close(other), 0);
    assert_int_equal(close(refused), 0);
    for (int i = 0; i < PER_CLIENT; i++)
        assert_int_equal(close(fds[i]), 0);
}

/* Asks and never reads, until the server has stopped reading too. */
static int slow_reader(const struct instance *in)
{
    uint8_t query[INSTANCE_QUERY_BYTES + SERVER_FRAME_PREFIX_BYTES];
    size_t n = frame(query, 1, 1);
    int small = 4096;
    int fd = instance_connect(in, NULL);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (;;) {
        struct pollfd polled = { .fd = fd, .events = POLLOUT };
        if (send(fd, query, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && poll(&polled, 1, 1000) == 0)
            return fd;
    }
}

/* Reads what had been sent before; whether the end comes behind it. */
static bool ends_when_drained(int fd)
{
    static uint8_t bytes[65536];
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    while (poll(&polled, 1, ANSWER_MS) == 1) {
        if (recv(fd, bytes, sizeof(bytes), 0) <= 0)
            return true;
    }
    return false;
}

static bool is_cut_within(int fd, struct mono end)
{
    while (mono_since(end, mono_now()) > 0) {
        struct pollfd polled = { .fd = fd, .events = POLLRDHUP };
        if (poll(&polled, 1, 100) > 0 && (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
            return true;
    }
    return false;
}

static void who_is_idle_or_does_not_read_is_cut_and_nobody_else(void **state)
{
    int slow = slow_reader(*state);
    struct mono start = mono_now();
    int idle = instance_connect(*state, NULL);
    int half = instance_connect(*state, NULL);
    int busy = instance_connect(*state, NULL);
    const uint8_t one = 0;

    send_all(half, &one, 1);
    while (mono_since(mono_now(), start) < SERVER_TCP_IDLE_MS - 1000) {
        ask_once(busy, 7);
        assert_int_equal(poll(NULL, 0, 100), 0);
    }
    struct pollfd polled = { .fd = idle, .events = POLLIN };
    assert_int_equal(poll(&polled, 1, 0), 0);
    struct mono end = mono_add(mono_now(), 1000 + LATE_MS);
    assert_true(is_cut_within(idle, end));
    assert_true(is_cut_within(half, end));
    while (mono_since(end, mono_now()) > 0)
        ask_once(busy, 7);
    assert_true(ends_when_drained(slow)); /* the end waits behind what was never read */
    ask_once(busy, 8);
    assert_int_equal(close(idle), 0);
    assert_int_equal(close(half), 0);
    assert_int_equal(close(slow), 0);
    assert_int_equal(close(busy), 0);
}

static void a_connection_outlives_a_new_pair_and_answers_with_it(void **state)
{
    uint8_t query[INSTANCE_QUERY_BYTES + SERVER_FRAME_PREFIX_BYTES];
    uint8_t answer[ANSWER_BYTES];
    char reply[INSTANCE_REPLY_BYTES];
    int fd = instance_connect(*state, NULL);

    ask_once(fd, 1);
    instance_say(*state, "pair 2 2", reply);
    assert_string_equal(reply, "adopted 2");
    send_all(fd, query, frame(query, 2, 2));
    int n = instance_read(fd, answer, sizeof(answer), ANSWER_MS);
    assert_true(n > 0);
    assert_int_equal(instance_cluster(answer, (size_t)n, 2), 2);
    assert_int_equal(close(fd), 0);
    assert_true(instance_state(*state, "tcp") >= 2);
}

static int start(void **state)
{
    static struct instance in;

    instance_start(&in, "serve");
    *state = &in;
    return 0;
}

static int stop(void **state)
{
    assert_int_equal(instance_stop(*state), 0);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], FAKE_JUDGE_VERB) == 0)
        return fake_judge_main(argc, argv);

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_queries_are_all_answered_in_order),
        cmocka_unit_test(a_query_that_comes_byte_by_byte_is_answered),
        cmocka_unit_test(a_client_that_closes_its_side_still_gets_its_answers),
        cmocka_unit_test(a_message_longer_than_any_query_ends_its_connection),
        cmocka_unit_test(new_connections_are_answered_beside_many_idle_ones),
        cmocka_unit_test(one_client_cannot_take_all_connections),
        cmocka_unit_test(who_is_idle_or_does_not_read_is_cut_and_nobody_else),
        cmocka_unit_test(a_connection_outlives_a_new_pair_and_answers_with_it),
    };

    return cmocka_run_group_tests_name("tcp", tests, start, stop);
}
