/* tests/unit/test_supervisor_notify.c -- what a service manager is told, word for word, on a path
 * and on an abstract name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/supervisor_notify.h"
#include "tests/support/tempdir.h"

#define SELF 17

static char text[SUPERVISOR_NOTIFY_BYTES];
static const struct supervisor_notify_state nothing;

static const char *news(const struct supervisor_notify_state *told,
                        const struct supervisor_notify_state *now)
{
    return supervisor_notify_compose(told, now, 1234567, text) ? text : "";
}

static void a_start_is_told_when_it_is_done(void **state)
{
    (void)state;
    struct supervisor_notify_state starting = { .status = "starting" };
    struct supervisor_notify_state ready = { .is_ready = true, .status = "answering" };

    assert_string_equal(news(&nothing, &starting), "STATUS=starting\n");
    assert_string_equal(news(&starting, &ready), "READY=1\nSTATUS=answering\n");
    assert_string_equal(news(&ready, &ready), "");
}

static void a_reload_has_a_beginning_with_its_time_and_an_end(void **state)
{
    (void)state;
    struct supervisor_notify_state ready = { .is_ready = true, .status = "answering" };
    struct supervisor_notify_state reloading = ready;

    reloading.is_reloading = true;
    assert_string_equal(news(&ready, &reloading),
                        "RELOADING=1\nMONOTONIC_USEC=1234567\nSTATUS=answering\n");
    assert_string_equal(news(&reloading, &reloading), "");
    assert_string_equal(news(&reloading, &ready), "READY=1\nSTATUS=answering\n");
}

static void a_stop_is_told_once(void **state)
{
    (void)state;
    struct supervisor_notify_state ready = { .is_ready = true, .status = "answering" };
    struct supervisor_notify_state stopping = { .is_stopping = true, .status = "stopping" };

    assert_string_equal(news(&ready, &stopping), "STOPPING=1\nSTATUS=stopping\n");
    assert_string_equal(news(&stopping, &stopping), "");
}

/* The reason of a refusal has lines, and it comes from a file that anybody may have written. */
static void no_text_makes_a_line_of_its_own(void **state)
{
    (void)state;
    struct supervisor_notify_state ready = { .is_ready = true, .status = "bad:\nSTOPPING=1\tx" };

    assert_string_equal(news(&nothing, &ready), "READY=1\nSTATUS=bad: STOPPING=1 x\n");
}

static void a_long_status_fits_with_all_else(void **state)
{
    (void)state;
    struct supervisor_notify_state all = { .is_ready = true,
                                           .is_stopping = true,
                                           .is_reloading = true };

    memset(all.status, 'x', sizeof(all.status) - 1);
    assert_true(supervisor_notify_compose(&nothing, &all, UINT64_MAX, text));
    assert_true(str_ends(text, "xx\n"));
}

static void nobody_asked_is_no_failure(void **state)
{
    (void)state;
    struct supervisor_notify n;
    struct err err;

    assert_int_equal(supervisor_notify_open(&n, NULL, "1000000", NULL, SELF, &err), 0);
    assert_int_equal(supervisor_notify_tell(&n, &nothing, true, (struct mono){ 1 }, &err), 0);
}

static void bad_words_of_the_environment_are_named(void **state)
{
    (void)state;
    struct supervisor_notify n;
    struct err err;
    char path[200];

    assert_int_equal(supervisor_notify_open(&n, "run/notify", NULL, NULL, SELF, &err), -1);
    assert_non_null(strstr(err.text, "run/notify"));
    assert_int_equal(supervisor_notify_open(&n, "@", NULL, NULL, SELF, &err), -1);
    assert_int_equal(supervisor_notify_open(&n, "/run/x", "1s", NULL, SELF, &err), -1);
    assert_non_null(strstr(err.text, "WATCHDOG_USEC"));
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(supervisor_notify_open(&n, path, NULL, NULL, SELF, &err), -1);
    assert_non_null(strstr(err.text, "199"));
}

/* A service manager's end of the socket; "" when nothing has come. */
static const char *heard(int fd)
{
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static int listen_at(const char *name)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(str_copy(sa.sun_path, sizeof(sa.sun_path), name));
    if (name[0] == '@')
        sa.sun_path[0] = '\0';
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
    return fd;
}

static void check_telling(const char *name)
{
    struct supervisor_notify_state ready = { .is_ready = true, .status = "answering" };
    struct supervisor_notify n;
    struct mono now = { .ms = 1000000 };
    struct err err;

    assert_int_equal(supervisor_notify_open(&n, name, "3000000", "17", SELF, &err), 0);
    assert_int_equal(supervisor_notify_tell(&n, &ready, true, now, &err), -1); /* nobody there */
    int fd = listen_at(name);
    assert_int_equal(supervisor_notify_tell(&n, &ready, true, now, &err), 0);
    assert_string_equal(heard(fd), "READY=1\nSTATUS=answering\n");
    assert_string_equal(heard(fd), "WATCHDOG=1\n");
    assert_int_equal(supervisor_notify_tell(&n, &ready, true, mono_add(now, 999), &err), 0);
    assert_string_equal(heard(fd), "");
    assert_int_equal(supervisor_notify_tell(&n, &ready, true, mono_add(now, 1000), &err), 0);
    assert_string_equal(heard(fd), "WATCHDOG=1\n");
    assert_int_equal(supervisor_notify_tell(&n, &ready, false, mono_add(now, 9000), &err), 0);
    assert_string_equal(heard(fd), "");
    supervisor_notify_close(&n);
    (void)close(fd);
}

static void news_and_a_fed_watchdog_arrive(void **state)
{
    struct tempdir dir;
    char name[64];

    (void)state;
    tempdir_init(&dir);
    check_telling(tempdir_path(&dir, "notify"));
    tempdir_fini(&dir);
    assert_true(str_format(name, sizeof(name), "@dnsflip-test-%d", (int)getpid()));
    check_telling(name);
}

static void the_watchdog_of_another_process_is_not_fed(void **state)
{
    (void)state;
    struct supervisor_notify n;
    struct err err;

    assert_int_equal(supervisor_notify_open(&n, "/run/x", "3000000", "18", SELF, &err), 0);
    assert_int_equal(n.watchdog_ms, 0);
    supervisor_notify_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_is_told_when_it_is_done),
        cmocka_unit_test(a_reload_has_a_beginning_with_its_time_and_an_end),
        cmocka_unit_test(a_stop_is_told_once),
        cmocka_unit_test(no_text_makes_a_line_of_its_own),
        cmocka_unit_test(a_long_status_fits_with_all_else),
        cmocka_unit_test(nobody_asked_is_no_failure),
        cmocka_unit_test(bad_words_of_the_environment_are_named),
        cmocka_unit_test(news_and_a_fed_watchdog_arrive),
        cmocka_unit_test(the_watchdog_of_another_process_is_not_fed),
    };

    return cmocka_run_group_tests_name("supervisor_notify", tests, NULL, NULL);
}
