/* tests/unit/test_log.c -- log lines as a reader of stderr sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/wall.h"

#define LINE_BYTES_MAX 1000

static char seen[4 * LINE_BYTES_MAX];
static int real_stderr;
static int reader;

static void capture(void)
{
    int pair[2];

    assert_int_equal(pipe(pair), 0);
    real_stderr = dup(STDERR_FILENO);
    assert_true(real_stderr >= 0);
    assert_int_equal(dup2(pair[1], STDERR_FILENO), STDERR_FILENO);
    close(pair[1]);
    reader = pair[0];
}

/* What was written since capture(), at most a pipe's worth. */
static const char *captured(void)
{
    size_t len = 0;
    ssize_t n = 0;

    assert_int_equal(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
    close(real_stderr);
    while ((n = read(reader, seen + len, sizeof(seen) - 1 - len)) > 0)
        len += (size_t)n;
    seen[len] = '\0';
    close(reader);
    return seen;
}

static void a_line_starts_with_its_time_process_level_and_area(void **state)
{
    (void)state;
    char time[WALL_TEXT_BYTES] = { 0 };
    struct wall parsed = { 0 };
    struct err err = { 0 };

    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    log_init("judge", LOG_LEVEL_INFO);
    capture();
    log_warn("probe", "down endpoint=%s", "ui-1");
    const char *line = captured();
    memcpy(time, line, 24);
    assert_int_equal(wall_parse(time, &parsed, &err), 0);
    assert_string_equal(line + 24, " judge warn probe down endpoint=ui-1\n");
}

static void journald_gets_a_priority_and_no_time(void **state)
{
    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    log_init("face", LOG_LEVEL_DEBUG);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    capture();
    log_debug("a", "1");
    log_info("b", "2");
    log_warn("c", "3");
    log_error("d", "4");
    assert_string_equal(captured(), "<7>face debug a 1\n<6>face info b 2\n"
                                    "<4>face warn c 3\n<3>face error d 4\n");
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    log_init("face", LOG_LEVEL_WARN);
    capture();
    log_debug("a", "1");
    log_info("b", "2");
    log_warn("c", "3");
    assert_string_equal(captured(), "<4>face warn c 3\n");
}

static void control_characters_cannot_forge_a_line(void **state)
{
    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    log_init("x", LOG_LEVEL_INFO);
    capture();
    log_info("a", "one\n<3>two\r\t\x1b[2J\x7f caf\xc3\xa9");
    assert_string_equal(captured(),
                        "<6>x info a one\\x0a<3>two\\x0d\\x09\\x1b[2J\\x7f caf\xc3\xa9\n");
}

static void a_long_line_is_cut_at_its_limit(void **state)
{
    (void)state;
    static const char head[] = "<6>x info a ";
    static char text[3 * LINE_BYTES_MAX];

    assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    log_init("x", LOG_LEVEL_INFO);
    for (size_t n = LINE_BYTES_MAX - 20; n < LINE_BYTES_MAX + 20; n++) {
        size_t whole = sizeof(head) - 1 + n;

        memset(text, 'y', n);
        text[n] = '\0';
        capture();
        log_info("a", "%s", text);
        const char *line = captured();
        size_t len = strlen(line) - 1;

        assert_int_equal(line[len], '\n');
        assert_int_equal(len, whole <= LINE_BYTES_MAX ? whole : LINE_BYTES_MAX);
        assert_int_equal(strncmp(line + len - 3, "...", 3) == 0, whole > LINE_BYTES_MAX);
    }
}

static void a_cut_never_splits_an_escape_or_a_character(void **state)
{
    (void)state;
    static const struct {
        const char *piece, *end;
    } cases[] = { { "\n", "\\x0a...\n" }, { "\xc3\xa9", "\xc3\xa9...\n" } };

    assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    for (size_t i = 0; i < 4 * (sizeof(cases) / sizeof(cases[0])); i++) {
        char text[LINE_BYTES_MAX + 1] = "123";

        log_init("x", LOG_LEVEL_INFO);
        text[i % 4] = '\0'; /* every place that the cut may fall on */
        for (size_t at = i % 4; at + 2 < sizeof(text); at += strlen(cases[i / 4].piece))
            memcpy(text + at, cases[i / 4].piece, strlen(cases[i / 4].piece) + 1);
        capture();
        log_info("a", "%s", text);
        const char *line = captured();
        const char *end = cases[i / 4].end;

        assert_true(strlen(line) <= LINE_BYTES_MAX + 1);
        assert_string_equal(line + strlen(line) - strlen(end), end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_starts_with_its_time_process_level_and_area),
        cmocka_unit_test(journald_gets_a_priority_and_no_time),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(control_characters_cannot_forge_a_line),
        cmocka_unit_test(a_long_line_is_cut_at_its_limit),
        cmocka_unit_test(a_cut_never_splits_an_escape_or_a_character),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
