/* tests/integration/test_upgrade.c -- one supervisor follows the other: what is asked meanwhile is
 * answered, by one pair, and what cannot take over does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/formats.h"
#include "tests/support/fake_judge.h"
#include "tests/support/instance.h"
#include "tests/support/load.h"
#include "tests/support/next_program.h"
#include "tests/support/skip.h"

#define ANSWER_MS LOAD_ANSWER_MS
#define LONG_WAIT_MS LOAD_WAIT_MS
#define PIPELINED 500U
#define KEPT_CAPABILITIES UINT64_C(0x4e1) /* CHOWN, KILL, SETGID, SETUID, NET_BIND_SERVICE */

/* ------------------------------------------------------------------ asking meanwhile */

/* Every question has had its answer. */
static void load_stop_whole(struct load *load)
{
    load_stop(load);
    assert_int_equal(load->wrong, 0);
    assert_int_equal(load->lost, 0);
}

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

/* Until the judge of so many upgrades answers. */
static void await_upgrades(const struct instance *in, uint64_t n)
{
    struct mono end = mono_add(mono_now(), LONG_WAIT_MS);
    char reply[INSTANCE_REPLY_BYTES];
    char wanted[32];

    assert_true(str_format(wanted, sizeof(wanted), "upgrades=%llu ", (unsigned long long)n));
    do {
        instance_say(in, "state", reply);
        assert_true(mono_since(end, mono_now()) > 0);
    } while (strstr(reply, wanted) == NULL);
}

static bool is_logged(const struct instance *in, const char *words)
{
    char line[1024];
    bool is_found = false;
    FILE *log = fopen(tempdir_path(&in->dir, "log"), "r");

    assert_non_null(log);
    while (!is_found && fgets(line, sizeof(line), log) != NULL)
        is_found = strstr(line, words) != NULL;
    (void)fclose(log);
    return is_found;
}

static void await_logged(const struct instance *in, const char *words)
{
    struct mono end = mono_add(mono_now(), LONG_WAIT_MS);

    while (!is_logged(in, words)) {
        if (mono_since(end, mono_now()) <= 0)
            fail_msg("nobody logged: %s", words);
        (void)poll(NULL, 0, 10);
    }
}

static void expect_reply(const struct instance *in, const char *line, const char *expected)
{
    char reply[INSTANCE_REPLY_BYTES];

    instance_say(in, line, reply);
    assert_string_equal(reply, expected);
}

/* ------------------------------------------------------------------ stories */

static void upgrade_after_upgrade_loses_no_query(void **state)
{
    struct instance *in = *state;
    struct load load;
    char line[64];
    char expected[64];

    next_install(in, NULL);
    load_start(&load, in);
    for (unsigned i = 1; i <= 5; i++) {
        pid_t face = instance_face(in);
        uint64_t judge = instance_state(in, "pid");
        expect_reply(in, "upgrade", "");
        await_upgrades(in, i);
        /* One face at a time: a judge that runs means that the old one has left. */
        assert_true(is_gone(face));
        assert_true(is_gone((pid_t)judge));
        assert_int_equal(instance_state(in, "kept"), i);
        (void)str_format(line, sizeof(line), "pair %u %u", i + 1, 1 + i % 2);
        (void)str_format(expected, sizeof(expected), "adopted %u", i + 1);
        expect_reply(in, line, expected);
        assert_int_equal(instance_ask(in, i, ANSWER_MS), 1 + i % 2);
        load_await(&load, 20);
    }
    load_stop_whole(&load);
    assert_true(is_logged(in, "version " DNSFLIP_VERSION " has taken over from " DNSFLIP_VERSION));
}

static void an_idle_connection_ends_in_order(void **state)
{
    struct instance *in = *state;
    uint8_t query[2 + INSTANCE_QUERY_BYTES];
    uint8_t answer[1024];

    next_install(in, NULL);
    int idle = instance_connect(in, NULL);
    int used = instance_connect(in, NULL);
    size_t n = instance_query(query + 2, 7, 0);
    query[0] = 0;
    query[1] = (uint8_t)n;
    assert_int_equal(send(used, query, n + 2, 0), n + 2);
    int len = instance_read(used, answer, sizeof(answer), ANSWER_MS);
    assert_true(len > 0);
    expect_reply(in, "upgrade", "");
    await_upgrades(in, 1);
    assert_int_equal(instance_read(idle, answer, sizeof(answer), ANSWER_MS), 0);
    assert_int_equal(instance_read(used, answer, sizeof(answer), ANSWER_MS), 0);
    assert_int_equal(close(idle), 0);
    assert_int_equal(close(used), 0);
}

/* A client that has asked much and read nothing yet when the face that took its questions leaves.
 */
static void every_answer_that_was_on_its_way_arrives(void **state)
{
    struct instance *in = *state;
    static uint8_t queries[PIPELINED * (2 + INSTANCE_QUERY_BYTES)];
    uint8_t answer[1024];
    size_t n = 0;

    next_install(in, NULL);
    int fd = instance_connect(in, NULL);
    for (unsigned i = 0; i < PIPELINED; i++) {
        size_t len = instance_query(queries + n + 2, (uint16_t)i, i);
        queries[n] = 0;
        queries[n + 1] = (uint8_t)len;
        n += len + 2;
    }
    assert_int_equal(send(fd, queries, n, 0), n);
    /* So that they are taken up by this face and not by the next. */
    assert_true(instance_read(fd, answer, sizeof(answer), ANSWER_MS) > 0);
    expect_reply(in, "upgrade", "");
    await_upgrades(in, 1);
    for (unsigned i = 1; i < PIPELINED; i++) {
        int len = instance_read(fd, answer, sizeof(answer), ANSWER_MS);
        assert_true(len > 0);
        assert_int_equal(instance_cluster(answer, (size_t)len, (uint16_t)i), 1);
    }
    assert_int_equal(instance_read(fd, answer, sizeof(answer), ANSWER_MS), 0);
    assert_int_equal(close(fd), 0);
}

static void a_judge_that_is_busy_goes_on(void **state)
{
    struct instance *in = *state;
    uint64_t judge = instance_state(in, "pid");
    pid_t face = instance_face(in);

    next_install(in, NULL);
    expect_reply(in, "busy 1", "what?");
    assert_int_equal(kill(in->supervisor, SIGUSR2), 0);
    await_logged(in, "refused, nothing has changed: an operation is running");
    expect_reply(in, "upgrade", "an operation is running");
    assert_int_equal(instance_state(in, "pid"), judge);
    assert_int_equal(instance_face(in), face);
    expect_reply(in, "busy 0", "what?");
    expect_reply(in, "upgrade", "");
    await_upgrades(in, 1);
}

static void a_judge_that_hangs_is_not_killed_for_it(void **state)
{
    struct instance *in = *state;
    uint64_t judge = instance_state(in, "pid");

    next_install(in, NULL);
    expect_reply(in, "hang", "hung");
    assert_int_equal(kill(in->supervisor, SIGUSR2), 0);
    await_logged(in, "the judge has not stopped within 10 s");
    assert_int_equal(kill((pid_t)judge, 0), 0);
    /* Once it is killed all goes on as before. */
    assert_int_equal(kill((pid_t)judge, SIGKILL), 0);
    await_upgrades(in, 0);
    assert_int_equal(kill(in->supervisor, SIGUSR2), 0);
    await_upgrades(in, 1);
}

static void a_program_that_cannot_be_executed_after_all_changes_nothing(void **state)
{
    struct instance *in = *state;
    struct load load;
    uint64_t judge = instance_state(in, "pid");
    pid_t face = instance_face(in);
    char line[PATH_MAX + 16];

    next_install(in, NULL);
    load_start(&load, in);
    assert_true(str_format(line, sizeof(line), "spoil %s", next_path(in, "dnsflip")));
    expect_reply(in, line, "what?");
    expect_reply(in, "upgrade", "");
    await_logged(in, "cannot execute");
    await_upgrades(in, 0);
    assert_int_not_equal(instance_state(in, "pid"), judge);
    assert_int_equal(instance_face(in), face);
    load_stop_whole(&load);
    /* And the next one, which can be, takes over. */
    assert_int_equal(chmod(next_path(in, "dnsflip"), 0755), 0);
    expect_reply(in, "upgrade", "");
    await_upgrades(in, 1);
}

static void until_the_new_face_has_a_pair_the_old_one_answers(void **state)
{
    struct instance *in = *state;
    struct load load;
    pid_t face = instance_face(in);

    next_install(in, "refuses");
    load_start(&load, in);
    expect_reply(in, "upgrade", "");
    await_upgrades(in, 1); /* the new judge runs, to make a pair that the new face can read */
    assert_int_equal(kill(face, 0), 0);
    assert_int_equal(instance_ask(in, 1, ANSWER_MS), 1);
    load_await(&load, 20);
    assert_int_equal(kill(face, 0), 0);
    expect_reply(in, "pair 2 2", "adopted 2");
    assert_true(is_gone(face)); /* so nobody hears the old pair any more */
    assert_int_equal(instance_ask(in, 2, ANSWER_MS), 2);
    load_stop_whole(&load);
    assert_int_equal(instance_state(in, "generation"), 2);
}

static void a_new_face_that_does_not_live_brings_the_old_version_back(void **state)
{
    struct instance *in = *state;
    struct load load;

    next_install(in, "dies");
    load_start(&load, in);
    expect_reply(in, "upgrade", "");
    await_logged(in, "back to the version before");
    await_upgrades(in, 2); /* there and back */
    assert_int_equal(instance_ask(in, 1, ANSWER_MS), 1);
    expect_reply(in, "pair 2 2", "adopted 2");
    assert_int_equal(instance_ask(in, 2, ANSWER_MS), 2);
    load_stop_whole(&load);
    assert_true(is_logged(in, "the new face ended before it answered"));
}

static void a_second_wish_and_a_stop_end_a_check_that_does_not(void **state)
{
    struct instance *in = *state;

    next_install(in, NULL);
    next_write(in, "say", "nothing");
    assert_int_equal(kill(in->supervisor, SIGUSR2), 0);
    await_logged(in, "asking ");
    expect_reply(in, "upgrade", "an upgrade is under way already");
    /* The fixture stops it, and expects exit code 0. */
}

static void a_downgrade_is_refused_in_words(void **state)
{
    struct instance *in = *state;
    char line[512];

    next_install(in, NULL);
    assert_true(str_copy(line, sizeof(line), formats_line()));
    char *link = strstr(line, "hand-over=");
    assert_non_null(link);
    link[strlen("hand-over=")] = '0';
    next_write(in, "say", line);
    char reply[INSTANCE_REPLY_BYTES];
    instance_say(in, "upgrade", reply);
    assert_non_null(strstr(reply, "is a downgrade: it knows the hand-over format up to 0"));
    assert_int_equal(instance_state(in, "upgrades"), 0);
}

/* The number behind "key:" in /proc/PID/status. */
static uint64_t status_of(pid_t pid, const char *key, int base)
{
    char path[64];
    char line[256];
    uint64_t value = UINT64_MAX;
    size_t n = strlen(key);

    assert_true(str_format(path, sizeof(path), "/proc/%d/status", (int)pid));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, n) == 0 && line[n] == ':')
            value = strtoull(line + n + 1, NULL, base);
    }
    (void)fclose(file);
    return value;
}

/* Not with the fixture: these have users of their own. */
static void upgrade_twice(struct instance *in)
{
    uint64_t uid = status_of(in->supervisor, "Uid", 10);
    uint64_t kept = status_of(in->supervisor, "CapPrm", 16);
    uint64_t judge_uid = status_of((pid_t)instance_state(in, "pid"), "Uid", 10);
    uint64_t face_uid = status_of(instance_face(in), "Uid", 10);

    assert_int_not_equal(kept, 0);
    assert_int_equal(kept & ~KEPT_CAPABILITIES, 0);
    next_install(in, NULL);
    for (unsigned i = 1; i <= 2; i++) {
        expect_reply(in, "upgrade", "");
        await_upgrades(in, i);
        assert_int_equal(status_of(in->supervisor, "Uid", 10), uid);
        assert_int_equal(status_of(in->supervisor, "CapPrm", 16), kept);
        assert_int_equal(status_of(in->supervisor, "CapEff", 16), kept);
        assert_int_equal(status_of(in->supervisor, "CapInh", 16), 0);
        assert_int_equal(status_of(in->supervisor, "CapAmb", 16), 0);
        pid_t judge = (pid_t)instance_state(in, "pid");
        pid_t face = instance_face(in);
        assert_int_equal(status_of(judge, "Uid", 10), judge_uid);
        assert_int_equal(status_of(judge, "CapPrm", 16), 0);
        assert_int_equal(status_of(face, "Uid", 10), face_uid);
        assert_int_equal(status_of(face, "CapPrm", 16), 0);
    }
    assert_int_equal(instance_stop(in), 0);
}

static void as_root_the_next_processes_may_do_what_those_before_might(void **state)
{
    (void)state;
    struct instance in;

    if (geteuid() != 0)
        SKIP_BECAUSE("not root: users cannot be changed");
    if (!instance_start_as_users(&in))
        SKIP_BECAUSE("no mount namespace: users for this test cannot be made");
    upgrade_twice(&in);
}

static void as_a_service_with_capabilities_they_may_too(void **state)
{
    (void)state;
    struct instance in;

    if (geteuid() != 0)
        SKIP_BECAUSE("not root: users cannot be changed");
    if (!instance_start_as_service(&in))
        SKIP_BECAUSE("no mount namespace, or no capabilities: this service cannot be made");
    upgrade_twice(&in);
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
    if (strcmp(argv[0], "dnsflip-face") == 0)
        return next_face_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], FAKE_JUDGE_VERB) == 0)
        return fake_judge_main(argc, argv);
    if (argc == 6 && strcmp(argv[1], INSTANCE_SUPERVISOR_VERB) == 0)
        return instance_supervisor_main(argv);
    if (argc > 1 && strcmp(argv[1], INSTANCE_CHECK_VERB) == 0)
        return next_check_main();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(upgrade_after_upgrade_loses_no_query, start, stop),
        cmocka_unit_test_setup_teardown(an_idle_connection_ends_in_order, start, stop),
        cmocka_unit_test_setup_teardown(every_answer_that_was_on_its_way_arrives, start, stop),
        cmocka_unit_test_setup_teardown(a_judge_that_is_busy_goes_on, start, stop),
        cmocka_unit_test_setup_teardown(a_judge_that_hangs_is_not_killed_for_it, start, stop),
        cmocka_unit_test_setup_teardown(a_program_that_cannot_be_executed_after_all_changes_nothing,
                                        start, stop),
        cmocka_unit_test_setup_teardown(until_the_new_face_has_a_pair_the_old_one_answers, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_new_face_that_does_not_live_brings_the_old_version_back,
                                        start, stop),
        cmocka_unit_test_setup_teardown(a_second_wish_and_a_stop_end_a_check_that_does_not, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_downgrade_is_refused_in_words, start, stop),
        cmocka_unit_test(as_root_the_next_processes_may_do_what_those_before_might),
        cmocka_unit_test(as_a_service_with_capabilities_they_may_too),
    };

    return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
