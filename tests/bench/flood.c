/* tests/bench/flood.c -- a bounded load for a DNS server on loopback: asks for the A records of
 * the names in a file, a fixed number of questions in flight, and checks every answer.
 * usage: flood PORT QUERIES NAMES_FILE [echo | PER_SECOND]
 * echo: the server sends every packet back.  PER_SECOND: no more than so many are asked.
 * Prints one line of key=value.  Exit code 1 if an answer was wrong or never came. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
#define WINDOW 128     /* questions in flight: fewer than a default receive buffer holds */
#define NAMES_MAX 1024 /* divides the 65,536 ids, so that an id always means the same name */
#define QUERY_BYTES 300
#define ANSWER_BYTES 1500
#define LOST_MS 1000 /* without any answer: what is in flight is lost */
#define BUFFER_BYTES (1 << 20)
#define HEADER_BYTES 12
#define OPT_BYTES 11

struct query {
    uint8_t bytes[QUERY_BYTES];
    size_t len;
    size_t question_len;
};

static struct query queries[NAMES_MAX];
static bool in_flight[UINT16_MAX + 1];
static bool is_echo;

static struct {
    unsigned long asked, answered, wrong, lost, strange;
} tally;

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Header, question, and the OPT record that every resolver sends. */
static bool make_query(struct query *q, const char *name)
{
    static const uint8_t opt[OPT_BYTES] = { 0, 0, 41, 1232 >> 8, 1232 & 0xff };
    size_t at = HEADER_BYTES;

    memset(q, 0, sizeof(*q));
    q->bytes[5] = 1;
    q->bytes[11] = 1;
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        if (label == 0 || label > 63 || at + label + 6 + OPT_BYTES > QUERY_BYTES)
            return false;
        q->bytes[at++] = (uint8_t)label;
        memcpy(q->bytes + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    at++;
    q->bytes[at + 1] = 1;
    q->bytes[at + 3] = 1;
    at += 4;
    q->question_len = at - HEADER_BYTES;
    memcpy(q->bytes + at, opt, OPT_BYTES);
    q->len = at + OPT_BYTES;
    return true;
}

static bool read_names(const char *path)
{
    char names[NAMES_MAX][QUERY_BYTES];
    size_t n = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return false;
    while (n < NAMES_MAX && fgets(names[n], sizeof(names[n]), file) != NULL) {
        names[n][strcspn(names[n], "\n")] = '\0';
        n += names[n][0] != '\0';
    }
    (void)fclose(file);
    for (size_t i = 0; i < NAMES_MAX && n > 0; i++) {
        if (!make_query(&queries[i], names[i % n]))
            return false;
    }
    return n > 0;
}

/* A right answer: NOERROR, authoritative, at least one record, to the question with its case. */
static bool is_right(const uint8_t *answer, size_t len, uint16_t id)
{
    const struct query *q = &queries[id % NAMES_MAX];

    if (is_echo)
        return len == q->len && memcmp(answer + 2, q->bytes + 2, len - 2) == 0;
    return len > q->len && (answer[2] & 0x84) == 0x84 && (answer[3] & 0x0f) == 0 &&
           (answer[6] != 0 || answer[7] != 0) &&
           memcmp(answer + HEADER_BYTES, q->bytes + HEADER_BYTES, q->question_len) == 0;
}

static void ask(int fd, unsigned n)
{
    static struct mmsghdr messages[BATCH];
    static struct iovec vectors[BATCH];
    static uint8_t bytes[BATCH][QUERY_BYTES];

    for (unsigned i = 0; i < n; i++) {
        uint16_t id = (uint16_t)(tally.asked + i);
        const struct query *q = &queries[id % NAMES_MAX];
        memcpy(bytes[i], q->bytes, q->len);
        bytes[i][0] = (uint8_t)(id >> 8);
        bytes[i][1] = (uint8_t)id;
        vectors[i] = (struct iovec){ .iov_base = bytes[i], .iov_len = q->len };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
        in_flight[id] = true;
    }
    int sent = sendmmsg(fd, messages, n, 0);
    for (unsigned i = sent > 0 ? (unsigned)sent : 0; i < n; i++)
        in_flight[(uint16_t)(tally.asked + i)] = false;
    tally.asked += sent > 0 ? (unsigned)sent : 0;
}

/* Takes what has come; waits for it at most wait_ms, and calls what is in flight lost after LOST_MS
 * without any answer. */
static void hear(int fd, int wait_ms)
{
    static double heard;
    static struct mmsghdr messages[BATCH];
    static struct iovec vectors[BATCH];
    static uint8_t bytes[BATCH][ANSWER_BYTES];
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){ .iov_base = bytes[i], .iov_len = ANSWER_BYTES };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
    }
    int n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
    if (n > 0 || heard <= 0)
        heard = seconds();
    if (n <= 0 && poll(&polled, 1, wait_ms) == 0 && seconds() - heard >= LOST_MS / 1e3) {
        heard = seconds();
        tally.lost += tally.asked - tally.answered;
        tally.answered = tally.asked; /* so that the window opens again */
        memset(in_flight, 0, sizeof(in_flight));
    }
    for (int i = 0; i < n; i++) {
        uint16_t id = (uint16_t)(bytes[i][0] << 8 | bytes[i][1]);
        if (messages[i].msg_len < HEADER_BYTES || !in_flight[id]) {
            tally.strange++;
            continue;
        }
        in_flight[id] = false;
        tally.answered++;
        tally.wrong += !is_right(bytes[i], messages[i].msg_len, id);
    }
}

static int open_socket(uint16_t port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int buffer_bytes = BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
    return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 ? fd : -1;
}

/* How many questions may be asked now: as many as the window has room for, or as the rate allows.
 */
static unsigned may_ask(unsigned long wanted, double per_second, double started)
{
    unsigned long flying = tally.asked - tally.answered;
    unsigned long left = wanted - tally.asked;
    double due = per_second > 0 ? (seconds() - started) * per_second - (double)tally.asked : BATCH;

    if (flying + BATCH > WINDOW || left == 0 || due < 1)
        return 0;
    return left < BATCH ? (unsigned)left : due < BATCH ? (unsigned)due : BATCH;
}

int main(int argc, char **argv)
{
    unsigned long port = argc >= 4 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long wanted = argc >= 4 ? strtoul(argv[2], NULL, 10) : 0;

    if (port == 0 || port > UINT16_MAX || wanted == 0) {
        (void)fprintf(stderr, "usage: flood PORT QUERIES NAMES_FILE [echo | PER_SECOND]\n");
        return 64;
    }
    is_echo = argc > 4 && strcmp(argv[4], "echo") == 0;
    double per_second = argc > 4 && !is_echo ? strtod(argv[4], NULL) : 0;
    int fd = open_socket((uint16_t)port);
    if (fd < 0 || !read_names(argv[3])) {
        perror("flood");
        return 1;
    }
    double start = seconds();
    while (tally.answered < wanted) {
        unsigned n = may_ask(wanted, per_second, start);
        if (n > 0)
            ask(fd, n);
        else
            hear(fd, per_second > 0 && tally.asked < wanted ? 0 : LOST_MS);
    }
    double took = seconds() - start;
    (void)printf("queries=%lu wrong=%lu lost=%lu strange=%lu seconds=%.3f per_second=%.0f\n",
                 tally.asked, tally.wrong, tally.lost, tally.strange, took,
                 (double)tally.asked / took);
    return tally.wrong + tally.lost > 0;
}
