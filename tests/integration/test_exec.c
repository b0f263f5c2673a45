/* tests/integration/test_exec.c -- real programs: how they end, what they write, what they hold. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/exec.h"
#include "dnsflip/io/loop.h"
#include "tests/support/tempdir.h"

#define PATIENCE_MS 30000
#define POLL_MS 20

static struct tempdir dir;
static struct loop *loop;
static struct loop_timer *patience, *poll_timer;
static bool is_late;
static unsigned ended;
static struct exec_result seen;
static bool (*awaited)(void);

static void too_late(void *arg)
{
    (void)arg;
    is_late = true;
    loop_stop(loop);
}

static int set_up(void **state)
{
    struct err err;

    *state = NULL;
    tempdir_init(&dir);
    if (loop_new(&loop, &err) != 0)
        return -1;
    patience = loop_timer_new(loop, too_late, NULL);
    is_late = false;
    ended = 0;
    seen = (struct exec_result){ 0 };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_timer_free(patience);
    loop_free(loop);
    tempdir_fini(&dir);
    return 0;
}

/* An executable script of that body. */
static const char *script(const char *name, const char *body)
{
    static char path[PATH_MAX + 64];
    char text[2048];
    struct err err = { 0 };

    assert_true(str_format(path, sizeof(path), "%s/%s", dir.path, name));
    assert_true(str_format(text, sizeof(text), "#!/bin/sh\n%s\n", body));
    assert_int_equal(fsio_replace(path, text, strlen(text), 0755, &err), 0);
    return path;
}

static void on_done(void *arg, const struct exec_result *result)
{
    (void)arg;
    ended++;
    seen = *result;
    loop_stop(loop);
}

static struct exec *start(const char *path, int64_t timeout_ms, int lock_fd)
{
    const char *argv[] = { path, "first word", "", NULL };
    char place[PATH_MAX + 16];
    (void)str_format(place, sizeof(place), "DIR=%s", dir.path);
    const char *env[] = { "PATH=/usr/bin:/bin", place, NULL };
    struct exec_request request = {
        .argv = argv, .env = env, .timeout_ms = timeout_ms, .lock_fd = lock_fd
    };
    struct exec *x = NULL;
    struct err err = { 0 };

    if (exec_start(loop, &request, on_done, NULL, &x, &err) != 0)
        fail_msg("%s", err.text);
    return x;
}

static void run_loop(void)
{
    loop_timer_set(patience, mono_add(mono_now(), PATIENCE_MS));
    loop_run(loop);
    assert_false(is_late);
}

/* Runs a script to its end. */
static void run(const char *body, int64_t timeout_ms)
{
    (void)start(script("run.sh", body), timeout_ms, -1);
    assert_int_equal(ended, 0);
    run_loop();
    assert_int_equal(ended, 1);
}

static void poll_again(void *arg)
{
    (void)arg;
    if (awaited())
        loop_stop(loop);
    else
        loop_timer_set(poll_timer, mono_add(loop_now(loop).mono, POLL_MS));
}

/* Runs the loop until the condition holds. */
static void await(bool (*condition)(void))
{
    awaited = condition;
    poll_timer = loop_timer_new(loop, poll_again, NULL);
    loop_timer_set(poll_timer, mono_now());
    run_loop();
    loop_timer_free(poll_timer);
}

static bool is_there(const char *name)
{
    return access(tempdir_path(&dir, name), F_OK) == 0;
}

/* The number that a script wrote into a file. */
static pid_t pid_in(const char *name)
{
    struct buf b;
    struct err err = { 0 };
    uint64_t pid = 0;

    buf_init(&b, 64);
    assert_int_equal(fsio_read(tempdir_path(&dir, name), &b, &err), 0);
    assert_true(b.len > 1);
    b.data[b.len - 1] = '\0';
    assert_true(str_parse_u64(b.data, INT32_MAX, &pid));
    buf_fini(&b);
    return (pid_t)pid;
}

static void the_exit_status_and_the_last_line_are_told(void **state)
{
    (void)state;
    run("echo one; echo two >&2; printf 'thr\\033e\\te  '; echo; echo ' '; exit 7", 10000);
    assert_int_equal(seen.end, EXEC_EXITED);
    assert_int_equal(seen.code, 7);
    assert_string_equal(seen.last_line, "thr?e e");
    assert_int_equal(seen.output_bytes, 20);
}

static void a_line_without_an_end_counts_too(void **state)
{
    (void)state;
    run("echo one; printf two", 10000);
    assert_int_equal(seen.code, 0);
    assert_string_equal(seen.last_line, "two");
}

static void the_program_gets_its_arguments_and_nothing_else(void **state)
{
    (void)state;
    int stray = open("/dev/null", O_RDONLY); /* not close-on-exec */

    assert_true(stray >= 0);
    assert_int_equal(setenv("SECRET", "x", 1), 0);
    run("[ $# = 2 ] && [ \"$1\" = 'first word' ] && [ -z \"$2\" ] || exit 1\n"
        "[ -z \"$SECRET\" ] && [ \"$(pwd)\" = / ] || exit 2\n"
        "read line && exit 3\n"
        "set -- $(ls /proc/self/fd) && echo \"$@\"\n"
        "[ \"$(ps -o sid= -p $$ | tr -d ' ')\" = $$ ] || exit 4\n",
        10000);
    close(stray);
    assert_int_equal(seen.code, 0);
    assert_string_equal(seen.last_line, "0 1 2 3 4"); /* 3: the pipe's other end, 4: ls's own */
}

static void ignored_and_blocked_signals_are_not_inherited(void **state)
{
    (void)state;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    assert_true(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
    /* A shell cannot trap what was ignored when it started. */
    run("trap 'printf 1' USR1; trap 'printf 2' USR2; kill -USR1 $$; kill -USR2 $$", 10000);
    assert_true(signal(SIGUSR2, SIG_DFL) != SIG_ERR);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    assert_string_equal(seen.last_line, "12");
}

static void a_signal_that_ends_it_is_told(void **state)
{
    (void)state;
    run("kill -9 $$", 10000);
    assert_int_equal(seen.end, EXEC_SIGNALLED);
    assert_int_equal(seen.code, SIGKILL);
}

static void a_flood_is_read_counted_and_dropped(void **state)
{
    (void)state;
    run("head -c 20000000 /dev/zero | tr '\\0' x; echo; echo end", 30000);
    assert_int_equal(seen.end, EXEC_EXITED);
    assert_int_equal(seen.output_bytes, 20000005);
    assert_string_equal(seen.last_line, "end");
}

static void a_polite_program_ends_at_its_timeout(void **state)
{
    (void)state;
    struct mono began = mono_now();

    run("echo working; sleep 60 & wait", 300);
    assert_int_equal(seen.end, EXEC_TIMED_OUT);
    assert_int_equal(seen.code, SIGTERM);
    assert_string_equal(seen.last_line, "working");
    assert_true(mono_since(mono_now(), began) < EXEC_KILL_MS);
}

/* Gone, or a zombie that waits for init. */
static bool child_is_dead(void)
{
    char place[64];
    struct buf b;
    struct err err;

    (void)str_format(place, sizeof(place), "/proc/%d/cmdline", (int)pid_in("child"));
    buf_init(&b, 4096);
    bool is_dead = fsio_read(place, &b, &err) != 0 || b.len == 0;
    buf_fini(&b);
    return is_dead;
}

static void a_deaf_program_and_its_children_are_killed(void **state)
{
    (void)state;
    struct mono began = mono_now();

    run("trap '' TERM\n"
        "sh -c 'trap \"\" TERM; while :; do sleep 1; done' &\n"
        "echo $! >$DIR/child\n"
        "while :; do sleep 1; done",
        500);
    assert_int_equal(seen.end, EXEC_TIMED_OUT);
    assert_int_equal(seen.code, SIGKILL);
    assert_true(mono_since(mono_now(), began) >= EXEC_KILL_MS);
    await(child_is_dead);
}

static void a_child_left_behind_does_not_delay_the_end(void **state)
{
    (void)state;
    struct mono began = mono_now();

    run("sleep 20 & echo $! >$DIR/child; echo done", 30000);
    assert_int_equal(seen.end, EXEC_EXITED);
    assert_string_equal(seen.last_line, "done");
    assert_true(mono_since(mono_now(), began) < 15000);
    assert_int_equal(kill(pid_in("child"), SIGKILL), 0);
}

static void expect_refused(const char *path, const char *why)
{
    const char *argv[] = { path, NULL };
    const char *env[] = { NULL };
    struct exec_request request = { .argv = argv, .env = env, .timeout_ms = 1000, .lock_fd = -1 };
    struct exec *x = NULL;
    struct err err = { 0 };

    assert_int_equal(exec_start(loop, &request, on_done, NULL, &x, &err), -1);
    assert_null(x);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void what_may_not_be_run_is_refused_in_words(void **state)
{
    (void)state;
    const char *path = script("bad.sh", "exit 0");
    struct err err = { 0 };

    assert_int_equal(exec_check(path, &err), 0);
    assert_int_equal(chmod(path, 04755), 0);
    expect_refused(path, "has the setuid bit");
    assert_int_equal(chmod(path, 02755), 0);
    expect_refused(path, "has the setgid bit");
    assert_int_equal(chmod(path, 0644), 0);
    expect_refused(path, "is not executable for us");
    assert_int_equal(unlink(path), 0);
    expect_refused(path, "No such file or directory");
    expect_refused("bad.sh", "is not an absolute path");
    expect_refused(dir.path, "is not a regular file");
    assert_int_equal(fsio_replace(path, "exit 0\n", 7, 0755, &err), 0);
    expect_refused(path, "neither a program nor a script");
    assert_int_equal(fsio_replace(path, "#!/no/such\n", 11, 0755, &err), 0);
    expect_refused(path, "its interpreter does not exist");
}

static bool child_is_up(void)
{
    return is_there("up");
}

static bool child_has_ended(void)
{
    return is_there("ended");
}

static void a_cancelled_program_gets_sigterm_and_calls_nobody_back(void **state)
{
    (void)state;
    struct exec *x = start(script("run.sh", "trap 'echo >$DIR/ended; exit 0' TERM; echo >$DIR/up\n"
                                            "while :; do sleep 0.1; done"),
                           60000, -1);

    await(child_is_up);
    exec_cancel(x);
    await(child_has_ended);
    assert_int_equal(ended, 0);
    exec_detach(start(script("next.sh", "exit 0"), 1000, -1));
}

static bool lock_is_free(void)
{
    int fd = open(tempdir_path(&dir, "lock"), O_RDWR);
    bool is_free = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

    close(fd);
    return is_free;
}

/* Whoever started it is gone: it goes on, writes on, holds its lock until its end. */
static void a_program_left_alone_goes_on_and_holds_its_lock(void **state)
{
    (void)state;
    int lock = open(tempdir_path(&dir, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    struct exec *x =
        start(script("run.sh", "echo >$DIR/up; while [ ! -e $DIR/go ]; do sleep 0.05; done\n"
                               "head -c 300000 /dev/zero; echo more; echo >$DIR/ended"),
              60000, lock);
    close(lock);
    await(child_is_up);
    assert_false(lock_is_free());
    exec_detach(x);
    assert_false(lock_is_free());
    int go = open(tempdir_path(&dir, "go"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(go >= 0);
    close(go);
    await(child_has_ended);
    await(lock_is_free);
    assert_int_equal(ended, 0);
}

static char kept[64];

static void on_kept(void *arg, const struct exec_result *result)
{
    assert_int_equal(strlen(result->output), result->kept_bytes);
    assert_true(str_copy(kept, sizeof(kept), result->output));
    on_done(arg, result);
}

static void the_standard_output_alone_is_kept_up_to_its_limit(void **state)
{
    (void)state;
    static const struct {
        const char *body, *output;
        uint64_t written;
    } cases[] = { { "echo one; echo no >&2; printf two", "one\ntwo", 7 },
                  { "echo no >&2", "", 0 },
                  { "echo 0123456789", "0123456789", 11 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *argv[] = { script("run.sh", cases[i].body), NULL };
        const char *env[] = { "PATH=/usr/bin:/bin", NULL };
        struct exec_request request = {
            .argv = argv, .env = env, .timeout_ms = 10000, .output_max_bytes = 10, .lock_fd = -1
        };
        struct exec *x = NULL;
        struct err err = { 0 };
        assert_int_equal(exec_start(loop, &request, on_kept, NULL, &x, &err), 0);
        run_loop();
        assert_string_equal(kept, cases[i].output);
        assert_int_equal(seen.output_bytes, cases[i].written);
        assert_string_equal(seen.last_line, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_exit_status_and_the_last_line_are_told),
        TEST(a_line_without_an_end_counts_too),
        TEST(the_standard_output_alone_is_kept_up_to_its_limit),
        TEST(the_program_gets_its_arguments_and_nothing_else),
        TEST(ignored_and_blocked_signals_are_not_inherited),
        TEST(a_signal_that_ends_it_is_told),
        TEST(a_flood_is_read_counted_and_dropped),
        TEST(a_polite_program_ends_at_its_timeout),
        TEST(a_deaf_program_and_its_children_are_killed),
        TEST(a_child_left_behind_does_not_delay_the_end),
        TEST(what_may_not_be_run_is_refused_in_words),
        TEST(a_cancelled_program_gets_sigterm_and_calls_nobody_back),
        TEST(a_program_left_alone_goes_on_and_holds_its_lock),
    };

    return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
