/* tests/integration/test_race.c -- new pairs, flips and new threads in one process with the threads
 * that answer, while other processes ask: what a race detector has to see.  The server maps no page
 * of its own here: it reads the very memory that is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/dns/server.h"
#include "dnsflip/supervisor_sockets.h"
#include "tests/support/instance.h"
#include "tests/support/zone.h"

#define NAMES 50
#define THREADS 2
#define ROUNDS 40
#define FLIPS_PER_ROUND 4
#define ROUNDS_PER_START 8 /* of threads */
#define CLIENTS 2          /* one by UDP, one by TCP */
#define FIRST_ANSWERS 20   /* of a client, before it counts as asking */
#define ANSWER_MS 1000     /* then a UDP question is asked again */

static struct {
    struct server *server;
    struct counters *counters;
    struct supervisor_sockets sockets;
    struct page *page; /* of the pair in use */
    uint64_t generation;
} world;

static struct {
    pid_t pid;
    int ready; /* a byte comes when it has had its first answers */
    int go_on; /* closed: it is to end */
} clients[CLIENTS];

/* ------------------------------------------------------------------ who asks */

/* 1 or 2, 0 for a wrong answer, -1 for none. */
static int ask_udp(const struct instance *in, int fd, unsigned i)
{
    (void)fd;
    return instance_ask(in, i, ANSWER_MS);
}

static int ask_tcp(const struct instance *in, int fd, unsigned i)
{
    uint8_t query[2 + INSTANCE_QUERY_BYTES];
    uint8_t answer[1500];
    size_t n = instance_query(query + 2, (uint16_t)i, i);

    (void)in;
    query[0] = 0;
    query[1] = (uint8_t)n;
    if (send(fd, query, n + 2, MSG_NOSIGNAL) != (ssize_t)(n + 2))
        return 0;
    int len = instance_read(fd, answer, sizeof(answer), INSTANCE_WAIT_MS);
    return len <= 0 ? 0 : instance_cluster(answer, (size_t)len, (uint16_t)i);
}

__attribute__((noreturn)) static void run_client(uint16_t port, bool is_tcp, int ready, int go_on)
{
    struct instance in = { .port = port };
    struct pollfd end = { .fd = go_on, .events = POLLIN };
    int fd = is_tcp ? instance_connect(&in, NULL) : -1;
    unsigned answered = 0;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; poll(&end, 1, 0) == 0; i++) {
        int cluster = is_tcp ? ask_tcp(&in, fd, i) : ask_udp(&in, fd, i);
        if (cluster == 0)
            _exit(1);
        answered += cluster > 0;
        if (answered == FIRST_ANSWERS && write(ready, "x", 1) != 1)
            _exit(2);
    }
    _exit(answered > FIRST_ANSWERS ? 0 : 3);
}

static void start_client(int place, uint16_t port, bool is_tcp)
{
    int ready[2];
    int go_on[2];

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go_on), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(go_on[1]);
        for (int i = 0; i < place; i++) /* or the other one would never see its end */
            (void)close(clients[i].go_on);
        run_client(port, is_tcp, ready[1], go_on[0]);
    }
    assert_int_equal(close(ready[1]), 0);
    assert_int_equal(close(go_on[0]), 0);
    clients[place].pid = pid;
    clients[place].ready = ready[0];
    clients[place].go_on = go_on[1];
}

static void end_clients(void)
{
    int status = 0;

    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(close(clients[i].go_on), 0);
        assert_int_equal(waitpid(clients[i].pid, &status, 0), clients[i].pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(close(clients[i].ready), 0);
    }
}

/* ------------------------------------------------------------------ who answers */

static uint16_t bind_both(void)
{
    struct link_message ask = link_message(LINK_BIND);
    const struct supervisor_socket *item = NULL;
    struct err err;

    ask.role = LINK_ROLE_DNS_UDP;
    ask.threads = THREADS;
    assert_true(inet_parse_addr("127.0.0.1:0", 0, &ask.addr));
    assert_int_equal(supervisor_sockets_bind(&world.sockets, &ask, &item, &err), 0);
    uint16_t port = item->addr.port;
    ask.role = LINK_ROLE_DNS_TCP;
    ask.addr.port = port;
    assert_int_equal(supervisor_sockets_bind(&world.sockets, &ask, &item, &err), 0);
    return port;
}

static void serve_all(void)
{
    struct server_listen listens[2] = { { .kind = SERVER_UDP } };
    struct server_listens set = { .items = listens, .n = 2, .threads = THREADS };
    struct err err;

    assert_int_equal(world.sockets.n, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct supervisor_socket *item = &world.sockets.items[i];
        listens[i].kind = item->role == LINK_ROLE_DNS_TCP ? SERVER_TCP : SERVER_UDP;
        listens[i].n_fds = item->n_fds;
        for (uint32_t k = 0; k < item->n_fds; k++)
            listens[i].fds[k] = dup(item->fds[k]);
    }
    assert_int_equal(server_listen(world.server, &set, &err), 0);
}

static void publish(uint8_t index)
{
    struct server_pair pair = { .view = NULL };
    int fds[2];
    struct err err;

    assert_int_equal(zone_pair(++world.generation, NAMES, index, fds, &world.page, &err), 0);
    assert_int_equal(view_open(fds[0], &pair.view, &err), 0);
    pair.page = world.page;
    assert_int_equal(server_publish(world.server, &pair, &err), 0);
    struct mono end = mono_add(mono_now(), INSTANCE_WAIT_MS);
    while (!server_settle(world.server)) {
        assert_true(mono_since(end, mono_now()) > 0);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
}

static void flip(uint8_t index, uint32_t epoch)
{
    struct counters_quiet quiet;
    struct mono end = mono_add(mono_now(), INSTANCE_WAIT_MS);

    page_set(world.page, 0, (struct page_word){ .index = index, .epoch = epoch });
    counters_quiet_start(world.counters, &quiet);
    while (!counters_quiet_passed(world.counters, &quiet))
        assert_true(mono_since(end, mono_now()) > 0);
}

static void pairs_flips_and_threads_change_under_questions(void **state)
{
    (void)state;
    char byte;
    struct err err;
    uint16_t port = bind_both();

    /* Before the first thread of this process: a fork is for one thread. */
    for (int i = 0; i < CLIENTS; i++)
        start_client(i, port, i == 1);
    assert_true(counters_new(COUNTERS_THREADS_MAX, &world.counters, &err) >= 0);
    world.server = server_new(world.counters, NULL);
    serve_all();
    publish(1);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(read(clients[i].ready, &byte, 1), 1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        publish((uint8_t)(1 + round % 2));
        for (uint32_t i = 1; i <= FLIPS_PER_ROUND; i++)
            flip((uint8_t)(1 + i % 2), 1000000 * round + i);
        if (round % ROUNDS_PER_START == 0)
            serve_all();
    }
    end_clients();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_flips_and_threads_change_under_questions),
    };

    return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
