/* tests/unit/test_supervisor_hand_over.c -- what one program tells the next: whole, and believed in
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/supervisor_hand_over.h"

#define GOOD                                                                                       \
    "dnsflip-hand-over 1\nfrom 0.1.0\npath /usr/sbin/dnsflip\ncount 3\nprograms 11 12\n"           \
    "before 13 14\npair 7 5 6\nface 4711 8\nsocket 1 2 20 21 [::1]:53\n"                           \
    "socket 2 1 22 127.0.0.1:53\nsocket 3 1 23 /run/a b/control\nend\n"

static struct supervisor_hand_over h;

static int parse(const char *text, struct err *err)
{
    return supervisor_hand_over_parse(text, strlen(text), &h, err);
}

static void what_was_printed_is_read_back(void **state)
{
    (void)state;
    struct buf text;
    struct err err;

    assert_int_equal(parse(GOOD, &err), 0);
    assert_string_equal(h.version, "0.1.0");
    assert_string_equal(h.path, "/usr/sbin/dnsflip");
    assert_int_equal(h.count, 3);
    assert_int_equal(h.programs.face, 12);
    assert_int_equal(h.before.main, 13);
    assert_int_equal(h.generation, 7);
    assert_int_equal(h.n_pair, 2);
    assert_int_equal(h.pair[1], 6);
    assert_int_equal(h.face, 4711);
    assert_int_equal(h.face_link, 8);
    assert_int_equal(h.sockets.n, 3);
    assert_int_equal(h.sockets.threads, 2);
    assert_int_equal(h.sockets.items[0].fds[1], 21);
    assert_int_equal(h.sockets.items[0].addr.port, 53);
    assert_string_equal(h.sockets.items[2].path, "/run/a b/control");
    assert_true(h.sockets.items[2].is_wanted);
    buf_init(&text, SUPERVISOR_HAND_OVER_BYTES_MAX);
    assert_int_equal(supervisor_hand_over_print(&h, &text, &err), 0);
    assert_string_equal(buf_text(&text), GOOD);
    buf_fini(&text);
}

static void a_face_a_pair_and_a_way_back_may_be_missing(void **state)
{
    (void)state;
    struct buf text;
    struct err err;

    assert_int_equal(
        parse("dnsflip-hand-over 1\nfrom 1\npath /d\ncount 1\nprograms 3 4\nend\n", &err), 0);
    assert_int_equal(h.generation, 0);
    assert_int_equal(h.face, 0);
    assert_int_equal(h.face_link, -1);
    assert_int_equal(h.before.main, -1);
    assert_int_equal(h.sockets.n, 0);
    buf_init(&text, SUPERVISOR_HAND_OVER_BYTES_MAX);
    assert_int_equal(supervisor_hand_over_print(&h, &text, &err), 0);
    assert_null(strstr(buf_text(&text), "face"));
    buf_fini(&text);
}

static void a_newer_format_is_a_conflict(void **state)
{
    (void)state;
    struct err err;

    assert_int_equal(parse("dnsflip-hand-over 2\nend\n", &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "newer"));
}

/* GOOD with one line in the place of another. */
static void replace(char out[1024], const char *line, const char *by)
{
    const char *at = strstr(GOOD, line);

    assert_non_null(at);
    assert_true(str_format(out, 1024, "%.*s%s%s", (int)(at - GOOD), GOOD, by, at + strlen(line)));
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { "dnsflip-hand-over 1", "dnsflip-hand-over" },
        { "dnsflip-hand-over 1", "dnsflip-hand-over 0" },
        { "dnsflip-hand-over 1", "dnsflip-hand-over -1" },
        { "dnsflip-hand-over 1", "" },
        { "from 0.1.0\n", "" },
        { "from 0.1.0", "from " },
        { "from 0.1.0", "from 0.1.0\nfrom 0.2.0" },
        { "path /usr/sbin/dnsflip\n", "" },
        { "path /usr/sbin/dnsflip", "path dnsflip" },
        { "count 3", "count three" },
        { "count 3", "count 3 4" },
        { "count 3", "count" },
        { "programs 11 12\n", "" },
        { "programs 11 12", "programs 11" },
        { "programs 11 12", "programs 11 12 13" },
        { "programs 11 12", "programs 11 2" },
        { "programs 11 12", "programs 11 2147483648" },
        { "programs 11 12", "programs 11 12\nprograms 31 32" },
        { "before 13 14", "before -1 -1" },
        { "pair 7 5 6", "pair 0 5 6" },
        { "pair 7 5 6", "pair 7 5" },
        { "pair 7 5 6", "pair 7 5 5" },
        { "pair 7 5 6", "pair 7 5 6 31 32 33" },
        { "pair 7 5 6", "pair 7 5 6\npair 8 31 32" },
        { "pair 7 5 6", "pair 18446744073709551616 5 6" },
        { "face 4711 8", "face 0 8" },
        { "face 4711 8", "face 1 8" },
        { "face 4711 8", "face 4711" },
        { "face 4711 8", "face 4711 8\nface 4712 9" },
        { "face 4711 8", "face 4711 11" },
        { "socket 1 2", "socket 0 2" },
        { "socket 1 2", "socket 5 2" },
        { "socket 1 2 20 21", "socket 1 3 20 21" },
        { "socket 1 2 20 21", "socket 1 64 20 21" },
        { "socket 1 2 20 21", "socket 1 0" },
        { "socket 1 2 20 21", "socket 1 2 20 20" },
        { "[::1]:53", "" },
        { "[::1]:53", "::1" },
        { "socket 2 1 22 127.0.0.1:53", "socket 1 1 22 127.0.0.1:53" },
        { "socket 2 1 22", "socket 2 2 22 24" },
        { "end\n", "" },
        { "end\n", "end" },
        { "end\n", "end\nend\n" },
        { "count 3\n", "count 3\n\n" },
        { "count 3\n", "count 3\nnew 1\n" },
    };
    char text[1024];
    struct err err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        replace(text, bad[i][0], bad[i][1]);
        err.text[0] = '\0';
        if (parse(text, &err) != -1)
            fail_msg("believed: %s", text);
        assert_true(str_starts(err.text, "hand-over: "));
    }
}

static void a_path_as_long_as_possible_is_too_long(void **state)
{
    (void)state;
    char by[200] = "socket 3 1 23 /";
    char text[1024];
    struct err err;

    memset(by + strlen(by), 'x', LINK_PATH_BYTES);
    replace(text, "socket 3 1 23 /run/a b/control", by);
    assert_int_equal(parse(text, &err), -1);
}

/* Every beginning of it, and it with every byte changed: nothing but a whole one is believed. */
static void no_damage_is_dangerous(void **state)
{
    (void)state;
    char text[] = GOOD;
    struct err err;
    unsigned believed = 0;

    for (size_t n = 0; n < sizeof(text) - 1; n++)
        assert_int_equal(supervisor_hand_over_parse(text, n, &h, &err), -1);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char was = text[i];
        for (int byte = 0; byte < 256; byte++) {
            text[i] = (char)byte;
            if (supervisor_hand_over_parse(text, sizeof(text) - 1, &h, &err) == 0) {
                believed++;
                assert_true(h.sockets.n == 3 && h.programs.main > 2);
            }
        }
        text[i] = was;
    }
    assert_true(believed > 0); /* another digit is another number */
}

static void more_sockets_than_there_can_be_are_refused(void **state)
{
    (void)state;
    struct buf text;
    struct err err;

    buf_init(&text, SUPERVISOR_HAND_OVER_BYTES_MAX);
    (void)buf_puts(&text, "dnsflip-hand-over 1\nfrom 1\npath /d\ncount 1\nprograms 3 4\n");
    for (int i = 0; i <= LINK_SOCKETS_MAX; i++)
        (void)buf_printf(&text, "socket 2 1 %d 127.0.0.1:%d\n", 10 + i, 1000 + i);
    (void)buf_puts(&text, "end\n");
    assert_int_equal(supervisor_hand_over_parse(buf_text(&text), text.len, &h, &err), -1);
    assert_non_null(strstr(err.text, "socket"));
    buf_fini(&text);
}

static void the_memory_file_is_sealed_and_nothing_else_is_read(void **state)
{
    (void)state;
    struct err err;
    int open_file = fsio_memfd("test", 0, &err);

    assert_int_equal(parse(GOOD, &err), 0);
    int fd = supervisor_hand_over_write(&h, &err);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    memset(&h, 0xff, sizeof(h));
    assert_int_equal(supervisor_hand_over_read(fd, &h, &err), 0);
    assert_int_equal(h.face, 4711);
    assert_int_equal(close(fd), 0);
    assert_int_equal(supervisor_hand_over_read(fd, &h, &err), -1);
    assert_int_equal(fsio_write_all(open_file, GOOD, strlen(GOOD), &err), 0);
    assert_int_equal(supervisor_hand_over_read(open_file, &h, &err), -1);
    assert_non_null(strstr(err.text, "sealed"));
    assert_int_equal(close(open_file), 0);
}

static void a_path_with_a_line_break_is_not_handed_over(void **state)
{
    (void)state;
    struct buf text;
    struct err err;

    assert_int_equal(parse(GOOD, &err), 0);
    (void)str_copy(h.path, sizeof(h.path), "/a\nend");
    buf_init(&text, SUPERVISOR_HAND_OVER_BYTES_MAX);
    assert_int_equal(supervisor_hand_over_print(&h, &text, &err), -1);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_printed_is_read_back),
        cmocka_unit_test(a_face_a_pair_and_a_way_back_may_be_missing),
        cmocka_unit_test(a_newer_format_is_a_conflict),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_path_as_long_as_possible_is_too_long),
        cmocka_unit_test(no_damage_is_dangerous),
        cmocka_unit_test(more_sockets_than_there_can_be_are_refused),
        cmocka_unit_test(the_memory_file_is_sealed_and_nothing_else_is_read),
        cmocka_unit_test(a_path_with_a_line_break_is_not_handed_over),
    };

    return cmocka_run_group_tests_name("supervisor_hand_over", tests, NULL, NULL);
}
