/* tests/unit/test_client.c -- the control socket's other end against a daemon that hangs up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/ctl/client.h"
#include "tests/support/tempdir.h"

static struct tempdir dir;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listener;
static struct ctl_client *client;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    tempdir_init(&dir);
    if (!str_copy(address.sun_path, sizeof(address.sun_path), tempdir_path(&dir, "s")))
        return -1;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0)
        return -1;
    return ctl_client_open(address.sun_path, &client, &err);
}

static int tear_down(void **state)
{
    (void)state;
    ctl_client_close(client);
    (void)close(listener);
    tempdir_fini(&dir);
    return 0;
}

/* The daemon accepts, says this and is gone before the client has sent anything. */
static void hang_up(const char *words)
{
    int fd = accept(listener, NULL, NULL);

    assert_true(fd >= 0);
    assert_int_equal(send(fd, words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
    assert_int_equal(close(fd), 0);
}

static void a_refusal_said_before_the_request_is_heard(void **state)
{
    struct proto_error error;
    struct err err;
    cJSON *result;

    (void)state;
    hang_up("{\"jsonrpc\":\"2.0\",\"id\":null,"
            "\"error\":{\"code\":-32001,\"message\":\"no room\"}}\n");
    assert_int_equal(ctl_client_call(client, "status", NULL, 1000, &result, &error, &err), 1);
    assert_string_equal(error.text, "no room");
    assert_int_equal(ctl_client_exit(&error), 1);
}

static void a_daemon_that_ends_without_a_word_may_come_back(void **state)
{
    struct proto_error error;
    struct err err;
    cJSON *result;

    (void)state;
    hang_up("");
    assert_int_equal(ctl_client_call(client, "status", NULL, 1000, &result, &error, &err), -1);
    assert_int_equal(err.code, ERR_REMOTE);
    assert_non_null(strstr(err.text, "the daemon closed the connection"));
    assert_true(err.retry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refusal_said_before_the_request_is_heard, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_daemon_that_ends_without_a_word_may_come_back, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
