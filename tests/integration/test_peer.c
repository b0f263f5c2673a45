/* tests/integration/test_peer.c -- the same zone, the same questions, another server: NSD must
 * answer what answer() answers.  Not compared: the additional section but for glue, which is a
 * choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "tests/support/ask.h"
#include "tests/support/site.h"
#include "tests/support/skip.h"
#include "tests/support/tempdir.h"

#define NSD "build/peers/root/usr/sbin/nsd"
#define ANSWER_MS 1000
#define PAUSE_MS 50
#define OPT_BYTES 11
#define START_TRIES 200
#define RECORDS_MAX 64
#define TEXT_BYTES 32768

/* What the configuration gives, for NSD. */
static const char configured[] = "$ORIGIN dr.example.com.\n"
                                 "@ 60 SOA ns1 host\\.master.example.com. 100 30 10 1209600 5\n"
                                 "@ 3600 NS ns1\n"
                                 "@ 3600 NS ns.example.net.\n"
                                 "ns1 3600 A 192.0.2.53\n"
                                 "app 30 A 198.51.100.10\n"
                                 "app 30 AAAA 2001:db8::10\n"
                                 "use1.app 30 A 198.51.100.10\n"
                                 "use1.app 30 AAAA 2001:db8::10\n"
                                 "usw2.app 30 CNAME lb.example.net.\n";

static const char records[] = "$TTL 300\n"
                              "@ MX 10 mail\n"
                              "@ TXT \"one\" \"two\"\n"
                              "mail A 192.0.2.25\n"
                              "a.b.deep TXT deep\n"
                              "*.wild A 192.0.2.99\n"
                              "*.wild MX 5 mail\n"
                              "here.wild TXT here\n"
                              "x.ent.wild A 192.0.2.98\n"
                              "*.ent2 TXT w\n"
                              "sub.ent2 A 192.0.2.97\n"
                              "alias CNAME mail\n"
                              "alias2 CNAME alias\n"
                              "toapp CNAME app\n"
                              "away CNAME www.example.org.\n"
                              "nowhere CNAME missing\n"
                              "tosub CNAME www.sub\n"
                              "towild CNAME one.wild\n"
                              "todname CNAME mail.old\n"
                              "*.cwild CNAME mail\n"
                              "*.nwild CNAME x.y.missing\n"
                              "sub NS ns.sub\n"
                              "sub NS ns.other\n"
                              "sub NS ns.example.org.\n"
                              "ns.sub A 192.0.2.77\n"
                              "ns.other AAAA 2001:db8::77\n"
                              "other NS ns.other\n"
                              "deep.cut NS ns.sub\n"
                              "old DNAME deep2\n"
                              "mail.deep2 A 192.0.2.1\n"
                              "*.deep2 TXT wd\n"
                              "far DNAME example.org.\n"
                              "svc HTTPS 1 . alpn=h2\n"
                              "odd TYPE999 \\# 3 010203\n"
                              "_sip._tcp SRV 0 5 5060 mail\n";

static const char *const names[] = {
    "",           "mail",     "x.mail",   "deep",      "b.deep",      "a.b.deep", "wild",
    "*.wild",     "one.wild", "a.b.wild", "here.wild", "x.here.wild", "ent.wild", "x.ent.wild",
    "y.ent.wild", "*.*.wild", "x.*.wild", "ent2",      "q.ent2",      "sub.ent2", "z.sub.ent2",
    "alias",      "alias2",   "toapp",    "away",      "nowhere",     "tosub",    "towild",
    "todname",    "q.cwild",  "cwild",    "q.nwild",   "sub",         "www.sub",  "ns.sub",
    "a.b.sub",    "other",    "x.other",  "ns.other",  "cut",         "deep.cut", "x.deep.cut",
    "y.cut",      "old",      "mail.old", "no.old",    "a.b.old",     "deep2",    "mail.deep2",
    "far",        "x.far",    "a.b.far",  "svc",       "odd",         "_tcp",     "_sip._tcp",
    "none",       "x.none",   "*",        "app",       "x.app",       "use1.app", "usw2.app",
    "x.use1.app", "MAIL",     "oNe.WiLd",
};

static const uint16_t types[] = { 1, 2, 5, 6, 15, 16, 28, 33, 39, 43, 65, 999, 1000 };

/* The other server; stopped when the test has ended, however it did. */
static struct {
    pid_t pid; /* 0 = not running */
    int fd;    /* connected to it */
} peer;

static int open_socket(uint16_t *port)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(*port) };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (*port != 0) {
        assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    } else {
        assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
        *port = ntohs(addr.sin_port);
    }
    return fd;
}

static void write_files(const struct tempdir *dir, uint16_t port)
{
    struct buf b;
    struct err err;

    buf_init(&b, TEXT_BYTES);
    buf_printf(&b, "%s%s", configured, records);
    assert_int_equal(fsio_replace(tempdir_path(dir, "zone"), b.data, b.len, 0600, &err), 0);
    buf_reset(&b);
    buf_printf(&b,
               "server:\n  ip-address: 127.0.0.1@%u\n  username: \"\"\n  zonesdir: \"%s\"\n"
               "  database: \"\"\n  pidfile: \"%s/pid\"\n  xfrdfile: \"%s/xfrd\"\n"
               "  zonelistfile: \"%s/list\"\n  logfile: \"%s/log\"\n  minimal-responses: yes\n"
               "  rrl-ratelimit: 0\n"
               "remote-control:\n  control-enable: no\n"
               "zone:\n  name: dr.example.com\n  zonefile: zone\n",
               (unsigned)port, dir->path, dir->path, dir->path, dir->path, dir->path);
    assert_int_equal(fsio_replace(tempdir_path(dir, "conf"), b.data, b.len, 0600, &err), 0);
    buf_fini(&b);
}

/* The answer to a's query into a->out.  False if none comes. */
static bool ask_peer(struct ask *a)
{
    struct pollfd pfd = { .fd = peer.fd, .events = POLLIN };
    size_t question = a->query_len - 12 - (a->query[11] != 0 ? OPT_BYTES : 0);

    (void)send(peer.fd, a->query, a->query_len, 0);
    while (poll(&pfd, 1, ANSWER_MS) > 0) {
        ssize_t n = recv(peer.fd, a->out, sizeof(a->out), 0);

        if (n < 0)
            return false;
        a->out_len = (size_t)n;
        /* Not a late answer to the question before. */
        if (a->out_len >= 12 + question && memcmp(a->out + 12, a->query + 12, question) == 0)
            return true;
    }
    return false;
}

static void start_peer(const struct tempdir *dir, struct ask *a)
{
    uint16_t port = 0;
    int probe = open_socket(&port);
    char command[2 * PATH_MAX + 64];

    write_files(dir, port);
    close(probe);
    assert_true(str_format(command, sizeof(command),
                           ". build/peers/env; exec nsd -d -c %s/conf 2>%s/stderr", dir->path,
                           dir->path));
    peer.pid = fork();
    assert_true(peer.pid >= 0);
    if (peer.pid == 0) {
        (void)setpgid(0, 0);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    peer.fd = open_socket(&port);
    ask_make(a, "dr.example.com", 6);
    for (unsigned i = 0; i < START_TRIES; i++) {
        struct pollfd never = { .fd = -1 };

        if (ask_peer(a))
            return;
        (void)poll(&never, 1, PAUSE_MS);
    }
    fail_msg("nsd does not answer, see %s/log", dir->path);
}

static int stop_peer(void **state)
{
    int status;

    (void)state;
    if (peer.pid <= 0)
        return 0;
    (void)kill(-peer.pid, SIGTERM);
    (void)waitpid(peer.pid, &status, 0);
    close(peer.fd);
    peer.pid = 0;
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_section(struct buf *out, const ldns_rr_list *list)
{
    char *texts[RECORDS_MAX];
    size_t n = ldns_rr_list_rr_count(list);

    assert_true(n <= RECORDS_MAX);
    for (size_t i = 0; i < n; i++) {
        ldns_rr2canonical(ldns_rr_list_rr(list, i));
        texts[i] = ldns_rr2str(ldns_rr_list_rr(list, i));
        assert_non_null(texts[i]);
    }
    qsort(texts, n, sizeof(texts[0]), compare_texts);
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, texts[i]);
        free(texts[i]);
    }
    buf_puts(out, "--\n");
}

/* What matters of an answer, the same for every server that is right. */
static void describe(const struct ask *a, struct buf *out)
{
    ldns_pkt *pkt = NULL;
    bool is_referral;

    buf_reset(out);
    assert_int_equal(ldns_wire2pkt(&pkt, a->out, a->out_len), LDNS_STATUS_OK);
    is_referral = !ldns_pkt_aa(pkt);
    buf_printf(out, "rcode %d aa %d tc %d\n", (int)ldns_pkt_get_rcode(pkt), (int)ldns_pkt_aa(pkt),
               (int)ldns_pkt_tc(pkt));
    add_section(out, ldns_pkt_answer(pkt));
    add_section(out, ldns_pkt_authority(pkt));
    if (is_referral)
        add_section(out, ldns_pkt_additional(pkt));
    ldns_pkt_free(pkt);
}

static void compare_all(struct ask *a)
{
    struct buf ours, theirs;

    buf_init(&ours, TEXT_BYTES);
    buf_init(&theirs, TEXT_BYTES);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[HOSTNAME_BYTES];

        assert_true(str_format(name, sizeof(name), "%s%sdr.example.com", names[i],
                               names[i][0] == '\0' ? "" : "."));
        for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
            ask_make(a, name, types[k]);
            ask_add_opt(a, 1232, 0, false);
            (void)ask_send(a, false);
            describe(a, &ours);
            /* Once more if the machine was busy. */
            assert_true(ask_peer(a) || ask_peer(a));
            describe(a, &theirs);
            if (strcmp(buf_text(&ours), buf_text(&theirs)) != 0)
                fail_msg("%s type %u: ours\n%sNSD's\n%s", name, types[k], buf_text(&ours),
                         buf_text(&theirs));
        }
    }
    buf_fini(&ours);
    buf_fini(&theirs);
}

static void nsd_gives_the_same_answers(void **state)
{
    struct tempdir dir;
    struct settings *s;
    struct ask *a;

    (void)state;
    if (access(NSD, X_OK) != 0)
        SKIP_BECAUSE("no " NSD " (tests/support/peers.sh nsd fetches it)");
    s = site_new(records);
    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10 2001:db8::10",
                        "cname=lb.example.net");
    a = ask_new(s);
    ask_set_word(a, SITE_PROD, 1, 50);
    tempdir_init(&dir);
    start_peer(&dir, a);
    compare_all(a);
    (void)stop_peer(NULL);
    tempdir_fini(&dir);
    ask_free(a);
    settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nsd_gives_the_same_answers, stop_peer),
    };

    return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
