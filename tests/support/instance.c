/* tests/support/instance.c -- starts, asks and stops; see the header. */
#include "tests/support/instance.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/formats.h"
#include "dnsflip/supervisor.h"
#include "tests/support/fake_judge.h"
#include "tests/support/zone.h"

#define HEADER_BYTES 12
#define QUESTION_TAIL_BYTES 5 /* root label, type, class */

/* The supervisor looks for the face beside this program, then in ../libexec/dnsflip: that is where
 * the build's one is made to be found. */
static void provide_face(void)
{
    char self[PATH_MAX / 2];
    char from[PATH_MAX];
    char to[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0'; /* BUILD/tests/integration */
    *strrchr(self, '/') = '\0'; /* BUILD/tests */
    assert_true(str_format(to, sizeof(to), "%s/libexec", self));
    (void)mkdir(to, 0755);
    assert_true(str_format(to, sizeof(to), "%s/libexec/dnsflip", self));
    (void)mkdir(to, 0755);
    assert_true(str_format(to, sizeof(to), "%s/libexec/dnsflip/dnsflip-face", self));
    *strrchr(self, '/') = '\0'; /* BUILD */
    assert_true(str_format(from, sizeof(from), "%s/dnsflip-face", self));
    assert_int_equal(access(from, X_OK), 0);
    assert_true(symlink(from, to) == 0 || errno == EEXIST);
}

/* Free for TCP and for UDP, a moment ago. */
static uint16_t free_port(void)
{
    bool is_free = false;
    struct sockaddr_in sa;
    socklen_t len = sizeof(sa);

    while (!is_free) {
        int tcp = socket(AF_INET, SOCK_STREAM, 0);
        int udp = socket(AF_INET, SOCK_DGRAM, 0);
        sa = (struct sockaddr_in){ .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        assert_int_equal(bind(udp, (struct sockaddr *)&sa, sizeof(sa)), 0);
        assert_int_equal(getsockname(udp, (struct sockaddr *)&sa, &len), 0);
        is_free = bind(tcp, (struct sockaddr *)&sa, sizeof(sa)) == 0;
        assert_int_equal(close(tcp), 0);
        assert_int_equal(close(udp), 0);
    }
    return ntohs(sa.sin_port);
}

/* Puts text over a file of /etc, for this process and what it starts. */
static bool overlay(const struct instance *in, const char *name, const char *path, const char *text)
{
    const char *mine = tempdir_path(&in->dir, name);
    FILE *file = fopen(mine, "w");

    if (file == NULL)
        return false;
    bool is_written = fputs(text, file) >= 0;
    return fclose(file) == 0 && is_written && mount(mine, path, NULL, MS_BIND, NULL) == 0;
}

static bool make_users(const struct instance *in)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           overlay(in, "passwd", "/etc/passwd",
                   "root:x:0:0::/root:/bin/sh\n"
                   "dnsflip:x:64101:64101::/:/usr/sbin/nologin\n"
                   "dnsflip-face:x:64102:64102::/:/usr/sbin/nologin\n") &&
           overlay(in, "group", "/etc/group",
                   "root:x:0:\ndnsflip:x:64101:\ndnsflip-face:x:64102:\n");
}

/* Whose supervisor it is. */
enum instance_kind {
    ONE_USER,  /* all are who we are */
    ROOT,      /* judge and face become others */
    A_SERVICE, /* so too, but it is no root: it has the capabilities that it needs, ambient */
};

/* As a unit with User=, AmbientCapabilities= and NoNewPrivileges= does. */
static bool become_service(const struct instance *in)
{
    static const unsigned long kept[] = { CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID, CAP_KILL };
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { .permitted = 0 } };
    bool is_done = chown(in->dir.path, INSTANCE_JUDGE_UID, INSTANCE_JUDGE_UID) == 0 &&
                   prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0 &&
                   setresgid(INSTANCE_JUDGE_UID, INSTANCE_JUDGE_UID, INSTANCE_JUDGE_UID) == 0 &&
                   setresuid(INSTANCE_JUDGE_UID, INSTANCE_JUDGE_UID, INSTANCE_JUDGE_UID) == 0;

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        data[0].permitted |= UINT32_C(1) << kept[i];
    data[0].effective = data[0].inheritable = data[0].permitted;
    is_done = is_done && syscall(SYS_capset, &header, data) == 0 &&
              prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        is_done = is_done && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0) == 0;
    return is_done;
}

/* The last part of the path of the control socket is replaced. */
static void path_beside(char out[PATH_MAX], const char *control, const char *name)
{
    assert_true(str_format(out, PATH_MAX, "%.*s/%s", (int)(strrchr(control, '/') - control),
                           control, name));
}

static int supervise(const char *control, const char *port, const char *how, bool single_user)
{
    char path[PATH_MAX];
    struct err err;
    const char *judge[] = { "dnsflip", FAKE_JUDGE_VERB, control, port, how, NULL };
    const char *check[] = { "dnsflip", INSTANCE_CHECK_VERB, control, NULL };
    char *again[] = { strdup("dnsflip"),
                      strdup(INSTANCE_SUPERVISOR_VERB),
                      strdup(control),
                      strdup(port),
                      strdup(how),
                      strdup(single_user ? "one-user" : "users"),
                      NULL };
    struct supervisor_options o = { .judge_argv = judge,
                                    .single_user = single_user,
                                    .path = path,
                                    .formats = formats_line(),
                                    .argv = again,
                                    .check_argv = check };

    path_beside(path, control, "bin/dnsflip");
    int code = supervisor_run(&o, &err);
    if (code < 0)
        (void)fprintf(stderr, "supervisor_run: %s\n", err.text);
    for (size_t i = 0; again[i] != NULL; i++)
        free(again[i]);
    return code < 0 ? EXIT_FAILURE : code;
}

int instance_supervisor_main(char **argv)
{
    return supervise(argv[2], argv[3], argv[4], strcmp(argv[5], "one-user") == 0);
}

static void run_supervisor(const struct instance *in, const char *how, enum instance_kind kind)
{
    char port[8];
    int log = open(tempdir_path(&in->dir, "log"), O_WRONLY | O_CREAT | O_APPEND, 0600);

    (void)str_format(port, sizeof(port), "%u", in->port);
    if ((kind != ONE_USER && !make_users(in)) || (kind == A_SERVICE && !become_service(in)))
        _exit(INSTANCE_NO_USERS);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing outlives a test program that is killed */
    (void)dup2(log, STDERR_FILENO);
    (void)close(log);
    exit(supervise(in->control, port, how, kind == ONE_USER));
}

static void show_log(const struct instance *in)
{
    char line[1024];
    FILE *log = fopen(tempdir_path(&in->dir, "log"), "r");

    while (log != NULL && fgets(line, sizeof(line), log) != NULL)
        (void)fprintf(stderr, "%s", line);
    if (log != NULL)
        (void)fclose(log);
}

static void start(struct instance *in, const char *how, enum instance_kind kind)
{
    provide_face();
    tempdir_init(&in->dir);
    in->port = free_port();
    assert_true(str_copy(in->control, sizeof(in->control), tempdir_path(&in->dir, "control")));
    (void)fflush(stdout);
    in->supervisor = fork();
    assert_true(in->supervisor >= 0);
    if (in->supervisor == 0)
        run_supervisor(in, how, kind);
}

static bool has_ended(const struct instance *in)
{
    siginfo_t dead = { .si_pid = 0 };

    return waitid(P_PID, (id_t)in->supervisor, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           dead.si_pid != 0;
}

static void await_start(const struct instance *in)
{
    int cluster = -1;
    struct mono end = mono_add(mono_now(), INSTANCE_WAIT_MS);

    while (cluster < 0 && mono_since(end, mono_now()) > 0 && !has_ended(in))
        cluster = instance_ask(in, 0, 50);
    if (cluster != 1)
        show_log(in);
    assert_int_equal(cluster, 1);
    (void)instance_state(in, "generation"); /* the judge has heard that its pair is adopted */
}

void instance_start(struct instance *in, const char *how)
{
    start(in, how, ONE_USER);
    if (strcmp(how, "serve") == 0)
        await_start(in);
}

static bool start_as(struct instance *in, enum instance_kind kind)
{
    int cluster = -1;

    start(in, "serve", kind);
    while (cluster < 0 && !has_ended(in))
        cluster = instance_ask(in, 0, 50);
    if (cluster < 0 && instance_await_end(in) == INSTANCE_NO_USERS)
        return false;
    await_start(in);
    return true;
}

bool instance_start_as_users(struct instance *in)
{
    return start_as(in, ROOT);
}

bool instance_start_as_service(struct instance *in)
{
    return start_as(in, A_SERVICE);
}

int instance_await_end(struct instance *in)
{
    int status = 0;

    assert_int_equal(waitpid(in->supervisor, &status, 0), in->supervisor);
    if (getenv("DNSFLIP_TEST_LOG") != NULL)
        show_log(in);
    tempdir_fini(&in->dir);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int instance_stop(struct instance *in)
{
    (void)kill(in->supervisor, SIGTERM);
    return instance_await_end(in);
}

/* Until the other side ends; "" if it cannot be reached. */
void instance_say(const struct instance *in, const char *line, char reply[INSTANCE_REPLY_BYTES])
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    size_t n = 0;
    ssize_t got = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(str_copy(sa.sun_path, sizeof(sa.sun_path), in->control));
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
        send(fd, line, strlen(line), MSG_NOSIGNAL) > 0) {
        while ((got = recv(fd, reply + n, INSTANCE_REPLY_BYTES - 1 - n, 0)) > 0)
            n += (size_t)got;
    }
    reply[n] = '\0';
    (void)close(fd);
}

uint64_t instance_state(const struct instance *in, const char *key)
{
    char reply[INSTANCE_REPLY_BYTES];
    char wanted[32];
    struct mono end = mono_add(mono_now(), INSTANCE_WAIT_MS);

    assert_true(str_format(wanted, sizeof(wanted), "%s=", key));
    do {
        instance_say(in, "state", reply);
        const char *found = strstr(reply, wanted);
        if (found != NULL)
            return strtoull(found + strlen(wanted), NULL, 10);
        (void)poll(NULL, 0, 5);
    } while (mono_since(end, mono_now()) > 0);
    fail_msg("no judge told its %s", key);
    return 0;
}

pid_t instance_face(const struct instance *in)
{
    char path[128];
    char text[512] = "";
    char comm[32];

    (void)str_format(path, sizeof(path), "/proc/%d/task/%d/children", (int)in->supervisor,
                     (int)in->supervisor);
    FILE *children = fopen(path, "r");
    assert_non_null(children);
    const char *at = fgets(text, sizeof(text), children);
    (void)fclose(children);
    while (at != NULL && *at != '\0') {
        char *end = NULL;
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        at = end;
        (void)str_format(path, sizeof(path), "/proc/%ld/comm", pid);
        FILE *file = fopen(path, "r");
        bool is_face = file != NULL && fgets(comm, sizeof(comm), file) != NULL &&
                       strcmp(comm, "dnsflip-face\n") == 0;
        if (file != NULL)
            (void)fclose(file);
        if (is_face)
            return (pid_t)pid;
    }
    return 0;
}

size_t instance_query(uint8_t out[INSTANCE_QUERY_BYTES], uint16_t id, unsigned i)
{
    static const uint8_t tail[] = { 4, 'f', 'l', 'i', 'p', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1 };
    char label[16];
    size_t n = HEADER_BYTES;

    assert_true(str_format(label, sizeof(label), "n%u", i % FAKE_JUDGE_NAMES));
    memset(out, 0, INSTANCE_QUERY_BYTES);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
    out[5] = 1;
    out[n++] = (uint8_t)strlen(label);
    for (const char *c = label; *c != '\0'; c++)
        out[n++] = (uint8_t)*c;
    memcpy(out + n, tail, sizeof(tail));
    return n + sizeof(tail);
}

int instance_cluster(const uint8_t *answer, size_t len, uint16_t id)
{
    static const char *const clusters[] = { ZONE_FIRST_CLUSTER, ZONE_SECOND_CLUSTER };
    size_t at = HEADER_BYTES;

    if (len < HEADER_BYTES || (answer[0] << 8 | answer[1]) != id || (answer[2] & 0x84) != 0x84 ||
        (answer[3] & 0x0f) != 0 || answer[7] != 1)
        return 0;
    while (at < len && answer[at] != 0)
        at += 1U + answer[at];
    at += QUESTION_TAIL_BYTES + 12; /* and the record up to its data: its name is a pointer */
    if (at + 4 > len)
        return 0;
    for (int i = 0; i < 2; i++) {
        struct in_addr ip;
        if (inet_pton(AF_INET, clusters[i], &ip) == 1 && memcmp(&ip, answer + at, 4) == 0)
            return i + 1;
    }
    return 0;
}

static struct sockaddr_in server_address(const struct instance *in)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(in->port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int instance_ask(const struct instance *in, unsigned i, int wait_ms)
{
    struct sockaddr_in sa = server_address(in);
    struct mono end = mono_add(mono_now(), wait_ms);
    uint8_t query[INSTANCE_QUERY_BYTES];
    uint8_t answer[1500];
    uint16_t id = (uint16_t)(i * 7919U + 1);
    size_t n = instance_query(query, id, i);
    int cluster = -1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    while (cluster < 0 && mono_since(end, mono_now()) > 0) {
        struct pollfd polled = { .fd = fd, .events = POLLIN };
        /* Refused at once: the socket is not bound yet.  Then the question has to be repeated. */
        if (send(fd, query, n, 0) < 0) {
            (void)poll(NULL, 0, 1);
            continue;
        }
        if (poll(&polled, 1, (int)mono_since(end, mono_now())) <= 0)
            break;
        ssize_t got = recv(fd, answer, sizeof(answer), 0);
        if (got >= 0)
            cluster = instance_cluster(answer, (size_t)got, id);
    }
    (void)close(fd);
    return cluster;
}

int instance_connect(const struct instance *in, const char *source)
{
    struct sockaddr_in sa = server_address(in);
    struct sockaddr_in from = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    if (source != NULL) {
        assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
        assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    }
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

static int read_whole(int fd, uint8_t *out, size_t n, struct mono end)
{
    size_t have = 0;

    while (have < n) {
        struct pollfd polled = { .fd = fd, .events = POLLIN };
        int64_t left_ms = mono_since(end, mono_now());
        if (poll(&polled, 1, left_ms > 0 ? (int)left_ms : 0) <= 0)
            return -1;
        ssize_t got = recv(fd, out + have, n - have, 0);
        if (got <= 0)
            return 0;
        have += (size_t)got;
    }
    return 1;
}

int instance_read(int fd, uint8_t *out, size_t cap, int wait_ms)
{
    struct mono end = mono_add(mono_now(), wait_ms);
    uint8_t prefix[2];
    int got = read_whole(fd, prefix, sizeof(prefix), end);

    if (got <= 0)
        return got;
    size_t n = (size_t)prefix[0] << 8 | prefix[1];
    assert_true(n <= cap);
    got = read_whole(fd, out, n, end);
    return got <= 0 ? got : (int)n;
}
