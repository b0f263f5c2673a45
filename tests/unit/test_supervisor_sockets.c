/* tests/unit/test_supervisor_sockets.c -- real sockets on loopback: what is bound, reused, dropped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/supervisor_sockets.h"
#include "tests/support/tempdir.h"

static struct link_message bind_inet(enum link_role role, const char *addr, uint32_t threads)
{
    struct link_message m = link_message(LINK_BIND);

    m.role = (uint32_t)role;
    m.threads = threads;
    assert_true(inet_parse_addr(addr, 0, &m.addr));
    return m;
}

static struct link_message bind_path(const char *path)
{
    struct link_message m = link_message(LINK_BIND);

    m.role = LINK_ROLE_CONTROL;
    m.mode = 0640;
    assert_true(str_copy(m.path, sizeof(m.path), path));
    return m;
}

static void each_udp_thread_has_a_socket_on_the_same_port(void **state)
{
    (void)state;
    struct supervisor_sockets s = { .n = 0 };
    struct link_message ask = bind_inet(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 3);
    const struct supervisor_socket *item = NULL;
    struct err err;

    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), 0);
    assert_int_equal(item->n_fds, 3);
    assert_int_not_equal(item->addr.port, 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        struct inet_addr addr;
        assert_int_equal(getsockname(item->fds[i], (struct sockaddr *)&sa, &len), 0);
        assert_true(inet_from_sockaddr((struct sockaddr *)&sa, len, &addr));
        assert_int_equal(addr.port, item->addr.port);
    }
    supervisor_sockets_close(&s);
}

static void the_same_address_asked_again_keeps_its_sockets(void **state)
{
    (void)state;
    struct supervisor_sockets s = { .n = 0 };
    struct link_message ask = bind_inet(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 2);
    const struct supervisor_socket *item = NULL;
    struct err err;

    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), 0);
    ask.addr = item->addr;
    int fd = item->fds[0];
    uint64_t changes = s.changes;
    supervisor_sockets_forget(&s);
    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), 0);
    assert_int_equal(item->fds[0], fd);
    assert_int_equal(s.changes, changes);
    ask.threads = 4;
    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), 0);
    assert_int_equal(item->n_fds, 4);
    assert_int_equal(item->fds[0], fd);
    assert_int_not_equal(s.changes, changes);
    supervisor_sockets_close(&s);
}

static void an_address_that_another_server_has_is_not_shared_with_it(void **state)
{
    (void)state;
    struct supervisor_sockets first = { .n = 0 };
    struct supervisor_sockets second = { .n = 0 };
    struct link_message ask = bind_inet(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 1);
    const struct supervisor_socket *item = NULL;
    struct err err;
    char text[INET_TEXT_BYTES];

    assert_int_equal(supervisor_sockets_bind(&first, &ask, &item, &err), 0);
    ask.addr = item->addr;
    assert_int_equal(supervisor_sockets_bind(&second, &ask, &item, &err), -1);
    assert_non_null(strstr(err.text, inet_format_addr(&ask.addr, text)));
    assert_int_equal(second.n, 0);
    supervisor_sockets_close(&first);
}

static void what_nobody_asked_for_since_the_last_drop_is_closed(void **state)
{
    (void)state;
    struct supervisor_sockets s = { .n = 0 };
    struct link_message udp = bind_inet(LINK_ROLE_DNS_UDP, "127.0.0.1:0", 1);
    struct link_message tcp = bind_inet(LINK_ROLE_DNS_TCP, "127.0.0.1:0", 1);
    const struct supervisor_socket *item = NULL;
    struct err err;

    assert_int_equal(supervisor_sockets_bind(&s, &udp, &item, &err), 0);
    assert_int_equal(supervisor_sockets_bind(&s, &tcp, &item, &err), 0);
    struct inet_addr kept = item->addr;
    supervisor_sockets_drop(&s);
    assert_int_equal(s.n, 2);
    tcp.addr = kept;
    assert_int_equal(supervisor_sockets_bind(&s, &tcp, &item, &err), 0);
    supervisor_sockets_drop(&s);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.items[0].role, LINK_ROLE_DNS_TCP);
    supervisor_sockets_close(&s);
}

static void a_control_socket_has_its_mode_and_goes_with_its_file(void **state)
{
    (void)state;
    struct tempdir dir;
    struct supervisor_sockets s = { .n = 0 };
    const struct supervisor_socket *item = NULL;
    struct stat st;
    struct err err;

    tempdir_init(&dir);
    struct link_message ask = bind_path(tempdir_path(&dir, "run/control.sock"));
    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), 0);
    assert_int_equal(stat(ask.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    supervisor_sockets_close(&s);
    assert_int_equal(stat(ask.path, &st), -1);
    tempdir_fini(&dir);
}

static void a_stale_control_socket_is_replaced_and_a_living_one_is_not(void **state)
{
    (void)state;
    struct tempdir dir;
    struct supervisor_sockets first = { .n = 0 };
    struct supervisor_sockets second = { .n = 0 };
    const struct supervisor_socket *item = NULL;
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    struct err err;

    tempdir_init(&dir);
    struct link_message ask = bind_path(tempdir_path(&dir, "control.sock"));
    assert_true(str_copy(sa.sun_path, sizeof(sa.sun_path), ask.path));
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(close(dead), 0);
    assert_int_equal(supervisor_sockets_bind(&first, &ask, &item, &err), 0);
    assert_int_equal(supervisor_sockets_bind(&second, &ask, &item, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    supervisor_sockets_close(&first);
    tempdir_fini(&dir);
}

static void the_control_socket_stays_through_every_drop_of_the_judge_that_bound_it(void **state)
{
    (void)state;
    struct tempdir dir;
    struct supervisor_sockets s = { .n = 0 };
    const struct supervisor_socket *item = NULL;
    struct stat st;
    struct err err;

    tempdir_init(&dir);
    struct link_message ask = bind_path(tempdir_path(&dir, "control.sock"));
    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), 0);
    supervisor_sockets_drop(&s);
    supervisor_sockets_drop(&s);
    assert_int_equal(stat(ask.path, &st), 0);
    supervisor_sockets_forget(&s); /* another judge, which wants another path */
    supervisor_sockets_drop(&s);
    assert_int_equal(s.n, 0);
    assert_int_equal(stat(ask.path, &st), -1);
    tempdir_fini(&dir);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    struct tempdir dir;
    struct supervisor_sockets s = { .n = 0 };
    const struct supervisor_socket *item = NULL;
    struct stat st;
    struct err err;

    tempdir_init(&dir);
    struct link_message ask = bind_path(tempdir_path(&dir, "directory"));
    assert_int_equal(mkdir(ask.path, 0700), 0);
    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(stat(ask.path, &st), 0);
    tempdir_fini(&dir);
}

static void unusable_questions_are_refused(void **state)
{
    (void)state;
    struct supervisor_sockets s = { .n = 0 };
    struct link_message ask = bind_inet(LINK_ROLE_DNS_UDP, "127.0.0.1:0", LINK_THREADS_MAX + 1);
    const struct supervisor_socket *item = NULL;
    struct err err;

    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    ask.role = 99;
    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    ask = bind_path("");
    assert_int_equal(supervisor_sockets_bind(&s, &ask, &item, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(s.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_udp_thread_has_a_socket_on_the_same_port),
        cmocka_unit_test(the_same_address_asked_again_keeps_its_sockets),
        cmocka_unit_test(an_address_that_another_server_has_is_not_shared_with_it),
        cmocka_unit_test(what_nobody_asked_for_since_the_last_drop_is_closed),
        cmocka_unit_test(a_control_socket_has_its_mode_and_goes_with_its_file),
        cmocka_unit_test(a_stale_control_socket_is_replaced_and_a_living_one_is_not),
        cmocka_unit_test(the_control_socket_stays_through_every_drop_of_the_judge_that_bound_it),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(unusable_questions_are_refused),
    };

    return cmocka_run_group_tests_name("supervisor_sockets", tests, NULL, NULL);
}
