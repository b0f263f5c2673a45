/* tests/unit/test_fdpass.c -- messages with descriptors: whole, cut, too many, none. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/fdpass.h"

#define TOO_MANY (FDPASS_FDS_MAX + 1)

static int ends[2];

static int set_up(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
}

static int tear_down(void **state)
{
    (void)state;
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    return 0;
}

/* The lowest free descriptor: unchanged before and after means that nothing leaked. */
static int lowest_free(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void bytes_and_descriptors_arrive_together(void **state)
{
    (void)state;
    int fds[FDPASS_FDS_MAX];
    int pair[2];
    size_t n_fds = 99;
    char text[16] = { 0 };
    char back = 0;
    struct err err = { 0 };

    assert_int_equal(pipe(pair), 0);
    assert_int_equal(fdpass_send(ends[0], "hello", 5, pair, 2, &err), 0);
    assert_int_equal(fdpass_receive(ends[1], text, sizeof(text), fds, &n_fds, &err), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(n_fds, 2);
    for (size_t i = 0; i < n_fds; i++)
        assert_int_equal(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    /* The copies are the same pipe, and the sender's own ends are still open. */
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(pair[0], &back, 1), 1);
    assert_int_equal(back, 'x');
    for (size_t i = 0; i < n_fds; i++) {
        close(fds[i]);
        close(pair[i]);
    }
}

static void messages_without_descriptors_keep_their_bounds(void **state)
{
    (void)state;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 99;
    char text[16] = { 0 };
    struct err err = { 0 };

    assert_int_equal(fdpass_send(ends[0], "one", 3, NULL, 0, &err), 0);
    assert_int_equal(fdpass_send(ends[0], "three", 5, NULL, 0, &err), 0);
    assert_int_equal(fdpass_receive(ends[1], text, sizeof(text), fds, &n_fds, &err), 3);
    assert_int_equal(n_fds, 0);
    assert_int_equal(fdpass_receive(ends[1], text, sizeof(text), fds, &n_fds, &err), 5);
    assert_int_equal(n_fds, 0);
}

static void the_most_descriptors_fit(void **state)
{
    (void)state;
    int sent[FDPASS_FDS_MAX];
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    char byte = 0;
    struct err err = { 0 };
    int free_before = lowest_free();

    for (size_t i = 0; i < FDPASS_FDS_MAX; i++)
        sent[i] = STDIN_FILENO;
    assert_int_equal(fdpass_send(ends[0], "x", 1, sent, FDPASS_FDS_MAX, &err), 0);
    assert_int_equal(fdpass_receive(ends[1], &byte, 1, fds, &n_fds, &err), 1);
    assert_int_equal(n_fds, FDPASS_FDS_MAX);
    for (size_t i = 0; i < n_fds; i++)
        close(fds[i]);
    assert_int_equal(lowest_free(), free_before);
}

static void what_cannot_be_sent_is_refused_with_the_limit(void **state)
{
    (void)state;
    static char bytes[FDPASS_BYTES_MAX + 1];
    int many[TOO_MANY] = { 0 };
    struct err err = { 0 };

    assert_int_equal(fdpass_send(ends[0], bytes, 0, NULL, 0, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(fdpass_send(ends[0], bytes, sizeof(bytes), NULL, 0, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "65536"));
    assert_int_equal(fdpass_send(ends[0], bytes, 1, many, TOO_MANY, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "64"));
}

static void the_longest_message_passes(void **state)
{
    (void)state;
    static char bytes[FDPASS_BYTES_MAX];
    static char back[FDPASS_BYTES_MAX];
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    struct err err = { 0 };

    memset(bytes, 'y', sizeof(bytes));
    assert_int_equal(fdpass_send(ends[0], bytes, sizeof(bytes), NULL, 0, &err), 0);
    assert_int_equal(fdpass_receive(ends[1], back, sizeof(back), fds, &n_fds, &err),
                     FDPASS_BYTES_MAX);
    assert_memory_equal(bytes, back, sizeof(back));
}

static void a_cut_message_fails_and_its_descriptors_are_closed(void **state)
{
    (void)state;
    int fds[FDPASS_FDS_MAX];
    int sent[2] = { STDIN_FILENO, STDIN_FILENO };
    size_t n_fds = 0;
    char text[4];
    struct err err = { 0 };
    int free_before = lowest_free();

    assert_int_equal(fdpass_send(ends[0], "hello", 5, sent, 2, &err), 0);
    assert_int_equal(fdpass_receive(ends[1], text, sizeof(text), fds, &n_fds, &err), -1);
    assert_int_equal(err.code, ERR_REMOTE);
    assert_false(err.retry);
    assert_int_equal(n_fds, 0);
    assert_int_equal(lowest_free(), free_before);
}

/* fdpass_send refuses this, so the message is made by hand. */
static void send_too_many(int sock)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(TOO_MANY * sizeof(int))];
    } control = { .bytes = { 0 } };
    int many[TOO_MANY] = { 0 };
    struct iovec iov = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof(control.bytes) };

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(many));
    memcpy(CMSG_DATA(&control.header), many, sizeof(many));
    assert_int_equal(sendmsg(sock, &msg, 0), 1);
}

static void too_many_descriptors_fail_and_are_all_closed(void **state)
{
    (void)state;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    char byte = 0;
    struct err err = { 0 };
    int free_before = lowest_free();

    send_too_many(ends[0]);
    assert_int_equal(fdpass_receive(ends[1], &byte, 1, fds, &n_fds, &err), -1);
    assert_int_equal(err.code, ERR_REMOTE);
    assert_int_equal(n_fds, 0);
    assert_int_equal(lowest_free(), free_before);
}

static void an_empty_socket_says_try_again(void **state)
{
    (void)state;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    char byte = 0;
    struct err err = { 0 };

    assert_int_equal(fdpass_receive(ends[1], &byte, 1, fds, &n_fds, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_true(err.retry);
}

static void a_full_socket_says_try_again(void **state)
{
    (void)state;
    static char bytes[FDPASS_BYTES_MAX];
    struct err err = { 0 };
    int sent = 0;

    while (sent < 10000 && fdpass_send(ends[0], bytes, sizeof(bytes), NULL, 0, &err) == 0)
        sent++;
    assert_true(sent > 0 && sent < 10000);
    assert_int_equal(err.code, ERR_SYS);
    assert_true(err.retry);
}

static void a_closed_end_is_end_of_file_and_no_signal(void **state)
{
    (void)state;
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 99;
    char byte = 0;
    struct err err = { 0 };

    close(ends[1]);
    ends[1] = -1;
    assert_int_equal(fdpass_receive(ends[0], &byte, 1, fds, &n_fds, &err), 0);
    assert_int_equal(n_fds, 0);
    assert_int_equal(fdpass_send(ends[0], "x", 1, NULL, 0, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_false(err.retry);
}

#define ON_A_PAIR(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_PAIR(bytes_and_descriptors_arrive_together),
        ON_A_PAIR(messages_without_descriptors_keep_their_bounds),
        ON_A_PAIR(the_most_descriptors_fit),
        ON_A_PAIR(what_cannot_be_sent_is_refused_with_the_limit),
        ON_A_PAIR(the_longest_message_passes),
        ON_A_PAIR(a_cut_message_fails_and_its_descriptors_are_closed),
        ON_A_PAIR(too_many_descriptors_fail_and_are_all_closed),
        ON_A_PAIR(an_empty_socket_says_try_again),
        ON_A_PAIR(a_full_socket_says_try_again),
        ON_A_PAIR(a_closed_end_is_end_of_file_and_no_signal),
    };

    return cmocka_run_group_tests_name("fdpass", tests, NULL, NULL);
}
