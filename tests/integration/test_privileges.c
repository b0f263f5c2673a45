/* tests/integration/test_privileges.c -- as root: who runs as whom, and what each may still do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "tests/support/fake_judge.h"
#include "tests/support/instance.h"
#include "tests/support/skip.h"

/* CHOWN, KILL, SETGID, SETUID, NET_BIND_SERVICE */
#define KEPT_CAPABILITIES UINT64_C(0x4e1)

/* The number of this base behind the first words of a line and a colon or blanks; all ones if there
 * is no such line. */
static uint64_t line_number(const char *path, const char *words, int base)
{
    char line[256];
    uint64_t value = UINT64_MAX;
    size_t n = strlen(words);

    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, words, n) == 0 && strchr(": \t", line[n]) != NULL)
            value = strtoull(line + n + 1, NULL, base);
    }
    if (file != NULL)
        (void)fclose(file);
    return value;
}

static uint64_t status_of(pid_t pid, const char *key, int base)
{
    char path[64];

    assert_true(str_format(path, sizeof(path), "/proc/%d/status", (int)pid));
    return line_number(path, key, base);
}

static bool is_alive(pid_t pid)
{
    char path[64];
    char line[256] = "";

    assert_true(str_format(path, sizeof(path), "/proc/%d/stat", (int)pid));
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool has_line = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    const char *state = strrchr(line, ')');
    return has_line && state != NULL && state[2] != 'Z' && state[2] != 'X';
}

static void start(struct instance *in)
{
    if (geteuid() != 0)
        SKIP_BECAUSE("not root: users cannot be changed");
    if (!instance_start_as_users(in))
        SKIP_BECAUSE("no mount namespace: users for this test cannot be made");
}

static void judge_and_face_have_users_of_their_own_and_no_privilege(void **state)
{
    (void)state;
    struct instance in;

    start(&in);
    pid_t judge = (pid_t)instance_state(&in, "pid");
    pid_t face = instance_face(&in);
    assert_int_equal(status_of(judge, "Uid", 10), INSTANCE_JUDGE_UID);
    assert_int_equal(status_of(judge, "Gid", 10), INSTANCE_JUDGE_UID);
    assert_int_equal(status_of(judge, "CapPrm", 16), 0);
    assert_int_equal(status_of(judge, "CapBnd", 16) & ~KEPT_CAPABILITIES, 0);
    assert_int_equal(status_of(judge, "NoNewPrivs", 10), 1);
    assert_int_equal(status_of(face, "Uid", 10), INSTANCE_FACE_UID);
    assert_int_equal(status_of(face, "Gid", 10), INSTANCE_FACE_UID);
    assert_int_equal(status_of(face, "CapPrm", 16), 0);
    assert_int_equal(status_of(face, "NoNewPrivs", 10), 1);
    assert_int_equal(instance_stop(&in), 0);
}

static void the_supervisor_keeps_five_capabilities_at_most(void **state)
{
    (void)state;
    struct instance in;

    start(&in);
    assert_int_equal(status_of(in.supervisor, "CapPrm", 16) & ~KEPT_CAPABILITIES, 0);
    assert_int_equal(status_of(in.supervisor, "CapEff", 16) & ~KEPT_CAPABILITIES, 0);
    assert_int_equal(status_of(in.supervisor, "CapBnd", 16) & ~KEPT_CAPABILITIES, 0);
    assert_int_equal(instance_stop(&in), 0);
}

/* The kernel gives the files of such a process in /proc to root. */
static void assert_not_dumpable(pid_t pid)
{
    struct stat st;
    char path[64];

    assert_true(str_format(path, sizeof(path), "/proc/%d/environ", (int)pid));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_true(str_format(path, sizeof(path), "/proc/%d/limits", (int)pid));
    assert_int_equal(line_number(path, "Max core file size", 10), 0);
}

static void judge_and_face_with_their_secrets_are_not_dumpable(void **state)
{
    (void)state;
    struct instance in;

    start(&in);
    assert_not_dumpable((pid_t)instance_state(&in, "pid"));
    assert_not_dumpable(instance_face(&in));
    assert_int_equal(instance_stop(&in), 0);
}

#define FILTERED 2 /* SECCOMP_MODE_FILTER, in /proc */

static void assert_all_threads_filtered(pid_t pid)
{
    char path[64];
    int n = 0;

    assert_true(str_format(path, sizeof(path), "/proc/%d/task", (int)pid));
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        if (task->d_name[0] == '.')
            continue;
        assert_int_equal(status_of((pid_t)strtol(task->d_name, NULL, 10), "Seccomp", 10), FILTERED);
        n++;
    }
    assert_int_equal(closedir(tasks), 0);
    assert_true(n >= 3); /* its main thread, one for TCP, one for UDP at least */
}

static void every_thread_of_the_face_has_the_filter(void **state)
{
    (void)state;
    struct instance in;

#ifdef DNSFLIP_WITHOUT_FACE_FILTER
    SKIP_BECAUSE("built without the filter");
#endif
    instance_start(&in, "serve");
    assert_all_threads_filtered(instance_face(&in));
    assert_int_equal(instance_stop(&in), 0);
}

static bool log_says(const struct instance *in, const char *words)
{
    char line[1024];
    bool is_found = false;

    FILE *log = fopen(tempdir_path(&in->dir, "log"), "r");
    while (log != NULL && fgets(line, sizeof(line), log) != NULL)
        is_found = is_found || strstr(line, words) != NULL;
    if (log != NULL)
        (void)fclose(log);
    return is_found;
}

/* The signal of the kernel, sent by us. */
static void a_face_that_its_filter_kills_is_named_and_replaced(void **state)
{
    (void)state;
    struct instance in;
    struct mono end = mono_add(mono_now(), INSTANCE_WAIT_MS);

    instance_start(&in, "serve");
    pid_t face = instance_face(&in);
    assert_int_equal(kill(face, SIGSYS), 0);
    while (!log_says(&in, "a system call that its filter forbids"))
        assert_true(mono_since(end, mono_now()) > 0);
    while (instance_ask(&in, 0, 5) < 0)
        assert_true(mono_since(end, mono_now()) > 0);
    assert_int_not_equal(instance_face(&in), face);
    assert_int_equal(instance_stop(&in), 0);
}

static void a_killed_judge_and_face_come_back_as_the_same_users(void **state)
{
    (void)state;
    struct instance in;

    start(&in);
    pid_t judge = (pid_t)instance_state(&in, "pid");
    pid_t face = instance_face(&in);
    assert_int_equal(kill(judge, SIGKILL), 0);
    assert_int_equal(kill(face, SIGKILL), 0);
    while (instance_ask(&in, 0, 5) < 0)
        continue;
    pid_t next = judge;
    while (next == judge)
        next = (pid_t)instance_state(&in, "pid");
    assert_int_equal(status_of(next, "Uid", 10), INSTANCE_JUDGE_UID);
    assert_int_equal(status_of(instance_face(&in), "Uid", 10), INSTANCE_FACE_UID);
    assert_int_equal(instance_stop(&in), 0);
}

static void a_change_of_user_does_not_let_them_outlive_their_supervisor(void **state)
{
    (void)state;
    struct instance in;

    start(&in);
    pid_t judge = (pid_t)instance_state(&in, "pid");
    pid_t face = instance_face(&in);
    struct mono end = mono_add(mono_now(), INSTANCE_WAIT_MS);
    assert_int_equal(kill(in.supervisor, SIGKILL), 0);
    while (is_alive(judge) || is_alive(face)) {
        assert_true(mono_since(end, mono_now()) > 0);
        (void)poll(NULL, 0, 1);
    }
    tempdir_fini(&in.dir);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], FAKE_JUDGE_VERB) == 0)
        return fake_judge_main(argc, argv);

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge_and_face_have_users_of_their_own_and_no_privilege),
        cmocka_unit_test(the_supervisor_keeps_five_capabilities_at_most),
        cmocka_unit_test(judge_and_face_with_their_secrets_are_not_dumpable),
        cmocka_unit_test(every_thread_of_the_face_has_the_filter),
        cmocka_unit_test(a_face_that_its_filter_kills_is_named_and_replaced),
        cmocka_unit_test(a_killed_judge_and_face_come_back_as_the_same_users),
        cmocka_unit_test(a_change_of_user_does_not_let_them_outlive_their_supervisor),
    };

    return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}
