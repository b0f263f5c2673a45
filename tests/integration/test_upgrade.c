/* tests/integration/test_upgrade.c -- one supervisor follows the other: what is asked meanwhile is
 * answered, by one pair, and what cannot take over does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/formats.h"
#include "dnsflip/link.h"
#include "tests/support/fake_judge.h"
#include "tests/support/instance.h"

#define ANSWER_MS 2000 /* an answer that takes longer is lost */
#define LONG_WAIT_MS 60000
#define ASKED_MIN 200

/* ------------------------------------------------------------------ the new programs */

/* This program is also the next dnsflip and, under that name, a dnsflip-face that does what the
 * file "face-how" beside it says: "dies", or "refuses" the first pair and is the real one from then
 * on. */

static void beside(char out[PATH_MAX], const char *name)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[n > 0 ? n : 0] = '\0';
    if (n <= 0 ||
        !str_format(out, PATH_MAX, "%.*s/%s", (int)(strrchr(self, '/') - self), self, name))
        _exit(EXIT_FAILURE);
}

static void read_word(const char *path, char out[256])
{
    FILE *file = fopen(path, "r");

    out[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(out, 256, file) == NULL)
        out[0] = '\0';
    (void)fclose(file);
}

static int fake_face_main(int argc, char **argv)
{
    char path[PATH_MAX];
    char how[256];
    struct link_message m = link_message(LINK_ERROR);
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    struct err err;

    beside(path, "face-how");
    read_word(path, how);
    if (argc == 1 && strcmp(how, "dies") == 0)
        return EXIT_FAILURE;
    if (argc == 1 && link_receive(LINK_FD, &m, fds, &n_fds, &err) == 1 && m.kind == LINK_PAIR) {
        m.kind = LINK_ERROR;
        (void)str_copy(m.text, sizeof(m.text), "view: a format of old");
        if (link_send(LINK_FD, &m, NULL, 0, &err) != 0)
            return EXIT_FAILURE;
        for (size_t i = 0; i < n_fds; i++)
            (void)close(fds[i]);
    }
    beside(path, "real-face");
    (void)execv(path, argv);
    return EXIT_FAILURE;
}

/* What the file "say" beside it says, or that all is well. */
static int check_main(void)
{
    char path[PATH_MAX];
    char said[256];

    beside(path, "say");
    read_word(path, said);
    if (strcmp(said, "nothing") == 0)
        (void)poll(NULL, 0, -1);
    printf("%s\n", said[0] != '\0' ? said : formats_line());
    return EXIT_SUCCESS;
}

/* ------------------------------------------------------------------ installing them */

static const char *in_bin(const struct instance *in, const char *name)
{
    char path[64];

    assert_true(str_format(path, sizeof(path), "bin/%s", name));
    return tempdir_path(&in->dir, path);
}

static void install_self(const struct instance *in, const char *name)
{
    struct stat st;
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int to = open(in_bin(in, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    off_t at = 0;

    assert_true(from >= 0 && to >= 0);
    assert_int_equal(fstat(from, &st), 0);
    while (at < st.st_size)
        assert_true(sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0);
    assert_int_equal(close(from), 0);
    assert_int_equal(close(to), 0);
}

static void write_word(const struct instance *in, const char *name, const char *word)
{
    FILE *file = fopen(in_bin(in, name), "w");

    assert_non_null(file);
    assert_true(fputs(word, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void link_real_face(const struct instance *in, const char *name)
{
    char self[PATH_MAX];
    char real[PATH_MAX];

    beside(self, "../../dnsflip-face"); /* BUILD/tests/integration */
    assert_non_null(realpath(self, real));
    assert_int_equal(symlink(real, in_bin(in, name)), 0);
}

/* how: of the fake face; NULL = the real one. */
static void install(const struct instance *in, const char *how)
{
    assert_int_equal(mkdir(tempdir_path(&in->dir, "bin"), 0755), 0);
    install_self(in, "dnsflip");
    if (how == NULL) {
        link_real_face(in, "dnsflip-face");
        return;
    }
    install_self(in, "dnsflip-face");
    link_real_face(in, "real-face");
    write_word(in, "face-how", how);
}

/* ------------------------------------------------------------------ asking meanwhile */

struct load {
    const struct instance *in;
    pthread_t thread;
    _Atomic bool is_to_stop;
    _Atomic unsigned asked, wrong, lost;
};

static void *run_load(void *arg)
{
    struct load *load = arg;

    while (!atomic_load(&load->is_to_stop)) {
        int cluster = instance_ask(load->in, atomic_fetch_add(&load->asked, 1), ANSWER_MS);
        if (cluster < 0)
            atomic_fetch_add(&load->lost, 1);
        else if (cluster == 0)
            atomic_fetch_add(&load->wrong, 1);
    }
    return NULL;
}

static void await_more(struct load *load, unsigned more)
{
    struct mono end = mono_add(mono_now(), LONG_WAIT_MS);
    unsigned before = atomic_load(&load->asked);

    while (atomic_load(&load->asked) < before + more) {
        assert_true(mono_since(end, mono_now()) > 0);
        (void)poll(NULL, 0, 1);
    }
}

static void load_start(struct load *load, const struct instance *in)
{
    memset(load, 0, sizeof(*load));
    load->in = in;
    assert_int_equal(pthread_create(&load->thread, NULL, run_load, load), 0);
    await_more(load, ASKED_MIN);
}

/* Every question has had its answer. */
static void load_stop(struct load *load)
{
    await_more(load, ASKED_MIN);
    atomic_store(&load->is_to_stop, true);
    assert_int_equal(pthread_join(load->thread, NULL), 0);
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

    install(in, NULL);
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
        await_more(&load, 20);
    }
    load_stop(&load);
    assert_true(is_logged(in, "version " DNSFLIP_VERSION " has taken over from " DNSFLIP_VERSION));
}

static void an_idle_connection_ends_in_order(void **state)
{
    struct instance *in = *state;
    uint8_t query[2 + INSTANCE_QUERY_BYTES];
    uint8_t answer[1024];

    install(in, NULL);
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

static void a_judge_that_is_busy_goes_on(void **state)
{
    struct instance *in = *state;
    uint64_t judge = instance_state(in, "pid");
    pid_t face = instance_face(in);

    install(in, NULL);
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

    install(in, NULL);
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

    install(in, NULL);
    load_start(&load, in);
    assert_true(str_format(line, sizeof(line), "spoil %s", in_bin(in, "dnsflip")));
    expect_reply(in, line, "what?");
    expect_reply(in, "upgrade", "");
    await_logged(in, "cannot execute");
    await_upgrades(in, 0);
    assert_int_not_equal(instance_state(in, "pid"), judge);
    assert_int_equal(instance_face(in), face);
    load_stop(&load);
    /* And the next one, which can be, takes over. */
    assert_int_equal(chmod(in_bin(in, "dnsflip"), 0755), 0);
    expect_reply(in, "upgrade", "");
    await_upgrades(in, 1);
}

static void until_the_new_face_has_a_pair_the_old_one_answers(void **state)
{
    struct instance *in = *state;
    struct load load;
    pid_t face = instance_face(in);

    install(in, "refuses");
    load_start(&load, in);
    expect_reply(in, "upgrade", "");
    await_upgrades(in, 1); /* the new judge runs, to make a pair that the new face can read */
    assert_int_equal(kill(face, 0), 0);
    assert_int_equal(instance_ask(in, 1, ANSWER_MS), 1);
    await_more(&load, 20);
    assert_int_equal(kill(face, 0), 0);
    expect_reply(in, "pair 2 2", "adopted 2");
    assert_true(is_gone(face)); /* so nobody hears the old pair any more */
    assert_int_equal(instance_ask(in, 2, ANSWER_MS), 2);
    load_stop(&load);
    assert_int_equal(instance_state(in, "generation"), 2);
}

static void a_new_face_that_does_not_live_brings_the_old_version_back(void **state)
{
    struct instance *in = *state;
    struct load load;

    install(in, "dies");
    load_start(&load, in);
    expect_reply(in, "upgrade", "");
    await_logged(in, "back to the version before");
    await_upgrades(in, 2); /* there and back */
    assert_int_equal(instance_ask(in, 1, ANSWER_MS), 1);
    expect_reply(in, "pair 2 2", "adopted 2");
    assert_int_equal(instance_ask(in, 2, ANSWER_MS), 2);
    load_stop(&load);
    assert_true(is_logged(in, "the new face ended before it answered"));
}

static void a_second_wish_and_a_stop_end_a_check_that_does_not(void **state)
{
    struct instance *in = *state;

    install(in, NULL);
    write_word(in, "say", "nothing");
    assert_int_equal(kill(in->supervisor, SIGUSR2), 0);
    await_logged(in, "asking ");
    expect_reply(in, "upgrade", "an upgrade is under way already");
    /* The fixture stops it, and expects exit code 0. */
}

static void a_downgrade_is_refused_in_words(void **state)
{
    struct instance *in = *state;
    char line[512];

    install(in, NULL);
    assert_true(str_copy(line, sizeof(line), formats_line()));
    char *link = strstr(line, "hand-over=");
    assert_non_null(link);
    link[strlen("hand-over=")] = '0';
    write_word(in, "say", line);
    char reply[INSTANCE_REPLY_BYTES];
    instance_say(in, "upgrade", reply);
    assert_non_null(strstr(reply, "is a downgrade: it knows the hand-over format up to 0"));
    assert_int_equal(instance_state(in, "upgrades"), 0);
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
        return fake_face_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], FAKE_JUDGE_VERB) == 0)
        return fake_judge_main(argc, argv);
    if (argc == 5 && strcmp(argv[1], INSTANCE_SUPERVISOR_VERB) == 0)
        return instance_supervisor_main(argv);
    if (argc > 1 && strcmp(argv[1], INSTANCE_CHECK_VERB) == 0)
        return check_main();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(upgrade_after_upgrade_loses_no_query, start, stop),
        cmocka_unit_test_setup_teardown(an_idle_connection_ends_in_order, start, stop),
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
    };

    return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
