/* tests/integration/test_hooks.c -- hooks as real scripts with real locks. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "probes/probe.h"
#include "tests/support/tempdir.h"

#define PATIENCE_MS 30000
#define POLL_MS 20
#define TIMEOUT_MS 20000
#define CALLS_MAX 16

static struct tempdir dir;
static struct io the_io;
static struct loop_timer *patience, *poll_timer;
static bool is_late;
static struct hooks *hooks;
static char script_path[PATH_MAX + 64];
static char *argv[3];
static struct promotion_cfg cfg;

/* What the calls ended with, by number. */
static struct call {
    bool has_ended, ok;
    char detail[400];
} calls[CALLS_MAX];
static unsigned n_ended, awaited_ends;
static const char *awaited_file;

/* ---- a probe that never answers ------------------------------------------------------------ */

static unsigned probes_started, probes_cancelled;
static struct probe_run silent_run;

int probe_start(const struct probe_request *request, struct io *io, probe_done *done, void *arg,
                struct probe_run **run, struct err *err)
{
    (void)request;
    (void)io;
    (void)done;
    (void)arg;
    (void)err;
    probes_started++;
    *run = &silent_run;
    return 0;
}

void probe_cancel(struct probe_run *run)
{
    assert_ptr_equal(run, &silent_run);
    probes_cancelled++;
}

/* ---- fixture -------------------------------------------------------------------------------- */

static void too_late(void *arg)
{
    (void)arg;
    is_late = true;
    loop_stop(the_io.loop);
}

static void restart_hooks(void)
{
    struct err err = { 0 };

    hooks_free(hooks);
    if (hooks_new(&the_io, dir.path, &hooks, &err) != 0)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    struct err err;

    *state = NULL;
    tempdir_init(&dir);
    if (loop_new(&the_io.loop, &err) != 0)
        return -1;
    patience = loop_timer_new(the_io.loop, too_late, NULL);
    memset(calls, 0, sizeof(calls));
    probes_started = 0;
    probes_cancelled = 0;
    n_ended = 0;
    is_late = false;
    restart_hooks();
    cfg = (struct promotion_cfg){ .timeout_ms = TIMEOUT_MS };
    argv[0] = script_path;
    argv[1] = dir.path;
    cfg.command.argv[0] = argv[0];
    cfg.command.argv[1] = argv[1];
    cfg.command.n_argv = 2;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hooks_free(hooks);
    hooks = NULL;
    loop_timer_free(patience);
    loop_free(the_io.loop);
    tempdir_fini(&dir);
    return 0;
}

/* The hook's script; $1 is the test's directory. */
static void script(const char *body)
{
    char text[2048];
    struct err err = { 0 };

    assert_true(str_format(script_path, sizeof(script_path), "%s/hook.sh", dir.path));
    assert_true(str_format(text, sizeof(text), "#!/bin/sh\ncd \"$1\"\n%s\n", body));
    assert_int_equal(fsio_replace(script_path, text, strlen(text), 0755, &err), 0);
}

static struct operation operation(unsigned number, const char *from, const char *to)
{
    struct operation op = { .verb = VERB_FAILOVER, .epoch = 77, .n_names = 240 };

    (void)str_format(op.id, sizeof(op.id), "op%u", number);
    (void)str_format(op.group, sizeof(op.group), "group%u", number);
    (void)str_copy(op.from, sizeof(op.from), from);
    (void)str_copy(op.to, sizeof(op.to), to);
    (void)str_copy(op.reason, sizeof(op.reason), "it is; $(gone)");
    return op;
}

static void on_done(void *arg, bool ok, const char *detail)
{
    struct call *call = arg;

    assert_false(call->has_ended);
    call->has_ended = true;
    call->ok = ok;
    (void)str_copy(call->detail, sizeof(call->detail), detail);
    n_ended++;
}

static void run_hook_between(unsigned number, const char *from, const char *to)
{
    struct operation op = operation(number, from, to);

    hooks_run(hooks, HOOK_PROMOTE, &cfg, &op, on_done, &calls[number]);
}

static void run_hook(unsigned number)
{
    run_hook_between(number, "use1", "usw2");
}

static bool is_there(const char *name)
{
    return access(tempdir_path(&dir, name), F_OK) == 0;
}

static void touch(const char *name)
{
    int fd = open(tempdir_path(&dir, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void poll_again(void *arg)
{
    (void)arg;
    if (n_ended >= awaited_ends && (awaited_file == NULL || is_there(awaited_file)))
        loop_stop(the_io.loop);
    else
        loop_timer_set(poll_timer, mono_add(loop_now(the_io.loop).mono, POLL_MS));
}

/* Runs the loop until so many calls have ended and the file, if any, is there. */
static void await(unsigned ends, const char *file)
{
    awaited_ends = ends;
    awaited_file = file;
    loop_timer_set(patience, mono_add(mono_now(), PATIENCE_MS));
    poll_timer = loop_timer_new(the_io.loop, poll_again, NULL);
    loop_timer_set(poll_timer, mono_now());
    loop_run(the_io.loop);
    loop_timer_free(poll_timer);
    assert_false(is_late);
    assert_int_equal(n_ended, ends);
}

static void expect_end(unsigned number, bool ok, const char *detail)
{
    assert_true(calls[number].has_ended);
    if (calls[number].ok != ok || strstr(calls[number].detail, detail) == NULL)
        fail_msg("call %u: %d \"%s\"", number, calls[number].ok, calls[number].detail);
}

static void expect_file(const char *name, const char *contents)
{
    struct buf b;
    struct err err = { 0 };

    buf_init(&b, 65536);
    assert_int_equal(fsio_read(tempdir_path(&dir, name), &b, &err), 0);
    assert_string_equal(buf_text(&b), contents);
    buf_fini(&b);
}

/* ---- hooks ---------------------------------------------------------------------------------- */

static void a_hook_gets_its_environment_and_its_end_is_told(void **state)
{
    (void)state;
    script("env | grep -v '^\\(PWD\\|OLDPWD\\|SHLVL\\|_\\)=' | sort >seen; echo promoted");
    run_hook(1);
    assert_int_equal(n_ended, 0);
    await(1, NULL);
    expect_end(1, true, "exit status 0: promoted");
    expect_file("seen", "DNSFLIP_EPOCH=77\nDNSFLIP_FROM=use1\nDNSFLIP_GROUP=group1\n"
                        "DNSFLIP_KIND=promote\nDNSFLIP_NAMES=240\nDNSFLIP_OPERATION=op1\n"
                        "DNSFLIP_REASON=it is; $(gone)\nDNSFLIP_SCOPE=group\nDNSFLIP_TO=usw2\n"
                        "DNSFLIP_VERB=failover\n"
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

static void a_fence_hook_is_the_other_command(void **state)
{
    (void)state;
    struct operation op = operation(1, "use1", "usw2");

    script("echo \"$DNSFLIP_KIND $2\"; exit 3");
    cfg.fence = cfg.command;
    cfg.fence.argv[2] = script_path;
    cfg.fence.n_argv = 3;
    cfg.command.n_argv = 0;
    hooks_run(hooks, HOOK_FENCE, &cfg, &op, on_done, &calls[1]);
    await(1, NULL);
    expect_end(1, false, "exit status 3: fence /");
}

static void bad_ends_are_told_in_words(void **state)
{
    (void)state;
    script("echo no quorum >&2; exit 9");
    run_hook(1);
    await(1, NULL);
    expect_end(1, false, "exit status 9: no quorum");

    script("kill -9 $$");
    run_hook(2);
    await(2, NULL);
    expect_end(2, false, "killed by signal 9");

    script("echo waiting; sleep 60 & wait");
    cfg.timeout_ms = 300;
    run_hook(3);
    await(3, NULL);
    expect_end(3, false, "stopped: it ran longer than 300ms: waiting");

    assert_int_equal(chmod(script_path, 0644), 0);
    run_hook(4);
    await(4, NULL);
    expect_end(4, false, "is not executable for us");

    assert_int_equal(unlink(script_path), 0);
    run_hook(5);
    await(5, NULL);
    expect_end(5, false, "No such file or directory");
}

static void four_run_at_once_and_the_others_wait(void **state)
{
    (void)state;
    script("echo >up.$DNSFLIP_OPERATION\n"
           "set -- up.*; [ $# -le 4 ] || touch too-many\n"
           "while [ ! -e go ]; do sleep 0.05; done; rm up.$DNSFLIP_OPERATION");
    for (unsigned i = 0; i < 7; i++)
        run_hook(i);
    await(0, "up.op3");
    await(0, "up.op0");
    assert_false(is_there("up.op4"));
    touch("go");
    await(7, NULL);
    for (unsigned i = 0; i < 7; i++)
        expect_end(i, true, "exit status 0");
    assert_false(is_there("too-many"));
}

static void a_hook_of_cluster_scope_runs_once_per_evacuation(void **state)
{
    (void)state;
    script("echo \"$DNSFLIP_FROM-$DNSFLIP_TO\" >>runs; while [ ! -e go ]; do sleep 0.05; done");
    cfg.scope = SCOPE_CLUSTER;
    for (unsigned i = 0; i < 5; i++)
        run_hook(i);
    await(0, "runs");
    run_hook(5);
    touch("go");
    await(6, NULL);
    run_hook(6);
    await(7, NULL);
    expect_end(5, true, "exit status 0");
    expect_end(6, true, "it succeeded for use1 to usw2");
    expect_file("runs", "use1-usw2\n");
    assert_true(is_there("hooks/use1-usw2.lock"));

    /* Other words, or another direction, are another hook. */
    cfg.command.argv[2] = argv[1];
    cfg.command.n_argv = 3;
    run_hook(7);
    await(8, NULL);
    expect_file("runs", "use1-usw2\nuse1-usw2\n");
    cfg.command.n_argv = 2;
    run_hook_between(8, "usw2", "use1");
    await(9, NULL);
    /* And that one has undone the first. */
    run_hook(9);
    await(10, NULL);
    expect_file("runs", "use1-usw2\nuse1-usw2\nusw2-use1\nuse1-usw2\n");
}

static void a_failure_of_cluster_scope_is_shared_but_not_remembered(void **state)
{
    (void)state;
    script("echo x >>runs; while [ ! -e go ]; do sleep 0.05; done; exit 1");
    cfg.scope = SCOPE_CLUSTER;
    run_hook(0);
    run_hook(1);
    await(0, "runs");
    touch("go");
    await(2, NULL);
    expect_end(0, false, "exit status 1");
    expect_end(1, false, "exit status 1");
    expect_file("runs", "x\n");
    run_hook(2);
    await(3, NULL);
    expect_end(2, false, "exit status 1");
    expect_file("runs", "x\nx\n");
}

/* ---- locks ---------------------------------------------------------------------------------- */

static int hold_lock(const char *name)
{
    int fd = open(tempdir_path(&dir, name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
}

static void a_held_lock_is_waited_for_but_not_for_ever(void **state)
{
    (void)state;
    int lock = hold_lock("hooks/group1.lock");

    script("exit 0");
    run_hook(2); /* another group's lock is free */
    run_hook(1);
    await(1, NULL);
    expect_end(2, true, "exit status 0");
    close(lock);
    await(2, NULL);
    expect_end(1, true, "exit status 0");

    lock = hold_lock("hooks/group3.lock");
    cfg.timeout_ms = 500;
    run_hook(3);
    await(3, NULL);
    close(lock);
    expect_end(3, false, "not run: an earlier hook still holds the lock group3.lock after 500ms");
}

static void a_hook_that_outlives_its_judge_is_waited_for(void **state)
{
    (void)state;
    struct operation op = operation(1, "use1", "usw2");

    script("echo >up; while [ ! -e go ]; do sleep 0.05; done; echo said to nobody; echo >ended");
    run_hook(1);
    await(0, "up");
    restart_hooks(); /* as far as the hook can tell, its judge died */
    hooks_wait_lock(hooks, &cfg, &op, on_done, &calls[1]);
    op = operation(2, "use1", "usw2");
    hooks_wait_lock(hooks, &cfg, &op, on_done, &calls[2]);
    await(1, NULL);
    expect_end(2, true, "no hook runs any more"); /* nobody ever held that one */
    assert_false(calls[1].has_ended);
    touch("go");
    await(2, "ended");
    expect_end(1, true, "no hook runs any more");
}

static void what_a_hook_leaves_in_the_background_does_not_hold_its_lock(void **state)
{
    (void)state;
    script("sleep 20 >/dev/null 2>&1 & echo $! >child; exit 0");
    run_hook(1);
    await(1, NULL);
    close(hold_lock("hooks/group1.lock"));
    script("kill $(cat child)");
    run_hook(2);
    await(2, NULL);
    expect_end(2, true, "exit status 0");
}

/* ---- cancel --------------------------------------------------------------------------------- */

static void a_cancelled_operation_hears_nothing_more(void **state)
{
    (void)state;
    struct operation op = operation(1, "use1", "usw2");

    script("trap 'echo >stopped; exit 0' TERM; echo >up; while :; do sleep 0.05; done");
    run_hook(1);
    await(0, "up");
    hooks_wait_lock(hooks, &cfg, &op, on_done, &calls[1]);
    hooks_prove(hooks, &cfg, &op, TIMEOUT_MS, on_done, &calls[1]);
    while (probes_started == 0)
        await(0, NULL);
    hooks_cancel(hooks, "op1");
    await(0, "stopped");
    assert_int_equal(probes_cancelled, 1);
    /* Its place and its lock are free again. */
    script("exit 0");
    run_hook(1);
    await(1, NULL);
    expect_end(1, true, "exit status 0");
}

static void a_shared_hook_runs_on_while_one_still_waits(void **state)
{
    (void)state;
    script("echo >up; while [ ! -e go ]; do sleep 0.05; done");
    cfg.scope = SCOPE_CLUSTER;
    run_hook(1);
    run_hook(2);
    await(0, "up");
    hooks_cancel(hooks, "op1");
    touch("go");
    await(1, NULL);
    expect_end(2, true, "exit status 0");
}

static void on_done_cancel_next(void *arg, bool ok, const char *detail)
{
    on_done(arg, ok, detail);
    hooks_cancel(hooks, "op2");
    run_hook(3);
}

static void callbacks_may_cancel_and_ask_for_more(void **state)
{
    (void)state;
    struct operation op = operation(1, "use1", "usw2");

    script("exit 0");
    cfg.scope = SCOPE_CLUSTER;
    hooks_run(hooks, HOOK_PROMOTE, &cfg, &op, on_done_cancel_next, &calls[1]);
    run_hook(2);
    await(2, NULL);
    expect_end(1, true, "exit status 0");
    expect_end(3, true, "it succeeded");
    assert_false(calls[2].has_ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_hook_gets_its_environment_and_its_end_is_told),
        TEST(a_fence_hook_is_the_other_command),
        TEST(bad_ends_are_told_in_words),
        TEST(four_run_at_once_and_the_others_wait),
        TEST(a_hook_of_cluster_scope_runs_once_per_evacuation),
        TEST(a_failure_of_cluster_scope_is_shared_but_not_remembered),
        TEST(a_held_lock_is_waited_for_but_not_for_ever),
        TEST(a_hook_that_outlives_its_judge_is_waited_for),
        TEST(what_a_hook_leaves_in_the_background_does_not_hold_its_lock),
        TEST(a_cancelled_operation_hears_nothing_more),
        TEST(a_shared_hook_runs_on_while_one_still_waits),
        TEST(callbacks_may_cancel_and_ask_for_more),
    };

    return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
